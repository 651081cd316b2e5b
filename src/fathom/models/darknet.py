"""Darknet-19 and Darknet-53."""

from .. import nn
from ..tensor import Tensor

__all__ = ["Darknet19", "Darknet53", "darknet19", "darknet53"]

# The kernels and channels of Darknet-19's convolutions; None stands for pooling.
_DARKNET_19 = (
    (3, 32), None, (3, 64), None, (3, 128), (1, 64), (3, 128), None,
    (3, 256), (1, 128), (3, 256), None,
    (3, 512), (1, 256), (3, 512), (1, 256), (3, 512), None,
    (3, 1024), (1, 512), (3, 1024), (1, 512), (3, 1024),
)  # fmt: skip


class Convolution(nn.Sequential):
    """A convolution without bias, batch normalization, and a leaky ReLU of slope 0.1.

    Args:
        in_channels: the channels that come in.
        out_channels: the channels that go out.
        kernel_size: the side of the kernel.
        stride: its step.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.LeakyReLU(0.1),
        )


class Residual(nn.Module):
    """A 1×1 convolution to half the channels, a 3×3 one back, and a shortcut around them.

    Args:
        channels: the channels that come in and go out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = Convolution(channels, channels // 2, 1)
        self.expand = Convolution(channels // 2, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.expand(self.reduce(x))


class Darknet19(nn.Module):
    """Darknet-19: 19 convolutions, and no linear layer.

    Redmon and Farhadi, "YOLO9000: Better, faster, stronger" (2017), table 6. The parameters
    come in the order in which Darknet's files hold them; see `load_darknet_weights`.

    Args:
        num_classes: the number of classes.
        in_channels: the number of the image's channels.

    The input has shape (N, in_channels, height, width), with height and width multiples of
    32 (224 in the paper); the output, (N, num_classes), holds logits.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for convolution in _DARKNET_19:
            if convolution is None:
                layers.append(nn.MaxPool2d(2))
            else:
                size, out_channels = convolution
                layers.append(Convolution(channels, out_channels, size))
                channels = out_channels
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Conv2d(channels, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images)).mean((2, 3))


class Darknet53(nn.Module):
    """Darknet-53: 52 convolutions and a linear layer, with shortcuts.

    Redmon and Farhadi, "YOLOv3: An incremental improvement" (2018), table 1. The parameters
    come in the order in which Darknet's files hold them; see `load_darknet_weights`.

    Args:
        num_classes: the number of classes.
        in_channels: the number of the image's channels.

    The input has shape (N, in_channels, height, width), with height and width multiples of
    32 (256 in the paper); the output, (N, num_classes), holds logits.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = [Convolution(in_channels, 32, 3)]
        channels = 32
        for count in (1, 2, 8, 8, 4):
            layers.append(Convolution(channels, 2 * channels, 3, stride=2))
            channels *= 2
            layers += [Residual(channels) for _ in range(count)]
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(images)).flatten(1))


def darknet19(num_classes: int = 1000, in_channels: int = 3) -> Darknet19:
    """Darknet-19; see `Darknet19`."""
    return Darknet19(num_classes, in_channels)


def darknet53(num_classes: int = 1000, in_channels: int = 3) -> Darknet53:
    """Darknet-53; see `Darknet53`."""
    return Darknet53(num_classes, in_channels)
