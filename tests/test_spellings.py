"""The spellings of calls that PyTorch allows, and corners where the two might part."""

import math

import numpy as np
import pytest

import fathom
from fathom.nn import functional as F

NUMBERS = np.array([[0.3, -1.2, 2.5], [1.5, 0.7, -0.4]], np.float32)

# Calls that read the same in both libraries: `T` is the library, `x` a tensor.
SPELLINGS = """
T.zeros(size=(2, 3))
T.ones(size=(2, 3), dtype=T.int64)
T.empty(size=(2, 0))
T.full(size=(2, 3), fill_value=1.5)
T.arange(end=5)
T.arange(start=1, end=5, step=2)
T.arange(-2.9, -1.0, dtype=T.int64)
T.linspace(4.3, -3, 50, dtype=T.int64)
T.logspace(1.2, 2.9, 4, dtype=T.int64)
x.new_zeros(size=(2,))
x.new_ones(size=(2,))
T.flip(x, dims=[0])
x.flip(dims=(0, 1))
T.permute(x, dims=(1, 0))
x.permute(dims=(1, 0))
T.reshape(x, shape=(3, 2))
x.reshape(shape=(3, 2))
x.view(size=(3, -1))
T.tile(x, dims=(2, 1))
x.repeat(repeats=(2, 1))
x.expand(size=(4, 2, 3))
x.sum_to_size(size=(1, 3))
(x > 0).sum_to_size(1, 3)
T.cat([x, x], axis=1)
T.stack([x, x], axis=1)
T.chunk(x, 2, axis=1)[0]
T.unbind(x, axis=1)[0]
x.unsqueeze(axis=0)
x[:1].squeeze(axis=0)
T.softmax(x, axis=1)
T.gather(x, axis=1, index=T.tensor([[0], [1]]))
T.index_select(x, axis=1, index=T.tensor([0, 2]))
T.std_mean(x, axis=1)[0]
x.int().sum(dtype=T.int32)
(10 * x).byte().sum(0, dtype=T.uint8)
x.int().prod(dtype=T.int32)
x.requires_grad_().clone().numpy(force=True)
T.diff(x, 0, prepend=x)
T.cov(x.int())
T.cov(x[:1])
T.corrcoef(x.int())
T.corrcoef(x[:1])
T.tensordot(x.int()[:, :1], x.int(), dims=([1], [1]))
T.addbmm(x.int(), x.int()[None, :, :2], x.int()[None])
T.index_reduce(x[0, 0], 0, T.tensor([0]), x[1, 1], "prod")
T.unique(x[0, 0], return_inverse=True)[1]
T.linalg.vander(x[0].int())
T.linalg.svdvals(x[:, :0])
T.nn.functional.normalize(x, 0)
T.nn.functional.cosine_similarity(x[None], x[:, None], -1)
T.nn.functional.cosine_similarity(x[None], x[:, None], -2)
T.nn.functional.prelu(x[0, 1], x[0, :1])
T.nn.functional.tanhshrink(x.long())
T.nn.functional.poisson_nll_loss(x.long(), x.long(), full=True)
T.tensor([T.pi, T.e, T.inf, T.nan])
x[:, T.newaxis]
T.exp_(x.clone())
T.relu_(x.clone())
T.clamp_(x.clone(), min=0)
T.selu(x)
T.celu(x)
T.threshold(x, 0.1, -2)
T.prelu(x, T.tensor([0.1]))
T.layer_norm(x, (3,))
T.group_norm(x[None], 1)
T.dropout(x, 0.5, False)
T.tensor([x.nbytes, x.itemsize, x.is_cuda])
""".strip().splitlines()


@pytest.mark.filterwarnings("ignore:.*in beta")
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_means_the_same_in_both_libraries(spelling):
    torch = pytest.importorskip("torch")
    expected = eval(spelling, {"T": torch, "x": torch.tensor(NUMBERS)})
    result = eval(spelling, {"T": fathom, "x": fathom.tensor(NUMBERS)})
    if not isinstance(expected, np.ndarray):
        expected, result = expected.detach().numpy(), result.detach().numpy()
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_random_tensors_take_their_size_by_name():
    assert fathom.rand(size=(2, 3)).shape == (2, 3)
    assert fathom.randn(size=(2, 3)).shape == (2, 3)
    assert fathom.randint(high=5, size=(2, 3)).max() < 5
    assert fathom.randint(low=4, high=5, size=(2, 3)).eq(4).all()


def test_integers_keep_the_dtype_they_are_summed_in():
    assert fathom.ones(3, dtype=fathom.uint8).sum(dtype=fathom.uint8).dtype == fathom.uint8
    assert fathom.ones(3, dtype=fathom.int32).sum(dtype=fathom.int32).dtype == fathom.int32


def test_the_cosine_of_vectors_that_broadcast_is_at_most_one():
    x1, x2 = fathom.ones(1, 2, 3), fathom.ones(2, 1, 3)
    np.testing.assert_allclose(F.cosine_similarity(x1, x2, dim=-2), 1, rtol=1e-6)


def test_an_image_of_bytes_is_resized_with_rounding():
    image = fathom.tensor([[[[0, 255], [255, 0]]]], dtype=fathom.uint8)
    resized = F.interpolate(image, (3, 3), mode="bilinear", align_corners=True)
    expected = [[0, 128, 255], [128, 128, 128], [255, 128, 0]]
    assert resized.dtype == fathom.uint8
    np.testing.assert_allclose(resized[0, 0].long(), expected, atol=1)


def test_random_numbers_do_not_depend_on_how_many_are_drawn_at_once():
    for dtype in (fathom.float32, fathom.float64):
        generator = fathom.Generator().manual_seed(1)
        long = fathom.rand(100_001, generator=generator, dtype=dtype)
        short = fathom.rand(11, generator=generator.manual_seed(1), dtype=dtype)
        assert fathom.equal(long[:11], short)
        assert math.isclose(long.mean(), 0.5, abs_tol=0.01)


def test_gumbel_softmax_draws_classes_with_the_probabilities_of_the_logits():
    fathom.manual_seed(0)
    probabilities = fathom.tensor([0.1, 0.6, 0.3])
    logits = probabilities.log().expand(20_000, 3).clone().requires_grad_()
    drawn = F.gumbel_softmax(logits, hard=True)
    np.testing.assert_allclose(drawn.detach().sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(drawn.detach().mean(0), probabilities, atol=0.02)
    (drawn * fathom.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert logits.grad.abs().sum() > 0
    np.testing.assert_allclose(F.gumbel_softmax(logits, tau=0.5).detach().sum(1), 1, atol=1e-5)
