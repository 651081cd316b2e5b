"""The VGG networks."""

from .. import nn
from ..tensor import Tensor

__all__ = [
    "VGG",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]

# The number of 3×3 convolutions before each of the five poolings, by depth: the columns A, B,
# D and E of the paper's table 1.
_CONVOLUTIONS = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
_CHANNELS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """A VGG network: 3×3 convolutions in five stages with pooling between, and linear layers.

    Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
    recognition" (2015), table 1. The names and shapes of the parameters are torchvision's.

    Args:
        depth: the number of layers with weights: 11, 13, 16 or 19.
        batch_norm: whether each convolution is followed by batch normalization.
        num_classes: the number of classes.
        in_channels: the number of the image's channels.
        small_images: whether to build the form for 32×32 images, in which one linear layer
            takes the place of the three.
        dropout: the share of the hidden linear layers' features dropped in training.

    The input has shape (N, in_channels, height, width), with height and width 32 at least;
    the output, (N, num_classes), holds logits.
    """

    def __init__(
        self,
        depth: int,
        batch_norm: bool = False,
        num_classes: int = 1000,
        in_channels: int = 3,
        small_images: bool = False,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = _stages(_CONVOLUTIONS[depth], in_channels, batch_norm)
        self.avgpool = nn.AdaptiveAvgPool2d(1 if small_images else 7)
        if small_images:
            self.classifier = nn.Sequential(nn.Linear(512, num_classes))
        else:
            self.classifier = nn.Sequential(
                nn.Linear(512 * 7 * 7, 4096),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(4096, 4096),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(4096, num_classes),
            )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        features = self.avgpool(self.features(images))
        return self.classifier(features.flatten(1))


def _stages(counts: tuple[int, ...], in_channels: int, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for count, channels in zip(counts, _CHANNELS, strict=True):
        for _ in range(count):
            layers.append(nn.Conv2d(in_channels, channels, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            layers.append(nn.ReLU())
            in_channels = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def vgg11(num_classes: int = 1000, in_channels: int = 3, small_images: bool = False) -> VGG:
    """VGG with 11 layers; see `VGG`."""
    return VGG(11, False, num_classes, in_channels, small_images)


def vgg13(num_classes: int = 1000, in_channels: int = 3, small_images: bool = False) -> VGG:
    """VGG with 13 layers; see `VGG`."""
    return VGG(13, False, num_classes, in_channels, small_images)


def vgg16(num_classes: int = 1000, in_channels: int = 3, small_images: bool = False) -> VGG:
    """VGG with 16 layers; see `VGG`."""
    return VGG(16, False, num_classes, in_channels, small_images)


def vgg19(num_classes: int = 1000, in_channels: int = 3, small_images: bool = False) -> VGG:
    """VGG with 19 layers; see `VGG`."""
    return VGG(19, False, num_classes, in_channels, small_images)


def vgg11_bn(num_classes: int = 1000, in_channels: int = 3, small_images: bool = False) -> VGG:
    """VGG with 11 layers and batch normalization; see `VGG`."""
    return VGG(11, True, num_classes, in_channels, small_images)


def vgg13_bn(num_classes: int = 1000, in_channels: int = 3, small_images: bool = False) -> VGG:
    """VGG with 13 layers and batch normalization; see `VGG`."""
    return VGG(13, True, num_classes, in_channels, small_images)


def vgg16_bn(num_classes: int = 1000, in_channels: int = 3, small_images: bool = False) -> VGG:
    """VGG with 16 layers and batch normalization; see `VGG`."""
    return VGG(16, True, num_classes, in_channels, small_images)


def vgg19_bn(num_classes: int = 1000, in_channels: int = 3, small_images: bool = False) -> VGG:
    """VGG with 19 layers and batch normalization; see `VGG`."""
    return VGG(19, True, num_classes, in_channels, small_images)
