"""Einstein's summation convention."""

from collections.abc import Sequence
from math import prod
from string import ascii_letters
from typing import Any

from ..errors import ShapeError
from ..ops import Clone, Diagonal, MatMul, Permute, Reshape, Sum
from ..tensor import Tensor, promoted

__all__ = ["einsum"]

# An operand with a label for each of its dimensions. Dimensions that '...' stands for have
# whole numbers as labels, counted from the last.
Label = str | int
Term = tuple[Tensor, tuple[Label, ...]]


def einsum(*args: Any) -> Tensor:
    """Sums of products of elements, by labels of the dimensions.

    ``einsum("ij,jk->ik", a, b)`` is the matrix product: a label in several operands stands
    for dimensions that go together, one that the result lacks is summed over. One that an
    operand has twice takes its diagonal. ``...`` stands for dimensions that broadcast.
    Without ``->`` the result has the labels that occur once, in alphabetical order.

    Args:
        args: the equation and the operands, one by one or as a list; or each operand
            followed by its labels as a list of numbers, and at last the result's labels.

    Raises:
        ShapeError: the equation does not fit the operands, or sizes under one label differ.
    """
    equation, operands = _equation_and_operands(args)
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ShapeError(
            f"einsum: {equation!r} names {len(terms)} operands, {len(operands)} were given"
        )
    if len({operand.dtype for operand in operands}) > 1:
        operands = list(promoted(tuple(operands)))
    labelled = [
        _labelled(term, operand, equation) for term, operand in zip(terms, operands, strict=True)
    ]
    dots = max((-label for _, labels in labelled for label in labels if isinstance(label, int)),
               default=0)  # fmt: skip
    dotted: tuple[Label, ...] = tuple(range(-dots, 0))
    result = _split_dots(right, dotted, equation) if arrow else _implied(left, dotted)
    sizes = _sizes(labelled, equation)
    for label in result:
        if label not in sizes or result.count(label) > 1:
            raise ShapeError(
                f"einsum: the result of {equation!r} has the label {label!r} "
                + ("that no operand has" if label not in sizes else "twice")
            )
    return _contract([_with_diagonals(*term) for term in labelled], result, sizes)


def _equation_and_operands(args: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    if not args:
        raise ShapeError("einsum needs an equation and operands")
    if isinstance(args[0], str):
        operands = args[1:]
        if len(operands) == 1 and isinstance(operands[0], list | tuple):
            operands = tuple(operands[0])
        return args[0], list(operands)
    pairs = len(args) // 2
    terms = [_spelled(labels) for labels in args[1 : 2 * pairs : 2]]
    equation = ",".join(terms)
    if len(args) % 2:
        equation += "->" + _spelled(args[-1])
    return equation, list(args[: 2 * pairs : 2])


def _spelled(labels: Sequence[Any]) -> str:
    in_order = ascii_letters[26:] + ascii_letters[:26]
    return "".join(["..." if label is Ellipsis else in_order[label] for label in labels])


def _split_dots(term: str, dotted: tuple[Label, ...], equation: str) -> tuple[Label, ...]:
    before, dots, after = term.partition("...")
    if not all(label in ascii_letters for label in before + after):
        raise ShapeError(f"einsum: labels are letters, but {equation!r} has {term!r}")
    return (*before, *(dotted if dots else ()), *after)


def _labelled(term: str, operand: Tensor, equation: str) -> Term:
    count = operand.ndim - len(term.replace("...", ""))
    if count < 0 or (count > 0 and "..." not in term):
        raise ShapeError(
            f"einsum: {term!r} in {equation!r} does not label the {operand.ndim} dimensions of "
            f"an operand of shape {operand.shape}"
        )
    return operand, _split_dots(term, tuple(range(-count, 0)), equation)


def _implied(left: str, dotted: tuple[Label, ...]) -> tuple[Label, ...]:
    letters = left.replace(",", "").replace(".", "")
    return (*dotted, *sorted(label for label in letters if letters.count(label) == 1))


def _sizes(terms: Sequence[Term], equation: str) -> dict[Label, int]:
    """The size that each label stands for; a size of 1 goes with every other."""
    sizes: dict[Label, int] = {}
    for operand, labels in terms:
        for label, size in zip(labels, operand.shape, strict=True):
            if sizes.get(label, 1) == 1:
                sizes[label] = size
            elif size not in (1, sizes[label]):
                raise ShapeError(
                    f"einsum: in {equation!r} the label {label!r} stands for sizes "
                    f"{sizes[label]} and {size} (operands of shapes "
                    f"{', '.join(str(one.shape) for one, _ in terms)})"
                )
    return sizes


def _with_diagonals(operand: Tensor, labels: tuple[Label, ...]) -> Term:
    """The operand with each label once."""
    for label in set(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            rest = [axis for axis in range(len(labels)) if axis not in (first, second)]
            moved = Permute((*rest, first, second))(operand)
            if moved.shape[-1] != moved.shape[-2]:
                raise ShapeError(
                    f"einsum: the label {label!r} stands for sizes {moved.shape[-2]} and "
                    f"{moved.shape[-1]} in one operand, whose diagonal needs equal ones"
                )
            operand = Diagonal(0)(moved)
            labels = (*[labels[axis] for axis in rest], label)
    return operand, labels


def _contract(terms: list[Term], result: tuple[Label, ...], sizes: dict[Label, int]) -> Tensor:
    """Multiply two operands after another, those first whose product is smallest."""
    while len(terms) > 1:
        candidates = [(i, j) for j in range(len(terms)) for i in range(j)]
        costs = {pair: _product_size(terms, pair, result, sizes) for pair in candidates}
        first, second = min(candidates, key=costs.__getitem__)
        rest = [term for place, term in enumerate(terms) if place not in (first, second)]
        kept = set(result).union(*(labels for _, labels in rest))
        terms = [*rest, _multiply(terms[first], terms[second], kept)]
    operand, labels = _summed_to(terms[0], set(result))
    order = tuple([labels.index(label) for label in result if label in labels])
    return Clone()(Permute(order)(operand))


def _product_size(
    terms: list[Term], pair: tuple[int, int], result: tuple[Label, ...], sizes: dict[Label, int]
) -> int:
    """How many more elements there are after a pair is multiplied."""
    rest = [labels for place, (_, labels) in enumerate(terms) if place not in pair]
    kept = set(result).union(*rest)
    (one, first), (two, second) = terms[pair[0]], terms[pair[1]]
    product = prod(sizes[label] for label in {*first, *second} if label in kept)
    return product - prod(one.shape) - prod(two.shape)


def _summed_to(term: Term, kept: set[Label]) -> Term:
    """The term summed over the labels that are not needed any more."""
    operand, labels = term
    summed = tuple([axis for axis, label in enumerate(labels) if label not in kept])
    if not summed:
        return term
    return Sum(summed)(operand), tuple([label for label in labels if label in kept])


def _multiply(first: Term, second: Term, kept: set[Label]) -> Term:
    """The sum over products of two terms as one product of matrices."""
    a, a_labels = _without_ones(_summed_to(first, kept.union(second[1])), second)
    b, b_labels = _without_ones(_summed_to(second, kept.union(a_labels)), (a, a_labels))
    a, a_labels = _summed_to((a, a_labels), kept.union(b_labels))
    shared = [label for label in a_labels if label in b_labels]
    batch = [label for label in shared if label in kept]
    summed = [label for label in shared if label not in kept]
    rows = [label for label in a_labels if label not in shared]
    columns = [label for label in b_labels if label not in shared]
    left, left_sizes = _as_matrices(a, a_labels, batch, rows, summed)
    right, right_sizes = _as_matrices(b, b_labels, batch, summed, columns)
    product = MatMul()(left, right)
    labels = (*batch, *rows, *columns)
    sizes = {**right_sizes, **left_sizes}
    return Reshape(tuple([sizes[label] for label in labels]))(product), labels


def _without_ones(term: Term, other: Term) -> Term:
    """The term without the dimensions of size 1 that are larger in the other term."""
    operand, labels = term
    larger = {label for label, size in zip(other[1], other[0].shape, strict=True) if size != 1}
    ones = [
        axis for axis, label in enumerate(labels) if operand.shape[axis] == 1 and label in larger
    ]
    if not ones:
        return term
    shape = [size for axis, size in enumerate(operand.shape) if axis not in ones]
    left = tuple([label for axis, label in enumerate(labels) if axis not in ones])
    return Reshape(tuple(shape))(operand), left


def _as_matrices(
    operand: Tensor,
    labels: tuple[Label, ...],
    batch: list[Label],
    rows: list[Label],
    columns: list[Label],
) -> tuple[Tensor, dict[Label, int]]:
    """The operand as matrices, several dimensions as one, and the size under each label."""
    sizes = dict(zip(labels, operand.shape, strict=True))
    order = tuple([labels.index(label) for label in (*batch, *rows, *columns)])
    shape = [prod(sizes[label] for label in group) for group in (rows, columns)]
    if order != tuple(range(len(order))):
        operand = Permute(order)(operand)
    return Reshape((*[sizes[label] for label in batch], *shape))(operand), sizes
