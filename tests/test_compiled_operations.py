"""Every case of the op table gives compiled what it gives eagerly, gradients included."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import numpy as np
import pytest
from op_cases import CASES, Call, Case
from test_operations import (
    as_dtype,
    calls_of,
    fathom_tensor,
    flattened,
    mapped,
    special_calls_of,
)

import fathom
import fathom.compiler.schedule
from fathom.errors import RecordingError
from fathom.tensor import Tensor

# They look at values: for the shape of what they return, or to check what they are given.
LOOKING_AT_VALUES = {
    "argwhere",
    "bincount",
    "histc",
    "index_put",
    "masked_scatter",
    "masked_select",
    "nn.functional.one_hot",
    "nonzero",
    "repeat_interleave",
    "unique",
    "unique_consecutive",
}

# How far results may be apart, as a share of each and of the largest of them.
RELATIVE = {"float32": 3e-5, "float64": 1e-9}
ABSOLUTE = {"float32": 3e-6, "float64": 1e-11}


def all_calls_of(case: Case, dtype: str) -> list[Call]:
    calls = [as_dtype(call, dtype) for call in calls_of(case) + special_calls_of(case)]
    return [Call(mapped(c.arguments, rounded), mapped(c.options, rounded)) for c in calls]


def rounded(array: np.ndarray) -> np.ndarray:
    """The array without denormal numbers, which count as zero in compiled programs."""
    if array.dtype.kind != "f":
        return array
    return np.where(np.abs(array) < np.finfo(array.dtype).tiny, np.copysign(0, array), array)


def step_of(case: Case, calls: list[Call]) -> tuple[Callable[..., Any], list[Tensor]]:
    """What computes the results of some calls and the gradients of their weighted sums, as a
    function of all their tensors; and these tensors."""
    function = attrgetter(case.name)(fathom)
    tensors: list[Tensor] = []

    def taken(array: np.ndarray) -> type[Tensor]:
        tensor = fathom_tensor(array)
        tensors.append(tensor.requires_grad_(case.gradient and array.dtype.kind == "f"))
        return Tensor  # holds the place

    places = [(mapped(call.arguments, taken), mapped(call.options, taken)) for call in calls]

    def step(*values: Tensor) -> list[Any]:
        given = iter(values)
        return [outcome(*replaced(place, given)) for place in places]

    def outcome(arguments: tuple[Any, ...], options: dict[str, Any]) -> list[Tensor]:
        inputs = [one for one in flattened((arguments, options), Tensor) if one.requires_grad]
        if case.name.endswith("_"):
            arguments = (arguments[0].clone(), *arguments[1:])
        results = list(flattened(function(*arguments, **options), Tensor))
        graded = [result for result in results if result.requires_grad]
        if not graded:
            return results
        total = sum(weighted(result) for result in graded)
        gradients = fathom.autograd.grad(total, inputs, allow_unused=True)
        return [*results, *(gradient for gradient in gradients if gradient is not None)]

    return step, tensors


def replaced(value: Any, given: Iterator[Tensor]) -> Any:
    """Arguments with the next of the given tensors at each place of one."""
    if value is Tensor:
        return next(given)
    if isinstance(value, list | tuple):
        return type(value)([replaced(element, given) for element in value])
    if isinstance(value, dict):
        return {name: replaced(element, given) for name, element in value.items()}
    return value


def weighted(result: Tensor) -> Tensor:
    weights = np.cos(np.arange(result.numel())).reshape(result.shape)
    return (result * fathom.tensor(weights.astype(result.dtype))).sum()


def assert_same(found: Tensor, expected: Tensor, case: Case) -> None:
    assert found.dtype == expected.dtype
    one, other = found.detach().numpy(), expected.detach().numpy()
    assert one.shape == other.shape
    if other.dtype.kind != "f":
        np.testing.assert_array_equal(one, other)
        return
    largest = np.abs(other[np.isfinite(other)]).max(initial=1)
    single = other.dtype == np.float32
    relative = max(case.rtol, case.float32_rtol if single else 0, RELATIVE[str(other.dtype)])
    np.testing.assert_allclose(one, other, rtol=relative, atol=ABSOLUTE[str(other.dtype)] * largest)


@pytest.fixture(params=[1, 2], scope="module")
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = fathom.get_num_threads()
    fathom.set_num_threads(request.param)
    yield request.param
    fathom.set_num_threads(before)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name not in LOOKING_AT_VALUES], ids=str
)
def test_compiled_equals_eager(case: Case, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Threads share whatever they can, however small.
    monkeypatch.setattr(fathom.compiler.schedule, "WORTH_SHARING", 0)
    dtype = "float32" if threads == 1 else "float64"
    step, tensors = step_of(case, all_calls_of(case, dtype))
    expected = step(*tensors)
    found = fathom.compile(step)(*tensors)
    for call, ones, others in zip(all_calls_of(case, dtype), found, expected, strict=True):
        assert len(ones) == len(others)
        for one, other in zip(ones, others, strict=True):
            try:
                assert_same(one, other, case)
            except AssertionError as error:
                error.add_note(f"{case} of {call}")
                raise


@pytest.mark.parametrize("name", sorted(LOOKING_AT_VALUES))
def test_what_looks_at_values_cannot_be_recorded(name: str) -> None:
    for case in (case for case in CASES if case.name == name):
        step, tensors = step_of(case, all_calls_of(case, "float64"))
        with pytest.raises(RecordingError, match=r"test_compiled_operations\.py"):
            fathom.compile(step)(*tensors)
