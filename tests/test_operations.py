"""The checks that every case of the op table passes; the table is in `op_cases`."""

import zlib
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import numpy as np
import pytest
from op_cases import CASES, Call, Case, Numbers

import fathom
from fathom.autograd import gradcheck, gradgradcheck
from fathom.ops import Op, spec_of
from fathom.tape import Node
from fathom.tensor import Tensor, wrap

differentiable = [case for case in CASES if case.gradient]
comparable = [case for case in CASES if case.torch is not None]


def calls_of(case: Case) -> list[Call]:
    """The calls of a case, the same ones every time."""
    return list(case.samples(Numbers(zlib.crc32(str(case).encode()))))


def special_calls_of(case: Case) -> list[Call]:
    return list(case.special(Numbers(zlib.crc32(str(case).encode())))) if case.special else []


def mapped(value: Any, convert: Callable[[np.ndarray], Any]) -> Any:
    """Arguments with the arrays in them converted, in lists and tuples too."""
    if isinstance(value, np.ndarray):
        return convert(value)
    if isinstance(value, list | tuple):
        return type(value)([mapped(element, convert) for element in value])
    if isinstance(value, dict):
        return {name: mapped(element, convert) for name, element in value.items()}
    return value


def flattened(value: Any, kind: type) -> Iterator[Any]:
    """What is of a kind among arguments or results, however nested."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list | tuple):
        for element in value:
            yield from flattened(element, kind)
    elif isinstance(value, dict):
        yield from flattened(list(value.values()), kind)


def as_dtype(call: Call, dtype: str) -> Call:
    """The call with its float64 arrays in another dtype."""

    def convert(array: np.ndarray) -> np.ndarray:
        if array.dtype != np.float64:
            return array
        if np.dtype(dtype).kind == "f":
            return array.astype(dtype)
        rounded = np.rint(array * 3)
        unsigned = dtype in ("uint8", "bool")
        return np.asarray(np.abs(rounded) if unsigned else rounded).astype(dtype)

    return Call(mapped(call.arguments, convert), mapped(call.options, convert))


def with_tensors(call: Call, tensor: Callable[[np.ndarray], Any]) -> Call:
    return Call(mapped(call.arguments, tensor), mapped(call.options, tensor))


def fathom_tensor(array: np.ndarray) -> Tensor:
    """A tensor on this very memory layout."""
    return wrap(Node(array))


def checked_function(case: Case, call: Call) -> tuple[Callable[..., Any], list[Tensor]]:
    """The case as a function of the float tensors of a call, and these tensors."""
    function = attrgetter(case.name)(fathom)
    inputs: list[Tensor] = []

    def leaf(array: np.ndarray) -> Any:
        tensor = fathom_tensor(array)
        if array.dtype == np.float64:
            inputs.append(tensor.requires_grad_())
        return tensor

    made = with_tensors(call, leaf)

    def apply(*values: Tensor) -> Any:
        replaced = iter(values)

        def put(value: Any) -> Any:
            if isinstance(value, Tensor):
                return next(replaced) if value.requires_grad else value
            if isinstance(value, list | tuple):
                return type(value)([put(element) for element in value])
            if isinstance(value, dict):
                return {name: put(element) for name, element in value.items()}
            return value

        arguments, options = put(made.arguments), put(made.options)
        if case.name.endswith("_"):
            arguments = (arguments[0].clone(), *arguments[1:])
        returned = function(*arguments, **options)
        return tuple(result for result in flattened(returned, Tensor) if result.is_floating_point())

    return apply, inputs


@pytest.mark.parametrize("case", differentiable, ids=str)
def test_gradients_agree_with_differences_of_values(case: Case) -> None:
    for call in calls_of(case):
        function, inputs = checked_function(case, call)
        if any(result.requires_grad for result in function(*inputs)):
            gradcheck(function, inputs, fast_mode=True)


@pytest.mark.parametrize("case", [case for case in differentiable if case.second_order], ids=str)
def test_second_gradients_agree_with_differences_of_gradients(case: Case) -> None:
    for call in calls_of(case):
        function, inputs = checked_function(case, call)
        if any(result.requires_grad for result in function(*inputs)):
            gradgradcheck(function, inputs, fast_mode=True, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", comparable, ids=str)
def test_values_and_gradients_are_those_of_pytorch(case: Case, dtype: str) -> None:
    for call in calls_of(case) + special_calls_of(case):
        compare_with_torch(case, as_dtype(call, dtype), dtype)


@pytest.mark.parametrize(
    ("case", "dtype"),
    [(case, dtype) for case in comparable for dtype in case.integers],
    ids=str,
)
def test_integer_values_are_those_of_pytorch(case: Case, dtype: str) -> None:
    for call in calls_of(case):
        compare_with_torch(case, as_dtype(call, dtype), dtype)


def compare_with_torch(case: Case, call: Call, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    reference = case.torch
    if not callable(reference):
        reference = attrgetter(reference or case.name)(torch)
    wants_gradient = case.gradient and np.dtype(dtype).kind == "f"
    in_place = case.name.endswith("_")

    def run(
        function: Callable[..., Any], kind: type, tensor: Callable[[np.ndarray], Any]
    ) -> tuple[list[Any], list[Any]]:
        inputs = []

        def make(array: np.ndarray) -> Any:
            made = tensor(array)
            if wants_gradient and array.dtype == dtype:
                inputs.append(made.requires_grad_())
            return made

        made = with_tensors(call, make)
        arguments = (made.arguments[0].clone(), *made.arguments[1:]) if in_place else made.arguments
        results = list(flattened(function(*arguments, **made.options), kind))
        graded = [result for result in results if result.requires_grad]
        random = np.random.default_rng(0)
        if graded:
            weighted = [
                (result * tensor(random.standard_normal(tuple(result.shape)).astype(dtype))).sum()
                for result in graded
            ]
            total = weighted[0]
            for part in weighted[1:]:
                total = total + part
            total.backward()
        return results, [one.grad for one in inputs]

    expected, expected_gradients = run(
        reference,
        torch.Tensor,
        lambda array: torch.tensor(array.copy()),
    )
    results, gradients = run(attrgetter(case.name)(fathom), Tensor, fathom_tensor)
    described = f"{case} of {call}"
    assert len(results) == len(expected), described
    for result, other in zip(results, expected, strict=True):
        assert_same(case, result, other, described)
    if case.compare_gradient:
        for gradient, other in zip(gradients, expected_gradients, strict=True):
            if other is None or gradient is None:
                assert gradient is None or not np.any(np.asarray(gradient)), described
                assert other is None or not other.any(), described
            else:
                assert_same(case, gradient, other, "gradient of " + described)


def assert_same(case: Case, result: Tensor, expected: Any, described: str) -> None:
    assert str(result.dtype) == str(expected.dtype).removeprefix("torch."), described
    assert result.shape == tuple(expected.shape), described
    single = result.dtype == np.float32
    np.testing.assert_allclose(
        np.asarray(result),
        expected.numpy(force=True),
        rtol=max(case.rtol, case.float32_rtol if single else 0),
        atol=max(case.atol, case.float32_atol if single else 0),
        err_msg=described,
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_operation_infers_what_it_evaluates_to(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = Op.__call__

    def checked(op: Op, *operands: Any) -> Any:
        value = apply(op, *operands)
        if not isinstance(value, Tensor):
            inferred = op.infer(*map(spec_of, operands))
            found = spec_of(value)
            assert inferred == found, f"{op} infers {inferred} and gives {found}"
        return value

    monkeypatch.setattr(Op, "__call__", checked)
    for call in calls_of(case):
        function, inputs = checked_function(case, call)
        graded = [result for result in function(*inputs) if result.requires_grad]
        if graded:
            total = graded[0].sum()
            for result in graded[1:]:
                total = total + result.sum()
            fathom.autograd.grad(total, inputs, create_graph=True, allow_unused=True)


def transposed(array: np.ndarray) -> np.ndarray:
    # The reshape brings back that an array has no dimensions, which NumPy gives one.
    return np.asfortranarray(array).reshape(array.shape)


def reversed_in_memory(array: np.ndarray) -> np.ndarray:
    return np.flip(np.flip(array).copy())


def with_gaps(array: np.ndarray) -> np.ndarray:
    larger = np.zeros([3 * size for size in array.shape], array.dtype)
    spaced = larger[(..., *[slice(1, None, 3)] * array.ndim)]
    spaced[...] = array
    return spaced


@pytest.mark.parametrize("layout", [transposed, reversed_in_memory, with_gaps])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_results_do_not_depend_on_the_layout_in_memory(
    case: Case, layout: Callable[[np.ndarray], np.ndarray]
) -> None:
    function = attrgetter(case.name)(fathom)
    for call in calls_of(case):
        expected, found = [
            [
                np.asarray(result)
                for result in flattened(function(*laid_out.arguments, **laid_out.options), Tensor)
            ]
            for laid_out in (
                with_tensors(call, lambda array: fathom_tensor(array.copy())),
                with_tensors(call, lambda array: fathom_tensor(layout(array))),
            )
        ]
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize(
    "case", [case for case in comparable if "." not in case.name and case.name != "where"], ids=str
)
def test_methods_and_in_place_spellings_exist_where_pytorch_has_them(case: Case) -> None:
    torch = pytest.importorskip("torch")
    call = with_tensors(calls_of(case)[0], fathom_tensor)
    if not call.arguments or not isinstance(call.arguments[0], Tensor):
        return
    first, *rest = call.arguments
    expected = list(flattened(getattr(fathom, case.name)(first, *rest, **call.options), Tensor))
    for name in (case.name, case.name + "_"):
        if hasattr(torch.Tensor, name):
            method = getattr(first.clone(), name)
            if name.endswith("_") and (
                expected[0].shape != first.shape or expected[0].dtype != first.dtype
            ):
                continue
            found = list(flattened(method(*rest, **call.options), Tensor))
            for one, other in zip(expected, found, strict=True):
                np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
