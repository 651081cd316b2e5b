"""What a compiled function can stumble over: each works as in eager mode, or says what to do."""

import copy
import dataclasses
import gc
import random
import threading
import warnings
import weakref
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import fathom
import fathom.nn.functional as F
from fathom import nn, optim
from fathom.data import DataLoader, TensorDataset
from fathom.errors import AutogradError, RecordingError, ShapeError
from fathom.graph.program import Program

FACTOR = 2.0
TABLE = np.array([1.0, 2.0, 3.0], np.float32)
OPTIONS = {"factor": 2.0}
GENERATOR = np.random.default_rng(0)
KEPT: list[fathom.Tensor] = []


@pytest.fixture(autouse=True, params=["reference", "native"])
def back_end(request, monkeypatch):
    """Every trap is tried with the executor that defines the meaning, and with native code."""
    if request.param == "reference":
        monkeypatch.setattr("fathom.compiled._native_program", Program)
    fathom.manual_seed(0)


def small_model():
    fathom.manual_seed(7)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))


def batch(size=6):
    return fathom.randn(size, 4), fathom.randint(0, 3, (size,))


def training_step(model, optimizer):
    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def same(first, second):
    assert first.dtype == second.dtype
    np.testing.assert_allclose(np.asarray(first.detach()), np.asarray(second.detach()), 1e-5, 1e-6)


# Asking for values.


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda x: x.sum().item(), "item"),
        (lambda x: float(x.sum()), "float"),
        (lambda x: int(x.sum()), "int"),
        (lambda x: 1 if x.sum() > 0 else 2, "if"),
        (lambda x: 1 if x.sum() > 0 and x.sum() < 9 else 2, "if"),
        (lambda x: x.numpy(), "numpy"),
        (lambda x: x.tolist(), "tolist"),
        (lambda x: np.asarray(x), "NumPy"),
        (lambda x: np.exp(x), "NumPy"),
        (lambda x: f"{x.sum():.3f}", "formatting"),
        (lambda x: [1, 2, 3][x.sum().long()], "index"),
        (lambda x: 1.0 in x, "in"),
        (lambda x: fathom.nonzero(x), "nonzero"),
        (lambda x: fathom.unique(x), "unique"),
        (lambda x: x[x > 0], "__getitem__"),
        (lambda x: fathom.zeros(3)[x[0].long()], "__getitem__"),
        (lambda x: list(range(x.sum().long())), "index"),
        (lambda x: fathom.masked_select(x, x > 0), "masked_select"),
    ],
)
def test_asking_for_a_value_names_the_line_and_the_remedy(ask, words):
    with pytest.raises(RecordingError) as caught:
        fathom.compile(ask)(fathom.ones(3))
    message = str(caught.value)
    assert "test_traps.py:" in message
    assert words in message
    assert "return" in message or "pass" in message


def test_a_symbol_can_be_printed(capsys):
    @fathom.compile
    def show(x):
        y = x * 2
        print(y)
        return y

    same(show(fathom.ones(3)), fathom.ones(3) * 2)
    printed = capsys.readouterr().out
    assert "float32" in printed
    assert "test_traps.py" in printed


def test_shape_errors_are_those_of_eager_mode():
    def product(x):
        return x @ x

    with pytest.raises(ShapeError) as eager:
        product(fathom.ones(2, 3))
    with pytest.raises(ShapeError) as compiled:
        fathom.compile(product)(fathom.ones(2, 3))
    assert str(compiled.value) == str(eager.value)


def test_an_index_that_comes_from_data_is_checked_when_it_runs():
    picked = fathom.compile(lambda x, i: x[i])
    same(picked(fathom.arange(4), fathom.tensor([0, 2])), fathom.tensor([0, 2]))
    with pytest.raises(IndexError):
        picked(fathom.arange(4), fathom.tensor([0, 9]))


def test_a_label_outside_the_classes_raises():
    loss = fathom.compile(lambda x, y: F.cross_entropy(x, y))
    with pytest.raises(IndexError):
        loss(fathom.randn(2, 3), fathom.tensor([0, 3]))
    x, y = fathom.randn(3, 3), fathom.tensor([0, -100, 2])
    same(loss(x, y), F.cross_entropy(x, y))


# Keeping what was computed.


def test_appending_to_an_outside_list_is_refused():
    kept = []

    @fathom.compile
    def keep(x):
        kept.append(x * 2)
        return x

    with pytest.raises(RecordingError, match=r"test_traps\.py:\d+ is kept by something outside"):
        keep(fathom.ones(2))


def test_storing_in_a_global_is_refused():
    @fathom.compile
    def keep(x):
        KEPT.append(x + 1)
        return x

    with pytest.raises(RecordingError, match="return it from the function"):
        keep(fathom.ones(2))
    KEPT.clear()


def test_storing_on_an_attribute_is_refused():
    class Remembers(nn.Module):
        def forward(self, x):
            self.last = x * 2
            return x

    model = Remembers()
    with pytest.raises(RecordingError, match="copy_"):
        fathom.compile(model)(fathom.ones(2))


def test_a_tensor_of_an_ended_recording_cannot_be_used():
    kept = []

    @fathom.compile
    def keep(x):
        kept.append(x * 2)
        return x

    with pytest.raises(RecordingError):
        keep(fathom.ones(2))
    with pytest.raises(RecordingError, match="has no value"):
        kept[0] + 1
    with pytest.raises(RecordingError, match="has no value"):
        kept[0].item()


def test_writing_into_a_tensor_that_lives_outside_keeps_the_value():
    last = fathom.zeros(2)

    @fathom.compile
    def keep(x):
        last.copy_(x * 2)
        return x + last

    same(keep(fathom.ones(2)), fathom.full((2,), 3.0))
    same(last, fathom.full((2,), 2.0))
    keep(fathom.full((2,), 5.0))
    same(last, fathom.full((2,), 10.0))


def test_a_tensor_made_and_kept_at_every_call_is_refused():
    kept = {}

    @fathom.compile
    def keep(x):
        kept["zeros"] = fathom.zeros(2)
        return x + kept["zeros"]

    keep(fathom.ones(2))
    with pytest.raises(RecordingError, match="cannot be compiled"):
        keep(fathom.ones(2))


def test_a_tensor_made_at_the_first_call_is_state():
    kept = {}

    @fathom.compile
    def count(x):
        if "calls" not in kept:
            kept["calls"] = fathom.zeros(())
        kept["calls"].add_(1)
        return x * kept["calls"]

    results = [count(fathom.tensor(1.0)).item() for _ in range(4)]
    assert results == [1, 2, 3, 4]
    assert kept["calls"].item() == 4


# Plain values.


def test_a_captured_number_may_change():
    factor = 2.0

    @fathom.compile
    def scale(x):
        return x * factor

    assert scale(fathom.ones(())).item() == 2
    factor = 3.0
    assert scale(fathom.ones(())).item() == 3
    factor = 2.0
    assert scale(fathom.ones(())).item() == 2


def test_a_global_number_may_change(monkeypatch):
    scale = fathom.compile(lambda x: x * FACTOR)
    assert scale(fathom.ones(())).item() == 2
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert scale(fathom.ones(())).item() == 5


def scaled_by_global(x):
    return x * FACTOR


def test_a_global_number_of_a_called_function_may_change(monkeypatch):
    scale = fathom.compile(lambda x: scaled_by_global(x) + 1)
    assert scale(fathom.ones(())).item() == 3
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert scale(fathom.ones(())).item() == 6


def test_a_global_dict_may_change(monkeypatch):
    scale = fathom.compile(lambda x: x * OPTIONS["factor"])
    assert scale(fathom.ones(())).item() == 2
    monkeypatch.setitem(OPTIONS, "factor", 5.0)
    assert scale(fathom.ones(())).item() == 5


def test_a_captured_numpy_array_may_change():
    table = np.array([1.0, 2.0], np.float32)
    scale = fathom.compile(lambda x: x * fathom.from_numpy(table))
    same(scale(fathom.ones(2)), fathom.tensor([1.0, 2.0]))
    table[0] = 7
    same(scale(fathom.ones(2)), fathom.tensor([7.0, 2.0]))


def test_a_captured_object_may_change():
    class Settings:
        factor = 2.0

    settings = Settings()
    scale = fathom.compile(lambda x: x * settings.factor)
    assert scale(fathom.ones(())).item() == 2
    settings.factor = 3.0
    assert scale(fathom.ones(())).item() == 3
    del settings.factor
    Settings.factor = 4.0
    assert scale(fathom.ones(())).item() == 4


def test_what_captured_objects_hold_may_change():
    @dataclasses.dataclass(slots=True)
    class Inner:
        factor: float

    class Outer:
        def __init__(self):
            self.inner = Inner(2.0)

        @property
        def factor(self):
            return self.inner.factor

    outer, listed = Outer(), [Outer()]
    direct = fathom.compile(lambda x: x * outer.inner.factor)
    by_property = fathom.compile(lambda x: x * outer.factor)
    in_list = fathom.compile(lambda x: x * listed[0].factor)
    for factor in (2.0, 3.0):
        outer.inner.factor = listed[0].inner.factor = factor
        assert direct(fathom.ones(())).item() == factor
        assert by_property(fathom.ones(())).item() == factor
        assert in_list(fathom.ones(())).item() == factor


def test_attributes_of_self_may_change():
    class Scaler:
        def __init__(self):
            self.factor = 2.0

        @fathom.compile
        def scale(self, x):
            return self.helper(x)

        def helper(self, x):
            return x * self.factor

    scaler, other = Scaler(), Scaler()
    other.factor = 10.0
    assert scaler.scale(fathom.ones(())).item() == 2
    assert other.scale(fathom.ones(())).item() == 10
    scaler.factor = 3.0
    assert scaler.scale(fathom.ones(())).item() == 3
    assert other.scale(fathom.ones(())).item() == 10
    bound = fathom.compile(scaler.helper)
    assert bound(fathom.ones(())).item() == 3
    scaler.factor = 4.0
    assert bound(fathom.ones(())).item() == 4


def test_a_captured_module_may_be_exchanged():
    model = nn.Linear(2, 2)
    apply = fathom.compile(lambda x: model(x))
    x = fathom.ones(1, 2)
    same(apply(x), model(x))
    model = nn.Linear(2, 2)
    same(apply(x), model(x))


def test_attributes_of_modules_may_change():
    class Scale(nn.Module):
        def __init__(self):
            self.factor = 2.0
            self.shifts = [1.0]

        def forward(self, x):
            return x * self.factor + sum(self.shifts)

    model = nn.Sequential(Scale())
    apply = fathom.compile(lambda x: model(x))
    assert apply(fathom.ones(())).item() == 3
    model[0].factor = 5.0
    assert apply(fathom.ones(())).item() == 6
    model[0].shifts.append(10.0)
    assert apply(fathom.ones(())).item() == 16


def test_a_parameter_may_be_exchanged():
    model = nn.Linear(2, 2)
    apply = fathom.compile(lambda x: model(x))
    x = fathom.ones(1, 2)
    apply(x)
    model.weight = nn.Parameter(fathom.ones(2, 2))
    same(apply(x), model(x))
    model.bias = None
    same(apply(x), model(x))


def test_train_and_eval_are_two_programs():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.BatchNorm1d(4))
    twin = copy.deepcopy(model)
    apply = fathom.compile(lambda x: model(x))
    x = fathom.randn(8, 4)
    for mode in (True, False, True, False):
        model.train(mode)
        twin.train(mode)
        fathom.manual_seed(3)
        found = apply(x)
        fathom.manual_seed(3)
        same(found, twin(x))
    for ours, theirs in zip(model.buffers(), twin.buffers(), strict=True):
        same(ours, theirs)


def test_a_function_may_set_the_mode_of_a_model():
    model, twin = (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)) for _ in range(2))
    twin.load_state_dict(model.state_dict())
    x = fathom.randn(8, 4)

    def train(model, x):
        model.train()
        return model(x)

    def evaluate(model, x):
        model.eval()
        return model(x)

    compiled = fathom.compile(train), fathom.compile(evaluate)
    for _ in range(5):
        for number, function in enumerate((train, evaluate, evaluate)):
            same(compiled[min(number, 1)](model, x), function(twin, x))
            assert model.training is twin.training
            assert model[1].training is twin[1].training
    assert [function._count for function in compiled] == [2, 2]


def test_forward_hooks_that_come_and_go_are_noticed():
    model = nn.Linear(2, 2)
    apply = fathom.compile(lambda x: model(x))
    x = fathom.ones(1, 2)
    before = apply(x)
    handle = model.register_forward_hook(lambda module, args, output: output * 2)
    same(apply(x), before * 2)
    handle.remove()
    same(apply(x), before)


def test_a_number_that_the_function_itself_changes_is_refused():
    calls = 0

    @fathom.compile
    def count(x):
        nonlocal calls
        calls += 1
        return x * calls

    assert count(fathom.ones(())).item() == 1
    with pytest.raises(RecordingError, match="'calls' changed from 1 to 2"):
        count(fathom.ones(()))


def test_many_programs_are_warned_of_once():
    scale = fathom.compile(lambda x, factor: x * factor)
    for factor in range(8):
        scale(fathom.ones(()), factor)
    with pytest.warns(RuntimeWarning, match="9th time: argument 1 was 7 and is 8"):
        scale(fathom.ones(()), 8)
    for factor in range(9, 60):
        assert scale(fathom.ones(()), factor).item() == factor


# Arguments.


def test_shapes_and_dtypes_get_programs_of_their_own():
    double = fathom.compile(lambda x: x * 2)
    for x in (
        fathom.ones(3),
        fathom.ones(2, 2),
        fathom.ones(3, dtype=fathom.float64),
        fathom.ones(3, dtype=fathom.int64),
        fathom.ones(0),
    ):
        same(double(x), x * 2)
        assert double(x).dtype == (x * 2).dtype


def test_plain_arguments_are_compared_by_type_and_value():
    scale = fathom.compile(lambda x, factor=1, *, shift=0: x * factor + shift)
    x = fathom.ones(2, dtype=fathom.int64)
    assert scale(x, 1).dtype == fathom.int64
    assert scale(x, 1.0).dtype == fathom.float32
    assert scale(x, True).dtype == fathom.int64
    same(scale(x, 3, shift=4), x * 3 + 4)
    same(scale(x, shift=4), x + 4)


def test_numpy_arguments_are_refused():
    with pytest.raises(RecordingError, match="from_numpy"):
        fathom.compile(lambda x: x)(np.ones(3))


def test_arguments_and_results_may_be_nested():
    Pair = namedtuple("Pair", "first second")

    @fathom.compile
    def nested(pair, options, *rest):
        total = pair.first + pair.second["deep"][0]
        return {
            "pair": Pair(total, [total * 2, None, "text"]),
            "ordered": OrderedDict(a=options["x"] - 1, b=3),
            "rest": rest,
        }

    one = fathom.ones(2)
    result = nested(Pair(one, {"deep": [one * 2]}), {"x": one * 3}, one * 4, 5)
    same(result["pair"].first, one * 3)
    same(result["pair"].second[0], one * 6)
    assert result["pair"].second[1:] == [None, "text"]
    assert type(result["pair"]) is Pair
    assert type(result["ordered"]) is OrderedDict
    same(result["ordered"]["a"], one * 2)
    same(result["rest"][0], one * 4)
    assert result["rest"][1] == 5


def test_returned_tensors_are_the_same_objects_as_in_eager_mode():
    weight = nn.Parameter(fathom.ones(2))
    given = fathom.ones(2)

    @fathom.compile
    def several(x):
        y = x * 2
        return y, y, x, weight, x.detach()

    first, second, argument, parameter, detached = several(given)
    assert first is second
    assert argument is given
    assert parameter is weight
    assert detached is not given
    assert several(given)[0] is not first


def test_results_are_not_overwritten_by_later_calls():
    buffer = fathom.zeros(2)

    @fathom.compile
    def accumulate(x):
        buffer.add_(x)
        return buffer * 1, buffer.detach(), x.detach()

    x = fathom.ones(2)
    results = [accumulate(x) for _ in range(3)]
    for number, parts in enumerate(results, 1):
        same(parts[0], fathom.full((2,), float(number)))
        same(parts[1], fathom.full((2,), float(number)))
        same(parts[2], x)


def test_arguments_written_in_place_change_outside():
    @fathom.compile
    def grow(x):
        x += 1
        x[0] = 5
        return x * 2

    x = fathom.zeros(3)
    alias = x.detach()
    result = grow(x)
    same(x, fathom.tensor([5.0, 1.0, 1.0]))
    same(result, x * 2)
    same(alias, fathom.zeros(3))
    assert grow(x)[1].item() == 4


def test_a_view_as_argument_is_read_and_never_written():
    base = fathom.arange(6.0).reshape(2, 3)
    total = fathom.compile(lambda x: x.t().sum(0) + x[:, 0])
    same(total(base[:, 1:]), base[:, 1:].t().sum(0) + base[:, 1])
    same(total(base.t()), base.sum(0) + base[0])


def test_the_same_tensor_may_come_twice():
    @fathom.compile
    def write(x, y):
        x.add_(1)
        return x + y

    one = fathom.ones(2)
    same(write(one, one), fathom.full((2,), 4.0))
    a, b = fathom.ones(2), fathom.ones(2)
    same(write(a, b), fathom.full((2,), 3.0))
    same(b, fathom.ones(2))
    same(write(one, one), fathom.full((2,), 6.0))


def test_an_argument_may_be_a_tensor_that_the_function_knows_otherwise():
    weight = fathom.full((2,), 3.0)

    @fathom.compile
    def use(x):
        weight.add_(1)
        return x * weight

    same(use(weight), fathom.full((2,), 16.0))
    same(use(fathom.ones(2)), fathom.full((2,), 5.0))
    same(use(weight), fathom.full((2,), 36.0))
    reading = fathom.compile(lambda x: x * weight)
    same(reading(weight), fathom.full((2,), 36.0))
    same(reading(fathom.ones(2)), fathom.full((2,), 6.0))


def test_other_arguments_may_vary_beside_one_that_is_known():
    total = fathom.zeros(())

    @fathom.compile
    def add(x, kept):
        total.add_(x.sum())
        return kept * 2

    for _ in range(4):
        same(add(fathom.ones(2), total), total * 2)
    assert total.item() == 8
    assert add._count == 1


def test_a_gradient_for_an_argument():
    @fathom.compile
    def slope(x):
        (x**3).sum().backward()

    x = fathom.tensor([1.0, 2.0], requires_grad=True)
    slope(x)
    same(x.grad, fathom.tensor([3.0, 12.0]))
    slope(x)
    same(x.grad, fathom.tensor([6.0, 24.0]))
    other = fathom.tensor([1.0, 1.0], requires_grad=True)
    slope(other)
    same(other.grad, fathom.tensor([3.0, 3.0]))


def test_higher_gradients():
    @fathom.compile
    def second(x):
        (first,) = fathom.autograd.grad((x**3).sum(), x, create_graph=True)
        (again,) = fathom.autograd.grad(first.sum(), x)
        return first.detach(), again

    x = fathom.tensor([1.0, 2.0], requires_grad=True)
    first, again = second(x)
    same(first, fathom.tensor([3.0, 12.0]))
    same(again, fathom.tensor([6.0, 12.0]))


# State and gradients.


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Lion", "NAdam"])
def test_training_equals_eager_training_and_mixes_with_it(name):
    x, y = batch()
    losses = []
    for turns in ([False] * 6, [True] * 6, [False, True, True, False, True, False]):
        model = small_model()
        optimizer = getattr(optim, name)(model.parameters(), lr=0.05)
        step = training_step(model, optimizer)
        compiled = fathom.compile(step)
        losses.append([(compiled if turn else step)(x, y).item() for turn in turns])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-5)


def test_a_learning_rate_may_change():
    x, y = batch()
    losses = []
    for compiled in (False, True):
        model = small_model()
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
        schedule = optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
        step = training_step(model, optimizer)
        step = fathom.compile(step) if compiled else step
        found = []
        for _ in range(4):
            found.append(step(x, y).item())
            schedule.step()
        optimizer.param_groups[0]["lr"] = 1.0
        found.append(step(x, y).item())
        optimizer.param_groups[0]["momentum"] = 0.9
        found += [step(x, y).item() for _ in range(2)]
        losses.append(found)
        if compiled:
            assert len(step._programs) == 1
            assert [len(programs) for programs in step._programs.values()] == [2]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


def test_an_optimizer_may_load_its_state():
    x, y = batch()
    model = small_model()
    optimizer = optim.Adam(model.parameters())
    step = fathom.compile(training_step(model, optimizer))
    step(x, y)
    saved = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(model.state_dict())
    expected = [step(x, y).item() for _ in range(3)]
    optimizer.load_state_dict(saved[0])
    model.load_state_dict(saved[1])
    assert [step(x, y).item() for _ in range(3)] == expected


def test_a_group_added_later_is_trained():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    optimizer = optim.SGD(first.parameters(), lr=0.1)

    @fathom.compile
    def step(x):
        optimizer.zero_grad()
        second(first(x)).sum().backward()
        optimizer.step()

    step(fathom.ones(1, 2))
    before = second.weight.clone()
    step(fathom.ones(1, 2))
    same(second.weight, before)
    optimizer.add_param_group({"params": list(second.parameters())})
    second.zero_grad()
    step(fathom.ones(1, 2))
    assert not fathom.equal(second.weight, before)


def test_a_gradient_that_was_used_up_says_so():
    model = small_model()
    step = fathom.compile(training_step(model, optim.SGD(model.parameters())))
    x, y = batch()
    step(x, y)
    gradient = model[0].weight.grad
    assert gradient is not None
    with pytest.raises(RecordingError, match="used up inside a compiled function"):
        gradient.norm()
    with pytest.raises(RecordingError, match="used up"):
        F.cross_entropy(model(x), y).backward()
    assert "used up" in repr(gradient)
    model.zero_grad()
    F.cross_entropy(model(x), y).backward()
    assert model[0].weight.grad.shape == (5, 4)
    copy.deepcopy(model)


def test_a_gradient_can_be_returned():
    model = small_model()
    optimizer = optim.SGD(model.parameters())
    x, y = batch()

    def step(x, y):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        gradient = model[0].weight.grad
        optimizer.step()
        return gradient

    twin = copy.deepcopy(model)
    F.cross_entropy(twin(x), y).backward()
    same(fathom.compile(step)(x, y), twin[0].weight.grad)


def test_gradients_accumulate_over_calls():
    model, twin = small_model(), small_model()
    x, y = batch()

    def accumulate(model, x, y):
        F.cross_entropy(model(x), y).backward()

    compiled = fathom.compile(accumulate)
    for _ in range(3):
        compiled(model, x, y)
        accumulate(twin, x, y)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        same(ours.grad, theirs.grad)
    model.zero_grad()
    twin.zero_grad()
    compiled(model, x, y)
    accumulate(twin, x, y)
    same(model[0].weight.grad, twin[0].weight.grad)


def test_accumulation_and_step_may_be_compiled_separately():
    results = []
    for compiled in (False, True):
        model = small_model()
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        x, y = batch()

        def accumulate(x, y, model=model):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        def finish(optimizer=optimizer):
            optimizer.step()
            optimizer.zero_grad()

        if compiled:
            accumulate, finish = fathom.compile(accumulate), fathom.compile(finish)
        fathom.manual_seed(5)
        x, y = batch()
        found = []
        for number in range(6):
            found.append(accumulate(x, y).item())
            if number % 2:
                finish()
                assert model[0].weight.grad is None
        results.append(found)
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5)


def test_gradients_clipped_in_place():
    results = []
    for compiled in (False, True):
        model = small_model()
        optimizer = optim.SGD(model.parameters(), lr=1.0)
        fathom.manual_seed(5)
        x, y = batch()

        def step(x, y, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            return loss, norm

        step = fathom.compile(step) if compiled else step
        results.append([[part.item() for part in step(x, y)] for _ in range(3)])
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5)


def test_gradients_found_and_clipped_in_place_stay():
    model = small_model()
    x, y = batch()
    F.cross_entropy(model(x), y).backward()
    expected = model[0].weight.grad * 2

    @fathom.compile
    def double():
        for parameter in model.parameters():
            parameter.grad.mul_(2)

    kept = model[0].weight.grad
    double()
    same(model[0].weight.grad, expected)
    assert model[0].weight.grad is kept


def test_an_alias_of_a_parameter_keeps_its_value():
    model = small_model()
    step = fathom.compile(training_step(model, optim.SGD(model.parameters(), lr=0.5)))
    x, y = batch()
    for _ in range(3):
        alias = model[0].weight.detach()
        array = alias.numpy()
        before = array.copy()
        step(x, y)
        np.testing.assert_array_equal(alias.numpy(), before)
        np.testing.assert_array_equal(array, before)
        assert not fathom.equal(model[0].weight, alias)


def test_two_functions_may_share_a_model():
    model, twin = small_model(), small_model()
    x, y = batch()
    step = fathom.compile(training_step(model, optim.SGD(model.parameters(), lr=0.5)))
    eager = training_step(twin, optim.SGD(twin.parameters(), lr=0.5))

    @fathom.compile
    @fathom.no_grad()
    def predict(x):
        return model(x).argmax(1)

    for _ in range(4):
        same(step(x, y), eager(x, y))
        same(predict(x), twin(x).argmax(1))


def test_freezing_a_parameter_is_noticed():
    model = small_model()
    step = fathom.compile(training_step(model, optim.SGD(model.parameters(), lr=0.5)))
    x, y = batch()
    step(x, y)
    model.zero_grad()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    step(x, y)
    same(model[0].weight, before)
    assert model[0].weight.grad is None


def test_grad_mode_is_part_of_the_signature():
    model = small_model()
    apply = fathom.compile(lambda x: model(x))
    x, _ = batch()
    assert apply(x).requires_grad
    with fathom.no_grad():
        assert not apply(x).requires_grad
        same(apply(x), model(x))


def test_gradients_flow_from_outside_through_a_compiled_model():
    model, twin = small_model(), small_model()
    before, after = nn.Linear(4, 4), nn.Linear(3, 3)
    optimizers = [optim.Adam(net.parameters()) for net in (model, twin)]
    fathom.compile(model)
    x, y = batch()
    for _ in range(3):
        slopes = []
        for net, optimizer in zip((model, twin), optimizers, strict=True):
            optimizer.zero_grad()
            before.zero_grad()
            given = x.clone().requires_grad_()
            loss = F.cross_entropy(after(net(before(given))), y)
            loss.backward()
            optimizer.step()
            slopes.append((given.grad, before.weight.grad, loss))
        for ours, theirs in zip(*slopes, strict=True):
            same(ours, theirs)
        for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
            same(ours, theirs)


def test_gradients_flow_from_several_results_and_several_times():
    weight = nn.Parameter(fathom.tensor([1.0, 2.0]))

    @fathom.compile
    def powers(x):
        return x * weight, {"square": (weight * weight).sum(), "none": x + 1}

    x = fathom.tensor([3.0, 4.0])
    first, others = powers(x)
    assert not others["none"].requires_grad
    (first.sum() * 2 + others["square"]).backward(retain_graph=True)
    same(weight.grad, fathom.tensor([8.0, 12.0]))
    weight.grad = None
    first.sum().backward()
    same(weight.grad, x)
    with pytest.raises(AutogradError, match="retain_graph"):
        others["square"].backward()


def test_hooks_run_once_where_gradients_flow_from_outside():
    weight = nn.Parameter(fathom.ones(2))
    weight.register_hook(lambda gradient: gradient * 10)

    @fathom.compile
    def double(x):
        y = x * weight
        y.register_hook(lambda gradient: gradient * 2)
        return y

    double(fathom.ones(2)).sum().backward()
    same(weight.grad, fathom.full((2,), 20.0))


def test_random_numbers_are_the_same_on_the_way_back():
    drop = nn.Dropout(0.5)
    compiled = fathom.compile(lambda x: drop(x * x))
    x = fathom.ones(50, requires_grad=True)
    result = compiled(x)
    fathom.rand(3)
    result.sum().backward()
    same(x.grad, result.detach() * 2)


def test_gradients_of_gradients_from_outside_are_refused():
    square = fathom.compile(lambda x: (x**2).sum())
    x = fathom.ones(2, requires_grad=True)
    with pytest.raises(AutogradError, match="inside the function"):
        fathom.autograd.grad(square(x), x, create_graph=True)


def test_a_result_computed_from_what_was_updated_has_no_gradient_outside():
    model = small_model()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    step = training_step(model, optimizer)

    @fathom.compile
    def step_and_predict(x, y):
        step(x, y)
        return model(x)

    x, y = batch()
    with pytest.raises(AutogradError, match="inside the function"):
        step_and_predict(x, y).sum().backward()


def test_a_gradient_never_flows_out_unseen():
    x = fathom.ones(2, requires_grad=True)
    computed = x * 2
    with pytest.raises(RecordingError, match="computed outside"):
        fathom.compile(lambda y: (y * y).sum().backward())(computed)
    with pytest.raises(RecordingError, match="computed outside"):
        fathom.compile(lambda: (computed * computed).sum().backward())()
    same(fathom.compile(lambda y: y.detach() * 2)(computed), computed.detach() * 2)


def test_state_with_a_history_is_refused():
    hidden = fathom.zeros(2)
    weight = nn.Parameter(fathom.ones(2))

    @fathom.compile
    def keep(x):
        hidden.copy_(x * weight)

    with pytest.raises(RecordingError, match="detach"):
        keep(fathom.ones(2))


# Random numbers.


def test_random_numbers_are_new_at_each_call_and_those_of_eager_mode():
    def draw():
        return fathom.rand(5), fathom.randn(3), fathom.randint(0, 9, (4,)), fathom.randperm(5)

    compiled = fathom.compile(draw)
    fathom.manual_seed(3)
    eager = [draw() for _ in range(3)]
    fathom.manual_seed(3)
    found = [compiled() for _ in range(3)]
    for ours, theirs in zip(found, eager, strict=True):
        for first, second in zip(ours, theirs, strict=True):
            same(first, second)
    assert not fathom.equal(found[0][0], found[1][0])
    same(fathom.rand(2), [fathom.manual_seed(3), [draw() for _ in range(3)], fathom.rand(2)][-1])


def test_a_generator_of_its_own():
    generator = fathom.Generator().manual_seed(4)
    draw = fathom.compile(lambda: fathom.rand(3, generator=generator))
    found = [draw() for _ in range(2)]
    generator.manual_seed(4)
    for numbers in found:
        same(numbers, fathom.rand(3, generator=generator))


def test_dropout_draws_the_same_numbers():
    drop = nn.Dropout(0.5)
    compiled = fathom.compile(lambda x: drop(x))
    x = fathom.ones(100)
    for _ in range(2):
        fathom.manual_seed(9)
        found = compiled(x)
        fathom.manual_seed(9)
        same(found, drop(x))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: random.random(),
        lambda: np.random.rand(),
        lambda: GENERATOR.random(),
    ],
)
def test_random_numbers_of_others_are_refused(draw):
    add = fathom.compile(lambda x: x + draw())
    add(fathom.ones(2))
    with pytest.raises(RecordingError, match=r"draws numbers|'GENERATOR' changed"):
        add(fathom.ones(2))


def test_a_loader_within_a_compiled_function_is_refused():
    loader = DataLoader(TensorDataset(fathom.ones(4, 2)), batch_size=2)
    with pytest.raises(RecordingError, match="loop outside"):
        fathom.compile(lambda: sum(x.sum() for (x,) in loader))()


# Failure, threads, lifetime.


def test_a_generator_function_is_refused():
    def produce(x):
        yield x * 2

    with pytest.raises(RecordingError, match="generator"):
        fathom.compile(produce)


def test_a_function_that_turns_gradients_off_for_good_is_refused():
    turn_off = fathom.compile(lambda: fathom.set_grad_enabled(False))
    with pytest.raises(RecordingError, match="no_grad"):
        turn_off()
    assert fathom.is_grad_enabled()


def test_an_exception_leaves_everything_as_it_was():
    model = small_model()
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    x, y = batch()
    before = [parameter.clone() for parameter in model.parameters()]
    nodes = [parameter._node for parameter in model.parameters()]
    key = fathom.get_rng_state()
    fail = True

    @fathom.compile
    def step(x, y):
        optimizer.zero_grad()
        fathom.rand(3)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        x.zero_()
        if fail:
            raise KeyError("deliberate")
        return loss

    given = x.clone()
    with pytest.raises(KeyError):
        step(x, y)
    same(x, given)
    same(fathom.get_rng_state(), key)
    for parameter, value, node in zip(model.parameters(), before, nodes, strict=True):
        assert parameter._node is node
        assert parameter.grad is None
        same(parameter, value)
    fail = False
    twin = small_model()
    eager = training_step(twin, optim.Adam(twin.parameters(), lr=0.1))
    same(step(x.clone(), y), eager(given, y))
    same(model[0].weight, twin[0].weight)


def test_an_exception_ends_the_recording():
    with pytest.raises(ZeroDivisionError):
        fathom.compile(lambda x: 1 / 0)(fathom.ones(1))
    assert isinstance((fathom.ones(2) * 2).numpy(), np.ndarray)
    assert not isinstance(fathom.Tensor.__dict__["_node"], property)


def test_other_threads_compute_as_ever_while_one_records():
    weight = nn.Parameter(fathom.ones(3))
    recording, done = threading.Event(), threading.Event()
    seen = []

    @fathom.compile
    def slow(x):
        with fathom.no_grad():
            weight.mul_(2)
        recording.set()
        done.wait(10)
        return x * weight

    def compute():
        recording.wait(10)
        seen.append((weight * 3).tolist())
        seen.append(weight.grad)
        done.set()

    thread = threading.Thread(target=compute)
    thread.start()
    same(slow(fathom.ones(3)), fathom.full((3,), 2.0))
    thread.join()
    assert seen == [[3.0, 3.0, 3.0], None]


def test_several_threads_may_call_one_function():
    model = small_model()
    predict = fathom.compile(fathom.no_grad()(lambda x: model(x)))
    inputs = [fathom.randn(size, 4) for size in (1, 2, 3, 4)]
    failures = []

    def work(x):
        for _ in range(50):
            with fathom.no_grad():
                if not fathom.allclose(predict(x), model(x), atol=1e-6):
                    failures.append(x.shape)

    threads = [threading.Thread(target=work, args=(x,)) for x in inputs * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_compiled_function_within_another_runs_as_part_of_it():
    inner = fathom.compile(lambda x: x * 2)
    outer = fathom.compile(lambda x: inner(x) + 1)
    assert outer(fathom.ones(())).item() == 3
    assert not inner._programs


def test_a_compiled_module_trains_and_keeps_its_ways():
    model = small_model()
    twin = copy.deepcopy(model)
    assert model.compile() is None
    x, y = batch()
    with fathom.no_grad():
        same(model(x), twin(x))
    assert model.state_dict().keys() == twin.state_dict().keys()
    step = fathom.compile(training_step(model, optim.SGD(model.parameters(), lr=0.1)))
    same(step(x, y), training_step(twin, optim.SGD(twin.parameters(), lr=0.1))(x, y))
    copied = copy.deepcopy(model)
    step(x, y)
    with fathom.no_grad():
        assert not fathom.equal(copied(x), model(x))


def test_a_batch_is_not_kept_alive():
    model = small_model()
    step = fathom.compile(training_step(model, optim.SGD(model.parameters())))
    x, y = batch()
    step(x, y)
    alive = weakref.ref(x)
    del x
    gc.collect()
    assert alive() is None


def test_hooks_on_tensors_are_recorded():
    model, twin = small_model(), small_model()
    seen = []
    for net in (model, twin):
        net[0].weight.register_hook(lambda gradient: gradient * 0.5)

    def backward(net, x, y):
        output = net(x)
        output.register_hook(lambda gradient: seen.append(gradient.shape))
        F.cross_entropy(output, y).backward()

    x, y = batch()
    fathom.compile(backward)(model, x, y)
    backward(twin, x, y)
    same(model[0].weight.grad, twin[0].weight.grad)
    assert seen == [(6, 3), (6, 3)]


def test_the_search_for_nan_runs_eagerly():
    root = fathom.compile(lambda x: fathom.sqrt(x).sum().backward())
    x = fathom.tensor([float("nan")], requires_grad=True)
    with fathom.autograd.detect_anomaly(), pytest.raises(fathom.FathomError, match="holds NaN"):
        root(x)


def test_no_warning_is_given_on_the_way():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        divide = fathom.compile(lambda x: x / 0)
        assert divide(fathom.ones(())).item() == float("inf")
