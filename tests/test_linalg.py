"""Factorizations: what they multiply to, their gradients, and what they refuse."""

import numpy as np
import pytest

import fathom
from fathom import linalg
from fathom.autograd import gradcheck, gradgradcheck
from fathom.errors import LinAlgError, ShapeError


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


SHAPES = [(3, 3), (4, 2), (2, 4), (2, 3, 2), (0, 3, 2), (3, 0), (0, 0)]


def with_gaps(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Matrices whose singular values lie well apart."""
    u, s, vh = np.linalg.svd(random.standard_normal(shape), full_matrices=False)
    return (u * (1 + np.arange(s.shape[-1]))) @ vh


def positive_definite(random: np.random.Generator, *shape: int) -> np.ndarray:
    factor = with_gaps(random, *shape)
    return factor @ factor.swapaxes(-1, -2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("full_matrices", [True, False])
def test_svd_multiplies_to_the_matrix(random, shape, full_matrices):
    a = random.standard_normal(shape)
    u, s, vh = linalg.svd(fathom.tensor(a), full_matrices=full_matrices)
    count = min(shape[-2:])
    assert u.shape[-1] == (shape[-2] if full_matrices else count)
    assert vh.shape[-2] == (shape[-1] if full_matrices else count)
    product = (u[..., :count] * s.unsqueeze(-2)) @ vh[..., :count, :]
    np.testing.assert_allclose(product, a, atol=1e-12)
    identity = np.broadcast_to(np.eye(u.shape[-1]), (*shape[:-2], u.shape[-1], u.shape[-1]))
    np.testing.assert_allclose(u.mT @ u, identity, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_svd_has_gradients_where_signs_do_not_matter(random, shape):
    weights = random.standard_normal(shape)

    def invariant(a):
        u, s, vh = linalg.svd(a, full_matrices=False)
        return (u * s.exp().unsqueeze(-2)) @ vh * weights, u**2, vh**2

    a = fathom.tensor(with_gaps(random, *shape), requires_grad=True)
    gradcheck(invariant, (a,))
    gradgradcheck(invariant, (a,), atol=1e-4)


@pytest.mark.parametrize("triangle", ["L", "U"])
def test_eigh_diagonalizes_the_triangle_it_reads(random, triangle):
    a = random.standard_normal((2, 4, 4))
    values, vectors = linalg.eigh(fathom.tensor(a), triangle)
    part = np.tril(a) if triangle == "L" else np.triu(a)
    symmetric = part + part.swapaxes(-1, -2) - part * np.eye(4)
    np.testing.assert_allclose((vectors * values.unsqueeze(-2)) @ vectors.mT, symmetric, atol=1e-12)
    np.testing.assert_allclose(linalg.eigvalsh(fathom.tensor(a), triangle), values, atol=1e-12)


def test_eigh_has_gradients_where_signs_do_not_matter(random):
    def invariant(a):
        values, vectors = linalg.eigh((a + a.mT) / 20)
        return values.sin(), (vectors * values.exp().unsqueeze(-2)) @ vectors.mT, vectors**2

    a = fathom.tensor(positive_definite(random, 2, 3, 3), requires_grad=True)
    gradcheck(invariant, (a,))
    gradgradcheck(invariant, (a,), atol=1e-4)


def test_equal_eigenvalues_have_gradients_without_their_vectors():
    a = fathom.eye(3, dtype=fathom.float64).requires_grad_()
    linalg.eigvalsh(a).sum().backward()
    np.testing.assert_array_equal(a.grad, np.eye(3))
    a.grad = None
    linalg.svdvals(a).sum().backward()
    np.testing.assert_allclose(a.grad, np.eye(3), atol=1e-15)


def test_cholesky_factors_and_has_gradients(random):
    a = positive_definite(random, 2, 3, 3)
    lower = linalg.cholesky(fathom.tensor(a))
    np.testing.assert_allclose(lower @ lower.mT, a, atol=1e-12)
    np.testing.assert_array_equal(lower, np.tril(lower))
    upper = linalg.cholesky(fathom.tensor(a), upper=True)
    np.testing.assert_allclose(upper.mT @ upper, a, atol=1e-12)
    leaf = fathom.tensor(a, requires_grad=True)

    def symmetric(a):
        return linalg.cholesky((a + a.mT) / 2)

    gradcheck(symmetric, (leaf,))
    gradgradcheck(symmetric, (leaf,), atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
def test_qr_multiplies_to_the_matrix(random, shape, mode):
    a = random.standard_normal(shape)
    q, r = linalg.qr(fathom.tensor(a), mode)
    np.testing.assert_array_equal(r, np.triu(r))
    if mode == "r":
        assert q.shape == (0,)
    else:
        np.testing.assert_allclose(q @ r, a, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 3)])
def test_functions_agree_with_pytorch(random, shape):
    torch = pytest.importorskip("torch")
    a = random.standard_normal(shape)
    here, there = fathom.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    for functions in [
        lambda library, x: library.linalg.svd(x, full_matrices=False),
        lambda library, x: library.linalg.qr(x),
        lambda library, x: library.linalg.eigh(x @ x.mT if x.shape[-2] < 4 else x.mT @ x),
    ]:
        for ours, theirs in zip(functions(fathom, here), functions(torch, there), strict=True):
            np.testing.assert_allclose(
                ours.detach().abs(), theirs.detach().abs().numpy(), atol=1e-9, rtol=1e-9
            )
            here.grad = there.grad = None
            (ours**2).sin().sum().backward(retain_graph=True)
            (theirs**2).sin().sum().backward(retain_graph=True)
            np.testing.assert_allclose(here.grad, there.grad.numpy(), atol=1e-7, rtol=1e-6)


def test_least_squares_agree_with_pytorch(random):
    torch = pytest.importorskip("torch")
    for driver in (None, "gels", "gelsy"):
        for shape, right in [((5, 2), (5, 3)), ((2, 5), (2, 1)), ((2, 4, 2), (2, 4, 1))]:
            a, b = random.standard_normal(shape), random.standard_normal(right)
            ours = linalg.lstsq(fathom.tensor(a), fathom.tensor(b), driver=driver)
            theirs = torch.linalg.lstsq(torch.tensor(a), torch.tensor(b), driver=driver)
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(one, other.numpy(), atol=1e-10)


def test_what_cannot_be_done_is_said():
    singular = fathom.ones(3, 3)
    for function in (linalg.inv, fathom.inverse, lambda a: linalg.solve(a, fathom.ones(3, 1))):
        with pytest.raises(LinAlgError, match=r"\(3, 3\) is singular; .*pinv"):
            function(singular)
    with pytest.raises(LinAlgError, match="not positive definite"):
        linalg.cholesky(-fathom.eye(2))
    with pytest.raises(ShapeError, match=r"det takes square matrices, got shape \(2, 3\)"):
        linalg.det(fathom.ones(2, 3))
    with pytest.raises(RuntimeError, match="computes with floats"):
        linalg.inv(fathom.ones(2, 2, dtype=fathom.int64))
    with pytest.raises(ShapeError, match=r"\(2, 3\) and \(4, 5\)"):
        fathom.ones(2, 3) @ fathom.ones(4, 5)
    with pytest.raises(
        ShapeError,
        match=r"Linear expects inputs with 784 features in the last dimension, "
        r"got shape \(64, 28, 28\); flatten the image first, e.g. nn.Flatten\(\)",
    ):
        fathom.nn.functional.linear(fathom.ones(64, 28, 28), fathom.ones(10, 784))


def test_einsum_takes_labels_as_lists(random):
    a, b = fathom.tensor(random.standard_normal((2, 3))), fathom.tensor(random.standard_normal(3))
    np.testing.assert_allclose(fathom.einsum(a, [0, 1], b, [1], [0]), a @ b)
    np.testing.assert_allclose(fathom.einsum(a, [..., 1], b, [1]), a @ b)


def test_einsum_says_what_does_not_fit():
    a = fathom.ones(2, 3)
    with pytest.raises(ShapeError, match="names 2 operands, 1 were given"):
        fathom.einsum("ij,jk", a)
    with pytest.raises(ShapeError, match="'j' stands for sizes 3 and 2"):
        fathom.einsum("ij,jk", a, a)
    with pytest.raises(ShapeError, match="does not label the 2 dimensions"):
        fathom.einsum("i", a)
    with pytest.raises(ShapeError, match="that no operand has"):
        fathom.einsum("ij->ik", a)
