"""MobileNetV2."""

from .. import nn
from ..tensor import Tensor
from .blocks import ConvolutionBlock

__all__ = ["MobileNetV2", "mobilenet_v2"]

# The paper's table 2: expansion, channels, number of blocks, stride of the first.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_FIRST, _LAST = 32, 1280


class InvertedResidual(nn.Module):
    """A 1×1 convolution to more channels, one for each channel, and a 1×1 one to few.

    Args:
        in_channels, out_channels: the channels that come in and go out.
        stride: the step of the convolution in the middle.
        expansion: how many times more channels there are in the middle.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = in_channels * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(ConvolutionBlock(in_channels, middle, 1, activation=nn.ReLU6))
        layers += [
            ConvolutionBlock(middle, middle, 3, stride, groups=middle, activation=nn.ReLU6),
            nn.Conv2d(middle, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        ]
        self.conv = nn.Sequential(*layers)
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.has_shortcut else self.conv(x)


class MobileNetV2(nn.Module):
    """MobileNetV2.

    Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted residuals and linear
    bottlenecks" (2018), table 2. The names and shapes of the parameters are torchvision's.

    Args:
        num_classes: the number of classes.
        in_channels: the number of the image's channels.
        dropout: the share of the features dropped in training.

    The input has shape (N, in_channels, height, width); the output, (N, num_classes), holds
    logits.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            ConvolutionBlock(in_channels, _FIRST, 3, stride=2, activation=nn.ReLU6)
        ]
        channels = _FIRST
        for expansion, out_channels, count, stride in _STAGES:
            for number in range(count):
                step = stride if number == 0 else 1
                layers.append(InvertedResidual(channels, out_channels, step, expansion))
                channels = out_channels
        layers.append(ConvolutionBlock(channels, _LAST, 1, activation=nn.ReLU6))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(_LAST, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).mean((2, 3)))


def mobilenet_v2(num_classes: int = 1000, in_channels: int = 3) -> MobileNetV2:
    """MobileNetV2; see `MobileNetV2`."""
    return MobileNetV2(num_classes, in_channels)
