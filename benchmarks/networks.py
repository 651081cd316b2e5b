"""The networks that the benchmarks time, written once for every framework with PyTorch's `nn`."""

from types import ModuleType
from typing import Any


def small_cnn(nn: ModuleType) -> Any:
    """conv 32 – pool – conv 64 – pool – 128 – 10, for 28×28 images."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def lenet5(nn: ModuleType) -> Any:
    """LeNet-5 (LeCun et al. 1998) with ReLU and maximum pooling, for 28×28 images."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def convolution(
    nn: ModuleType,
    fan_in: int,
    fan_out: int,
    size: int,
    stride: int = 1,
    *,
    groups: int = 1,
    activation: Any = None,
) -> list[Any]:
    """A convolution with batch normalization, and an activation if one is given."""
    layers = [
        nn.Conv2d(fan_in, fan_out, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(fan_out),
    ]
    return layers if activation is None else [*layers, activation]


def residual(nn: ModuleType, body: list[Any], shortcut: list[Any], after: Any = None) -> Any:
    """body(x) + shortcut(x), and what comes after."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(*body)
            self.shortcut = nn.Sequential(*shortcut)
            self.after = after or nn.Identity()

        def forward(self, x: Any) -> Any:
            return self.after(self.body(x) + self.shortcut(x))

    return Residual()


def resnet18(nn: ModuleType, *, classes: int = 10, small: bool = True) -> Any:
    """ResNet-18 (He et al. 2015); small for 32×32 images, with a 3×3 first layer and no pooling."""

    def block(fan_in: int, fan_out: int, stride: int) -> Any:
        body = convolution(nn, fan_in, fan_out, 3, stride, activation=nn.ReLU())
        body += convolution(nn, fan_out, fan_out, 3)
        is_same = stride == 1 and fan_in == fan_out
        shortcut = [] if is_same else convolution(nn, fan_in, fan_out, 1, stride)
        return residual(nn, body, shortcut, nn.ReLU())

    if small:
        layers = convolution(nn, 3, 64, 3, activation=nn.ReLU())
    else:
        layers = convolution(nn, 3, 64, 7, 2, activation=nn.ReLU())
        layers.append(nn.MaxPool2d(3, 2, 1))
    fan_in = 64
    for fan_out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [block(fan_in, fan_out, stride), block(fan_out, fan_out, 1)]
        fan_in = fan_out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def darknet53(nn: ModuleType) -> Any:
    """Darknet-53 (Redmon and Farhadi 2018)."""

    def convolved(fan_in: int, fan_out: int, size: int, stride: int = 1) -> list[Any]:
        return convolution(nn, fan_in, fan_out, size, stride, activation=nn.LeakyReLU(0.1))

    layers, width = convolved(3, 32, 3), 32
    for blocks in (1, 2, 8, 8, 4):
        layers += convolved(width, 2 * width, 3, 2)
        width *= 2
        for _ in range(blocks):
            body = [*convolved(width, width // 2, 1), *convolved(width // 2, width, 3)]
            layers.append(residual(nn, body, []))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


def depthwise_blocks(nn: ModuleType) -> Any:
    """The first half of MobileNetV2's inverted residuals (Sandler et al. 2018), for 112×112."""

    def block(fan_in: int, fan_out: int, stride: int, expansion: int) -> Any:
        hidden = expansion * fan_in
        body = convolution(nn, fan_in, hidden, 1, activation=nn.ReLU6()) if expansion > 1 else []
        body += convolution(nn, hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6())
        body += convolution(nn, hidden, fan_out, 1)
        if stride == 1 and fan_in == fan_out:
            return residual(nn, body, [])
        return nn.Sequential(*body)

    plan = ((32, 16, 1, 1), (16, 24, 2, 6), (24, 24, 1, 6), (24, 32, 2, 6), (32, 32, 1, 6),
            (32, 32, 1, 6), (32, 64, 2, 6), *[(64, 64, 1, 6)] * 3)  # fmt: skip
    return nn.Sequential(*(block(*numbers) for numbers in plan))
