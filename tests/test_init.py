"""Initial values have the distributions their sources give."""

import math

import numpy as np
import pytest

import fathom
from fathom import nn
from fathom.errors import ArgumentError, ShapeError
from fathom.nn import init


@pytest.fixture(autouse=True)
def seeded():
    fathom.manual_seed(0)


def values(tensor):
    return np.asarray(tensor.detach(), np.float64)


def weight(*shape):
    return nn.Parameter(fathom.zeros(*shape))


# A weight of shape (200, 30, 3, 3) has fans 270 and 1800.
@pytest.mark.parametrize(
    ("name", "options", "deviation"),
    [
        ("xavier_normal_", {}, math.sqrt(2 / 2070)),
        ("xavier_uniform_", {"gain": 2.0}, 2 * math.sqrt(2 / 2070)),
        ("kaiming_normal_", {"nonlinearity": "relu"}, math.sqrt(2 / 270)),
        ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "relu"}, math.sqrt(2 / 1800)),
        ("kaiming_uniform_", {"a": math.sqrt(5)}, math.sqrt(2 / 6 / 270)),
        ("lecun_normal_", {}, math.sqrt(1 / 270)),
        ("lecun_uniform_", {}, math.sqrt(1 / 270)),
        ("normal_", {"mean": 0.0, "std": 0.3}, 0.3),
        ("uniform_", {"a": -1.0, "b": 1.0}, math.sqrt(1 / 3)),
    ],
)
def test_mean_and_deviation_are_those_of_the_formula(name, options, deviation):
    tensor = weight(200, 30, 3, 3)
    assert getattr(init, name)(tensor, **options) is tensor
    drawn = values(tensor)
    assert drawn.mean() == pytest.approx(0, abs=deviation * 0.02)
    assert drawn.std() == pytest.approx(deviation, rel=0.02)
    if "uniform" in name:
        assert abs(drawn).max() == pytest.approx(deviation * math.sqrt(3), rel=0.01)


def test_the_truncated_normal_stays_within_its_bounds():
    drawn = values(init.trunc_normal_(weight(300, 300), std=2.0, a=-1.0, b=3.0))
    assert drawn.min() >= -1.0
    assert drawn.max() <= 3.0
    # The mean and the deviation of that truncated distribution.
    assert drawn.mean() == pytest.approx(0.7126, abs=0.02)
    assert drawn.std() == pytest.approx(1.0587, abs=0.02)


@pytest.mark.parametrize("shape", [(5, 8), (8, 5), (6, 6), (4, 3, 2, 2)])
def test_orthogonal_rows_or_columns(shape):
    matrix = values(init.orthogonal_(weight(*shape), gain=2.0)).reshape(shape[0], -1)
    product = matrix @ matrix.T if shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_fixed_values():
    assert init.constant_(weight(2), 0.5).tolist() == [0.5, 0.5]
    assert init.ones_(weight(2)).tolist() == [1.0, 1.0]
    assert init.zeros_(init.ones_(weight(2))).tolist() == [0.0, 0.0]
    assert init.eye_(weight(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_is_pytorchs(groups):
    torch = pytest.importorskip("torch")
    own = values(init.dirac_(weight(4, 3, 3, 3), groups))
    assert np.array_equal(own, torch.nn.init.dirac_(torch.zeros(4, 3, 3, 3), groups).numpy())


def test_sparse_leaves_the_share_of_zeros_in_every_column():
    drawn = values(init.sparse_(weight(10, 7), 0.25, std=1.0))
    assert ((drawn == 0).sum(0) == 3).all()


@pytest.mark.parametrize(
    ("name", "param"),
    [
        ("linear", None),
        ("conv2d", None),
        ("conv_transpose2d", None),
        ("sigmoid", None),
        ("tanh", None),
        ("relu", None),
        ("leaky_relu", None),
        ("leaky_relu", 0.2),
        ("selu", None),
    ],
)
def test_gains_are_pytorchs(name, param):
    torch = pytest.importorskip("torch")
    assert init.calculate_gain(name, param) == torch.nn.init.calculate_gain(name, param)


def test_a_generator_makes_values_repeatable():
    one = init.normal_(weight(3), generator=fathom.Generator().manual_seed(5))
    other = init.normal_(weight(3), generator=fathom.Generator().manual_seed(5))
    assert one.tolist() == other.tolist()


def test_initialization_keeps_the_parameter_and_its_dtype():
    tensor = nn.Parameter(fathom.zeros(4, 4, dtype=fathom.float64))
    init.kaiming_normal_(tensor)
    assert tensor.dtype == fathom.float64
    assert tensor.requires_grad
    assert tensor.is_leaf


def test_mistakes_are_explained():
    with pytest.raises(ShapeError, match="fans"):
        init.xavier_uniform_(weight(3))
    with pytest.raises(ShapeError, match="two dimensions"):
        init.eye_(weight(3))
    with pytest.raises(ArgumentError, match="'fan_in' or 'fan_out'"):
        init.kaiming_normal_(weight(2, 2), mode="fan_mean")
    with pytest.raises(ArgumentError, match="unknown nonlinearity 'swish'"):
        init.calculate_gain("swish")
