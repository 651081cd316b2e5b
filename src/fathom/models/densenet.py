"""DenseNet."""

from collections import OrderedDict
from collections.abc import Sequence

from .. import nn
from ..functional.joining import cat
from ..nn import functional as F  # noqa: N812
from ..tensor import Tensor

__all__ = ["DenseNet", "densenet121"]

# How many times the growth rate a layer's 1×1 convolution has channels.
_BOTTLENECK = 4


class DenseLayer(nn.Module):
    """A 1×1 and a 3×3 convolution, whose channels are put beside those that come in.

    Args:
        in_channels: the channels that come in.
        growth: how many more go out.
    """

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        middle = _BOTTLENECK * growth
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, middle, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        return cat([x, self.conv2(F.relu(self.norm2(y)))], 1)


class DenseNet(nn.Module):
    """A densely connected network: every layer sees the results of all before it in its block.

    Huang, Liu, van der Maaten and Weinberger, "Densely connected convolutional networks"
    (2017), table 1. The names and shapes of the parameters are torchvision's.

    Args:
        layers: the number of layers in each of the blocks.
        growth: how many channels each layer adds.
        num_classes: the number of classes.
        in_channels: the number of the image's channels.

    The input has shape (N, in_channels, height, width), with height and width 29 at least; the
    output, (N, num_classes), holds logits.
    """

    def __init__(
        self,
        layers: Sequence[int],
        growth: int = 32,
        num_classes: int = 1000,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        channels = 2 * growth
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(in_channels, channels, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
        for number, count in enumerate(layers, 1):
            block = OrderedDict(
                (f"denselayer{index + 1}", DenseLayer(channels + index * growth, growth))
                for index in range(count)
            )
            parts[f"denseblock{number}"] = nn.Sequential(block)
            channels += count * growth
            if number < len(layers):
                parts[f"transition{number}"] = _transition(channels)
                channels //= 2
        parts[f"norm{len(layers) + 1}"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        features = F.relu(self.features(images))
        return self.classifier(features.mean((2, 3)))


def _transition(channels: int) -> nn.Sequential:
    """Half the channels, half the height and half the width."""
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(),
            conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
            pool=nn.AvgPool2d(2),
        )
    )


def densenet121(num_classes: int = 1000, in_channels: int = 3) -> DenseNet:
    """DenseNet with 121 layers; see `DenseNet`."""
    return DenseNet((6, 12, 24, 16), 32, num_classes, in_channels)
