"""Operations on the windows of images: choosing one element of each, and adding them up."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .errors import ShapeError
from .movement import Movement
from .op import Array, Op, Operand, Shape, Spec, spec_of
from .windows import Windows, channels_first, channels_last


@dataclass(unsafe_hash=True)
class MaxPool(Op):
    """The largest element of each window of images (N, C, *sizes); NaN wins.

    The padding is chosen nowhere. Of equal elements the first gets the gradient.
    """

    windows: Windows

    def infer(self, x: Spec) -> Spec:
        if len(x.shape) != len(self.windows.kernel) + 2:
            raise ShapeError(
                f"{self.name}: images of shape {x.shape} for windows of size "
                f"{self.windows.kernel}; expected (N, C, and a size for each of these)"
            )
        counts = self.windows.counts(x.shape[2:])
        if min(counts) < 1:
            raise ShapeError(
                f"{self.name}: windows of size {self.windows.kernel} do not fit into images "
                f"of size {x.shape[2:]} padded by {self.windows.padding}"
            )
        return Spec((*x.shape[:2], *counts), x.dtype)

    def evaluate(self, x: Array) -> Array:
        counts = self.infer(spec_of(x)).shape[2:]
        image = self.windows.image(x, fill=lowest(x.dtype))
        first, *others = self.windows.offsets()
        largest = image[self.windows.seen_at(first, counts)].copy("K")
        for offset in others:
            np.maximum(largest, image[self.windows.seen_at(offset, counts)], out=largest)
        return channels_first(largest)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        chosen = MaxPoolChoice(self.windows)(x, output)
        return AddToWindows(self.windows, tuple(x.shape[2:]))(grad, chosen)


@dataclass(unsafe_hash=True)
class MaxPoolChoice(Op):
    """Where in each window its largest element lies: the first of them, in row-major order.

    The operands are images and the result of `MaxPool` on them.
    """

    windows: Windows

    def infer(self, x: Spec, largest: Spec) -> Spec:
        expected = MaxPool(self.windows).infer(x)
        if largest != expected:
            raise ShapeError(f"{self.name}: {largest} given as the largest of {expected}")
        few = np.prod(self.windows.kernel) <= np.iinfo(np.uint8).max
        return Spec(largest.shape, np.dtype(np.uint8 if few else np.int32))

    def evaluate(self, x: Array, largest: Array) -> Array:
        shape, dtype = self.infer(spec_of(x), spec_of(largest))
        counts = shape[2:]
        image = self.windows.image(x, fill=lowest(x.dtype))
        inside = self._inside(x.shape[2:])
        target = np.ascontiguousarray(channels_last(largest))
        not_a_number = np.isnan(target)
        # Each window counts the elements before the first that equals its largest.
        missed = np.ones_like(target, bool)
        chosen = np.zeros_like(target, dtype)
        *offsets, _ = self.windows.offsets()
        for offset in offsets:
            seen = self.windows.seen_at(offset, counts)
            hit = image[seen] == target
            hit |= not_a_number & np.isnan(image[seen])
            hit &= inside[seen]
            missed &= ~hit
            chosen += missed
        return channels_first(chosen)

    def _inside(self, sizes: Shape) -> Array:
        """Which elements of a padded image are not padding."""
        inside = np.zeros((1, *self.windows.padded(sizes), 1), bool)
        self.windows.interior(inside, sizes)[...] = True
        return inside


@dataclass(unsafe_hash=True)
class TakeFromWindows(Op):
    """The element of each window that lies at a given position within it.

    The operands are images (N, C, *sizes) and the positions (N, C, *counts), counted in
    row-major order.
    """

    windows: Windows

    def infer(self, x: Spec, chosen: Spec) -> Spec:
        expected = MaxPool(self.windows).infer(x)
        if chosen.shape != expected.shape:
            raise ShapeError(
                f"{self.name}: positions of shape {chosen.shape} for windows of shape "
                f"{expected.shape}"
            )
        return expected

    def evaluate(self, x: Array, chosen: Array) -> Array:
        shape, dtype = self.infer(spec_of(x), spec_of(chosen))
        image = self.windows.image(x)
        where = np.ascontiguousarray(channels_last(chosen))
        taken = np.zeros_like(where, dtype)
        for position, offset in enumerate(self.windows.offsets()):
            seen = self.windows.seen_at(offset, shape[2:])
            np.copyto(taken, image[seen], where=where == position)
        return channels_first(taken)

    def gradient(
        self, operand: int, grad: Operand, output: Operand, x: Operand, chosen: Operand
    ) -> Operand:
        if operand == 1:
            return None
        return AddToWindows(self.windows, tuple(x.shape[2:]))(grad, chosen)


@dataclass(unsafe_hash=True)
class AddToWindows(Op):
    """Images of zeros, with a value added to one element of each window.

    The operands are the values (N, C, *counts) and the positions within the windows.
    """

    windows: Windows
    sizes: Shape

    def infer(self, values: Spec, chosen: Spec) -> Spec:
        x = Spec((*values.shape[:2], *self.sizes), values.dtype)
        expected = MaxPool(self.windows).infer(x).shape
        if not expected == values.shape == chosen.shape:
            raise ShapeError(
                f"{self.name}: values of shape {values.shape} and positions of shape "
                f"{chosen.shape} for windows of shape {expected}"
            )
        return x

    def evaluate(self, values: Array, chosen: Array) -> Array:
        self.infer(spec_of(values), spec_of(chosen))
        batch, channels, *counts = values.shape
        padded = (batch, *self.windows.padded(self.sizes), channels)
        images = np.zeros(padded, values.dtype)
        given = np.ascontiguousarray(channels_last(values))
        where = np.ascontiguousarray(channels_last(chosen))
        for position, offset in enumerate(self.windows.offsets()):
            seen = self.windows.seen_at(offset, tuple(counts))
            images[seen] += given * (where == position)
        return channels_first(self.windows.interior(images, self.sizes))

    def gradient(
        self, operand: int, grad: Operand, output: Operand, values: Operand, chosen: Operand
    ) -> Operand:
        return TakeFromWindows(self.windows)(grad, chosen) if operand == 0 else None


@dataclass(unsafe_hash=True)
class SumPool(Op):
    """The sum of each window of images (N, C, *sizes); the padding counts as zeros."""

    windows: Windows

    def infer(self, x: Spec) -> Spec:
        return MaxPool(self.windows).infer(x)

    def evaluate(self, x: Array) -> Array:
        counts = self.infer(spec_of(x)).shape[2:]
        image = self.windows.image(x)
        first, *others = self.windows.offsets()
        total = image[self.windows.seen_at(first, counts)].copy("K")
        for offset in others:
            total += image[self.windows.seen_at(offset, counts)]
        return channels_first(total)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return SpreadOverWindows(self.windows, tuple(x.shape[2:]))(grad)


@dataclass(unsafe_hash=True)
class SpreadOverWindows(Op):
    """Images of zeros, with a value added to every element of each window.

    The operand has shape (N, C, *counts).
    """

    windows: Windows
    sizes: Shape

    def infer(self, values: Spec) -> Spec:
        x = Spec((*values.shape[:2], *self.sizes), values.dtype)
        expected = SumPool(self.windows).infer(x).shape
        if values.shape != expected:
            raise ShapeError(
                f"{self.name}: values of shape {values.shape} for windows of shape {expected}"
            )
        return x

    def evaluate(self, values: Array) -> Array:
        self.infer(spec_of(values))
        batch, channels, *counts = values.shape
        images = np.zeros((batch, *self.windows.padded(self.sizes), channels), values.dtype)
        given = np.ascontiguousarray(channels_last(values))
        for offset in self.windows.offsets():
            images[self.windows.seen_at(offset, tuple(counts))] += given
        return channels_first(self.windows.interior(images, self.sizes))

    def gradient(self, operand: int, grad: Operand, output: Operand, values: Operand) -> Operand:
        return SumPool(self.windows)(grad)


@dataclass(unsafe_hash=True)
class Unfold(Movement):
    """All windows of images (N, C, *sizes), which have no padding: (N, C, *counts, *kernel)."""

    windows: Windows

    def infer(self, x: Spec) -> Spec:
        counts = MaxPool(self.windows).infer(x).shape
        return Spec((*counts, *self.windows.kernel), x.dtype)

    def evaluate(self, x: Array) -> Array:
        shape = self.infer(spec_of(x)).shape
        strides = x.strides[2:]
        moves = [size * step for size, step in zip(strides, self.windows.stride, strict=True)]
        steps = [size * step for size, step in zip(strides, self.windows.dilation, strict=True)]
        return as_strided(x, shape, (*x.strides[:2], *moves, *steps), writeable=False)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return Fold(self.windows, tuple(x.shape[2:]))(grad)


@dataclass(unsafe_hash=True)
class Fold(Op):
    """Images (N, C, *sizes) of the sums of windows (N, C, *counts, *kernel) where they overlap."""

    windows: Windows
    sizes: Shape

    def infer(self, x: Spec) -> Spec:
        images = Spec((*x.shape[:2], *self.sizes), x.dtype)
        expected = Unfold(self.windows).infer(images).shape
        if x.shape != expected:
            raise ShapeError(f"{self.name}: shape {x.shape} for windows of shape {expected}")
        return images

    def evaluate(self, x: Array) -> Array:
        batch, channels, *others = x.shape
        counts = tuple(others[: len(self.sizes)])
        images = np.zeros((batch, *self.sizes, channels), x.dtype)
        for offset in self.windows.offsets():
            within: tuple[Any, ...] = (..., *offset)
            images[self.windows.seen_at(offset, counts)] += channels_last(x[within])
        return channels_first(images)

    def gradient(self, operand: int, grad: Operand, output: Operand, x: Operand) -> Operand:
        return Unfold(self.windows)(grad)


def lowest(dtype: "np.dtype[Any]") -> Any:
    """What no element of the dtype lies below."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min
