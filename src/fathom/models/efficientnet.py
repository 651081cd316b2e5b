"""EfficientNet-B0."""

import math

from .. import nn
from ..functional.creation import ones
from ..nn import functional as F  # noqa: N812
from ..tensor import Tensor
from .blocks import ConvolutionBlock

__all__ = ["EfficientNet", "efficientnet_b0"]

# The paper's table 1: expansion, kernel, stride of the first block, channels, number of blocks.
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
_FIRST, _LAST = 32, 1280
# The share of the last block's results that are left out in training; the first block's are not.
_LEFT_OUT = 0.2


class SqueezeExcitation(nn.Module):
    """Weighs the channels by what the whole image shows in them.

    Hu, Shen and Sun, "Squeeze-and-excitation networks" (2018).

    Args:
        channels: the channels that come in and go out.
        squeezed: those in between.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.fc2(F.silu(self.fc1(x.mean((2, 3), True))))
        return x * F.sigmoid(weights)


class MobileBottleneck(nn.Module):
    """An inverted residual with squeeze and excitation, which is left out at random in training.

    Args:
        in_channels, out_channels: the channels that come in and go out.
        expansion: how many times more channels there are in the middle.
        kernel_size: the side of the kernel there.
        stride: its step.
        left_out: the probability that in training an image passes by the block; Huang and
            others, "Deep networks with stochastic depth" (2016).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion: int,
        kernel_size: int,
        stride: int,
        left_out: float,
    ) -> None:
        super().__init__()
        middle = in_channels * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(ConvolutionBlock(in_channels, middle, 1, activation=nn.SiLU))
        layers += [
            ConvolutionBlock(middle, middle, kernel_size, stride, middle, nn.SiLU),
            SqueezeExcitation(middle, in_channels // 4),
            ConvolutionBlock(middle, out_channels, 1, activation=None),
        ]
        self.block = nn.Sequential(*layers)
        self.has_shortcut = stride == 1 and in_channels == out_channels
        self.left_out = left_out

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        if not self.has_shortcut:
            return y
        if self.training and self.left_out:
            y = y * F.dropout(ones(x.shape[0], 1, 1, 1), self.left_out)
        return x + y


class EfficientNet(nn.Module):
    """EfficientNet-B0.

    Tan and Le, "EfficientNet: Rethinking model scaling for convolutional neural networks"
    (2019), table 1. The names and shapes of the parameters are torchvision's.

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
            ConvolutionBlock(in_channels, _FIRST, 3, stride=2, activation=nn.SiLU)
        ]
        channels, done, total = _FIRST, 0, sum(stage[-1] for stage in _STAGES)
        for expansion, kernel_size, stride, out_channels, count in _STAGES:
            blocks = []
            for number in range(count):
                step, left_out = stride if number == 0 else 1, _LEFT_OUT * done / total
                blocks.append(
                    MobileBottleneck(channels, out_channels, expansion, kernel_size, step, left_out)
                )
                channels = out_channels
                done += 1
            layers.append(nn.Sequential(*blocks))
        layers.append(ConvolutionBlock(channels, _LAST, 1, activation=nn.SiLU))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(_LAST, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                bound = 1 / math.sqrt(module.out_features)
                nn.init.uniform_(module.weight, -bound, bound)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).mean((2, 3)))


def efficientnet_b0(num_classes: int = 1000, in_channels: int = 3) -> EfficientNet:
    """EfficientNet-B0; see `EfficientNet`."""
    return EfficientNet(num_classes, in_channels)
