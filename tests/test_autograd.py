"""Gradients: the backward walk, its switches and hooks, and the numerical check."""

import gc
import weakref

import numpy as np
import pytest

import fathom
from fathom.autograd import GradcheckError, grad, gradcheck, gradgradcheck
from fathom.errors import AutogradError, ShapeError
from fathom.ops import Exp
from fathom.tensor import Tensor


def leaf(*values: float) -> Tensor:
    return fathom.tensor(values, dtype=fathom.float64, requires_grad=True)


class TestBackward:
    def test_it_fills_grad_of_the_leaves(self):
        x, y = leaf(1, 2), leaf(3, 4)
        (x * y).sum().backward()
        assert x.grad.tolist() == [3, 4]
        assert y.grad.tolist() == [1, 2]

    def test_gradients_add_up_over_calls_and_over_uses(self):
        x = leaf(2)
        for _ in range(2):
            (x * x + x).sum().backward()
        assert x.grad.tolist() == [10]

    def test_broadcast_operands_get_gradients_of_their_shape(self):
        x, y = fathom.ones(3, 1, requires_grad=True), fathom.ones(2, requires_grad=True)
        (x * y).sum().backward()
        assert x.grad.tolist() == [[2], [2], [2]]
        assert y.grad.tolist() == [3, 3]

    def test_a_result_with_many_elements_needs_a_gradient_to_start_from(self):
        x = leaf(1, 2)
        with pytest.raises(AutogradError, match="one element"):
            (x * 2).backward()
        (x * 2).backward(fathom.tensor([1.0, 10.0]))
        assert x.grad.tolist() == [2, 20]

    def test_the_starting_gradient_must_fit(self):
        with pytest.raises(ShapeError):
            (leaf(1, 2) * 2).backward(fathom.ones(3))

    def test_a_tensor_without_history_has_no_gradients(self):
        with pytest.raises(AutogradError, match="no gradient flows"):
            fathom.ones(()).backward()

    def test_a_second_walk_needs_the_graph_to_be_retained(self):
        x = leaf(3)
        y = (x * x).sum()
        y.backward(retain_graph=True)
        y.backward()
        assert x.grad.tolist() == [12]
        with pytest.raises(AutogradError, match="retain_graph"):
            y.backward()

    def test_only_the_named_inputs_get_gradients(self):
        x, y = leaf(1), leaf(2)
        (x * y).sum().backward(inputs=[x])
        assert x.grad.tolist() == [2]
        assert y.grad is None

    def test_a_graph_of_100000_operations_does_not_overflow_the_stack(self):
        x = leaf(1)
        y = x
        for _ in range(100_000):
            y = y + 1
        y.sum().backward()
        assert x.grad.tolist() == [1]
        del y

    def test_memory_is_freed_as_it_walks(self):
        x = leaf(*range(10))
        middle = x.exp()
        value = weakref.ref(middle._node.value)
        loss = (middle * 2).sum()
        del middle
        loss.backward()
        gc.collect()
        assert value() is None

    def test_gradients_of_unused_branches_are_not_computed(self):
        x = leaf(1)
        with fathom.no_grad():
            y = x * 2
        assert not y.requires_grad
        assert y.is_leaf


class TestGrad:
    def test_gradients_of_gradients(self):
        x = leaf(2)
        (first,) = grad((x**3).sum(), x, create_graph=True)
        (second,) = grad(first.sum(), x, create_graph=True)
        (third,) = grad(second.sum(), x)
        assert (first.item(), second.item(), third.item()) == (12, 12, 6)

    def test_it_leaves_grad_alone(self):
        x = leaf(2)
        grad((x * x).sum(), x)
        assert x.grad is None

    def test_an_input_that_does_not_matter(self):
        x, y = leaf(1), leaf(2)
        with pytest.raises(AutogradError, match="allow_unused"):
            grad((x * 2).sum(), [x, y])
        assert grad((x * 2).sum(), [x, y], allow_unused=True)[1] is None

    def test_with_respect_to_a_result(self):
        x = leaf(3)
        y = x * x
        assert grad((y * 5).sum(), y)[0].tolist() == [5]

    def test_several_outputs_add_up(self):
        x = leaf(3)
        assert grad([x * 2, x * 3], x)[0].tolist() == [5]


class TestModes:
    def test_no_grad_as_a_block_and_as_a_decorator(self):
        x = leaf(1)

        @fathom.no_grad()
        def double(x):
            return x * 2

        assert not double(x).requires_grad
        with fathom.no_grad():
            assert not (x * 2).requires_grad
            with fathom.enable_grad():
                assert (x * 2).requires_grad
        assert (x * 2).requires_grad

    def test_the_mode_is_restored_after_an_error(self):
        with pytest.raises(KeyError), fathom.no_grad():
            raise KeyError
        assert fathom.is_grad_enabled()

    def test_detach_cuts_the_history(self):
        x = leaf(3)
        (x.detach() * x).sum().backward()
        assert x.grad.tolist() == [3]

    def test_integers_cannot_require_gradients(self):
        with pytest.raises(AutogradError, match="int64"):
            fathom.tensor([1], requires_grad=True)


class TestHooks:
    def test_a_hook_sees_and_replaces_the_gradient(self):
        x = leaf(2)
        seen = []
        y = x * 3
        handle = y.register_hook(lambda gradient: seen.append(gradient.tolist()))
        y.register_hook(lambda gradient: gradient * 10)
        (y * 1).sum().backward()
        assert seen == [[1]]
        assert x.grad.tolist() == [30]
        handle.remove()

    def test_retain_grad_keeps_the_gradient_of_a_result(self):
        x = leaf(2)
        y = x * 3
        y.retain_grad()
        (y * y).sum().backward()
        assert y.grad.tolist() == [12]


class WrongExp(Exp):
    def gradient(self, operand, grad, output, x):
        return grad * output * 1.01


class WrongSecondOrder(Exp):
    def gradient(self, operand, grad, output, x):
        return grad * output.detach() if isinstance(output, Tensor) else grad * output


class TestGradcheck:
    @pytest.mark.parametrize("fast_mode", [False, True])
    def test_a_right_gradient_passes(self, fast_mode):
        x, y = leaf(0.3, -1.2), leaf(2.0)
        assert gradcheck(lambda x, y: (x.exp() * y, x + y), (x, y), fast_mode=fast_mode)
        assert gradgradcheck(lambda x, y: x.exp() * y * y, (x, y), fast_mode=fast_mode)

    @pytest.mark.parametrize("fast_mode", [False, True])
    def test_a_wrong_gradient_is_reported_with_both_values_and_their_place(self, fast_mode):
        x = leaf(0.0, 1.0)
        message = r"output 0 element \(0,\).* input 0 element \(0,\) is 1\.01 .*give 1"
        with pytest.raises(GradcheckError, match=message):
            gradcheck(WrongExp(), x, fast_mode=fast_mode)

    def test_a_wrong_gradient_can_be_answered_with_false(self):
        assert not gradcheck(WrongExp(), leaf(1.0), raise_exception=False)

    def test_a_wrong_second_gradient_is_found(self):
        function = WrongSecondOrder()
        assert gradcheck(function, leaf(1.0))
        with pytest.raises(GradcheckError):
            gradgradcheck(function, leaf(1.0))

    def test_it_asks_for_float64(self):
        with pytest.raises(AutogradError, match="double"):
            gradcheck(lambda x: x * 2, fathom.ones(2, requires_grad=True))

    def test_it_asks_for_an_input_that_requires_a_gradient(self):
        with pytest.raises(AutogradError, match="requires a gradient"):
            gradcheck(lambda x: x * 2, fathom.ones(2))


class TestSubgradients:
    """At kinks and ties the gradient is the one that PyTorch chooses."""

    @pytest.mark.parametrize(
        ("function", "at", "expected"),
        [
            (lambda x: x.abs().sum(), [0.0], [0]),
            (lambda x: x.max(), [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
            (lambda x: x.max(0).values, [1.0, 3.0, 3.0], [0, 1, 0]),
            (lambda x: x.amin(), [1.0, 1.0, 3.0], [0.5, 0.5, 0]),
            (lambda x: x.clamp(0, 1).sum(), [-1.0, 0.0, 0.5, 1.0, 2.0], [0, 1, 1, 1, 0]),
            (lambda x: x.norm(), [0.0, 0.0], [0, 0]),
            (lambda x: x.std(), [2.0, 2.0], [0, 0]),
            (lambda x: x.prod(), [0.0, 2.0, 3.0], [6, 0, 0]),
            (lambda x: fathom.maximum(x, fathom.zeros(1)).sum(), [0.0], [0.5]),
        ],
    )
    def test_the_gradient_is(self, function, at, expected):
        x = fathom.tensor(at, requires_grad=True)
        function(x).backward()
        np.testing.assert_allclose(x.grad, expected)
