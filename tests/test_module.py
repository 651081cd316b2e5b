"""Modules: what belongs to them, what they hold, and what they say when something is wrong."""

import copy
import pickle

import numpy as np
import pytest

import fathom
from fathom import nn
from fathom.errors import FathomError, ShapeError


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.BatchNorm1d(3))
        self.head = nn.Linear(3, 2, bias=False)
        self.scale = nn.Parameter(fathom.ones(1))
        self.register_buffer("steps", fathom.zeros(1))
        self.register_buffer("scratch", fathom.zeros(1), persistent=False)

    def forward(self, x):
        return self.head(self.encoder(x)) * self.scale


def test_parameters_come_in_the_order_of_the_modules():
    assert [name for name, _ in Net().named_parameters()] == [
        "scale",
        "encoder.0.weight",
        "encoder.0.bias",
        "encoder.2.weight",
        "encoder.2.bias",
        "head.weight",
    ]


def test_the_state_dict_holds_parameters_and_persistent_buffers():
    state = Net().state_dict()
    assert list(state) == [
        "scale",
        "steps",
        "encoder.0.weight",
        "encoder.0.bias",
        "encoder.2.weight",
        "encoder.2.bias",
        "encoder.2.running_mean",
        "encoder.2.running_var",
        "encoder.2.num_batches_tracked",
        "head.weight",
    ]
    assert "steps" in dict(Net().named_buffers())
    assert "scratch" in dict(Net().named_buffers())


def test_a_state_dict_keeps_its_values_and_refuses_to_be_written_in_place():
    net = Net()
    state = net.state_dict()
    with fathom.no_grad():
        net.scale += 1
    assert state["scale"].item() == 1.0
    with pytest.raises(fathom.errors.ViewWriteError):
        state["scale"].add_(1)


def test_loading_copies_values_and_says_that_all_keys_matched():
    source, target = Net(), Net()
    result = target.load_state_dict(source.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    x = fathom.rand(5, 4)
    assert np.array_equal(source(x).detach(), target(x).detach())


def test_loading_takes_numpy_arrays_and_keeps_the_parameters_dtype():
    layer = nn.Linear(2, 2)
    weight = layer.weight
    layer.load_state_dict({"weight": np.eye(2), "bias": np.zeros(2)})
    assert layer.weight is weight
    assert weight.dtype == fathom.float32
    assert weight.requires_grad
    assert weight.tolist() == [[1, 0], [0, 1]]


def test_one_error_lists_all_that_does_not_fit_and_nothing_is_loaded():
    net = Net()
    before = {key: np.array(value) for key, value in net.state_dict().items()}
    state = Net().state_dict()
    del state["head.weight"]
    state["tail.weight"] = fathom.zeros(1)
    state["encoder.0.bias"] = fathom.zeros(7)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    assert isinstance(caught.value, FathomError)
    assert "missing keys: head.weight" in message
    assert "unexpected keys: tail.weight" in message
    assert "encoder.0.bias has shape (3,) here and shape (7,) in the state dict" in message
    for key, value in net.state_dict().items():
        assert np.array_equal(value, before[key])


def test_without_strict_the_keys_that_fit_are_loaded():
    layer = nn.Linear(2, 1)
    result = layer.load_state_dict({"bias": fathom.ones(1), "other": fathom.ones(1)}, strict=False)
    assert result.missing_keys == ["weight"]
    assert result.unexpected_keys == ["other"]
    assert layer.bias.item() == 1.0


def test_a_shared_parameter_is_given_once_and_saved_under_both_names():
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    assert len(list(net.parameters())) == 1
    assert list(net.state_dict()) == ["0.weight", "1.weight"]


def test_training_mode_reaches_every_module():
    net = Net().eval()
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())


def test_parts_are_found_by_their_path():
    net = Net()
    assert net.get_submodule("encoder.0") is net.encoder[0]
    assert net.get_submodule("") is net
    assert net.get_parameter("encoder.0.weight") is net.encoder[0].weight
    assert net.get_buffer("encoder.2.running_mean") is net.encoder[2].running_mean
    with pytest.raises(AttributeError, match=r"no child module '9' \(in the path 'encoder.9'\)"):
        net.get_submodule("encoder.9")
    with pytest.raises(AttributeError, match="'weight' of Linear is no buffer"):
        net.get_buffer("head.weight")


def test_what_is_no_parameter_cannot_replace_one():
    layer = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="cannot assign a Tensor as parameter 'weight' of Linear"):
        layer.weight = fathom.zeros(2, 2)
    with pytest.raises(TypeError, match="as child module 'head'"):
        Net().head = 3
    with pytest.raises(TypeError, match="as buffer 'steps'"):
        Net().steps = 3
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_names_must_be_free_and_without_dots():
    net = nn.Module()
    with pytest.raises(KeyError, match="without"):
        net.register_buffer("a.b", fathom.zeros(1))
    with pytest.raises(KeyError, match="has an attribute 'forward' already"):
        net.add_module("forward", nn.Identity())
    with pytest.raises(TypeError, match="wrap it"):
        net.register_parameter("weight", fathom.zeros(1))


def test_a_forgotten_call_of_the_base_does_no_harm():
    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 1)

        def forward(self, x):
            return self.layer(x)

    net = Forgetful()
    assert net(fathom.zeros(3, 2)).shape == (3, 1)
    assert len(list(net.parameters())) == 2


def test_zero_grad_lets_go_of_gradients_or_zeroes_them():
    layer = nn.Linear(2, 1)
    layer(fathom.ones(1, 2)).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad.tolist() == [[0.0, 0.0]]
    layer.zero_grad()
    assert layer.weight.grad is None


def test_casting_changes_parameters_and_floating_buffers():
    net = Net().double()
    assert {p.dtype for p in net.parameters()} == {fathom.float64}
    assert net.encoder[2].running_mean.dtype == fathom.float64
    assert net.encoder[2].num_batches_tracked.dtype == fathom.int64
    assert all(p.requires_grad and p.is_leaf for p in net.parameters())
    assert net.to("cpu", fathom.float32).scale.dtype == fathom.float32
    with pytest.raises(FathomError, match="floating"):
        net.to(fathom.int64)
    with pytest.raises(FathomError, match="no device"):
        net.to("cuda")


def test_freezing_keeps_gradients_away():
    net = Net().requires_grad_(False)
    assert not net(fathom.rand(2, 4)).requires_grad


def test_apply_reaches_inner_modules_first():
    seen = []
    Net().apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "ReLU", "BatchNorm1d", "Sequential", "Linear", "Net"]


def test_hooks_see_and_replace_what_passes():
    layer = nn.Linear(2, 1)
    before = layer.register_forward_pre_hook(lambda module, args: (args[0] * 0,))
    after = layer.register_forward_hook(lambda module, args, output: output + 5)
    assert layer(fathom.ones(1, 2)).item() == pytest.approx(layer.bias.item() + 5)
    before.remove()
    after.remove()
    expected = layer.weight.sum().item() + layer.bias.item()
    assert layer(fathom.ones(1, 2)).item() == pytest.approx(expected, abs=1e-6)


def test_hooks_run_in_order_and_can_be_put_first():
    layer, seen = nn.Identity(), []
    layer.register_forward_hook(lambda *_: seen.append("second"))
    layer.register_forward_hook(lambda *_: seen.append("first"), prepend=True)
    layer.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(list(kwargs)), with_kwargs=True
    )
    layer(input=1)
    assert seen == [["input"], "first", "second"]


@pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_compute_the_same_and_share_nothing(copy_of):
    net = Net()
    net.encoder.add_module("shared", net.head)
    del net.encoder.shared
    twin = copy_of(net)
    x = fathom.rand(5, 4)
    assert np.array_equal(twin(x).detach(), net(x).detach())
    with fathom.no_grad():
        twin.scale += 1
    assert net.scale.item() == 1.0
    assert list(twin.state_dict()) == list(net.state_dict())


def test_an_error_names_the_module_by_its_path():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.ModuleDict({"fc1": nn.Linear(784, 10)})

        def forward(self, x):
            return self.encoder["fc1"](x)

    images = fathom.zeros(64, 28, 28)
    with pytest.raises(ShapeError) as caught:
        Classifier()(images)
    assert str(caught.value) == (
        "Linear 'encoder.fc1' expects inputs with 784 features in the last dimension, "
        "got shape (64, 28, 28); flatten the image first, e.g. nn.Flatten()"
    )
    with pytest.raises(ShapeError, match=r"Linear '1.0.encoder.fc1' expects"):
        nn.Sequential(nn.Identity(), nn.Sequential(Classifier()))(images)
    with pytest.raises(ShapeError, match=r"^Linear expects"):
        nn.Linear(3, 1)(images)


def test_an_error_of_an_operation_names_the_module_too():
    class Mixer(nn.Module):
        def forward(self, x):
            return x + fathom.zeros(5)

    with pytest.raises(ShapeError, match=r"^Mixer '0': Add: shapes \(2, 3\) and \(5,\)"):
        nn.Sequential(Mixer())(fathom.zeros(2, 3))


def test_other_errors_pass_unchanged():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("mine")

    with pytest.raises(KeyError, match=r"^'mine'$"):
        nn.Sequential(Broken())(1)
    with pytest.raises(NotImplementedError, match="define 'def forward"):
        nn.Module()(1)


def test_a_sequential_is_a_sequence():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(net) == 3
    assert net[-1] is net[2]
    assert list(net[1:].state_dict()) == ["2.weight", "2.bias"]
    net.append(nn.Sigmoid()).insert(0, nn.Flatten())
    assert [type(layer).__name__ for layer in net] == [
        "Flatten",
        "Linear",
        "ReLU",
        "Linear",
        "Sigmoid",
    ]
    del net[0]
    assert list(dict(net.named_children())) == ["0", "1", "2", "3"]
    assert isinstance(net.pop(), nn.Sigmoid)
    with pytest.raises(IndexError, match="index 7 is out of range for a Sequential of 3 modules"):
        net[7]
    named = nn.Sequential({"one": nn.Linear(2, 2), "two": nn.ReLU()})
    assert named.one is named[0]


def test_a_module_can_occur_twice_in_a_sequential():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    x = fathom.rand(1, 2)
    assert np.array_equal(net(x).detach(), layer(layer(x)).detach())
    assert len(net) == 2
    assert len(list(net.parameters())) == 2


def test_lists_and_dicts_hold_modules_and_parameters():
    modules = nn.ModuleList([nn.Linear(1, 1)])
    modules += [nn.Linear(1, 2)]
    assert list(modules.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    named = nn.ModuleDict({"a": nn.ReLU()})
    named["b"] = nn.Tanh()
    assert list(named) == ["a", "b"]
    assert isinstance(named.pop("a"), nn.ReLU)
    assert "a" not in named
    parameters = nn.ParameterList([fathom.zeros(2), fathom.ones(1)])
    assert list(parameters.state_dict()) == ["0", "1"]
    assert isinstance(parameters[0], nn.Parameter)
    assert list(nn.ParameterDict({"w": fathom.zeros(2)}).state_dict()) == ["w"]


def test_the_repr_is_pytorchs():
    torch = pytest.importorskip("torch")

    def build(nn):
        return nn.Sequential(
            nn.Linear(2, 3),
            nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Sequential(nn.Linear(3, 1, bias=False))]),
            nn.ModuleDict({"a": nn.Tanh()}),
            nn.ModuleList([]),
        )

    assert repr(build(nn)) == repr(build(torch.nn))


def test_a_parameter_prints_as_one():
    assert repr(nn.Parameter(fathom.ones(2))).startswith("Parameter containing:\ntensor([1., 1.]")


def test_gradients_are_clipped_by_norm_and_by_value():
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.grad = fathom.tensor([[3.0, 4.0]])
    norm = nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
    assert norm.item() == 5.0
    np.testing.assert_allclose(layer.weight.grad.numpy(), [[0.6, 0.8]], rtol=1e-6)
    nn.utils.clip_grad_norm_(layer.parameters(), 100.0)
    np.testing.assert_allclose(layer.weight.grad.numpy(), [[0.6, 0.8]], rtol=1e-6)
    nn.utils.clip_grad_value_(layer.parameters(), 0.7)
    np.testing.assert_allclose(layer.weight.grad.numpy(), [[0.6, 0.7]], rtol=1e-6)
    layer.weight.grad = fathom.tensor([[float("nan"), 1.0]])
    with pytest.raises(RuntimeError, match="total norm is nan"):
        nn.utils.clip_grad_norm_(layer.parameters(), 1.0, error_if_nonfinite=True)


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, float("inf")])
def test_clipping_is_pytorchs_for_every_norm(norm_type):
    torch = pytest.importorskip("torch")
    gradients = [np.random.default_rng(0).standard_normal(shape) for shape in ((2, 3), (4,))]

    def clipped(library):
        parameters = [library.zeros(*g.shape, dtype=library.float64) for g in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = library.tensor(gradient)
        norm = library.nn.utils.clip_grad_norm_(parameters, 0.5, norm_type)
        return [float(norm), *(parameter.grad.tolist() for parameter in parameters)]

    for own, other in zip(clipped(fathom), clipped(torch), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-9)


def test_parameters_travel_through_a_vector():
    layer = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(layer.parameters())
    assert vector.shape == (9,)
    nn.utils.vector_to_parameters(fathom.arange(9).float(), layer.parameters())
    assert layer.bias.tolist() == [6.0, 7.0, 8.0]
    with pytest.raises(ShapeError, match="9 elements"):
        nn.utils.vector_to_parameters(fathom.zeros(5), layer.parameters())
