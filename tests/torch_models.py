"""Models written in PyTorch, independently of those in `fathom.models`, with torchvision's names.

They are written as functions of an image and of parameters by name; `parameters_of` draws what a
function asks for.
"""

import torch
from torch.nn import functional as F


class Parameters:
    """Parameters by name, drawn when they are first asked for."""

    def __init__(self, seed=0):
        self.values = {}
        self.generator = torch.Generator().manual_seed(seed)

    def get(self, name, *shape, low=None, high=None):
        if name not in self.values:
            if low is None:
                fan_in = max(1, int(torch.tensor(shape[1:]).prod())) if len(shape) > 1 else 100
                value = torch.randn(shape, generator=self.generator) * (2 / fan_in) ** 0.5
            else:
                value = torch.rand(shape, generator=self.generator) * (high - low) + low
            self.values[name] = value.requires_grad_(not name.endswith(("_mean", "_var")))
        assert self.values[name].shape == shape
        return self.values[name]

    def conv(self, x, name, out, size, stride=1, padding=None, groups=1, bias=False):
        weight = self.get(f"{name}.weight", out, x.shape[1] // groups, size, size)
        b = self.get(f"{name}.bias", out) if bias else None
        padding = size // 2 if padding is None else padding
        return F.conv2d(x, weight, b, stride, padding, groups=groups)

    def norm(self, x, name):
        count = x.shape[1]
        weight = self.get(f"{name}.weight", count, low=0.5, high=1.5)
        bias = self.get(f"{name}.bias", count)
        mean = self.get(f"{name}.running_mean", count)
        variance = self.get(f"{name}.running_var", count, low=0.5, high=1.5)
        self.values[f"{name}.num_batches_tracked"] = torch.tensor(7)
        return F.batch_norm(x, mean, variance, weight, bias, eps=1e-5)

    def linear(self, x, name, out):
        return F.linear(
            x, self.get(f"{name}.weight", out, x.shape[1]), self.get(f"{name}.bias", out)
        )


def vgg11_bn(p, x, classes):
    at = 0
    for stage, count in zip((64, 128, 256, 512, 512), (1, 1, 2, 2, 2), strict=True):
        for _ in range(count):
            x = F.relu(
                p.norm(p.conv(x, f"features.{at}", stage, 3, bias=True), f"features.{at + 1}")
            )
            at += 3
        x = F.max_pool2d(x, 2)
        at += 1
    # The form for small images, without the layers that hold nine tenths of the parameters.
    return p.linear(x.mean((2, 3)), "classifier.0", classes)


def _resnet(p, x, classes, counts, bottleneck):
    x = F.max_pool2d(F.relu(p.norm(p.conv(x, "conv1", 64, 7, 2), "bn1")), 3, 2, 1)
    for stage, count in enumerate(counts, 1):
        width = 32 * 2**stage
        out = 4 * width if bottleneck else width
        for block in range(count):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            plan = [(width, 1, 1), (width, 3, stride), (out, 1, 1)]
            y = x
            for number, (channels, size, step) in enumerate(
                plan if bottleneck else [(width, 3, stride), (width, 3, 1)], 1
            ):
                y = F.relu(y) if number > 1 else y
                y = p.norm(p.conv(y, f"{name}.conv{number}", channels, size, step),
                           f"{name}.bn{number}")  # fmt: skip
            if stride != 1 or x.shape[1] != out:
                x = p.norm(p.conv(x, f"{name}.downsample.0", out, 1, stride),
                           f"{name}.downsample.1")  # fmt: skip
            x = F.relu(x + y)
    return p.linear(x.mean((2, 3)), "fc", classes)


def resnet18(p, x, classes):
    return _resnet(p, x, classes, (2, 2, 2, 2), False)


def resnet50(p, x, classes):
    return _resnet(p, x, classes, (3, 4, 6, 3), True)


def mobilenet_v2(p, x, classes):
    def block(x, name, out, size, stride=1, groups=1):
        return F.relu6(p.norm(p.conv(x, f"{name}.0", out, size, stride, groups=groups),
                              f"{name}.1"))  # fmt: skip

    x, at = block(x, "features.0", 32, 3, 2), 1
    for t, c, n, s in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for i in range(n):
            name, y, part = f"features.{at}.conv", x, 0
            if t != 1:
                y, part = block(y, f"{name}.0", t * x.shape[1], 1), 1
            y = block(y, f"{name}.{part}", y.shape[1], 3, s if i == 0 else 1, y.shape[1])
            y = p.norm(p.conv(y, f"{name}.{part + 1}", c, 1), f"{name}.{part + 2}")
            x = x + y if x.shape == y.shape else y
            at += 1
    x = block(x, f"features.{at}", 1280, 1)
    return p.linear(x.mean((2, 3)), "classifier.1", classes)


def squeezenet1_1(p, x, classes):
    x = F.relu(p.conv(x, "features.0", 64, 3, 2, 0, bias=True))
    for at, fire in enumerate(
        (None, 16, 16, None, 32, 32, None, 48, 48, 64, 64), 2
    ):  # fmt: skip
        if fire is None:
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            continue
        x = F.relu(p.conv(x, f"features.{at}.squeeze", fire, 1, bias=True))
        x = F.relu(torch.cat([
            p.conv(x, f"features.{at}.expand1x1", 4 * fire, 1, bias=True),
            p.conv(x, f"features.{at}.expand3x3", 4 * fire, 3, bias=True),
        ], 1))  # fmt: skip
    return F.relu(p.conv(x, "classifier.1", classes, 1, bias=True)).mean((2, 3))


def densenet121(p, x, classes):
    x = F.max_pool2d(F.relu(p.norm(p.conv(x, "features.conv0", 64, 7, 2), "features.norm0")),
                     3, 2, 1)  # fmt: skip
    for block, count in enumerate((6, 12, 24, 16), 1):
        for layer in range(1, count + 1):
            name = f"features.denseblock{block}.denselayer{layer}"
            y = p.conv(F.relu(p.norm(x, f"{name}.norm1")), f"{name}.conv1", 128, 1)
            y = p.conv(F.relu(p.norm(y, f"{name}.norm2")), f"{name}.conv2", 32, 3)
            x = torch.cat([x, y], 1)
        if block < 4:
            name = f"features.transition{block}"
            x = p.conv(F.relu(p.norm(x, f"{name}.norm")), f"{name}.conv", x.shape[1] // 2, 1)
            x = F.avg_pool2d(x, 2)
    x = F.relu(p.norm(x, "features.norm5"))
    return p.linear(x.mean((2, 3)), "classifier", classes)


def efficientnet_b0(p, x, classes):
    def block(x, name, out, size, stride=1, groups=1):
        return F.silu(p.norm(p.conv(x, f"{name}.0", out, size, stride, groups=groups),
                             f"{name}.1"))  # fmt: skip

    x = block(x, "features.0", 32, 3, 2)
    for stage, (t, k, s, c, n) in enumerate((
        (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
        (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
    ), 1):  # fmt: skip
        for i in range(n):
            name, y, part = f"features.{stage}.{i}.block", x, 0
            if t != 1:
                y, part = block(y, f"{name}.0", t * x.shape[1], 1), 1
            y = block(y, f"{name}.{part}", y.shape[1], k, s if i == 0 else 1, y.shape[1])
            weights = y.mean((2, 3), keepdim=True)
            weights = F.silu(
                p.conv(weights, f"{name}.{part + 1}.fc1", x.shape[1] // 4, 1, bias=True)
            )
            weights = p.conv(weights, f"{name}.{part + 1}.fc2", y.shape[1], 1, bias=True)
            y = y * torch.sigmoid(weights)
            y = p.norm(p.conv(y, f"{name}.{part + 2}.0", c, 1), f"{name}.{part + 2}.1")
            x = x + y if x.shape == y.shape else y
    x = block(x, "features.8", 1280, 1)
    return p.linear(x.mean((2, 3)), "classifier.1", classes)


MODELS = {
    "vgg11_bn": vgg11_bn,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
    "squeezenet1_1": squeezenet1_1,
    "densenet121": densenet121,
    "efficientnet_b0": efficientnet_b0,
}
