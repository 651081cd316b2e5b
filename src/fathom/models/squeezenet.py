"""SqueezeNet."""

from .. import nn
from ..functional.joining import cat
from ..tensor import Tensor

__all__ = ["SqueezeNet", "squeezenet1_0", "squeezenet1_1"]

# Of the versions 1.0 and 1.1: the first convolution, and after it the channels to which each fire
# module squeezes and those of each of its two expansions; None stands for pooling.
_FIRST = {"1.0": (96, 7), "1.1": (64, 3)}
_FIRES: dict[str, tuple[tuple[int, int] | None, ...]] = {
    "1.0": (
        None, (16, 64), (16, 64), (32, 128), None,
        (32, 128), (48, 192), (48, 192), (64, 256), None, (64, 256),
    ),
    "1.1": (
        None, (16, 64), (16, 64), None, (32, 128), (32, 128), None,
        (48, 192), (48, 192), (64, 256), (64, 256),
    ),
}  # fmt: skip


class Fire(nn.Module):
    """A 1×1 convolution to few channels, then a 1×1 and a 3×3 one side by side.

    Args:
        in_channels: the channels that come in.
        squeezed: the channels of the first convolution.
        expanded: those of each of the others; twice as many go out.
    """

    def __init__(self, in_channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.squeeze(x))
        return cat([self.relu(self.expand1x1(x)), self.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """SqueezeNet: the accuracy of AlexNet with a fiftieth of its parameters.

    Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer, "SqueezeNet" (2016), table 1; version 1.1
    is its authors' later and faster one. The names and shapes of the parameters are
    torchvision's.

    Args:
        version: ``"1.0"`` or ``"1.1"``.
        num_classes: the number of classes.
        in_channels: the number of the image's channels.
        dropout: the share of the features dropped in training.

    The input has shape (N, in_channels, height, width), with height and width 21 at least; the
    output, (N, num_classes), holds logits, none of which is negative.
    """

    def __init__(
        self,
        version: str = "1.0",
        num_classes: int = 1000,
        in_channels: int = 3,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        channels, size = _FIRST[version]
        layers: list[nn.Module] = [nn.Conv2d(in_channels, channels, size, stride=2), nn.ReLU()]
        for fire in _FIRES[version]:
            if fire is None:
                layers.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
            else:
                layers.append(Fire(channels, *fire))
                channels = 2 * fire[1]
        self.features = nn.Sequential(*layers)
        last = nn.Conv2d(channels, num_classes, 1)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), last, nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is last:
                    nn.init.normal_(module.weight, 0, 0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images)).flatten(1)


def squeezenet1_0(num_classes: int = 1000, in_channels: int = 3) -> SqueezeNet:
    """SqueezeNet as in the paper; see `SqueezeNet`."""
    return SqueezeNet("1.0", num_classes, in_channels)


def squeezenet1_1(num_classes: int = 1000, in_channels: int = 3) -> SqueezeNet:
    """SqueezeNet 1.1, with less than half the arithmetic; see `SqueezeNet`."""
    return SqueezeNet("1.1", num_classes, in_channels)
