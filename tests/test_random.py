"""Random tensors: their distributions, and that a seed fixes them."""

import math

import numpy as np
import pytest

import fathom
from fathom.errors import ArgumentError, DTypeError

COUNT = 40_000


def generator(seed: int = 0) -> fathom.Generator:
    return fathom.Generator().manual_seed(seed)


class TestState:
    def test_a_seed_fixes_what_is_drawn(self):
        fathom.manual_seed(7)
        first = fathom.randn(5)
        fathom.manual_seed(7)
        assert fathom.equal(first, fathom.randn(5))

    def test_numbers_are_not_drawn_twice(self):
        source = generator()
        assert not fathom.equal(fathom.rand(8, generator=source), fathom.rand(8, generator=source))

    def test_a_state_can_be_taken_and_restored(self):
        state = fathom.get_rng_state()
        first = fathom.rand(3)
        fathom.set_rng_state(state)
        assert fathom.equal(first, fathom.rand(3))

    def test_a_generator_does_not_disturb_the_default_one(self):
        fathom.manual_seed(1)
        first = fathom.rand(2)
        fathom.manual_seed(1)
        fathom.rand(9, generator=generator())
        assert fathom.equal(first, fathom.rand(2))


DISTRIBUTIONS = {
    "rand": (lambda g: fathom.rand(COUNT, generator=g), 1 / 2, 1 / 12),
    "randn": (lambda g: fathom.randn(COUNT, generator=g), 0, 1),
    "randint": (lambda g: fathom.randint(2, 8, (COUNT,), generator=g).double(), 4.5, 35 / 12),
    "normal": (lambda g: fathom.normal(3.0, 2.0, (COUNT,), generator=g), 3, 4),
    "bernoulli": (lambda g: fathom.bernoulli(fathom.full((COUNT,), 0.3), generator=g), 0.3, 0.21),
    "uniform_": (lambda g: fathom.empty(COUNT).uniform_(-1, 3, generator=g), 1, 16 / 12),
    "normal_": (lambda g: fathom.empty(COUNT).normal_(1, 0.5, generator=g), 1, 0.25),
    "bernoulli_": (lambda g: fathom.empty(COUNT).bernoulli_(0.6, generator=g), 0.6, 0.24),
    "random_": (lambda g: fathom.empty(COUNT).random_(3, 5, generator=g), 3.5, 0.25),
    "exponential_": (lambda g: fathom.empty(COUNT).exponential_(2, generator=g), 0.5, 0.25),
    "geometric_": (lambda g: fathom.empty(COUNT).geometric_(0.5, generator=g), 2, 2),
    "log_normal_": (
        lambda g: fathom.empty(COUNT).log_normal_(0, 0.5, generator=g),
        math.exp(1 / 8),
        (math.exp(1 / 4) - 1) * math.exp(1 / 4),
    ),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_means_and_variances_are_those_of_the_distribution(name):
    draw, mean, variance = DISTRIBUTIONS[name]
    drawn = np.asarray(draw(generator()), np.float64)
    assert drawn.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / COUNT))
    assert drawn.var() == pytest.approx(variance, rel=0.1)


def test_normal_numbers_have_the_tails_of_the_normal_distribution():
    drawn = np.asarray(fathom.randn(COUNT, generator=generator()))
    assert np.mean(np.abs(drawn) > 2) == pytest.approx(0.0455, abs=0.005)
    assert np.mean(drawn**4) == pytest.approx(3, abs=0.15)


def test_the_two_halves_of_normal_numbers_are_uncorrelated():
    first, second = np.asarray(fathom.randn(2, COUNT, generator=generator()))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02


def test_a_permutation_holds_every_number_once():
    drawn = fathom.randperm(100, generator=generator())
    assert drawn.dtype == fathom.int64
    assert sorted(drawn.tolist()) == list(range(100))
    assert drawn.tolist() != list(range(100))


class TestMultinomial:
    def test_frequencies_follow_the_weights(self):
        weights = fathom.tensor([1.0, 0.0, 3.0])
        drawn = fathom.multinomial(weights, COUNT, replacement=True, generator=generator())
        shares = np.bincount(np.asarray(drawn), minlength=3) / COUNT
        np.testing.assert_allclose(shares, [0.25, 0, 0.75], atol=0.02)

    def test_without_replacement_first_draws_follow_the_weights(self):
        weights = fathom.tensor([1.0, 2.0, 1.0]).expand(COUNT, 3)
        drawn = np.asarray(fathom.multinomial(weights, 2, generator=generator()))
        assert (drawn[:, 0] != drawn[:, 1]).all()
        shares = np.bincount(drawn[:, 0], minlength=3) / COUNT
        np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.02)

    @pytest.mark.parametrize(
        ("weights", "count"), [([1.0, -1.0], 1), ([0.0, 0.0], 1), ([1.0, 1.0], 3)]
    )
    def test_impossible_wishes_are_refused(self, weights, count):
        with pytest.raises(ArgumentError, match="multinomial"):
            fathom.multinomial(fathom.tensor(weights), count)


def test_shapes_and_dtypes():
    like = fathom.zeros(2, 3, dtype=fathom.float64)
    assert fathom.rand(()).shape == ()
    assert fathom.randn(0, 3).shape == (0, 3)
    assert fathom.rand_like(like).dtype == fathom.float64
    assert fathom.randn_like(like).shape == (2, 3)
    assert fathom.randint_like(like, 4).dtype == fathom.float64
    assert fathom.randint(5, (3,)).dtype == fathom.int64
    assert fathom.rand(2, requires_grad=True).requires_grad


def test_an_empty_range_and_integer_probabilities_are_refused():
    with pytest.raises(ArgumentError):
        fathom.randint(3, 3, (2,))
    with pytest.raises(DTypeError):
        fathom.bernoulli(fathom.ones(2, dtype=fathom.int64))


def test_random_results_can_be_written_in_place():
    for drawn in (fathom.rand(3), fathom.randn(3), fathom.randperm(3)):
        drawn.add_(1)
