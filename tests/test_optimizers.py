"""Optimizers: the results are PyTorch's, step for step, and all that lives on is tensors."""

import copy
import inspect

import numpy as np
import pytest

import fathom
from fathom import optim
from fathom.errors import FathomError
from fathom.optim import OptimizerError

SHAPES = [(4, 3), (5,), (2, 3, 2), ()]

# name, options of the optimizer, options of the second group
CASES = [
    ("SGD", {"lr": 0.1}, {}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}, {"lr": 0.02}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}, {}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True}, {"weight_decay": 0.1}),
    ("SGD", {"lr": 0.01, "maximize": True}, {"momentum": 0.5}),
    ("Adam", {}, {"lr": 0.1}),
    ("Adam", {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-3}, {"weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "betas": (0.8, 0.5)}, {"maximize": True}),
    ("AdamW", {"lr": 0.05}, {"weight_decay": 0.5}),
    ("AdamW", {"lr": 0.05, "amsgrad": True, "maximize": True}, {}),
    ("RMSprop", {}, {"alpha": 0.5}),
    ("RMSprop", {"lr": 0.02, "centered": True, "momentum": 0.9}, {"weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.02, "maximize": True}, {"centered": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}, {"weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5, "maximize": True}, {"eps": 0.1}),
    ("Adadelta", {}, {"rho": 0.5, "weight_decay": 0.1}),
    ("Adadelta", {"lr": 0.5, "eps": 1e-3, "maximize": True}, {}),
    ("Adamax", {"lr": 0.05}, {"weight_decay": 0.1, "betas": (0.5, 0.9)}),
    ("Adamax", {"maximize": True}, {"eps": 0.1}),
    ("NAdam", {"lr": 0.05}, {"weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "decoupled_weight_decay": True, "weight_decay": 0.2}, {"lr": 0.01}),
    ("RAdam", {"lr": 0.05}, {"weight_decay": 0.1, "betas": (0.5, 0.9)}),
    ("RAdam", {"lr": 0.05, "decoupled_weight_decay": True, "weight_decay": 0.2}, {"lr": 0.01}),
]
IDENTIFIERS = [f"{name}-{'-'.join(options) or 'defaults'}" for name, options, _ in CASES]


def starting_values(dtype="float32"):
    generator = np.random.default_rng(0)
    return [generator.standard_normal(shape).astype(dtype) for shape in SHAPES]


def parameters(library, dtype="float32"):
    return [library.tensor(value, requires_grad=True) for value in starting_values(dtype)]


def optimizer_with_groups(library, name, options, second, dtype="float32"):
    params = parameters(library, dtype)
    groups = [{"params": params[:2]}, {"params": params[2:], **second}]
    return params, getattr(library.optim, name)(groups, **options)


def take_steps(params, optimizer, steps, start=0):
    """Steps on a loss whose gradients differ from step to step and parameter to parameter."""
    for step in range(start, start + steps):
        optimizer.zero_grad()
        loss = sum(
            ((param - position - 2 + 0.1 * (step % 3)) ** 2).sum() * (0.5 + 0.5 * (step % 3))
            for position, param in enumerate(params)
        )
        loss.backward()
        optimizer.step()


def values(params):
    return [np.asarray(param.detach()) for param in params]


class TestAgainstPyTorch:
    @pytest.mark.parametrize(("name", "options", "second"), CASES, ids=IDENTIFIERS)
    @pytest.mark.parametrize(("dtype", "rounding"), [("float32", 2e-5), ("float64", 1e-11)])
    def test_forty_steps_give_the_same_parameters(self, name, options, second, dtype, rounding):
        torch = pytest.importorskip("torch")
        if name == "NAdam":
            rounding = max(rounding, 1e-7)  # PyTorch keeps the product of mu in float32
        ours, optimizer = optimizer_with_groups(fathom, name, options, second, dtype)
        theirs, reference = optimizer_with_groups(torch, name, options, second, dtype)
        for start in range(0, 40, 4):
            take_steps(ours, optimizer, 4, start)
            take_steps(theirs, reference, 4, start)
            for mine, expected in zip(values(ours), values(theirs), strict=True):
                assert mine.dtype == dtype
                np.testing.assert_allclose(mine, expected, rtol=rounding, atol=rounding)

    @pytest.mark.parametrize(("name", "options", "second"), CASES, ids=IDENTIFIERS)
    def test_the_state_dict_has_the_same_keys_and_values(self, name, options, second):
        torch = pytest.importorskip("torch")
        ours, optimizer = optimizer_with_groups(fathom, name, options, second)
        theirs, reference = optimizer_with_groups(torch, name, options, second)
        take_steps(ours, optimizer, 3)
        take_steps(theirs, reference, 3)
        mine, expected = optimizer.state_dict(), reference.state_dict()
        for group, expected_group in zip(
            mine["param_groups"], expected["param_groups"], strict=True
        ):
            assert group.items() <= expected_group.items()
        assert mine["state"].keys() == expected["state"].keys()
        for number, state in expected["state"].items():
            extra = mine["state"][number].keys() - state.keys()
            assert extra <= {"step"}  # SGD with dampening
            for key, tensor in state.items():
                got = np.asarray(mine["state"][number][key])
                np.testing.assert_allclose(got, tensor, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize(("name", "options", "second"), CASES, ids=IDENTIFIERS)
    def test_a_state_dict_of_pytorch_is_gone_on_from(self, name, options, second):
        torch = pytest.importorskip("torch")
        theirs, reference = optimizer_with_groups(torch, name, options, second)
        take_steps(theirs, reference, 5)
        ours, optimizer = optimizer_with_groups(fathom, name, options, second)
        for mine, expected in zip(ours, values(theirs), strict=True):
            mine.data = fathom.tensor(expected)
        optimizer.load_state_dict(reference.state_dict())
        take_steps(ours, optimizer, 10, 5)
        take_steps(theirs, reference, 10, 5)
        for mine, expected in zip(values(ours), values(theirs), strict=True):
            np.testing.assert_allclose(mine, expected, rtol=2e-5, atol=2e-5)

    @pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
    def test_arguments_and_defaults_are_the_same(self, name):
        torch = pytest.importorskip("torch")
        ours = inspect.signature(getattr(optim, name)).parameters
        theirs = inspect.signature(getattr(torch.optim, name)).parameters
        for argument, parameter in ours.items():
            assert argument in theirs
            assert parameter.default == theirs[argument].default
        execution = {"foreach", "fused", "capturable", "differentiable"}
        assert theirs.keys() - ours.keys() <= execution

    def test_the_representation_reads_the_same(self):
        torch = pytest.importorskip("torch")
        execution = ("foreach", "fused", "capturable", "differentiable")
        ours = optim.Adam(parameters(fathom), lr=0.01)
        theirs = torch.optim.Adam(parameters(torch), lr=0.01)
        lines = [
            line for line in repr(theirs).splitlines() if not line.strip().startswith(execution)
        ]
        assert repr(ours).splitlines() == lines


class TestLion:
    def test_two_steps_are_those_of_algorithm_2(self):
        w = fathom.tensor([1.0, -2.0], dtype=fathom.float64, requires_grad=True)
        lion = optim.Lion([w], lr=0.1, betas=(0.9, 0.99), weight_decay=0.5)
        w.grad = fathom.tensor([3.0, -1.0], dtype=fathom.float64)
        lion.step()
        np.testing.assert_allclose(w.detach(), [1 - 0.1 * (1 + 0.5), -2 - 0.1 * (-1 - 1)])
        np.testing.assert_allclose(lion.state[w]["exp_avg"], [0.03, -0.01])
        before = np.asarray(w.detach())
        w.grad = fathom.tensor([-0.1, 2.0], dtype=fathom.float64)
        lion.step()
        direction = np.sign([0.9 * 0.03 - 0.1 * 0.1, -0.9 * 0.01 + 0.1 * 2])
        np.testing.assert_allclose(w.detach(), before - 0.1 * (direction + 0.5 * before))

    def test_maximize_climbs(self):
        w = fathom.tensor([1.0], requires_grad=True)
        w.grad = fathom.tensor([2.0])
        optim.Lion([w], lr=0.25, maximize=True).step()
        assert w.item() == 1.25


class TestStep:
    def test_a_parameter_without_a_gradient_stays_and_gets_no_state(self):
        used, unused = parameters(fathom)[:2]
        before = np.asarray(unused.detach())
        adam = optim.Adam([used, unused])
        used.sum().backward()
        adam.step()
        np.testing.assert_array_equal(unused.detach(), before)
        assert unused not in adam.state
        assert used in adam.state

    def test_the_closure_is_called_with_gradients_on_and_its_loss_returned(self):
        w = fathom.tensor([2.0], requires_grad=True)
        sgd = optim.SGD([w], lr=0.25)

        def closure():
            sgd.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            return loss

        with fathom.no_grad():
            loss = sgd.step(closure)
        assert loss.item() == 4
        assert w.item() == 1

    def test_zero_grad_sets_to_none_or_zero(self):
        used, unused = parameters(fathom)[:2]
        sgd = optim.SGD([used, unused])
        used.sum().backward()
        sgd.zero_grad(set_to_none=False)
        assert not used.grad.numpy().any()
        assert unused.grad is None
        sgd.zero_grad()
        assert used.grad is None

    def test_the_parameter_stays_the_same_leaf(self):
        w = fathom.tensor([1.0], requires_grad=True)
        w.grad = fathom.ones(1)
        optim.SGD([w], lr=0.5).step()
        assert w.is_leaf
        assert w.requires_grad
        assert w.item() == 0.5

    @pytest.mark.parametrize("name", optim.optimizers())
    def test_a_quadratic_is_minimized(self, name):
        w = fathom.tensor([1.0, -0.5], requires_grad=True)
        optimizer = optim.optimizer_named(name)([w], lr=1.0 if name == "adadelta" else 0.01)
        start = (w * w).sum().item()
        for _ in range(100):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
        assert (w * w).sum().item() < 0.95 * start


class TestDtypes:
    def test_options_given_as_numpy_numbers_do_not_widen_the_parameter(self):
        w = fathom.tensor([1.0, 2.0], requires_grad=True)
        w.grad = fathom.ones(2)
        rate, decay = np.float64(0.1), np.float64(0.01)
        optim.SGD([w], lr=rate, momentum=np.float64(0.9), weight_decay=decay).step()
        optim.Adam([w], betas=(np.float64(0.9), np.float64(0.99)), eps=np.float64(1e-8)).step()
        assert w.dtype == fathom.float32

    def test_a_gradient_of_another_dtype_does_not_change_the_parameters(self):
        w = fathom.tensor([1.0, 2.0], requires_grad=True)
        w.grad = fathom.ones(2, dtype=fathom.float64)
        optim.SGD([w], lr=0.5).step()
        assert w.dtype == fathom.float32
        assert w.tolist() == [0.5, 1.5]

    def test_a_gradient_of_another_shape_is_named(self):
        w = fathom.tensor([1.0, 2.0], requires_grad=True)
        w.grad = fathom.ones(3, 2)
        with pytest.raises(FathomError, match=r"shape \(3, 2\) for a tensor of shape \(2,\)"):
            optim.SGD([w]).step()

    def test_overflow_is_silent(self):
        w = fathom.tensor([1e38], requires_grad=True)
        w.grad = fathom.tensor([-1e38])
        optim.SGD([w], lr=1e6).step()
        assert w.item() == float("inf")


class TestState:
    def test_all_that_changes_lives_in_tensors_that_stay(self):
        params = parameters(fathom)
        adam = optim.Adam(params, amsgrad=True)
        take_steps(params, adam, 1)
        kept = [tensor for state in adam.state.values() for tensor in state.values()]
        kept.append(adam.param_groups[0]["lr"])
        before = [np.asarray(tensor) for tensor in kept]
        take_steps(params, adam, 1)
        adam.param_groups[0]["lr"] = 0.5
        now = [tensor for state in adam.state.values() for tensor in state.values()]
        now.append(adam.param_groups[0]["lr"])
        assert all(mine is theirs for mine, theirs in zip(kept, now, strict=True))
        assert all((old != np.asarray(new)).any() for old, new in zip(before, now, strict=True))

    def test_no_value_is_read_in_a_step(self, monkeypatch):
        runs = []
        for name in optim.optimizers():
            params = parameters(fathom)
            runs.append((params, optim.optimizer_named(name)(params)))
        for params, _ in runs:
            for param in params:
                param.grad = fathom.ones(param.shape)

        def refuse(self, *arguments):
            raise AssertionError("a value was read")

        for method in ("item", "numpy", "__array__", "__bool__", "__float__", "tolist"):
            monkeypatch.setattr(fathom.Tensor, method, refuse)
        for _, optimizer in runs:
            optimizer.step()

    def test_a_state_dict_is_not_changed_by_later_steps(self):
        params = parameters(fathom)
        adam = optim.Adam(params, lr=0.1)
        take_steps(params, adam, 2)
        saved = adam.state_dict()
        first = np.asarray(saved["state"][0]["exp_avg"]).copy()
        take_steps(params, adam, 2)
        adam.param_groups[0]["lr"] = 7
        np.testing.assert_array_equal(saved["state"][0]["exp_avg"], first)
        assert saved["state"][0]["step"].item() == 2
        assert saved["param_groups"][0]["lr"] == 0.1

    @pytest.mark.parametrize(("name", "options", "second"), CASES, ids=IDENTIFIERS)
    def test_a_run_goes_on_exactly_from_its_state_dict(self, name, options, second):
        params, optimizer = optimizer_with_groups(fathom, name, options, second)
        take_steps(params, optimizer, 3)
        saved = optimizer.state_dict()
        middle = values(params)
        take_steps(params, optimizer, 5, 3)
        resumed, other = optimizer_with_groups(fathom, name, options, {})
        for param, value in zip(resumed, middle, strict=True):
            param.data = fathom.tensor(value)
        other.load_state_dict(saved)
        take_steps(resumed, other, 5, 3)
        for mine, expected in zip(values(resumed), values(params), strict=True):
            np.testing.assert_array_equal(mine, expected)

    def test_parameters_that_resume_together_share_their_bias_corrections(self):
        params = parameters(fathom)
        adam = optim.Adam(params)
        take_steps(params, adam, 2)
        other = optim.Adam(params)
        other.load_state_dict(adam.state_dict())
        for optimizer in (adam, other):
            counts = [optimizer.state[param]["step"] for param in params]
            assert len({id(step) for step in counts}) == len(params)
            assert len({id(step._node) for step in counts}) == 1

    def test_a_parameter_that_missed_a_step_keeps_its_own_count(self):
        torch = pytest.importorskip("torch")
        runs = []
        for library in (fathom, torch):
            params = parameters(library)[:2]
            adam = library.optim.Adam(params, lr=0.1)
            for step in range(6):
                adam.zero_grad()
                sum((param**2).sum() for param in params[: 1 + step % 2]).backward()
                adam.step()
            assert [adam.state[param]["step"].item() for param in params] == [6, 3]
            runs.append(values(params))
        for mine, expected in zip(*runs, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)

    def test_loading_keeps_the_tensors_that_live_from_step_to_step(self):
        params = parameters(fathom)
        adam = optim.Adam(params)
        take_steps(params, adam, 1)
        saved = adam.state_dict()
        take_steps(params, adam, 1)
        moment, rate = adam.state[params[0]]["exp_avg"], adam.param_groups[0]["lr"]
        adam.load_state_dict(saved)
        assert adam.state[params[0]]["exp_avg"] is moment
        assert adam.param_groups[0]["lr"] is rate
        np.testing.assert_array_equal(moment, saved["state"][0]["exp_avg"])

    def test_loading_says_what_differs_and_changes_nothing(self):
        params = parameters(fathom)
        adam = optim.Adam(params, lr=0.5)
        take_steps(params, adam, 1)
        before = adam.state_dict()
        wrong = optim.Adam(params[::-1], lr=0.1)
        take_steps(params, wrong, 1)
        cases = [
            (optim.Adam(params[:2]), r"group 0 has 2 parameters there, 4 here"),
            (optim.SGD(params), r"group 0 lacks betas, eps, amsgrad.*another optimizer"),
            (optim.Adam([{"params": [param]} for param in params]), r"has 4 groups"),
            (wrong, r"exp_avg of parameter 0 has shape \(\) there, \(4, 3\) here"),
        ]
        for other, message in cases:
            with pytest.raises(OptimizerError, match=message):
                adam.load_state_dict(other.state_dict())
        with pytest.raises(OptimizerError, match="param_groups is missing"):
            adam.load_state_dict({"state": {}})
        incomplete = adam.state_dict()
        del incomplete["state"][1]["exp_avg_sq"]
        with pytest.raises(OptimizerError, match="parameter 1 lacks exp_avg_sq"):
            adam.load_state_dict(incomplete)
        after = adam.state_dict()
        assert after["param_groups"] == before["param_groups"]
        for number, state in before["state"].items():
            for key, tensor in state.items():
                np.testing.assert_array_equal(after["state"][number][key], tensor)

    def test_a_deep_copy_goes_its_own_way(self):
        params = parameters(fathom)
        sgd = optim.SGD(params, lr=0.1)
        copied = copy.deepcopy(sgd)
        copied.param_groups[0]["lr"] = 5
        assert sgd.param_groups[0]["lr"] == 0.1
        assert copied.param_groups[0]["params"][0] is not params[0]


class TestParameterGroup:
    def test_the_learning_rate_is_one_tensor_of_float64(self):
        group = optim.SGD(parameters(fathom), lr=0.1).param_groups[0]
        rate = group["lr"]
        assert rate.dtype == fathom.float64
        assert rate.shape == ()
        group["lr"] = 0.01
        assert group["lr"] is rate
        assert float(rate) == 0.01
        group["lr"] *= 0.1
        assert group["lr"] is rate
        assert float(rate) == 0.01 * 0.1
        group.update(lr=0.3)
        group |= {"weight_decay": 0.5}
        assert group["lr"] is rate
        assert group["lr"] == 0.3
        assert group["lr"] < 0.4
        assert f"{group['lr']:.4f}" == "0.3000"
        assert group["weight_decay"] == 0.5

    def test_the_learning_rate_may_be_given_as_a_tensor_and_is_copied(self):
        given = fathom.tensor(0.5)
        group = optim.SGD(parameters(fathom), lr=given).param_groups[0]
        group["lr"] = 0.25
        assert given == 0.5

    def test_options_of_a_group_hold_for_it_alone(self):
        first, second = (fathom.tensor([1.0], requires_grad=True) for _ in range(2))
        sgd = optim.SGD([{"params": first}, {"params": [second], "lr": 0.5}], lr=0.25)
        first.grad = second.grad = fathom.ones(1)
        sgd.step()
        assert (first.item(), second.item()) == (0.75, 0.5)

    def test_a_group_is_added_later(self):
        first, second = (fathom.tensor([1.0], requires_grad=True) for _ in range(2))
        sgd = optim.SGD([first], lr=0.25)
        sgd.add_param_group({"params": second, "lr": 0.5})
        first.grad = second.grad = fathom.ones(1)
        sgd.step()
        assert (first.item(), second.item()) == (0.75, 0.5)

    def test_named_parameters_are_taken(self):
        w = fathom.tensor([1.0], requires_grad=True)
        assert optim.SGD([("weight", w)]).param_groups[0]["params"] == [w]


class TestWrongUse:
    @pytest.mark.parametrize(
        ("build", "message"),
        [
            (lambda p: optim.SGD([], lr=0.1), "got no parameters"),
            (lambda p: optim.SGD(p[0], lr=0.1), "single tensor"),
            (lambda p: optim.SGD([3.0], lr=0.1), "entry 0 of the group is a float"),
            (lambda p: optim.SGD([p[0] * 2], lr=0.1), "is the result of Multiply"),
            (lambda p: optim.SGD([p[0], p[0]], lr=0.1), r"shape \(4, 3\), is among"),
            (lambda p: optim.SGD(p, lr=-1), "SGD: lr must not be negative, got -1"),
            (lambda p: optim.SGD(p, momentum=-1), "momentum must not be negative"),
            (lambda p: optim.SGD(p, nesterov=True), "nesterov needs a momentum"),
            (lambda p: optim.Adam(p, betas=(0.9, 1.0)), r"Adam: betas\[1\] .* got 1.0"),
            (lambda p: optim.Adam(p, lr=float("nan")), "lr must not be negative"),
            (lambda p: optim.RMSprop([{"params": p, "eps": -1}]), "eps must not be negative"),
        ],
    )
    def test_is_named(self, build, message):
        with pytest.raises(OptimizerError, match=message):
            build(parameters(fathom))

    def test_an_unknown_name_is_answered_with_the_nearest(self):
        assert optim.optimizer_named("adam") is optim.Adam
        assert optim.optimizer_named("RMSProp") is optim.RMSprop
        with pytest.raises(FathomError, match="no optimizer 'adan'; did you mean 'adam'"):
            optim.optimizer_named("adan")
