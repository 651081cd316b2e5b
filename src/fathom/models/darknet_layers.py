"""The layers of Darknet's networks, which compute what Darknet computes on a CPU.

Source: `src/*_layer.c`, `src/blas.c` and `src/activations.h` of
https://github.com/pjreddie/darknet
"""

import math
from collections.abc import Callable, Sequence

from .. import nn
from ..functional.creation import ones, zeros
from ..functional.elementwise import clamp, where
from ..functional.exponential import exp
from ..functional.joining import cat
from ..functional.random import randn
from ..nn import functional as F  # noqa: N812
from ..tape import no_grad
from ..tensor import Tensor

# Added to the standard deviation, not to the variance.
_EPSILON = 1e-6
# How much of a batch's statistics the running ones take over.
_MOMENTUM = 0.01
_LOWEST = -3.4028234663852886e38

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "logistic": F.sigmoid,
    "loggy": lambda x: 2 * F.sigmoid(x) - 1,
    "relu": F.relu,
    "elu": F.elu,
    "selu": lambda x: where(x >= 0, 1.0507 * x, (1.0507 * 1.6732) * (exp(clamp(x, max=0)) - 1)),
    "relie": lambda x: F.leaky_relu(x, 0.01),
    "ramp": lambda x: F.relu(x) + 0.1 * x,
    "leaky": lambda x: F.leaky_relu(x, 0.1),
    "tanh": F.tanh,
    "hardtan": lambda x: clamp(x, -1, 1),
    "lhtan": lambda x: where(x < 0, 0.001 * x, where(x > 1, 0.001 * (x - 1) + 1, x)),
    "plse": lambda x: where(
        x < -4, 0.01 * (x + 4), where(x > 4, 0.01 * (x - 4) + 1, 0.125 * x + 0.5)
    ),
}


class Layer(nn.Module):
    """A layer; most of them look at their input only.

    Args:
        activation: the name of what is applied to the result.
    """

    def __init__(self, activation: str = "linear") -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        """The layer's result.

        Args:
            x: the result of the layer before.
            earlier: the results of all layers before, as far as they are needed.
        """
        return ACTIVATIONS[self.activation](self.compute(x, earlier))

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        """The result before the activation."""
        raise NotImplementedError

    def in_file_order(self) -> list[Tensor]:
        """The parameters and statistics, as a ``.weights`` file has them one after another."""
        return []


class Normalization(nn.Module):
    """Batch normalization as Darknet computes it: y = scale · (x − mean) / (deviation + 1e-6).

    In training the deviation is that of the batch, divided by its number less one; a
    hundredth of it goes into the running one.

    Args:
        channels: the number of channels.

    Attributes:
        weight: what Darknet calls scales.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(ones(channels))
        self.register_buffer("running_mean", zeros(channels))
        self.register_buffer("running_var", ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        mean, variance = self.running_mean, self.running_var
        if self.training:
            dims = (0, *range(2, x.ndim))
            mean, variance = x.mean(dims), x.var(dims)
            with no_grad():
                for running, batch in ((self.running_mean, mean), (self.running_var, variance)):
                    running.rebind((1 - _MOMENTUM) * running + _MOMENTUM * batch.detach())
        factor = self.weight / (variance.sqrt() + _EPSILON)
        return (x - mean.reshape(shape)) * factor.reshape(shape)

    def in_file_order(self) -> list[Tensor]:
        """Scales, means and variances."""
        return [self.weight, self.running_mean, self.running_var]


class Convolutional(Layer):
    """A convolution, batch normalization where asked for, and an activation.

    Args:
        in_channels, out_channels: the channels that come in and go out.
        size: the side of the kernel.
        stride: its step.
        padding: the zeros around the images.
        groups: see `nn.Conv2d`.
        normalize: whether the result is normalized over the batch.
        activation: its name.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int = 1,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        normalize: bool = False,
        activation: str = "logistic",
    ) -> None:
        super().__init__(activation)
        self.stride, self.padding, self.groups = stride, padding, groups
        self.weight = nn.Parameter(zeros(out_channels, in_channels // groups, size, size))
        self.normalization = Normalization(out_channels) if normalize else None
        self.bias = nn.Parameter(zeros(out_channels))

    def reset_parameters(self) -> None:
        """Draw the weights as Darknet does: normally, with variance 2 / fan-in."""
        fan_in = math.prod(self.weight.shape[1:])
        self.weight.data = randn(*self.weight.shape) * math.sqrt(2 / fan_in)

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        bias = None if self.normalization else self.bias
        x = F.conv2d(x, self.weight, bias, self.stride, self.padding, groups=self.groups)
        if self.normalization is None:
            return x
        return self.normalization(x) + self.bias.reshape(1, -1, 1, 1)

    def in_file_order(self) -> list[Tensor]:
        """Biases, the normalization's numbers, weights."""
        between = self.normalization.in_file_order() if self.normalization else []
        return [self.bias, *between, self.weight]


class Connected(Layer):
    """A linear layer, batch normalization where asked for, and an activation.

    Args:
        inputs, outputs: the numbers of features.
        normalize: whether the result is normalized over the batch.
        activation: its name.
    """

    def __init__(
        self, inputs: int, outputs: int, normalize: bool = False, activation: str = "logistic"
    ) -> None:
        super().__init__(activation)
        self.weight = nn.Parameter(zeros(outputs, inputs))
        self.normalization = Normalization(outputs) if normalize else None
        self.bias = nn.Parameter(zeros(outputs))

    def reset_parameters(self) -> None:
        """Draw the weights as Darknet does: evenly, up to the square root of 2 / inputs."""
        bound = math.sqrt(2 / self.weight.shape[1])
        nn.init.uniform_(self.weight, -bound, bound)

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        x = F.linear(x.flatten(1), self.weight, None if self.normalization else self.bias)
        return x if self.normalization is None else self.normalization(x) + self.bias

    def in_file_order(self) -> list[Tensor]:
        """Biases, weights, the normalization's numbers."""
        after = self.normalization.in_file_order() if self.normalization else []
        return [self.bias, self.weight, *after]


class Local(Layer):
    """A convolution whose weights differ from place to place.

    Args:
        in_channels, out_channels: the channels that come in and go out.
        out_height, out_width: the size of the images that go out.
        size: the side of the kernel.
        stride: its step.
        padding: the zeros around the images.
        activation: its name.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        out_height: int,
        out_width: int,
        size: int,
        stride: int,
        padding: int,
        activation: str,
    ) -> None:
        super().__init__(activation)
        self.size, self.stride, self.padding = size, stride, padding
        places = out_height * out_width
        self.weight = nn.Parameter(zeros(places, out_channels, in_channels * size * size))
        self.bias = nn.Parameter(zeros(out_channels, out_height, out_width))

    def reset_parameters(self) -> None:
        """Draw the weights evenly, up to the square root of 2 / fan-in."""
        bound = math.sqrt(2 / self.weight.shape[2])
        nn.init.uniform_(self.weight, -bound, bound)

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        columns = F.unfold(x, self.size, padding=self.padding, stride=self.stride)
        # (places, filters, k) times (N, places, k, 1), as a sum of products for each place.
        products = self.weight @ columns.permute(0, 2, 1).unsqueeze(-1)
        return products.squeeze(-1).permute(0, 2, 1).reshape(-1, *self.bias.shape) + self.bias

    def in_file_order(self) -> list[Tensor]:
        """Biases, weights."""
        return [self.bias, self.weight]


class Batchnorm(Layer):
    """Batch normalization alone; Darknet's files hold no biases of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.normalization = Normalization(channels)

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        return self.normalization(x)

    def in_file_order(self) -> list[Tensor]:
        """The normalization's numbers."""
        return self.normalization.in_file_order()


class Maxpool(Layer):
    """The largest number of each window; `padding` is that of both sides together."""

    def __init__(self, size: int, stride: int, padding: int) -> None:
        super().__init__()
        self.size, self.stride, self.padding = size, stride, padding

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        before = self.padding // 2
        margins = []
        for length in reversed(x.shape[2:]):
            count = (length + self.padding - self.size) // self.stride + 1
            margins += [before, (count - 1) * self.stride + self.size - length - before]
        if any(margins):
            x = F.pad(x, margins, value=_LOWEST)
        return F.max_pool2d(x, self.size, self.stride)


class Avgpool(Layer):
    """The mean of each channel."""

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        return x.mean((2, 3), True)


class Shortcut(Layer):
    """The sum of the input and of an earlier layer's result.

    Args:
        source: the number of the earlier layer.
        alpha, beta: the factors of the input and of the earlier result.
        activation: its name.
    """

    def __init__(self, source: int, alpha: float, beta: float, activation: str) -> None:
        super().__init__(activation)
        self.source, self.alpha, self.beta = source, alpha, beta

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        other = earlier[self.source]
        assert other is not None
        x = x if self.alpha == 1 else self.alpha * x
        return x + (other if self.beta == 1 else self.beta * other)


class Route(Layer):
    """The results of earlier layers, one channel after another."""

    def __init__(self, sources: Sequence[int]) -> None:
        super().__init__()
        self.sources = list(sources)

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        found = [one for source in self.sources if (one := earlier[source]) is not None]
        return found[0] if len(found) == 1 else cat(found, 1)


class Upsample(Layer):
    """Each pixel as a square of pixels, times a factor."""

    def __init__(self, stride: int, scale: float) -> None:
        super().__init__()
        self.stride, self.scale = stride, scale

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        x = F.interpolate(x, scale_factor=self.stride, mode="nearest")
        return x if self.scale == 1 else self.scale * x


class Softmax(Layer):
    """Probabilities: over all numbers, over groups of them, or over the channels of each pixel.

    Args:
        groups: into how many groups of equal length the numbers are cut.
        temperature: what they are divided by first.
        is_spatial: whether they are those of each pixel.
    """

    def __init__(self, groups: int, temperature: float, is_spatial: bool) -> None:
        super().__init__()
        self.groups, self.temperature, self.is_spatial = groups, temperature, is_spatial

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        x = x if self.temperature == 1 else x / self.temperature
        if self.is_spatial:
            return F.softmax(x, 1)
        return F.softmax(x.reshape(x.shape[0], self.groups, -1), 2).flatten(1)


class Dropout(Layer):
    """Lets some numbers go in training."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        return F.dropout(x, self.probability, self.training)


class Cost(Layer):
    """What Darknet measures its error with; the result stays as it is."""

    def compute(self, x: Tensor, earlier: Sequence[Tensor | None]) -> Tensor:
        return x
