"""Models by name."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from .. import nn
from ..naming import look_up
from .darknet import darknet19, darknet53
from .densenet import densenet121
from .efficientnet import efficientnet_b0
from .errors import ModelError
from .mlp import mlp
from .mobilenet import mobilenet_v2
from .resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from .small import lenet5, small_cnn
from .squeezenet import squeezenet1_0, squeezenet1_1
from .vgg import vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn

__all__ = ["create", "names", "options_for_images"]

_MODELS: dict[str, Callable[..., nn.Module]] = {
    model.__name__: model
    for model in (
        mlp,
        lenet5,
        small_cnn,
        vgg11,
        vgg13,
        vgg16,
        vgg19,
        vgg11_bn,
        vgg13_bn,
        vgg16_bn,
        vgg19_bn,
        resnet18,
        resnet34,
        resnet50,
        resnet101,
        resnet152,
        mobilenet_v2,
        squeezenet1_0,
        squeezenet1_1,
        densenet121,
        efficientnet_b0,
        darknet19,
        darknet53,
    )
}

# Up to this side, models with a form for small images are built in that form.
_SMALL = 64


def names() -> list[str]:
    """The names under which `create` finds a model."""
    return list(_MODELS)


def create(name: str, **options: Any) -> nn.Module:
    """Build a model by name: ``create("resnet18", num_classes=10)``.

    Args:
        name: one of `names`.
        options: the model's own arguments.

    Raises:
        UnknownNameError: there is no model of that name; the nearest names are offered.
        ModelError: the model does not have one of the options.
    """
    build = look_up("model", name, _MODELS)
    known = inspect.signature(build).parameters
    for option in options:
        if option not in known:
            raise ModelError(
                f"{build.__name__} has no option {option!r}; it has {', '.join(known)}"
            )
    return build(**options)


def options_for_images(
    name: str, image_shape: Sequence[int], num_classes: int, **options: Any
) -> dict[str, Any]:
    """The options with which `create` builds a model that fits a data set of images.

    Args:
        name: one of `names`.
        image_shape: channels, height and width of one image.
        num_classes: the number of classes.
        options: options that are chosen already; they stay as they are.

    Raises:
        UnknownNameError: there is no model of that name; the nearest names are offered.
        ModelError: the model needs square images.
    """
    channels, height, width = image_shape
    known = inspect.signature(look_up("model", name, _MODELS)).parameters
    if "image_size" in known and height != width:
        raise ModelError(f"{name} needs square images, got {height}×{width}")
    fitting = {
        "sizes": [channels * height * width, 128, num_classes],
        "num_classes": num_classes,
        "in_channels": channels,
        "image_size": height,
        "small_images": max(height, width) <= _SMALL,
    }
    return {option: value for option, value in fitting.items() if option in known} | options
