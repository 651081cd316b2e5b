"""The tensor: a handle to a value that never changes."""

import copy
import pickle

import numpy as np
import pytest

import fathom
from fathom.errors import (
    AutogradError,
    DivisionByZero,
    DTypeError,
    FathomError,
    IndexOutOfRange,
    ShapeError,
    ViewWriteError,
)


class TestMaking:
    def test_python_floats_become_float32_and_integers_int64(self):
        assert fathom.tensor([1.0, 2.0]).dtype == fathom.float32
        assert fathom.tensor([1, 2]).dtype == fathom.int64
        assert fathom.tensor([True]).dtype == fathom.bool
        assert fathom.tensor(np.zeros(2)).dtype == fathom.float64

    def test_the_data_is_copied(self):
        array = np.zeros(2)
        tensor = fathom.from_numpy(array)
        array[0] = 5
        assert tensor.tolist() == [0, 0]

    def test_sequences_of_unequal_length_are_refused(self):
        with pytest.raises(ShapeError):
            fathom.tensor([[1, 2], [3]])

    def test_a_dtype_that_fathom_lacks_is_refused(self):
        with pytest.raises(DTypeError, match="float16"):
            fathom.zeros(2, dtype=np.float16)

    def test_as_tensor_keeps_a_tensor(self):
        tensor = fathom.ones(2)
        assert fathom.as_tensor(tensor) is tensor
        assert fathom.as_tensor(tensor, fathom.int64).dtype == fathom.int64

    @pytest.mark.parametrize(
        ("made", "expected"),
        [
            (lambda: fathom.zeros(2, 1), [[0.0], [0.0]]),
            (lambda: fathom.ones((2,)), [1.0, 1.0]),
            (lambda: fathom.full((2,), 7), [7, 7]),
            (lambda: fathom.arange(3), [0, 1, 2]),
            (lambda: fathom.arange(1, 2, 0.5), [1.0, 1.5]),
            (lambda: fathom.arange(3, 0, -1), [3, 2, 1]),
            (lambda: fathom.linspace(0, 1, 3), [0.0, 0.5, 1.0]),
            (lambda: fathom.logspace(0, 2, 3), [1.0, 10.0, 100.0]),
            (lambda: fathom.eye(2), [[1.0, 0.0], [0.0, 1.0]]),
            (lambda: fathom.full_like(fathom.ones(1, dtype=fathom.int32), 3), [3]),
            (lambda: fathom.ones(2).new_zeros(1, 2), [[0.0, 0.0]]),
            (lambda: fathom.ones(2).new_full((1,), 4), [4.0]),
            (lambda: fathom.ones(2).new_tensor([1, 2]), [1.0, 2.0]),
        ],
    )
    def test_the_makers_make(self, made, expected):
        assert made().tolist() == expected

    @pytest.mark.parametrize(
        "arguments", [(5,), (1, 4), (0, 1, 0.1), (5, 0, -2), (0.5, 3), (0,), (2, 2), (0, 10, 3)]
    )
    def test_arange_is_that_of_pytorch(self, arguments):
        torch = pytest.importorskip("torch")
        found, expected = fathom.arange(*arguments), torch.arange(*arguments)
        assert str(expected.dtype) == f"torch.{found.dtype}"
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6)

    def test_an_arange_that_never_arrives_is_refused(self):
        with pytest.raises(FathomError, match="do not lead"):
            fathom.arange(0, 5, -1)


class TestDtypes:
    def test_conversions_by_name(self):
        x = fathom.tensor([1.9, 0.0])
        assert x.int().tolist() == [1, 0]
        assert x.bool().tolist() == [True, False]
        assert x.double().dtype == fathom.float64
        assert x.float() is x

    def test_to_takes_dtypes_devices_and_tensors(self):
        x = fathom.ones(2)
        assert x.to(fathom.float64).dtype == fathom.float64
        assert x.to("cpu", fathom.int64).dtype == fathom.int64
        assert x.to(fathom.device("cpu")) is x
        assert x.to(x.long()).dtype == fathom.int64
        assert x.to(dtype=fathom.uint8, device="cpu").dtype == fathom.uint8

    def test_another_device_is_refused(self):
        with pytest.raises(FathomError, match="cuda"):
            fathom.ones(2).to("cuda")
        with pytest.raises(FathomError, match="cuda"):
            fathom.ones(2).cuda()

    def test_gradients_flow_through_conversions(self):
        x = fathom.ones(2, requires_grad=True)
        x.double().sum().backward()
        assert x.grad.dtype == fathom.float32

    def test_result_types_are_those_of_pytorch(self):
        torch = pytest.importorskip("torch")
        names = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
        for first in names:
            for second in names:
                expected = torch.promote_types(getattr(torch, first), getattr(torch, second))
                found = fathom.promote_types(getattr(fathom, first), getattr(fathom, second))
                assert str(expected) == f"torch.{found}"

    def test_limits(self):
        assert fathom.finfo(fathom.float32).eps == 2.0**-23
        assert fathom.iinfo(fathom.int8).max == 127
        with pytest.raises(DTypeError):
            fathom.finfo(fathom.int8)


class TestInPlace:
    def test_two_tensors_never_share_a_change(self):
        x = fathom.ones(2)
        y = x.detach().clone()
        y += 1
        assert x.tolist() == [1, 1]
        assert y.tolist() == [2, 2]

    def test_every_spelling_returns_the_handle(self):
        x = fathom.zeros(3)
        assert x.add_(1) is x
        assert x.zero_() is x
        assert x.fill_(4) is x
        assert x.copy_(fathom.arange(3)) is x
        assert x.tolist() == [0, 1, 2]

    def test_copy_broadcasts_and_converts(self):
        x = fathom.zeros(2, 2, dtype=fathom.int64)
        assert x.copy_(fathom.tensor([1.7, 2.2])).tolist() == [[1, 2], [1, 2]]

    def test_writing_through_a_view_says_what_to_write_instead(self):
        x = fathom.zeros(2, 2)
        with pytest.raises(ViewWriteError, match=r"x\[index\] = value"):
            x.reshape(-1).add_(1)
        with pytest.raises(ViewWriteError):
            x[0].add_(1)
        with pytest.raises(ViewWriteError):
            x.reshape(-1)[3] = 0

    def test_augmented_assignment_to_an_element_is_an_assignment(self):
        x = fathom.zeros(2)
        x[0] += 3
        assert x.tolist() == [3, 0]

    def test_a_leaf_that_requires_a_gradient_is_written_within_no_grad_only(self):
        x = fathom.zeros(2, requires_grad=True)
        with pytest.raises(AutogradError, match="no_grad"):
            x.add_(1)
        with fathom.no_grad():
            x.add_(1)
        assert x.requires_grad
        assert x.is_leaf
        assert x.tolist() == [1, 1]

    def test_a_float_result_does_not_fit_into_integers(self):
        with pytest.raises(DTypeError, match="cannot be written"):
            fathom.zeros(2, dtype=fathom.int64).add_(0.5)

    def test_a_larger_result_does_not_fit(self):
        with pytest.raises(ShapeError):
            fathom.zeros(2).add_(fathom.zeros(3, 2))

    def test_gradients_flow_through_in_place_spellings(self):
        x = fathom.tensor([1.0, 2.0], requires_grad=True)
        y = x * 1
        y.mul_(3).exp_()
        y.sum().backward()
        np.testing.assert_allclose(x.grad, 3 * np.exp([3.0, 6.0]), rtol=1e-6)


class TestProtocols:
    def test_numpy_reads_tensors(self):
        x = fathom.tensor([[1.0, 2.0]])
        assert np.asarray(x).tolist() == [[1.0, 2.0]]
        assert np.add(x.numpy(), 1).tolist() == [[2.0, 3.0]]

    def test_an_array_from_a_tensor_cannot_be_written(self):
        with pytest.raises(ValueError, match="read-only"):
            fathom.zeros(2).numpy()[0] = 1

    def test_numpy_would_lose_the_gradient(self):
        with pytest.raises(AutogradError, match="detach"):
            fathom.zeros(2, requires_grad=True).numpy()

    def test_arrays_and_numpy_numbers_meet_tensors(self):
        x = fathom.ones(2)
        assert isinstance(np.ones(2, np.float32) * x, fathom.Tensor)
        assert (np.float32(2) * x).dtype == fathom.float32

    def test_dlpack_goes_both_ways(self):
        x = fathom.arange(3)
        assert np.from_dlpack(x).tolist() == [0, 1, 2]
        assert fathom.from_dlpack(np.arange(3)).tolist() == [0, 1, 2]

    def test_tensors_are_copied_and_pickled(self):
        x = fathom.tensor([1.0, 2.0], requires_grad=True)
        for again in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
            assert again is not x
            assert again.requires_grad
            assert again.tolist() == [1.0, 2.0]

    def test_a_single_element_is_a_number(self):
        x = fathom.tensor([3])
        assert (x.item(), int(x), float(x), bool(x)) == (3, 3, 3.0, True)
        assert [10, 20, 30, 40][fathom.tensor(3)] == 40
        with pytest.raises(ShapeError, match="ambiguous"):
            bool(fathom.ones(2))

    def test_iteration_length_and_membership(self):
        x = fathom.tensor([[1, 2], [3, 4]])
        assert len(x) == 2
        assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
        assert 3 in x
        assert 5 not in x
        with pytest.raises(TypeError):
            len(fathom.tensor(1))


class TestRepr:
    @pytest.mark.parametrize(
        ("tensor", "text"),
        [
            (fathom.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
            (fathom.tensor([1.0, 2.0]), "tensor([1., 2.])"),
            (fathom.tensor([[1, 2], [3, 4]]), "tensor([[1, 2],\n        [3, 4]])"),
            (fathom.tensor(True), "tensor(True)"),
            (fathom.zeros(2, requires_grad=True), "tensor([0., 0.], requires_grad=True)"),
            (fathom.zeros(2, dtype=fathom.float64), "tensor([0., 0.], dtype=fathom.float64)"),
        ],
    )
    def test_it_is_what_pytorch_prints(self, tensor, text):
        assert repr(tensor) == text

    def test_a_result_names_its_operation(self):
        x = fathom.zeros(2, requires_grad=True)
        assert "grad_fn=<Exp>" in repr(x.exp())

    def test_a_number_is_formatted_as_a_number(self):
        assert f"{fathom.tensor(2.5):.2f}" == "2.50"


class TestErrors:
    def test_shapes_that_do_not_broadcast_are_named(self):
        with pytest.raises(ShapeError, match=r"\(2,\) and \(3,\)"):
            fathom.ones(2) + fathom.ones(3)

    def test_a_dimension_out_of_range(self):
        for function in (fathom.sum, fathom.amax, fathom.argmax, fathom.sort, fathom.cumsum):
            with pytest.raises(IndexOutOfRange, match="-2 to 1"):
                function(fathom.ones(2, 2), 2)

    def test_a_dimension_named_twice(self):
        with pytest.raises(ShapeError, match="more than once"):
            fathom.ones(2, 2).sum((0, -2))

    def test_the_largest_of_nothing(self):
        with pytest.raises(ShapeError, match="no elements"):
            fathom.zeros(0).max()
        with pytest.raises(ShapeError, match="no elements"):
            fathom.zeros(2, 0).argmax(1)

    def test_integers_divided_by_zero(self):
        for operation in (fathom.floor_divide, fathom.remainder, fathom.fmod):
            with pytest.raises(DivisionByZero):
                operation(fathom.tensor([1]), 0)

    def test_integers_to_a_negative_power(self):
        with pytest.raises(DTypeError, match="float"):
            fathom.tensor([2]) ** -1

    def test_operations_that_a_dtype_lacks(self):
        with pytest.raises(DTypeError, match="float32"):
            fathom.ones(2) & fathom.ones(2)
        with pytest.raises(DTypeError, match="bool"):
            fathom.tensor([True]) - fathom.tensor([True])
        with pytest.raises(DTypeError, match="int64"):
            fathom.tensor([1, 2]).mean()

    def test_operands_that_are_no_tensors(self):
        with pytest.raises(FathomError, match="str"):
            fathom.ones(2) + "one"

    def test_numbers_too_large_for_the_dtype_become_infinite(self):
        for tensor in (
            fathom.tensor(1e300),
            fathom.full((1,), 1e300),
            fathom.ones(1) + 1e300,
            fathom.zeros(1).fill_(1e300),
            fathom.zeros(1).clamp(min=1e300),
        ):
            assert tensor.item() == float("inf")

    def test_integers_that_a_dtype_cannot_hold(self):
        assert (fathom.tensor([100], dtype=fathom.int8) + 1000).tolist() == [76]
        with pytest.raises(DTypeError, match="uint8"):
            fathom.tensor([300], dtype=fathom.uint8)

    def test_other_objects_are_not_equal_to_a_tensor(self):
        assert (fathom.ones(2) == None) is False  # noqa: E711
        assert (fathom.ones(2) != "one") is True

    def test_numpy_names_of_arguments_are_taken(self):
        assert fathom.ones(2, 3).sum(axis=0, keepdims=True).shape == (1, 3)

    def test_numpy_warnings_do_not_reach_the_user(self):
        x = fathom.tensor([0.0, -1.0, 1e30, float("inf")], requires_grad=True)
        y = x.log() + x.sqrt() + 1 / x + x.exp() + x / 0 + x * x
        y.sum().backward()
        assert x.grad.shape == (4,)


def test_scripts_that_ask_for_an_accelerator_learn_that_there_is_none() -> None:
    listed = (fathom.backends.cudnn, fathom.backends.mps)
    for absent in (fathom.cuda, fathom.mps, fathom.accelerator, *listed):
        assert not absent.is_available()
        assert absent.device_count() == 0
    fathom.cuda.manual_seed_all(0)
    assert fathom.device("cuda" if fathom.cuda.is_available() else "cpu").type == "cpu"
