"""Convolution over any number of spatial dimensions, and its two gradients.

The three are linear in each operand and each other's gradients, so they are closed under
differentiation: gradients of every order are made of them.

All are evaluated as matrix products, on images whose channels lie last in memory: the
windows are copied into the rows of a matrix, block by block, so that a block stays in cache.
Results keep that layout, seen as (N, C, *sizes); NumPy's elementwise functions keep it too.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .errors import ShapeError
from .op import Array, Op, Operand, Shape, Spec, spec_of
from .windows import Windows, blocks, channels_first, channels_last

# What a block of windows may take: small enough for the cache, and rows enough for BLAS.
_BLOCK_BYTES = 1 << 22

# From how many channels on a window is copied element after element; with fewer, the copies
# are longer when each element is gathered from all windows.
_LONG_RUN = 3


@dataclass(unsafe_hash=True)
class Convolution(Op):
    """The cross-correlation of images with kernels.

    The operands are images (N, C, *sizes) and a weight (O, C / groups, *kernel); the result
    has shape (N, O, *counts) with ``count = (size + padding - dilation * (kernel - 1) - 1) //
    stride + 1``. Parameters hold one entry for each spatial dimension; padding is with zeros,
    before and after. The channels of the images and of the result fall into `groups` equal
    parts, and each part of the result sees its part of the images.
    """

    stride: Shape
    padding: tuple[tuple[int, int], ...]
    dilation: Shape
    groups: int = 1

    def windows(self, weight: Shape) -> Windows:
        """The windows that a weight of this shape sees."""
        return Windows(weight[2:], self.stride, self.padding, self.dilation)

    def infer(self, x: Spec, weight: Spec) -> Spec:
        rank = len(self.stride) + 2
        if len(x.shape) != rank or len(weight.shape) != rank:
            raise ShapeError(
                f"{self.name}: shapes {x.shape} and {weight.shape} need {rank} dimensions each"
            )
        if x.shape[1] != weight.shape[1] * self.groups or weight.shape[0] % self.groups:
            raise ShapeError(
                f"{self.name}: images of shape {x.shape} and a weight of shape {weight.shape} "
                f"do not fit together with {self.groups} group(s): the images need "
                f"{weight.shape[1] * self.groups} channels in dimension 1, and the weight's "
                f"first dimension must be a multiple of {self.groups}"
            )
        counts = self.windows(weight.shape).counts(x.shape[2:])
        if min(counts) < 1:
            raise ShapeError(
                f"{self.name}: a kernel of size {weight.shape[2:]} with dilation {self.dilation} "
                f"does not fit into images of size {x.shape[2:]} padded by {self.padding}"
            )
        return Spec((x.shape[0], weight.shape[0], *counts), x.dtype)

    def evaluate(self, x: Array, weight: Array) -> Array:
        batch, outputs, *counts = self.infer(spec_of(x), spec_of(weight)).shape
        windows = self.windows(weight.shape)
        view = windows.view(windows.image(x))
        if self.is_depthwise(weight.shape):
            return channels_first(self._each_channel(view, weight))
        result = np.empty((batch, *counts, outputs), x.dtype)
        matrices = self.matrices(weight).swapaxes(1, 2)
        for block in self.blocks(view):
            np.matmul(self.columns(view[block]), matrices, out=self.rows(result[block]))
        return channels_first(result)

    def _each_channel(self, view: Array, weight: Array) -> Array:
        """The windows (N, *counts, *kernel, C), each channel times kernels of its own."""
        n = len(self.stride)
        places, kernel = "xyz"[:n], "ijk"[:n]
        kernels = np.ascontiguousarray(np.moveaxis(self.grouped(weight)[:, :, 0], (0, 1), (-2, -1)))
        product = np.einsum(f"b{places}{kernel}c,{kernel}cm->b{places}cm", view, kernels)
        return product.reshape(*product.shape[:-2], len(weight))

    def multiply_adds(self, output: Shape, *operands: Shape) -> int:
        return math.prod(output) * math.prod(operands[1][1:])

    def gradient(
        self, operand: int, grad: Operand, output: Operand, x: Operand, weight: Operand
    ) -> Operand:
        if operand == 0:
            return ConvolutionInputGradient(self, tuple(x.shape[2:]))(grad, weight)
        return ConvolutionWeightGradient(self, tuple(weight.shape[2:]))(x, grad)

    # What the three operations share, as they are evaluated.

    def is_depthwise(self, weight: Shape) -> bool:
        """Whether each channel of the images is a group of its own."""
        return weight[1] == 1 and self.groups > 1

    def grouped(self, weight: Array) -> Array:
        """The weight as (groups, O / groups, C / groups, *kernel)."""
        return weight.reshape(self.groups, -1, *weight.shape[1:])

    def matrices(self, weight: Array) -> Array:
        """The weight as a matrix for each group: (groups, O / groups, kernel * C / groups)."""
        last = np.moveaxis(self.grouped(weight), 2, -1)
        return last.reshape(*last.shape[:2], -1)

    def blocks(self, view: Array) -> Iterator[tuple[slice, slice]]:
        """Parts of the windows (N, *counts, *kernel, C) small enough to be copied."""
        batch, rows = view.shape[:2]
        return blocks(batch, rows, math.prod(view.shape[2:]) * view.itemsize, _BLOCK_BYTES)

    def columns(self, view: Array) -> Array:
        """Windows (N, *counts, *kernel, C) as (groups, N * counts, kernel * C / groups)."""
        n = 1 + len(self.stride)
        places, window = view.shape[:n], view.shape[n:]
        channels = window[-1] // self.groups
        split = view.reshape(*places, *window[:-1], self.groups, channels)
        rows, size = math.prod(places), math.prod(window) // self.groups
        if channels >= _LONG_RUN:
            return np.moveaxis(split, -2, 0).reshape(self.groups, rows, size)
        axes = (2 * n - 1, *range(n, 2 * n - 1), 2 * n, *range(n))
        return split.transpose(axes).reshape(self.groups, size, rows).swapaxes(1, 2)

    def rows(self, values: Array) -> Array:
        """Values (N, *counts, O) seen as (groups, N * counts, O / groups)."""
        *places, outputs = values.shape
        split = values.reshape(math.prod(places), self.groups, outputs // self.groups)
        return split.swapaxes(0, 1)


@dataclass(unsafe_hash=True)
class ConvolutionInputGradient(Op):
    """The gradient of a convolution with respect to its images: a transposed convolution.

    The operands are the gradient of the result (N, O, *counts) and the weight; the result
    has shape (N, C, *sizes).
    """

    convolution: Convolution
    sizes: Shape

    def infer(self, grad: Spec, weight: Spec) -> Spec:
        channels = weight.shape[1] * self.convolution.groups
        x = Spec((grad.shape[0], channels, *self.sizes), grad.dtype)
        _require_shape(self, self.convolution.infer(x, weight), grad)
        return x

    def evaluate(self, grad: Array, weight: Array) -> Array:
        batch, channels, *_ = self.infer(spec_of(grad), spec_of(weight)).shape
        convolution = self.convolution
        windows = convolution.windows(weight.shape)
        images = np.zeros((batch, *windows.padded(self.sizes), channels), grad.dtype)
        values = np.ascontiguousarray(channels_last(grad))
        # One matrix (groups, O / groups, C / groups) for each offset within the kernel.
        kernels = np.moveaxis(convolution.grouped(weight), (0, 1, 2), (-3, -2, -1)).copy()
        for block, rows in convolution.blocks(windows.view(images)):
            part = values[block, rows]
            target = images[block]
            for offset in windows.offsets():
                seen = windows.seen_at(offset, part.shape[1:-1], rows.start)
                target[seen] += self._spread(part, kernels[offset])
        return channels_first(windows.interior(images, self.sizes))

    def _spread(self, values: Array, kernel: Array) -> Array:
        """What values (N, *counts, O) give to one offset of their windows: (N, *counts, C)."""
        groups, outputs, channels = kernel.shape
        places = values.shape[:-1]
        if channels == 1 and groups > 1:
            split = values.reshape(*places, groups, outputs)
            return np.einsum("...cm,cm->...c", split, kernel[:, :, 0])
        product = np.empty((math.prod(places), groups, channels), values.dtype)
        np.matmul(self.convolution.rows(values), kernel, out=product.swapaxes(0, 1))
        return product.reshape(*places, groups * channels)

    def multiply_adds(self, output: Shape, *operands: Shape) -> int:
        return math.prod(operands[0]) * math.prod(operands[1][1:])

    def gradient(
        self, operand: int, grad: Operand, output: Operand, values: Operand, weight: Operand
    ) -> Operand:
        if operand == 0:
            return self.convolution(grad, weight)
        return ConvolutionWeightGradient(self.convolution, tuple(weight.shape[2:]))(grad, values)


@dataclass(unsafe_hash=True)
class ConvolutionWeightGradient(Op):
    """The gradient of a convolution with respect to its weight.

    The operands are the images (N, C, *sizes) and the gradient of the result
    (N, O, *counts); the result has shape (O, C / groups, *kernel).
    """

    convolution: Convolution
    kernel: Shape

    def infer(self, x: Spec, grad: Spec) -> Spec:
        channels = x.shape[1] // self.convolution.groups
        weight = Spec((grad.shape[1], channels, *self.kernel), grad.dtype)
        _require_shape(self, self.convolution.infer(x, weight), grad)
        return weight

    def evaluate(self, x: Array, grad: Array) -> Array:
        shape = self.infer(spec_of(x), spec_of(grad)).shape
        convolution = self.convolution
        windows = convolution.windows(shape)
        view = windows.view(windows.image(x))
        values = np.ascontiguousarray(channels_last(grad))
        if convolution.is_depthwise(shape):
            return self._each_channel(view, values).reshape(shape)
        groups = convolution.groups
        matrices = np.zeros((groups, shape[0] // groups, math.prod(shape[1:])), grad.dtype)
        for block in convolution.blocks(view):
            rows = convolution.rows(values[block])
            matrices += np.matmul(rows.swapaxes(1, 2), convolution.columns(view[block]))
        weight = matrices.reshape(shape[0], *self.kernel, shape[1])
        return np.ascontiguousarray(channels_first(weight))

    def _each_channel(self, view: Array, values: Array) -> Array:
        n = len(self.kernel)
        places, kernel = "xyz"[:n], "ijk"[:n]
        *batch, outputs = values.shape
        groups = self.convolution.groups
        split = values.reshape(*batch, groups, outputs // groups)
        return np.einsum(f"b{places}{kernel}c,b{places}cm->cm{kernel}", view, split)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, x: Operand, values: Operand
    ) -> Operand:
        if operand == 0:
            return ConvolutionInputGradient(self.convolution, tuple(x.shape[2:]))(values, grad)
        return self.convolution(x, grad)


def _require_shape(op: Op, expected: Spec, grad: Spec) -> None:
    if expected.shape != grad.shape:
        raise ShapeError(
            f"{op.name}: the convolution's result has shape {expected.shape}, "
            f"its gradient {grad.shape}"
        )
