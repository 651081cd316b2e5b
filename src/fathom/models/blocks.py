"""Blocks of which several models are made."""

from .. import nn


class ConvolutionBlock(nn.Sequential):
    """A convolution without bias, batch normalization, and an activation.

    The images keep their size, but for the stride.

    Args:
        in_channels, out_channels: the channels that come in and go out.
        kernel_size: the side of the kernel, which is odd.
        stride: its step.
        groups: see `nn.Conv2d`.
        activation: the class of the activation; None for no activation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        activation: type[nn.Module] | None = nn.ReLU,
    ) -> None:
        padding = kernel_size // 2
        super().__init__(
            nn.Conv2d(
                in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False
            ),
            nn.BatchNorm2d(out_channels),
            *([] if activation is None else [activation()]),
        )
