"""Numbers rounded to 8 bits (or 16, 32) with a scale and a zero point."""

from typing import Any

import numpy as np

from ...functional.elementwise import maximum, minimum
from ...functional.matrix import matmul
from ...ops import Shape
from ...promotion import DType, float32, uint8
from ...tensor import Tensor, cast
from ..operator import operator
from ..reading import element_type
from .convolution import conv_integer


def _spread(scale: Tensor, shape: Shape, axis: int, block_size: int) -> Tensor:
    """The scales in a shape that meets values of `shape`: one for all, along an axis, in blocks."""
    if scale.ndim == 0 or (scale.ndim == 1 and scale.shape == (1,)):
        return scale.reshape(())
    along = axis % len(shape)
    if block_size:
        repeated = scale.repeat_interleave(block_size, along)
        return repeated.narrow(along, 0, shape[along])
    return scale.reshape(tuple(-1 if place == along else 1 for place in range(len(shape))))


@operator("QuantizeLinear")
def quantize_linear(
    x: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: int = 1,
) -> Tensor:
    """x / scale, rounded to even, plus the zero point, within the dtype's limits."""
    dtype = uint8 if y_zero_point is None else y_zero_point.dtype
    if output_dtype:
        dtype = element_type(output_dtype, "the result")
    scaled = (x / _spread(y_scale, x.shape, axis, block_size)).round()
    if y_zero_point is not None:
        scaled = scaled + _spread(y_zero_point, x.shape, axis, block_size).to(scaled.dtype)
    return _within(scaled, dtype)


def _within(values: Tensor, dtype: DType) -> Tensor:
    limits = np.iinfo(dtype)
    return cast(values.clamp(int(limits.min), int(limits.max)), dtype)


@operator("DequantizeLinear")
def dequantize_linear(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Tensor:
    """(x - zero point) scale."""
    wide = cast(x, x_scale.dtype)
    if x_zero_point is not None:
        wide = wide - _spread(x_zero_point, x.shape, axis, block_size).to(wide.dtype)
    made = wide * _spread(x_scale, x.shape, axis, block_size)
    return cast(made, element_type(output_dtype, "the result")) if output_dtype else made


@operator("DynamicQuantizeLinear")
def dynamic_quantize_linear(x: Tensor) -> tuple[Tensor, ...]:
    """The values as uint8, with the scale and the zero point that use all of its range."""
    zero = x.reshape(-1)[:1] * 0
    low = minimum(x.min().reshape(1), zero).reshape(())
    high = maximum(x.max().reshape(1), zero).reshape(())
    scale = (high - low) / 255
    point = _within((-low / scale).round(), uint8)
    return quantize_linear(x, scale, point), scale, point


def _requantized(exact: Tensor, ratio: Tensor, point: Tensor) -> Tensor:
    scaled = (cast(exact, float32) * ratio).round() + cast(point, float32)
    return _within(scaled, point.dtype)


@operator("QLinearMatMul")
def quantized_product(
    a: Tensor,
    a_scale: Tensor,
    a_zero_point: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
) -> Tensor:
    """The product of quantized matrices, quantized."""
    first = a.double() - a_zero_point.double()
    second = b.double() - b_zero_point.double()
    return _requantized(matmul(first, second), a_scale * b_scale / y_scale, y_zero_point)


@operator("QLinearConv")
def quantized_conv(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    w: Tensor,
    w_scale: Tensor,
    w_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
    B: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Tensor:
    """The convolution of quantized images with quantized kernels, quantized."""
    point = w_zero_point.reshape(-1) if w_zero_point.numel() > 1 else w_zero_point.reshape(())
    exact = conv_integer(
        x,
        w,
        x_zero_point.reshape(()),
        point,
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )
    behind = (-1,) + (1,) * (exact.ndim - 2)
    if B is not None:
        exact = exact + B.reshape(behind)
    scale = w_scale.reshape(behind) if w_scale.numel() > 1 else w_scale.reshape(())
    return _requantized(exact, x_scale * scale / y_scale, y_zero_point)
