"""Cases of products of matrices and vectors."""

from collections.abc import Iterator
from typing import Any

from .case import Call, Case, Numbers, Samples, call
from .movement import lists_of, of, several


def with_factors(*trials: tuple[tuple[int, ...], ...]) -> Samples:
    """Calls on normal tensors of given shapes, without and with beta and alpha."""

    def samples(numbers: Numbers) -> Iterator[Call]:
        for shapes in trials:
            tensors = [numbers.normal(*shape) for shape in shapes]
            yield call(*tensors)
            yield call(*tensors, beta=2, alpha=3)
            yield call(*tensors, beta=0, alpha=1)

    return samples


def equations(numbers: Numbers) -> Iterator[Call]:
    trials: list[tuple[Any, ...]] = [
        ("ij,jk->ik", (2, 3), (3, 4)),
        ("ij,jk", (2, 3), (3, 4)),
        ("ij->ji", (2, 3)),
        ("ii", (3, 3)),
        ("ii->i", (3, 3)),
        ("ij->", (2, 3)),
        ("i,j->ij", (2,), (3,)),
        ("bij,bjk->bik", (2, 3, 2), (2, 2, 4)),
        ("b...ij,b...jk->...ik", (2, 1, 3, 2), (2, 4, 2, 3)),
        ("...i,oij,...j->...o", (2, 3), (4, 3, 2), (2, 2)),
        ("ijk,kl,lm,j->im", (2, 3, 2), (2, 3), (3, 2), (3,)),
        ("bhid,bhjd->bhij", (2, 2, 3, 4), (2, 2, 5, 4)),
        ("i,i,i->i", (3,), (3,), (3,)),
        (",ij", (), (2, 3)),
        ("ba", (2, 3)),
        ("ij,jk->ik", (2, 0), (0, 3)),
        ("ij,kj->i", (2, 3), (4, 3)),
        ("aab,b->a", (3, 3, 1), (4,)),
    ]
    for equation, *shapes in trials:
        yield call(equation, *[numbers.normal(*shape) for shape in shapes])


def dotted(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(2, 3, 4), numbers.normal(3, 4, 2))
    yield call(numbers.normal(2, 3), numbers.normal(3, 4), 1)
    yield call(numbers.normal(2), numbers.normal(3), 0)
    yield call(numbers.normal(2, 3, 4), numbers.normal(4, 2), ([0, 2], [1, 0]))


def distances(numbers: Numbers) -> Iterator[Call]:
    for p in (2.0, 1.0, 3.0, 0.5):
        yield call(numbers.normal(3, 4), numbers.normal(2, 4), p)
    yield call(numbers.normal(2, 3, 4), numbers.normal(1, 2, 4))
    yield call(numbers.normal(0, 4), numbers.normal(2, 4))


def equal_vectors(numbers: Numbers) -> Iterator[Call]:
    vectors = numbers.normal(3, 2)
    yield call(vectors, vectors.copy())
    yield call(vectors, vectors.copy(), 1.0)


def crossed(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3), numbers.normal(3), dim=0)
    yield call(numbers.normal(2, 3), numbers.normal(1, 3), dim=-1)
    yield call(numbers.normal(3, 4), numbers.normal(3, 4), dim=0)


def powers(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3))
    yield call(numbers.normal(3), 5)
    yield call(numbers.normal(3), 2, True)
    yield call(numbers.normal(0), 2)


def values_of_vander(x: Any, *options: Any) -> Any:
    import torch

    return torch.vander(x.detach(), *options).requires_grad_(x.requires_grad)


def product_of_all(*matrices: Any) -> Any:
    import torch

    return torch.linalg.multi_dot(matrices)


def rising_powers(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(3))
    yield call(numbers.normal(2, 3), N=4)


def repeated_products(numbers: Numbers) -> Iterator[Call]:
    for n in (0, 1, 2, 3, 7, -1, -2):
        yield call(numbers.normal(3, 3), n)
    yield call(numbers.normal(2, 2, 2), 3)


def layers(numbers: Numbers) -> Iterator[Call]:
    yield call(numbers.normal(4, 3), numbers.normal(2, 3), numbers.normal(2))
    yield call(numbers.normal(3), numbers.normal(2, 3), numbers.normal(2))
    yield call(numbers.normal(2, 4, 3), numbers.normal(2, 3))
    yield call(numbers.normal(2, 3), numbers.normal(3))
    yield call(numbers.normal(0, 3), numbers.normal(2, 3), numbers.normal(2))


PRODUCTS = several(
    ((3,), (3,)), ((2, 3), (3,)), ((2,), (2, 3)), ((2, 3), (3, 4)), ((2, 2, 3), (3, 4)),
    ((2, 3), (2, 3, 4)), ((2, 1, 2, 3), (3, 3, 1)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)),
    ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 0, 3), (3, 2)),
)  # fmt: skip

CASES = [
    Case("matmul", PRODUCTS, integers=("int64",)),
    Case("mm", several(((2, 3), (3, 4)), ((2, 0), (0, 1)))),
    Case("bmm", several(((2, 3, 2), (2, 2, 4)), ((0, 3, 2), (0, 2, 4)))),
    Case("mv", several(((2, 3), (3,)), ((0, 3), (3,)))),
    Case("dot", several(((3,), (3,)), ((0,), (0,)))),
    Case("vdot", several(((3,), (3,)))),
    Case("inner", several(((3,), (3,)), ((2, 3), (4, 3)), ((), (2, 3)), ((2, 2, 3), (3,)))),
    Case("outer", several(((3,), (2,)), ((0,), (2,)))),
    Case("ger", several(((3,), (2,)))),
    Case("addmm", with_factors(((2, 4), (2, 3), (3, 4)), ((4,), (2, 3), (3, 4)))),
    Case("addmv", with_factors(((2,), (2, 3), (3,)))),
    Case("addr", with_factors(((2, 3), (2,), (3,)))),
    Case("addbmm", with_factors(((2, 4), (3, 2, 3), (3, 3, 4)))),
    Case("baddbmm", with_factors(((3, 2, 4), (3, 2, 3), (3, 3, 4)), ((4,), (3, 2, 3), (3, 3, 4)))),
    Case("einsum", equations),
    Case("tensordot", dotted),
    Case("kron", several(((2, 3), (2, 2)), ((2,), (3, 1)), ((), (2,)))),
    Case("chain_matmul", several(((2, 3), (3, 4), (4, 1)), ((2, 3), (3, 1), (1, 4), (4, 2))),
         torch=product_of_all, float32_atol=1e-5),
    Case("linalg.multi_dot", lists_of(([(2, 3), (3, 4), (4, 1)],), ([(3,), (3, 4), (4,)],),
                                      ([(2, 3), (3,)],))),
    Case("cdist", distances, special=equal_vectors, float32_rtol=2e-4, float32_atol=2e-6),
    Case("pdist", of(((3, 4),), ((4, 2), 1.0))),
    Case("cross", crossed),
    Case("linalg.cross", crossed),
    Case("linalg.vecdot", several(((2, 3), (3,)), ((3,), (3,)))),
    # PyTorch's own gradient of vander fails; linalg.vander's does not.
    Case("vander", powers, integers=("int64",), compare_gradient=False, torch=values_of_vander),
    Case("linalg.vander", rising_powers),
    Case("matrix_power", repeated_products, rtol=1e-7, float32_rtol=5e-3, float32_atol=1e-3),
    Case("nn.functional.linear", layers),
    Case("nn.functional.bilinear", several(((2, 3), (2, 4), (5, 3, 4)),
                                           ((2, 2, 3), (2, 2, 1), (2, 3, 1), (2,)))),
]  # fmt: skip
