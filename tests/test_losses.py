"""What the losses give, what they refuse, and what they say then."""

import math

import numpy as np
import pytest

import fathom
import fathom.nn.functional as F
from fathom import nn
from fathom.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError

REDUCTIONS = ("mean", "sum", "none")


def logits(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def compare_with_torch(name, arguments, options, gradient_of=(0,)):
    """Values and gradients of ``nn.functional.<name>`` and of PyTorch's."""
    torch = pytest.importorskip("torch")

    def run(library):
        tensors = [library.tensor(argument) for argument in arguments]
        for place in gradient_of:
            tensors[place].requires_grad_()
        given = {
            key: library.tensor(value) if isinstance(value, np.ndarray) else value
            for key, value in options.items()
        }
        result = getattr(library.nn.functional, name)(*tensors, **given)
        (result * result).sum().backward()
        return result.detach().numpy(), [tensors[place].grad.numpy() for place in gradient_of]

    value, gradients = run(fathom)
    expected, expected_gradients = run(torch)
    assert value.shape == expected.shape
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12)
    for gradient, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignored", [-100, 2])
def test_cross_entropy_of_labels_is_pytorchs(reduction, smoothing, weighted, ignored):
    options = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": ignored}
    if weighted:
        options["weight"] = np.array([0.5, 1.0, 2.0, 1.5])
    labels = np.array([0, 2, 3, ignored, 1])
    compare_with_torch("cross_entropy", (logits(5, 4), labels), options)
    images = np.array([[[0, 1], [2, 3]], [[ignored, 1], [0, 3]]])
    compare_with_torch("cross_entropy", (logits(2, 4, 2, 2), images), options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_of_probabilities_is_pytorchs(reduction, smoothing):
    options = {
        "reduction": reduction,
        "label_smoothing": smoothing,
        "weight": np.array([0.5, 1.0, 2.0, 1.5]),
    }
    probabilities = np.random.default_rng(1).dirichlet(np.ones(4), 5)
    compare_with_torch("cross_entropy", (logits(5, 4), probabilities), options, (0, 1))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_factors_of_elements_and_classes_are_pytorchs(reduction):
    factors = np.array([0.5, 1.0, 2.0, 1.5])
    x, t = logits(3, 4), np.random.default_rng(2).random((3, 4))
    options = {"reduction": reduction, "weight": factors}
    compare_with_torch(
        "binary_cross_entropy_with_logits", (x, t), {**options, "pos_weight": factors + 1}
    )
    compare_with_torch("binary_cross_entropy", (np.abs(np.tanh(x)), t), options)
    compare_with_torch("nll_loss", (x, np.array([0, 3, 1])), options)
    compare_with_torch("multi_margin_loss", (x, np.array([0, 3, 1])), options)
    compare_with_torch("multilabel_soft_margin_loss", (x, (t > 0.5) * 1.0), options)
    whole = {"reduction": reduction, "weight": np.random.default_rng(3).random((3, 4))}
    compare_with_torch("mse_loss", (x, t), whole)
    compare_with_torch("l1_loss", (x, t), whole)
    compare_with_torch("huber_loss", (x, t), whole)


def test_the_mean_of_kl_div_is_over_all_elements():
    x, t = fathom.tensor(logits(2, 3)), fathom.tensor(np.random.default_rng(1).random((2, 3)))
    mean, batchmean = F.kl_div(x, t), F.kl_div(x, t, reduction="batchmean")
    assert float(mean) * 3 == pytest.approx(float(batchmean))


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy_with_logits"])
def test_losses_and_gradients_are_finite_for_huge_logits(name):
    x = fathom.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]], requires_grad=True)
    target = fathom.tensor([1, 0])
    if name != "cross_entropy":
        target = fathom.tensor([[0.0, 1.0, 0.5], [1.0, 0.0, 1.0]])
    loss = getattr(F, name)(x, target)
    loss.backward()
    assert math.isfinite(float(loss))
    assert np.isfinite(x.grad.numpy()).all()


def test_binary_cross_entropy_is_bounded_where_the_model_is_sure_and_wrong():
    x = fathom.tensor([0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, fathom.tensor([1.0, 0.0]))
    loss.backward()
    assert float(loss) == 100.0
    assert np.isfinite(x.grad.numpy()).all()


def test_a_mean_over_nothing_is_nan_as_in_pytorch():
    assert math.isnan(float(F.cross_entropy(fathom.zeros(0, 3), fathom.tensor([]).long())))
    all_ignored = F.cross_entropy(fathom.zeros(2, 3), fathom.tensor([-100, -100]))
    assert math.isnan(float(all_ignored))


def test_a_logit_of_minus_infinity_excludes_a_class():
    x = fathom.tensor([[0.0, -math.inf, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, fathom.tensor([0]))
    loss.backward()
    assert float(loss) == pytest.approx(math.log(2))
    np.testing.assert_allclose(x.grad.numpy(), [[-0.5, 0.0, 0.5]], atol=1e-7)


def test_a_label_outside_the_classes_is_named_with_its_position():
    with pytest.raises(IndexOutOfRange, match=r"label 7 at position 2 is outside the 4 classes"):
        F.cross_entropy(fathom.zeros(3, 4), fathom.tensor([0, 1, 7]))
    with pytest.raises(IndexError, match=r"label -1 at position \(1, 0\)"):
        F.nll_loss(fathom.zeros(2, 4, 1), fathom.tensor([[0], [-1]]))


def test_labels_of_the_wrong_kind_or_shape_are_explained():
    x = fathom.zeros(3, 4)
    with pytest.raises(DTypeError, match=r"must be integers, got float32; use target.long\(\)"):
        F.cross_entropy(x, fathom.zeros(3))
    with pytest.raises(ShapeError, match=r"target.squeeze\(1\)"):
        F.cross_entropy(x, fathom.tensor([[0], [1], [2]]))
    with pytest.raises(ShapeError, match="3 samples in the input, 2 in the target"):
        F.cross_entropy(x, fathom.tensor([0, 1]))
    with pytest.raises(ShapeError, match=r"probabilities must be floats: target.float\(\)"):
        F.cross_entropy(x, fathom.zeros(3, 4).long())
    with pytest.raises(ShapeError, match="one factor for each of the 4 classes"):
        F.cross_entropy(x, fathom.tensor([0, 1, 2]), weight=fathom.zeros(3))


@pytest.mark.parametrize(
    "name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "soft_margin_loss"]
)
def test_shapes_that_would_only_broadcast_are_refused(name):
    with pytest.raises(ShapeError, match=rf"{name}: .*\(3, 1\).*\(3,\).*input.squeeze\(-1\)"):
        getattr(F, name)(fathom.zeros(3, 1), fathom.zeros(3))


def test_unusable_arguments_are_explained():
    x = fathom.zeros(3)
    with pytest.raises(ArgumentError, match="expected 'mean', 'sum' or 'none'"):
        F.mse_loss(x, x, reduction="average")
    with pytest.raises(ArgumentError, match="apply sigmoid first"):
        F.binary_cross_entropy(x + 2, x)
    with pytest.raises(ArgumentError, match="label_smoothing"):
        F.cross_entropy(fathom.zeros(3, 4), fathom.tensor([0, 1, 2]), label_smoothing=2.0)
    with pytest.raises(ArgumentError, match="delta"):
        F.huber_loss(x, x, delta=0.0)
    with pytest.raises(ArgumentError):
        nn.MSELoss(reduction="average")


def test_nan_in_a_losss_input_raises_only_while_anomalies_are_looked_for():
    x, y = fathom.tensor([1.0, math.nan]), fathom.zeros(2)
    assert math.isnan(float(F.mse_loss(x, y)))
    with (
        fathom.autograd.detect_anomaly(),
        pytest.raises(
            RuntimeError, match=r"mse_loss: 1 of 2 elements of the input .*first at \(1,\)"
        ),
    ):
        F.mse_loss(x, y)
    assert math.isnan(float(F.mse_loss(x, y)))


def test_the_operation_whose_gradient_first_holds_nan_is_named():
    x = fathom.tensor([0.0], requires_grad=True)
    with fathom.autograd.set_detect_anomaly(True):
        loss = ((x * 0.0).sqrt() * 0.0).sum()
        with pytest.raises(fathom.autograd.AnomalyError, match="gradient of Sqrt"):
            loss.backward()


@pytest.mark.parametrize(
    ("layer", "name", "classes"),
    [
        (nn.MSELoss(), "mse_loss", False),
        (nn.L1Loss(reduction="sum"), "l1_loss", False),
        (nn.SmoothL1Loss(beta=0.5), "smooth_l1_loss", False),
        (nn.HuberLoss(delta=0.5), "huber_loss", False),
        (nn.BCEWithLogitsLoss(), "binary_cross_entropy_with_logits", False),
        (nn.KLDivLoss(reduction="batchmean"), "kl_div", False),
        (nn.SoftMarginLoss(), "soft_margin_loss", False),
        (nn.PoissonNLLLoss(), "poisson_nll_loss", False),
        (nn.CrossEntropyLoss(label_smoothing=0.1), "cross_entropy", True),
        (nn.NLLLoss(), "nll_loss", True),
        (nn.MultiMarginLoss(), "multi_margin_loss", True),
    ],
)
def test_a_loss_module_is_its_function(layer, name, classes):
    options = {
        key: value
        for key, value in vars(layer).items()
        if key in ("reduction", "beta", "delta", "label_smoothing")
    }
    x = fathom.tensor(logits(3, 4))
    target = fathom.tensor([0, 3, 1]) if classes else fathom.rand(3, 4).double()
    expected = getattr(F, name)(x, target, **options)
    assert float(layer(x, target)) == float(expected)


def test_class_weights_are_buffers():
    assert list(nn.CrossEntropyLoss(fathom.ones(3)).state_dict()) == ["weight"]
    assert list(nn.BCEWithLogitsLoss(pos_weight=fathom.ones(3)).state_dict()) == ["pos_weight"]
