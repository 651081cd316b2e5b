"""Normalization layers."""

from collections.abc import Sequence
from typing import Any

from ..errors import ShapeError
from ..functional import normalization as functions
from ..functional.creation import ones, zeros
from ..promotion import int64
from ..tape import no_grad
from ..tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]


class _ChannelNorm(Module):
    """What batch and instance normalization share.

    Args:
        num_features: the number of channels.
        eps: keeps the root away from 0.
        momentum: how far the running statistics move in a step; None averages over all steps.
        affine: whether the result is scaled and shifted by learned numbers.
        track_running_stats: whether running statistics are kept.
        device: the CPU.
        dtype: float32 by default.
        bias: whether it is shifted, where it is affine.

    Attributes:
        weight, bias: shape (num_features,), 1 and 0 to begin with; None unless `affine`.
        running_mean, running_var: shape (num_features,), 0 and 1 to begin with.
        num_batches_tracked: how often the running statistics have moved.
    """

    ranks: tuple[int, ...]
    expected: str
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(ones(num_features, **place)) if affine else None
        self.bias = Parameter(zeros(num_features, **place)) if affine and bias else None
        tracks = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **place) if tracks else None)
        self.register_buffer("running_var", ones(num_features, **place) if tracks else None)
        count = zeros((), dtype=int64) if tracks else None
        self.register_buffer("num_batches_tracked", count)

    @no_grad()
    def reset_running_stats(self) -> None:
        """Set the running statistics to mean 0 and variance 1."""
        for buffer, value in (
            (self.running_mean, 0),
            (self.running_var, 1),
            (self.num_batches_tracked, 0),
        ):
            if buffer is not None:
                init.constant_(buffer, value)

    @no_grad()
    def reset_parameters(self) -> None:
        """Set weight to 1, bias to 0, and reset the running statistics."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check(self, input: Tensor, channel_dim: int) -> None:
        shape = input.shape
        if len(shape) not in self.ranks or shape[channel_dim] != self.num_features:
            raise ShapeError(
                f"{type(self).__name__} expects inputs of shape {self.expected} with "
                f"C = {self.num_features} channels, got shape {shape}"
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    """(x - mean) / sqrt(variance + eps) * weight + bias for every channel.

    In training with the batch's statistics, in evaluation with the running ones. See
    `fathom.nn.functional.batch_norm` for the formula and its source.

    Args:
        num_features: the number of channels.
        eps: keeps the root away from 0.
        momentum: how far the running statistics move in a step; None averages over all steps.
        affine: whether the result is scaled and shifted by learned numbers.
        track_running_stats: whether running statistics are kept; without, the batch's are
            used in evaluation too.
        device: the CPU.
        dtype: float32 by default.
        bias: whether it is shifted, where it is affine.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def forward(self, input: Tensor) -> Tensor:
        self._check(input, 1)
        momentum: float | Tensor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            with no_grad():
                self.num_batches_tracked.rebind(self.num_batches_tracked + 1)
                if self.momentum is None:
                    momentum = 1.0 / self.num_batches_tracked
        uses_batch = self.training or self.running_mean is None
        # In evaluation without running statistics nothing is tracked, so nothing may move.
        return functions.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            uses_batch,
            momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    __doc__ = f"Over inputs of shape (N, C) or (N, C, L): {_BatchNorm.__doc__}"

    ranks = (2, 3)
    expected = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    __doc__ = f"Over inputs of shape (N, C, H, W): {_BatchNorm.__doc__}"

    ranks = (4,)
    expected = "(N, C, H, W)"


class BatchNorm3d(_BatchNorm):
    __doc__ = f"Over inputs of shape (N, C, D, H, W): {_BatchNorm.__doc__}"

    ranks = (5,)
    expected = "(N, C, D, H, W)"


class _InstanceNorm(_ChannelNorm):
    """(x - mean) / sqrt(variance + eps) * weight + bias for every channel of every sample.

    See `fathom.nn.functional.instance_norm` for the formula and its source.

    Args:
        num_features: the number of channels.
        eps: keeps the root away from 0.
        momentum: how far the running statistics move in a step.
        affine: whether the result is scaled and shifted by learned numbers.
        track_running_stats: whether running statistics are kept, and used in evaluation.
        device: the CPU.
        dtype: float32 by default.
        bias: whether it is shifted, where it is affine.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def forward(self, input: Tensor) -> Tensor:
        unbatched = input.ndim == self.ranks[0]
        self._check(input, 0 if unbatched else 1)
        result = functions.instance_norm(
            input[None] if unbatched else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self.momentum or 0.0,
            self.eps,
        )
        return result[0] if unbatched else result


class InstanceNorm1d(_InstanceNorm):
    __doc__ = f"Over inputs of shape (N, C, L) or (C, L): {_InstanceNorm.__doc__}"

    ranks = (2, 3)
    expected = "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    __doc__ = f"Over inputs of shape (N, C, H, W) or (C, H, W): {_InstanceNorm.__doc__}"

    ranks = (3, 4)
    expected = "(N, C, H, W) or (C, H, W)"


class InstanceNorm3d(_InstanceNorm):
    __doc__ = f"Over inputs of shape (N, C, D, H, W) or (C, D, H, W): {_InstanceNorm.__doc__}"

    ranks = (4, 5)
    expected = "(N, C, D, H, W) or (C, D, H, W)"


class LayerNorm(Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias over the last dimensions.

    See `fathom.nn.functional.layer_norm` for the source.

    Args:
        normalized_shape: the sizes of these dimensions, or the size of the last.
        eps: keeps the root away from 0.
        elementwise_affine: whether the result is scaled and shifted by learned numbers.
        bias: whether it is shifted.
        device: the CPU.
        dtype: float32 by default.

    Attributes:
        weight, bias: of shape `normalized_shape`, 1 and 0 to begin with, or None.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = _shape_from(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        shape, has_bias = self.normalized_shape, elementwise_affine and bias
        self.weight = (
            Parameter(ones(shape, device=device, dtype=dtype)) if elementwise_affine else None
        )
        self.bias = Parameter(zeros(shape, device=device, dtype=dtype)) if has_bias else None

    def forward(self, input: Tensor) -> Tensor:
        return functions.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """x / sqrt(mean(x²) + eps) * weight over the last dimensions.

    See `fathom.nn.functional.rms_norm` for the source.

    Args:
        normalized_shape: the sizes of these dimensions, or the size of the last.
        eps: keeps the root away from 0; by default the dtype's machine epsilon.
        elementwise_affine: whether the result is scaled by learned numbers.
        device: the CPU.
        dtype: float32 by default.

    Attributes:
        weight: of shape `normalized_shape`, 1 to begin with, or None.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = _shape_from(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        initial = ones(self.normalized_shape, device=device, dtype=dtype)
        self.weight = Parameter(initial) if elementwise_affine else None

    def forward(self, input: Tensor) -> Tensor:
        return functions.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias for every group of channels.

    See `fathom.nn.functional.group_norm` for the source.

    Args:
        num_groups: into how many groups the channels are split.
        num_channels: the number of channels.
        eps: keeps the root away from 0.
        affine: whether the result is scaled and shifted by learned numbers.
        device: the CPU.
        dtype: float32 by default.
        bias: whether it is shifted, where it is affine.

    Attributes:
        weight, bias: shape (num_channels,), 1 and 0 to begin with, or None.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        if num_groups < 1 or num_channels % num_groups:
            raise ShapeError(
                f"GroupNorm: {num_channels} channels cannot be split into {num_groups} equal groups"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(ones(num_channels, **place)) if affine else None
        self.bias = Parameter(zeros(num_channels, **place)) if affine and bias else None

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim < 2 or input.shape[1] != self.num_channels:
            raise ShapeError(
                f"GroupNorm expects inputs of shape (N, C, …) with C = {self.num_channels} "
                f"channels, got shape {input.shape}"
            )
        return functions.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """x / (k + alpha * mean of x² over `size` neighbouring channels)^beta.

    See `fathom.nn.functional.local_response_norm` for the source.

    Args:
        size: how many channels.
        alpha, beta, k: the constants of the formula.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return functions.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _shape_from(sizes: int | Sequence[int]) -> tuple[int, ...]:
    return (sizes,) if isinstance(sizes, int) else tuple(sizes)
