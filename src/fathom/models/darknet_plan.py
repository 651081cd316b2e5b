"""From the sections of a ``.cfg`` to layers: shapes and sizes first, then the layers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..formats.darknet import Section
from ..naming import UnknownNameError, look_up
from . import darknet_layers as layers
from .darknet_layers import ACTIVATIONS, Layer
from .errors import ModelError

# Channels, height and width; or the number of features.
Shape = tuple[int, ...]

_MOST = 1 << 20
# More than any of Darknet's networks has by far.
_MOST_NUMBERS = 1 << 30


@dataclass(frozen=True)
class LayerPlan:
    """A layer that is still to be made.

    Attributes:
        make: makes it.
        shape: of what goes out for each image.
        numbers: how many numbers a ``.weights`` file holds for it.
        sources: the numbers of the earlier layers that it looks at.
        is_flipped: whether the file has its weights input by input.
    """

    make: Callable[[], Layer]
    shape: Shape
    numbers: int = 0
    sources: list[int] = field(default_factory=list)
    is_flipped: bool = False


@dataclass(frozen=True)
class NetworkPlan:
    """All layers of a network, and the shape of the images that it takes."""

    input_shape: Shape
    layers: list[LayerPlan]


class Options:
    """The options of a section, read as numbers; errors say where.

    Args:
        section: the section.
        number: which layer it is; None for the first section.
    """

    def __init__(self, section: Section, number: int | None) -> None:
        self.section = section
        self.number = number

    def fail(self, message: str) -> ModelError:
        """An error about this section, to be raised."""
        where = "" if self.number is None else f", layer {self.number}"
        line = f" (line {self.section.line})" if self.section.line else ""
        return ModelError(f"[{self.section.name}]{line}{where}: {message}")

    def whole(self, name: str, default: int | None = None, least: int = 1) -> int:
        """A whole number from `least` to a million."""
        text = self.section.options.get(name)
        if text is None:
            if default is None:
                raise self.fail(f"the option {name!r} is missing")
            return default
        try:
            value = int(text[:40])
        except ValueError:
            raise self.fail(f"{name}={text[:40]} is no whole number") from None
        if not least <= value <= _MOST:
            raise self.fail(f"{name}={value} is not from {least} to {_MOST}")
        return value

    def real(self, name: str, default: float) -> float:
        """A finite number."""
        text = self.section.options.get(name, str(default))
        try:
            value = float(text[:40])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.fail(f"{name}={text[:40]} is no number")
        return value

    def activation(self, default: str = "logistic") -> str:
        """The name of an activation."""
        name = self.section.options.get("activation", default)
        if name not in ACTIVATIONS:
            raise self.fail(
                f"there is no activation {name[:40]!r}; there are {', '.join(sorted(ACTIVATIONS))}"
            )
        return name

    def layers(self, name: str) -> list[int]:
        """The numbers of earlier layers; negative ones count back from this one."""
        text = self.section.options.get(name)
        if text is None:
            raise self.fail(f"the option {name!r} is missing")
        assert self.number is not None
        found = []
        for part in text.split(","):
            try:
                index = int(part[:40])
            except ValueError:
                raise self.fail(f"{name}={text[:40]} are no numbers of layers") from None
            source = index + self.number if index < 0 else index
            if not 0 <= source < self.number:
                raise self.fail(f"{name}={text[:40]}: there is no layer {index} before it")
            found.append(source)
        return found


def plan_network(sections: Sequence[Section]) -> NetworkPlan:
    """What the sections of a ``.cfg`` describe, with all that can be wrong about it.

    Raises:
        ModelError: a section is unknown, or does not fit to those before.
    """
    if not sections or sections[0].name not in ("net", "network"):
        raise ModelError("a .cfg must begin with [net], which says how large the images are")
    net = Options(sections[0], None)
    if "inputs" in sections[0].options and "height" not in sections[0].options:
        shape: Shape = (net.whole("inputs"),)
    else:
        shape = (net.whole("channels", 3), net.whole("height"), net.whole("width"))
    plans: list[LayerPlan] = []
    current, total = shape, 0
    for number, section in enumerate(sections[1:]):
        options = Options(section, number)
        try:
            plan = look_up("section of a .cfg", section.name[:40], _SECTIONS)
        except UnknownNameError as error:
            raise options.fail(str(error)) from None
        found = plan(options, current, plans)
        if min(found.shape) < 1 or math.prod(found.shape) > _MOST_NUMBERS:
            raise options.fail(f"images of shape {current} do not fit: {found.shape} would go out")
        plans.append(found)
        current = found.shape
        total += found.numbers
        if total > _MOST_NUMBERS:
            raise options.fail(f"the network has more than {_MOST_NUMBERS} numbers")
    return NetworkPlan(shape, plans)


def _image(options: Options, shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise options.fail(f"the layer before must give images, not {shape[0]} features")
    channels, height, width = shape
    return channels, height, width


def _convolutional(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    channels, height, width = _image(options, shape)
    filters, size = options.whole("filters", 1), options.whole("size", 1)
    stride, groups = options.whole("stride", 1), options.whole("groups", 1)
    padding = options.whole("padding", 0, least=0)
    if options.whole("pad", 0, least=0):
        padding = size // 2
    if options.whole("binary", 0, least=0) or options.whole("xnor", 0, least=0):
        raise options.fail("binary and xnor convolutions are not known")
    if channels % groups or filters % groups:
        raise options.fail(f"groups={groups} does not divide {channels} channels and {filters}")
    normalize = bool(options.whole("batch_normalize", 0, least=0))
    make = partial(
        layers.Convolutional,
        channels,
        filters,
        size,
        stride,
        padding,
        groups,
        normalize,
        options.activation(),
    )
    return LayerPlan(
        make,
        (filters, *((n + 2 * padding - size) // stride + 1 for n in (height, width))),
        filters * (1 + 3 * normalize + channels // groups * size * size),
        is_flipped=bool(options.whole("flipped", 0, least=0)),
    )


def _connected(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    inputs, outputs = math.prod(shape), options.whole("output", 1)
    normalize = bool(options.whole("batch_normalize", 0, least=0))
    make = partial(layers.Connected, inputs, outputs, normalize, options.activation())
    return LayerPlan(make, (outputs,), outputs * (1 + 3 * normalize + inputs))


def _local(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    channels, height, width = _image(options, shape)
    filters, size = options.whole("filters", 1), options.whole("size", 1)
    stride = options.whole("stride", 1)
    padding = min(options.whole("pad", 0, least=0), 1)
    if padding and size not in (2, 3):
        raise options.fail("with pad=1 Darknet computes size=3 only as one expects")
    tall, wide = ((n - (1 if padding else size)) // stride + 1 for n in (height, width))
    make = partial(
        layers.Local, channels, filters, tall, wide, size, stride, padding, options.activation()
    )
    numbers = tall * wide * filters * (1 + channels * size * size)
    return LayerPlan(make, (filters, tall, wide), numbers)


def _batchnorm(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    return LayerPlan(partial(layers.Batchnorm, shape[0]), shape, 3 * shape[0])


def _maxpool(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    channels, height, width = _image(options, shape)
    stride = options.whole("stride", 1)
    size = options.whole("size", stride)
    padding = options.whole("padding", size - 1, least=0)
    out = [(n + padding - size) // stride + 1 for n in (height, width)]
    return LayerPlan(partial(layers.Maxpool, size, stride, padding), (channels, *out))


def _avgpool(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    return LayerPlan(layers.Avgpool, (_image(options, shape)[0], 1, 1))


def _shortcut(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    sources = options.layers("from")
    if len(sources) != 1 or before[sources[0]].shape != shape:
        found = [before[source].shape for source in sources]
        raise options.fail(f"adds {found} to {shape}; one layer of the same shape can be added")
    make = partial(
        layers.Shortcut,
        sources[0],
        options.real("alpha", 1),
        options.real("beta", 1),
        options.activation("linear"),
    )
    return LayerPlan(make, shape, sources=sources)


def _route(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    sources = options.layers("layers")
    shapes = [before[source].shape for source in sources]
    if len({found[1:] for found in shapes}) > 1:
        raise options.fail(f"layers of different sizes cannot be joined: {shapes}")
    channels = sum(found[0] for found in shapes)
    return LayerPlan(partial(layers.Route, sources), (channels, *shapes[0][1:]), sources=sources)


def _upsample(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    channels, height, width = _image(options, shape)
    stride = options.whole("stride", 2)
    make = partial(layers.Upsample, stride, options.real("scale", 1))
    return LayerPlan(make, (channels, height * stride, width * stride))


def _softmax(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    if "tree" in options.section.options:
        raise options.fail("trees of classes are not known")
    groups, is_spatial = options.whole("groups", 1), options.real("spatial", 0) != 0
    features, temperature = math.prod(shape), options.real("temperature", 1)
    if features % groups or temperature == 0 or (is_spatial and groups != 1):
        raise options.fail(f"groups={groups}, temperature={temperature} do not fit {shape}")
    make = partial(layers.Softmax, groups, temperature, is_spatial)
    return LayerPlan(make, shape if is_spatial else (features,))


def _dropout(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    probability = options.real("probability", 0.5)
    if not 0 <= probability <= 1:
        raise options.fail(f"probability={probability} is not from 0 to 1")
    return LayerPlan(partial(layers.Dropout, probability), shape)


def _cost(options: Options, shape: Shape, before: list[LayerPlan]) -> LayerPlan:
    return LayerPlan(layers.Cost, shape)


_SECTIONS: dict[str, Callable[[Options, Shape, list[LayerPlan]], LayerPlan]] = {
    "convolutional": _convolutional,
    "conv": _convolutional,
    "connected": _connected,
    "conn": _connected,
    "local": _local,
    "batchnorm": _batchnorm,
    "maxpool": _maxpool,
    "max": _maxpool,
    "avgpool": _avgpool,
    "avg": _avgpool,
    "shortcut": _shortcut,
    "route": _route,
    "upsample": _upsample,
    "softmax": _softmax,
    "soft": _softmax,
    "dropout": _dropout,
    "cost": _cost,
}
