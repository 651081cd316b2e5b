"""Schedules: for hundreds of epochs the learning rates are PyTorch's, and runs resume exactly."""

import math

import numpy as np
import pytest

import fathom
from fathom import optim
from fathom.errors import FathomError
from fathom.optim import OptimizerError, lr_scheduler

EPOCHS = 200

# Each builds a schedule from a library's lr_scheduler module and an optimizer.
SCHEDULES = {
    "step": lambda s, o: s.StepLR(o, 7, gamma=0.5),
    "step-by-default": lambda s, o: s.StepLR(o, 40),
    "multistep": lambda s, o: s.MultiStepLR(o, [3, 10, 10, 60], gamma=0.3),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.95),
    "constant": lambda s, o: s.ConstantLR(o, 0.25, total_iters=9),
    "linear": lambda s, o: s.LinearLR(o, 0.1, 0.9, total_iters=20),
    "linear-by-default": lambda s, o: s.LinearLR(o),
    "polynomial": lambda s, o: s.PolynomialLR(o, total_iters=30, power=0.9),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 13, eta_min=0.001),
    "cosine-to-zero": lambda s, o: s.CosineAnnealingLR(o, EPOCHS),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 10, 2, eta_min=0.001),
    "equal-restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 7),
    "lambda": lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (e + 1)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9 if e % 2 else 1.05),
    "onecycle": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=EPOCHS),
    "onecycle-linear": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.2], epochs=20, steps_per_epoch=11, pct_start=0.4, anneal_strategy="linear"
    ),
    "onecycle-three-phases": lambda s, o: s.OneCycleLR(
        o, 0.5, total_steps=EPOCHS, three_phase=True, base_momentum=0.5, div_factor=10
    ),
    "onecycle-without-momentum": lambda s, o: s.OneCycleLR(
        o, 0.5, total_steps=EPOCHS, cycle_momentum=False
    ),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.01, 0.2, step_size_up=20, step_size_down=13),
    "cyclic-halved": lambda s, o: s.CyclicLR(o, [0.01, 0.1], 0.2, 20, mode="triangular2"),
    "cyclic-exponential": lambda s, o: s.CyclicLR(
        o, 0.01, 0.2, 20, mode="exp_range", gamma=0.99, cycle_momentum=False
    ),
    "cyclic-of-ones-own": lambda s, o: s.CyclicLR(
        o, 0.01, 0.2, 20, scale_fn=lambda x: 1 / (1 + x), scale_mode="iterations"
    ),
    "warmup-then-cosine": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.01, total_iters=10), s.CosineAnnealingLR(o, 100)], [10]
    ),
    "three-in-a-row": lambda s, o: s.SequentialLR(
        o,
        [s.ConstantLR(o, 0.1, 5), s.ExponentialLR(o, 0.9), s.StepLR(o, 30)],
        milestones=[5, 50],
    ),
    "lambda-then-restarts": lambda s, o: s.SequentialLR(
        o,
        [s.LambdaLR(o, lambda e: (e + 1) / 10), s.CosineAnnealingWarmRestarts(o, 12)],
        milestones=[10],
    ),
    "chained": lambda s, o: s.ChainedScheduler(
        [s.ConstantLR(o, 0.1, 20), s.ExponentialLR(o, 0.97)]
    ),
    "chained-cosine": lambda s, o: s.ChainedScheduler(
        [s.LinearLR(o, 0.2, total_iters=15), s.CosineAnnealingLR(o, 60)]
    ),
}


def sgd(library):
    first, second = (library.ones(2, requires_grad=True) for _ in range(2))
    groups = [{"params": [first]}, {"params": [second], "lr": 0.03}]
    return library.optim.SGD(groups, lr=0.1, momentum=0.9)


def adam(library):
    return library.optim.Adam([library.ones(2, requires_grad=True)], lr=0.1)


def rates_and_momentums(optimizer):
    return [
        (float(group["lr"]), float(group["momentum"] if "momentum" in group else group["betas"][0]))
        for group in optimizer.param_groups
    ]


class TestAgainstPyTorch:
    @pytest.mark.parametrize("name", SCHEDULES)
    def test_rates_and_momentums_are_the_same(self, name):
        torch = pytest.importorskip("torch")
        ours, theirs = sgd(fathom), sgd(torch)
        schedule = SCHEDULES[name](lr_scheduler, ours)
        reference = SCHEDULES[name](torch.optim.lr_scheduler, theirs)
        theirs.step()
        for _ in range(EPOCHS - 1):
            np.testing.assert_allclose(
                rates_and_momentums(ours), rates_and_momentums(theirs), rtol=1e-11, atol=1e-15
            )
            expected = reference.get_last_lr()
            np.testing.assert_allclose(schedule.get_last_lr(), expected, rtol=1e-11, atol=1e-15)
            schedule.step()
            reference.step()

    @pytest.mark.parametrize("name", ["onecycle", "cyclic"])
    def test_adams_first_beta_is_cycled(self, name):
        torch = pytest.importorskip("torch")
        ours, theirs = adam(fathom), adam(torch)
        schedule = SCHEDULES[name](lr_scheduler, ours)
        reference = SCHEDULES[name](torch.optim.lr_scheduler, theirs)
        theirs.step()
        for _ in range(EPOCHS - 1):
            schedule.step()
            reference.step()
            np.testing.assert_allclose(
                rates_and_momentums(ours), rates_and_momentums(theirs), rtol=1e-11
            )
        assert ours.param_groups[0]["betas"][1] == 0.999

    @pytest.mark.filterwarnings("ignore:The epoch parameter")
    @pytest.mark.parametrize(
        "name",
        ["step", "multistep", "exponential", "constant", "linear", "polynomial", "cosine",
         "restarts", "equal-restarts", "lambda", "onecycle", "cyclic"],
    )  # fmt: skip
    def test_a_jump_to_an_epoch_lands_where_pytorch_does(self, name):
        torch = pytest.importorskip("torch")
        ours, theirs = sgd(fathom), sgd(torch)
        schedule = SCHEDULES[name](lr_scheduler, ours)
        reference = SCHEDULES[name](torch.optim.lr_scheduler, theirs)
        theirs.step()
        for epoch in (5, 9, 10, 50, 31, 0, 12):
            schedule.step(epoch)
            reference.step(epoch)
            assert schedule.last_epoch == epoch
            np.testing.assert_allclose(
                rates_and_momentums(ours), rates_and_momentums(theirs), rtol=1e-11, atol=1e-15
            )

    def test_restarts_take_fractions_of_an_epoch(self):
        torch = pytest.importorskip("torch")
        schedule = SCHEDULES["restarts"](lr_scheduler, sgd(fathom))
        reference = SCHEDULES["restarts"](torch.optim.lr_scheduler, sgd(torch))
        for quarter in range(200):
            schedule.step(quarter / 4)
            reference.step(quarter / 4)
            np.testing.assert_allclose(schedule.get_last_lr(), reference.get_last_lr(), rtol=1e-9)

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"patience": 2, "factor": 0.5, "min_lr": [0.01, 0.001]},
            {"mode": "max", "patience": 1, "threshold": 0.05},
            {"mode": "max", "patience": 1, "threshold": 0.2, "threshold_mode": "abs"},
            {"patience": 0, "cooldown": 3, "threshold_mode": "abs", "eps": 1e-3},
        ],
    )
    def test_plateaus_are_found_at_the_same_epochs(self, options):
        torch = pytest.importorskip("torch")
        ours, theirs = sgd(fathom), sgd(torch)
        schedule = lr_scheduler.ReduceLROnPlateau(ours, **options)
        reference = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
        figures = np.random.default_rng(0).standard_normal(EPOCHS) + np.linspace(3, 1, EPOCHS)
        for figure in figures:
            schedule.step(figure)
            reference.step(figure)
            np.testing.assert_allclose(rates_and_momentums(ours), rates_and_momentums(theirs))
            assert schedule.num_bad_epochs == reference.num_bad_epochs

    def test_a_run_is_resumed_with_last_epoch(self):
        torch = pytest.importorskip("torch")
        for build in (
            lambda s, o, last: s.StepLR(o, 7, 0.5, last_epoch=last),
            lambda s, o, last: s.ExponentialLR(o, 0.9, last_epoch=last),
            lambda s, o, last: s.CosineAnnealingLR(o, 30, last_epoch=last),
            lambda s, o, last: s.LambdaLR(o, lambda e: 0.9**e, last_epoch=last),
            lambda s, o, last: s.LinearLR(o, 0.1, total_iters=20, last_epoch=last),
        ):
            rates = []
            for library, module in ((fathom, lr_scheduler), (torch, torch.optim.lr_scheduler)):
                optimizer = sgd(library)
                for group in optimizer.param_groups:
                    group["initial_lr"] = float(group["lr"])
                schedule = build(module, optimizer, 9)
                optimizer.step()
                rates.append([])
                for _ in range(30):
                    schedule.step()
                    rates[-1].append(schedule.get_last_lr())
            np.testing.assert_allclose(*rates, rtol=1e-11)


class TestState:
    @pytest.mark.parametrize("name", SCHEDULES)
    def test_a_run_goes_on_exactly_from_its_state(self, name):
        optimizer = sgd(fathom)
        schedule = SCHEDULES[name](lr_scheduler, optimizer)
        for _ in range(37):
            schedule.step()
        saved = schedule.state_dict(), optimizer.state_dict()
        other = sgd(fathom)
        resumed = SCHEDULES[name](lr_scheduler, other)
        resumed.load_state_dict(saved[0])
        other.load_state_dict(saved[1])
        for _ in range(100):
            assert resumed.get_last_lr() == schedule.get_last_lr()
            assert rates_and_momentums(other) == rates_and_momentums(optimizer)
            schedule.step()
            resumed.step()

    def test_a_plateau_goes_on_exactly_from_its_state(self):
        runs = []
        for _ in range(2):
            optimizer = sgd(fathom)
            runs.append((optimizer, lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)))
        figures = [1.0, 0.9, 0.95, 0.93, 0.92, 0.91, 0.99, 0.98, 0.97, 0.96]
        for figure in figures[:4]:
            runs[0][1].step(figure)
        runs[1][1].load_state_dict(runs[0][1].state_dict())
        for figure in figures[4:]:
            for _, schedule in runs:
                schedule.step(figure)
            assert rates_and_momentums(runs[0][0]) == rates_and_momentums(runs[1][0])
        assert rates_and_momentums(runs[0][0])[0][0] == pytest.approx(0.001)

    def test_a_state_of_another_schedule_is_refused_and_nothing_changed(self):
        schedule = lr_scheduler.StepLR(sgd(fathom), 3)
        other = lr_scheduler.ExponentialLR(sgd(fathom), 0.9)
        before = schedule.state_dict()
        with pytest.raises(OptimizerError, match=r"StepLR cannot load .* lacks step_size"):
            schedule.load_state_dict(other.state_dict())
        assert schedule.state_dict() == before
        chained = lr_scheduler.ChainedScheduler([schedule])
        with pytest.raises(OptimizerError, match="is of 0 schedules, this one has 1"):
            chained.load_state_dict(other.state_dict())

    def test_the_learning_rate_stays_one_tensor(self):
        optimizer = sgd(fathom)
        rates = [group["lr"] for group in optimizer.param_groups]
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
        schedule.step()
        assert all(
            group["lr"] is rate for group, rate in zip(optimizer.param_groups, rates, strict=True)
        )
        assert schedule.get_last_lr() == [0.05, 0.015]
        assert all(type(rate) is float for rate in schedule.get_last_lr())

    def test_a_cycled_momentum_becomes_a_tensor_that_stays(self):
        optimizer = sgd(fathom)
        schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
        momentum = optimizer.param_groups[0]["momentum"]
        assert isinstance(momentum, fathom.Tensor)
        schedule.step()
        assert optimizer.param_groups[0]["momentum"] is momentum
        assert optimizer.state_dict()["param_groups"][0]["momentum"] == momentum.item()

    @pytest.mark.parametrize("build", [sgd, adam])
    def test_training_with_a_cycled_momentum_is_pytorchs(self, build):
        torch = pytest.importorskip("torch")
        runs = []
        for library, module in ((fathom, lr_scheduler), (torch, torch.optim.lr_scheduler)):
            optimizer = build(library)
            schedule = module.OneCycleLR(optimizer, 0.02, total_steps=30)
            (w, *_) = optimizer.param_groups[0]["params"]
            path = []
            for _ in range(29):
                optimizer.zero_grad()
                ((w - 3) ** 2).sum().backward()
                optimizer.step()
                schedule.step()
                path.append(np.asarray(w.detach()).copy())
            runs.append(path)
        np.testing.assert_allclose(*runs, rtol=1e-5)


class TestByHand:
    def test_step(self):
        schedule = lr_scheduler.StepLR(sgd(fathom), 2, gamma=0.1)
        seen = []
        for _ in range(5):
            seen.append(schedule.get_last_lr()[0])
            schedule.step()
        assert seen == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])

    def test_warmup_rises_to_where_the_schedule_begins(self):
        optimizer = sgd(fathom)
        schedule = lr_scheduler.warmup(lr_scheduler.CosineAnnealingLR(optimizer, 10), 4, 0.2)
        seen = [schedule.get_last_lr()[0]]
        for _ in range(14):
            schedule.step()
            seen.append(schedule.get_last_lr()[0])
        rise = [0.02, 0.04, 0.06, 0.08]
        fall = [0.05 * (1 + math.cos(math.pi * epoch / 10)) for epoch in range(11)]
        assert seen == pytest.approx(rise + fall)

    def test_a_sequence_within_a_sequence(self):
        optimizer = sgd(fathom)
        inner = lr_scheduler.SequentialLR(
            optimizer,
            [lr_scheduler.ConstantLR(optimizer, 0.5, 100), lr_scheduler.StepLR(optimizer, 100)],
            [2],
        )
        outer = lr_scheduler.SequentialLR(
            optimizer, [lr_scheduler.ConstantLR(optimizer, 0.25, 100), inner], [3]
        )
        seen = []
        for _ in range(7):
            seen.append(outer.get_last_lr()[0])
            outer.step()
        assert seen == pytest.approx([0.025, 0.025, 0.025, 0.05, 0.05, 0.1, 0.1])

    def test_a_schedule_of_ones_own_defines_get_lr(self):
        class Halved(lr_scheduler.LRScheduler):
            def get_lr(self):
                return [
                    group["lr"] * (0.5 if self.last_epoch else 1)
                    for group in self.optimizer.param_groups
                ]

        schedule = Halved(sgd(fathom))
        schedule.step()
        assert schedule.get_last_lr() == pytest.approx([0.05, 0.015])


class TestWrongUse:
    @pytest.mark.parametrize(
        ("build", "message"),
        [
            (lambda o: lr_scheduler.StepLR(fathom.ones(1), 3), "StepLR schedules an optimizer"),
            (lambda o: lr_scheduler.StepLR(o, 0), "step_size must be at least 1"),
            (lambda o: lr_scheduler.StepLR(o, 3, last_epoch=4), "no 'initial_lr'"),
            (lambda o: lr_scheduler.ConstantLR(o, 2), "factor must lie between 0 and 1"),
            (lambda o: lr_scheduler.LinearLR(o, 0), "start_factor must be above 0"),
            (lambda o: lr_scheduler.LambdaLR(o, [len]), "has 1 values for 2 parameter groups"),
            (lambda o: lr_scheduler.OneCycleLR(o, 0.1), "needs total_steps"),
            (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 5, anneal_strategy="cosine"), "'linear'"),
            (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, mode="square"), "'triangular2'"),
            (lambda o: lr_scheduler.ReduceLROnPlateau(o, "low"), "'min' or 'max', got 'low'"),
            (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.5), "factor must be below 1"),
            (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), "integers above 0"),
            (lambda o: lr_scheduler.SequentialLR(o, [], []), "at least one schedule"),
            (
                lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 3)], [3]),
                "1 schedules need 0 milestones",
            ),
            (
                lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(o)]),
                "waits for a figure",
            ),
            (
                lambda o: lr_scheduler.SequentialLR(
                    o, [lr_scheduler.StepLR(o, 3), lr_scheduler.StepLR(sgd(fathom), 3)], [2]
                ),
                "belongs to another optimizer",
            ),
        ],
    )
    def test_is_named(self, build, message):
        with pytest.raises(OptimizerError, match=message):
            build(sgd(fathom))

    def test_an_optimizer_without_momentum_cannot_be_cycled(self):
        adagrad = optim.Adagrad([fathom.ones(1, requires_grad=True)])
        with pytest.raises(OptimizerError, match="neither momentum nor betas"):
            lr_scheduler.OneCycleLR(adagrad, 0.1, total_steps=10)

    def test_a_cycle_ends(self):
        schedule = lr_scheduler.OneCycleLR(sgd(fathom), 0.1, total_steps=3)
        for _ in range(3):
            schedule.step()
        with pytest.raises(OptimizerError, match="made for 3 steps"):
            schedule.step()

    def test_an_unknown_name_is_answered_with_the_nearest(self):
        assert lr_scheduler.scheduler_named("cosine") is lr_scheduler.CosineAnnealingLR
        with pytest.raises(FathomError, match="did you mean 'cosine'"):
            lr_scheduler.scheduler_named("cosin")
