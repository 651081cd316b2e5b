"""Cases of functions that arrange elements anew: shapes, orders, joints, parts, diagonals."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .case import Call, Case, Numbers, Samples, call

WHOLE = ("int64", "uint8", "bool")


def of(*trials: tuple[Any, ...], **options: Any) -> Samples:
    """Calls on a normal tensor: each trial is its shape, then the other arguments."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for shape, *rest in trials:
            yield call(numbers.normal(*shape), *rest, **options)

    return samples


def lists_of(*trials: tuple[Any, ...]) -> Samples:
    """Calls on a list of normal tensors: each trial is their shapes, then other arguments."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for shapes, *rest in trials:
            yield call([numbers.normal(*shape) for shape in shapes], *rest)

    return samples


def several(*trials: tuple[tuple[int, ...], ...], **options: Any) -> Samples:
    """Calls on normal tensors as separate arguments, of the shapes in each trial."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for shapes in trials:
            yield call(*[numbers.normal(*shape) for shape in shapes], **options)

    return samples


def rectangles(numbers: Numbers) -> Iterator[Call]:
    for shape in [(3, 3), (2, 5), (4, 2), (2, 3, 4), (0, 3), (2, 1, 1)]:
        for diagonal in (0, 1, -1, 3, -4):
            yield call(numbers.normal(*shape), diagonal)


def repetitions(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3), 2)
    yield call(numbers.normal(2, 3), 3, 1)
    yield call(numbers.normal(2, 3), 0, 0)
    yield call(numbers.normal(2, 3), np.array([1, 0, 2]), -1)
    yield call(numbers.normal(2, 2), np.array([1, 0, 2, 1]))
    yield call(numbers.normal(2, 3), np.array([2]), 0)
    yield call(numbers.normal(), 3)


def paddings(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(4), (1, 2))
    yield call(numbers.normal(2, 3), (1, 0, 2, 1), "constant", 1.5)
    yield call(numbers.normal(2, 3), (-1, 2))
    yield call(numbers.normal(2, 4), (-1, -2, 1, 0), value=-1.0)
    yield call(numbers.normal(0, 3), (1, 1, 0, 1))
    for mode in ("reflect", "replicate", "circular"):
        yield call(numbers.normal(2, 5), (3, 2), mode)
        yield call(numbers.normal(1, 2, 4), (0, 1), mode)
        yield call(numbers.normal(2, 1, 3, 4), (2, 1, 1, 2), mode)
        yield call(numbers.normal(2, 1, 3, 4), (2, -1, 0, 1), mode)


def sliced_parts(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 5), 2, 1)
    yield call(numbers.normal(4, 2), [1, 3])
    yield call(numbers.normal(4, 2), 7)
    yield call(numbers.normal(0, 2), 3)
    yield call(numbers.normal(4, 2), [0, 4, 0], 0)


SHAPES = [((),), ((1,),), ((3,),), ((2, 3),), ((1, 2, 1),), ((0, 3),)]

CASES = [
    Case(
        "reshape",
        of(((2, 3), (3, 2)), ((2, 3), (-1,)), ((), (1, 1)), ((0, 2), (2, 0))),
        integers=WHOLE,
    ),
    Case("Tensor.view", of(((2, 3), 3, -1), ((4,), (2, 2)), ((0, 2), 0, 5))),
    Case("ravel", of(*SHAPES)),
    Case("flatten", of(*SHAPES, ((2, 3, 4), 1), ((2, 3, 4), 0, 1), ((2, 3, 4), -2, -1))),
    Case("unflatten", of(((2, 6), 1, (2, 3)), ((4,), 0, (-1, 2)), ((2, 3), -1, (3, 1)))),
    Case("permute", of(((2, 3, 4), (2, 0, 1)), ((2, 3), (-1, 0)), ((), ())), integers=WHOLE),
    Case("transpose", of(((2, 3), 0, 1), ((2, 3, 4), -1, 0), ((), 0, -1))),
    Case("swapaxes", of(((2, 3), 0, 1), ((2, 3, 4), -1, 0))),
    Case("swapdims", of(((2, 3), 0, 1), ((2, 3, 4), -1, 0))),
    Case("t", of(((),), ((3,),), ((2, 3),))),
    Case("adjoint", of(((2, 3),), ((2, 3, 4),))),
    Case("movedim", of(((2, 3, 4), 0, 2), ((2, 3, 4), (0, 1), (-1, 0)), ((3,), 0, 0))),
    Case("moveaxis", of(((2, 3, 4), 2, 0), ((2, 3, 4), (2, 0), (0, 1)))),
    Case("squeeze", of(*SHAPES, ((1, 2, 1), 0), ((1, 2, 1), 1), ((1, 2, 1), (0, -1)), ((), 0))),
    Case("unsqueeze", of(((), 0), ((2, 3), 1), ((2, 3), -1), ((2, 3), 2), ((0,), 0))),
    Case(
        "Tensor.expand",
        of(((3, 1), 3, 4), ((3, 1), 2, -1, 4), ((), 2), ((1,), (0,)), ((2, 1), -1, 3)),
    ),
    Case("broadcast_to", of(((3, 1), (2, 3, 4)), ((), (2, 2)), ((1, 0), (3, 0)))),
    Case("broadcast_tensors", several(((2, 1), (3,)), ((), (2, 2), (1, 2)))),
    Case("narrow", of(((2, 5), 1, 1, 3), ((4,), 0, -2, 2), ((4,), 0, 4, 0))),
    Case("select", of(((2, 5), 1, 3), ((2, 5), 0, -1), ((3,), -1, 0))),
    Case(
        "flip",
        of(((2, 3), (0,)), ((2, 3), (0, -1)), ((3,), (0,)), ((0, 2), (1,)), ((2,), ())),
        integers=WHOLE,
    ),
    Case("fliplr", of(((2, 3),), ((2, 3, 2),))),
    Case("flipud", of(((2, 3),), ((3,),))),
    Case(
        "rot90",
        of(*[((2, 3), k) for k in range(-2, 5)], ((2, 3, 4), 1, (1, 2)), ((2, 3, 4), 3, (2, 0))),
    ),
    Case(
        "roll",
        of(
            ((5,), 2),
            ((2, 3), 1),
            ((2, 3), -2, 1),
            ((2, 3), (1, 4), (0, 1)),
            ((2, 3), 7, 0),
            ((0, 2), 1, 0),
            ((3,), 0),
        ),
    ),
    Case(
        "Tensor.repeat", of(((3,), 2), ((2, 3), 1, 2), ((2, 3), 2, 1, 2), ((), 3), ((2, 3), 0, 1))
    ),
    Case("tile", of(((3,), (2,)), ((2, 3), (2,)), ((2, 3), (2, 1, 2)), ((2,), ()))),
    Case("repeat_interleave", repetitions),
    Case(
        "Tensor.unfold",
        of(((6,), 0, 3, 1), ((7, 2), 0, 2, 3), ((2, 5), -1, 5, 1), ((), 0, 1, 1), ((4,), 0, 0, 2)),
    ),
    Case("atleast_1d", of(*SHAPES)),
    Case("atleast_2d", of(*SHAPES)),
    Case("atleast_3d", several(*[(shape,) for (shape,) in SHAPES], ((2,), (), (2, 3)))),
    Case(
        "cat",
        lists_of(
            ([(2, 3), (1, 3)],),
            ([(2, 3), (2, 1), (2, 0)], 1),
            ([(2,), (0,)],),
            ([(2, 2), (0,), (2, 2)], -1),
            ([(0,)],),
        ),
        integers=WHOLE,
    ),
    Case("concatenate", lists_of(([(2, 3), (1, 3)], 0))),
    Case("stack", lists_of(([(2, 3), (2, 3)],), ([(2,), (2,), (2,)], -1), ([(), ()],))),
    Case("hstack", lists_of(([(2,), (3,)],), ([(2, 1), (2, 2)],), ([(), ()],))),
    Case("vstack", lists_of(([(3,), (3,)],), ([(2, 3), (3,)],), ([(), ()],))),
    Case("dstack", lists_of(([(3,), (3,)],), ([(2, 3), (2, 3)],), ([(2, 1, 2), (2, 1, 1)],))),
    Case("column_stack", lists_of(([(3,), (3,)],), ([(3, 2), (3,)],), ([(), ()],))),
    Case("block_diag", several(((2, 3), (1, 1)), ((2,), (), (3, 1)), ((0, 2), (2, 2)))),
    Case("split", sliced_parts),
    Case("chunk", of(((5, 2), 2), ((2, 5), 3, 1), ((6,), 4), ((0, 2), 2))),
    Case("tensor_split", of(((7,), 3), ((2, 5), (1, 3), 1), ((5,), (3, 1, 9)), ((2, 5), (-2,), 1))),
    Case("hsplit", of(((4,), 2), ((2, 4), (1, 3)))),
    Case("vsplit", of(((4, 2), 2), ((4, 2), (1,)))),
    Case("dsplit", of(((2, 1, 4), 2), ((2, 1, 4), (3,)))),
    Case("unbind", of(((2, 3),), ((2, 3), 1), ((3,),), ((0, 2),))),
    Case("meshgrid", several(((2,), (3,)), ((2,), (), (3,)), ((0,), (2,)), indexing="ij")),
    Case("meshgrid", several(((2,), (3,)), ((2,), (3,), (1,)), ((2,),), indexing="xy"), label="xy"),
    Case("cartesian_prod", several(((2,), (3,)), ((2,), (1,), (3,)), ((3,),))),
    Case("combinations", of(((4,),), ((4,), 3), ((3,), 2, True), ((1,), 2))),
    Case("diag", of(((3,),), ((3,), 1), ((3,), -2), ((2, 3),), ((2, 3), 1), ((3, 2), -1), ((0,),))),
    Case("diagflat", of(((2, 2),), ((3,), -1), ((), 1))),
    Case(
        "diagonal",
        of(
            ((3, 3),),
            ((2, 4), 1),
            ((4, 2), -2),
            ((2, 3, 4), 0, 1, 2),
            ((2, 3, 4), 1, -1, 0),
            ((2, 2), 5),
        ),
    ),
    Case("diag_embed", of(((3,),), ((2, 3), 1), ((2, 3), -1, 0, 2), ((2, 3), 0, 1, 0))),
    Case(
        "Tensor.fill_diagonal_",
        of(((3, 3), 1.5), ((5, 2), 2.0, True), ((5, 2), 2.0), ((2, 4), 0), ((2, 2, 2), 1)),
    ),
    Case("trace", of(((3, 3),), ((2, 4),), ((0, 2),)), integers=("int64",)),
    Case("tril", rectangles, integers=WHOLE),
    Case("triu", rectangles),
    Case(
        "tril_indices",
        lambda _: iter([call(3, 4), call(4, 2, 1), call(3, 3, -2), call(0, 2)]),
        gradient=False,
    ),
    Case(
        "triu_indices",
        lambda _: iter([call(3, 4), call(4, 2, 1), call(3, 3, -2), call(0, 2)]),
        gradient=False,
    ),
    Case("nn.functional.pad", paddings),
]
