"""Layers: PyTorch's arguments, keys, texts, values and gradients; and what they refuse."""

import inspect
import math

import numpy as np
import pytest

import fathom
import fathom.nn.functional as F
from fathom import nn
from fathom.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError

LAYERS = [
    "Linear(3, 4)",
    "Linear(3, 4, bias=False)",
    "Bilinear(2, 3, 4)",
    "Embedding(5, 3)",
    "Embedding(5, 3, padding_idx=-1)",
    "BatchNorm1d(3)",
    "BatchNorm2d(3, momentum=None, affine=False)",
    "BatchNorm2d(3, track_running_stats=False)",
    "BatchNorm3d(3, bias=False)",
    "LayerNorm(4)",
    "LayerNorm((3, 4), bias=False)",
    "GroupNorm(2, 4)",
    "InstanceNorm1d(3)",
    "InstanceNorm2d(3, affine=True, track_running_stats=True)",
    "RMSNorm(4)",
    "LocalResponseNorm(2)",
    "Dropout(0.2)",
    "Dropout1d()",
    "Dropout2d(inplace=True)",
    "AlphaDropout()",
    "FeatureAlphaDropout()",
    "Sigmoid()",
    "Tanh()",
    "ReLU()",
    "ReLU(inplace=True)",
    "ReLU6()",
    "LeakyReLU(0.2)",
    "LeakyReLU(0.2, True)",
    "RReLU()",
    "ELU()",
    "CELU()",
    "SELU()",
    "GELU()",
    "GELU('tanh')",
    "SiLU()",
    "Softplus()",
    "Softplus(2, 10)",
    "Softsign()",
    "Hardswish()",
    "Hardsigmoid()",
    "Hardtanh(-2, 2)",
    "Hardshrink()",
    "Softshrink()",
    "Tanhshrink()",
    "Mish()",
    "LogSigmoid()",
    "Softmax(1)",
    "Softmax()",
    "LogSoftmax(1)",
    "Softmin(1)",
    "Softmax2d()",
    "PReLU()",
    "PReLU(3)",
    "GLU()",
    "Threshold(0.1, 20)",
    "CosineSimilarity()",
    "PairwiseDistance()",
    "Flatten()",
    "Unflatten(1, (2, 3))",
    "Identity()",
    "CrossEntropyLoss()",
    "KLDivLoss()",
]


def build(library, text):
    return eval(f"nn.{text}", {"nn": library.nn})


@pytest.mark.parametrize("text", LAYERS)
def test_text_keys_and_arguments_are_pytorchs(text):
    torch = pytest.importorskip("torch")
    own, other = build(fathom, text), build(torch, text)
    assert repr(own) == repr(other)
    shapes = [(key, tuple(value.shape)) for key, value in own.state_dict().items()]
    assert shapes == [(key, tuple(value.shape)) for key, value in other.state_dict().items()]
    ancient = {"size_average", "reduce", "min_value", "max_value"}
    expected = [name for name in inspect.signature(type(other)).parameters if name not in ancient]
    assert list(inspect.signature(type(own)).parameters) == expected


def compare(text, *arrays, training=True, steps=1, choose=lambda output: output):
    """Outputs, gradients and statistics of a layer and of PyTorch's, from the same state."""
    torch = pytest.importorskip("torch")
    own, other = build(fathom, text).double(), build(torch, text).double()
    own.load_state_dict({key: value.numpy() for key, value in other.state_dict().items()})
    own.train(training)
    other.train(training)

    def run(library, layer):
        tensors = [library.tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
        output = choose(layer(*tensors))
        factors = np.cos(np.arange(math.prod(output.shape))).reshape(tuple(output.shape))
        (output * library.tensor(factors)).sum().backward()
        gradients = [tensor.grad for tensor in (*tensors, *layer.parameters())]
        return output.detach().numpy(), [g.numpy() for g in gradients if g is not None]

    for _ in range(steps):
        value, gradients = run(fathom, own)
        expected, expected_gradients = run(torch, other)
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-11)
    for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-8, atol=1e-10)
    for buffer, expected_buffer in zip(own.buffers(), other.buffers(), strict=True):
        np.testing.assert_allclose(buffer.numpy(), expected_buffer.numpy())


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("BatchNorm2d(4)", (3, 4, 5, 2)),
        ("BatchNorm2d(4, momentum=None)", (3, 4, 5, 2)),
        ("BatchNorm2d(4, affine=False, track_running_stats=False)", (3, 4, 5, 2)),
        ("BatchNorm1d(4)", (5, 4)),
        ("BatchNorm1d(4, bias=False)", (3, 4, 5)),
        ("InstanceNorm1d(4)", (4, 5)),
        ("InstanceNorm2d(4)", (3, 4, 5, 2)),
        ("InstanceNorm2d(4, affine=True, track_running_stats=True)", (3, 4, 5, 2)),
        ("LayerNorm(4)", (3, 4)),
        ("LayerNorm((4, 5))", (3, 4, 5)),
        ("GroupNorm(2, 4)", (3, 4, 5)),
        ("RMSNorm(5)", (3, 5)),
        ("LocalResponseNorm(3)", (3, 4, 5)),
    ],
)
def test_normalization_and_its_statistics_are_pytorchs(text, shape, training):
    compare(text, normal(*shape), training=training, steps=3)


def test_other_layers_compute_what_pytorchs_do():
    compare("Linear(4, 2)", normal(3, 4))
    compare("Linear(4, 2)", normal(2, 3, 4))
    compare("Linear(4, 2)", normal(4))
    compare("Bilinear(4, 3, 2)", normal(5, 4), normal(5, 3))
    compare("PReLU(3)", normal(2, 3, 4))
    compare("Embedding(6, 3, padding_idx=1)", np.array([[0, 1, 5], [1, 1, 2]]))
    compare("CosineSimilarity()", normal(3, 4), normal(3, 4)[::-1].copy())
    compare("PairwiseDistance(3.0)", normal(3, 4), normal(3, 4)[::-1].copy())


@pytest.mark.parametrize("part", [0, 1])
def test_multi_head_attention_is_pytorchs(part):
    query, key = normal(5, 2, 4), normal(6, 2, 4)
    compare("MultiheadAttention(4, 2)", query, key, key, choose=lambda output: output[part])
    compare(
        "MultiheadAttention(4, 2, batch_first=True, bias=False, kdim=3, vdim=5)",
        normal(2, 3, 4), normal(2, 6, 3), normal(2, 6, 5), choose=lambda output: output[part],
    )  # fmt: skip


def test_attention_masks_hide_what_pytorchs_hide():
    torch = pytest.importorskip("torch")
    own, other = nn.MultiheadAttention(4, 2), torch.nn.MultiheadAttention(4, 2)
    own.load_state_dict({key: value.numpy() for key, value in other.state_dict().items()})
    x = normal(3, 2, 4).astype(np.float32)
    hidden, padding = np.triu(np.ones((3, 3), bool), 1), np.array([[0, 0, 1], [0, 0, 0]], bool)

    def run(library, layer):
        tensor = library.tensor(x)
        return layer(
            tensor, tensor, tensor,
            key_padding_mask=library.tensor(padding), attn_mask=library.tensor(hidden),
            average_attn_weights=False,
        )  # fmt: skip

    for result, expected in zip(run(fathom, own), run(torch, other), strict=True):
        np.testing.assert_allclose(
            result.detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-6
        )


def test_batch_normalization_in_evaluation_leaves_its_statistics_alone():
    layer = nn.BatchNorm1d(2).eval()
    layer(fathom.rand(5, 2))
    assert layer.running_mean.tolist() == [0.0, 0.0]
    assert layer.num_batches_tracked.item() == 0


def test_running_statistics_stay_the_same_tensors():
    layer = nn.BatchNorm1d(2)
    buffers = list(layer.buffers())
    layer(fathom.rand(5, 2))
    assert all(one is other for one, other in zip(buffers, layer.buffers(), strict=True))
    assert not any(buffer.requires_grad for buffer in buffers)
    layer.reset_running_stats()
    assert layer.running_var.tolist() == [1.0, 1.0]


def test_one_value_for_each_channel_cannot_be_normalized_in_training():
    with pytest.raises(ValueError, match=r"BatchNorm1d: batch_norm: .* call eval\(\) first"):
        nn.BatchNorm1d(3)(fathom.zeros(1, 3))
    with pytest.raises(ShapeError, match="one value for each channel"):
        nn.InstanceNorm1d(3)(fathom.zeros(2, 3, 1))
    assert nn.BatchNorm1d(3).eval()(fathom.zeros(1, 3)).shape == (1, 3)


def test_dropout_zeroes_and_scales_in_training_only():
    fathom.manual_seed(0)
    layer, x = nn.Dropout(0.25), fathom.ones(20_000)
    output = layer(x)
    assert set(np.unique(output)) == {np.float32(0), np.float32(1 / 0.75)}
    assert output.mean().item() == pytest.approx(1.0, abs=0.02)
    assert layer.eval()(x) is x
    assert np.array_equal(F.dropout(x, 1.0), np.zeros(20_000))
    assert F.dropout(x, 0.5, inplace=True) is x


def test_dropout_repeats_with_the_seed():
    x = fathom.ones(100)
    fathom.manual_seed(7)
    first = F.dropout(x)
    fathom.manual_seed(7)
    assert np.array_equal(F.dropout(x), first)


def test_the_gradient_of_dropout_passes_where_the_value_did():
    x = fathom.ones(50, requires_grad=True)
    output = F.dropout(x, 0.5)
    output.sum().backward()
    assert np.array_equal(x.grad, output.detach())


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Dropout1d(), (8, 16, 5)),
        (nn.Dropout2d(), (8, 16, 5, 4)),
        (nn.Dropout3d(), (8, 16, 2, 3, 4)),
        (nn.FeatureAlphaDropout(), (8, 16, 5)),
    ],
)
def test_channel_dropout_drops_whole_channels(layer, shape):
    fathom.manual_seed(0)
    channels = np.asarray(layer(fathom.ones(*shape))).reshape(8 * 16, -1)
    assert (channels == channels[:, :1]).all()
    assert 0.3 < np.mean(channels[:, 0] == channels.min()) < 0.7


def test_alpha_dropout_keeps_mean_and_variance():
    fathom.manual_seed(0)
    output = np.asarray(nn.AlphaDropout(0.2)(fathom.randn(200_000)))
    assert output.mean() == pytest.approx(0, abs=0.02)
    assert output.var() == pytest.approx(1, abs=0.03)


def test_a_probability_outside_its_range_is_refused():
    with pytest.raises(ArgumentError, match=r"Dropout: p is 1.5"):
        nn.Dropout(1.5)
    with pytest.raises(ValueError, match=r"dropout: p is -0.1"):
        F.dropout(fathom.ones(2), -0.1)


def test_in_place_activations_rebind_their_input():
    x = fathom.tensor([-1.0, 2.0])
    assert nn.ReLU(inplace=True)(x) is x
    assert x.tolist() == [0.0, 2.0]
    assert F.leaky_relu(x - 1, 0.1, True).tolist() == pytest.approx([-0.1, 1.0])


def test_activations_hand_nan_on():
    x = fathom.tensor([math.nan])
    for name in ("relu", "relu6", "elu", "selu", "gelu", "silu", "mish", "softplus", "hardtanh",
                 "hardswish", "hardsigmoid", "softshrink", "hardshrink", "leaky_relu"):  # fmt: skip
        assert math.isnan(getattr(F, name)(x).item()), name


def test_softmax_stays_finite_for_huge_logits():
    x = fathom.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    assert F.softmax(x, 1).tolist() == [[1.0, 0.0, 0.0]]
    assert F.log_softmax(x, 1).tolist() == [[0.0, -2e4, -1e4]]
    F.log_softmax(x, 1)[0, 1].backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_the_padding_row_is_zero_and_gets_no_gradient():
    layer = nn.Embedding(4, 2, padding_idx=0)
    layer(fathom.tensor([0, 1, 1])).sum().backward()
    assert layer.weight[0].tolist() == [0.0, 0.0]
    assert layer.weight.grad.tolist() == [[0, 0], [2, 2], [0, 0], [0, 0]]


def test_an_embedding_can_start_from_a_table():
    table = fathom.arange(6).float().reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table)
    assert not layer.weight.requires_grad
    assert layer(fathom.tensor([2])).tolist() == [[4.0, 5.0]]


def test_a_query_that_sees_no_key_gets_zeros():
    x = fathom.rand(1, 2, 3).requires_grad_()
    mask = fathom.tensor([[False, False], [True, True]])
    output = F.scaled_dot_product_attention(x, x, x, attn_mask=mask)
    output.sum().backward()
    assert output[0, 0].tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(x.grad.numpy()).all()


def test_normalizing_a_zero_vector_has_a_finite_gradient():
    x = fathom.zeros(2, 3, requires_grad=True)
    F.normalize(x).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.Linear(3, 2), (4, 5), r"Linear expects inputs with 3 features .* got shape \(4, 5\)"),
        (nn.Linear(3, 2), (3, 5), r"dimensions look exchanged, try x.T"),
        (nn.BatchNorm2d(3), (4, 5, 2, 2), r"BatchNorm2d expects .* C = 3 channels"),
        (nn.BatchNorm2d(3), (4, 3), r"expects inputs of shape \(N, C, H, W\)"),
        (nn.LayerNorm(3), (4, 5), r"LayerNorm: layer_norm: the last dimensions .* \(3,\)"),
        (nn.GroupNorm(2, 4), (4, 6), r"GroupNorm expects .* C = 4"),
        (nn.PReLU(3), (2, 4), r"PReLU: prelu: weight of shape \(3,\)"),
        (nn.GLU(), (2, 3), "cannot be halved"),
        (nn.Dropout1d(), (4,), "dropout1d expects"),
        (nn.LocalResponseNorm(2), (4, 3), "three dimensions or more"),
    ],
)
def test_shapes_that_do_not_fit_are_explained(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        layer(fathom.zeros(*shape))


def test_other_mistakes_are_explained():
    with pytest.raises(DTypeError, match=r"embedding: indices must be integers, got float32"):
        nn.Embedding(3, 2)(fathom.zeros(2))
    with pytest.raises(IndexOutOfRange, match="embedding: index 3 is out of range"):
        nn.Embedding(3, 2)(fathom.tensor([3]))
    with pytest.raises(ShapeError, match="cannot be split into 3 heads"):
        nn.MultiheadAttention(4, 3)
    with pytest.raises(ShapeError, match="second input"):
        nn.Bilinear(2, 3, 1)(fathom.zeros(1, 2), fathom.zeros(1, 2))
    with pytest.raises(ArgumentError, match="approximate"):
        F.gelu(fathom.zeros(1), "erf")


def test_linear_layers_start_within_the_bound_of_their_fan_in():
    layer = nn.Linear(100, 200)
    for parameter in layer.parameters():
        largest = abs(np.asarray(parameter.detach())).max()
        assert 0.09 < largest <= 0.1
