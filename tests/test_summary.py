"""The table of a model's layers."""

import numpy as np
import pytest

import fathom
from fathom import nn
from fathom.errors import ArgumentError, ShapeError


def perceptron():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 100), nn.BatchNorm1d(100), nn.Dropout(), nn.Linear(100, 10)
    )


def test_rows_say_what_every_layer_is_and_costs():
    summary = perceptron().summary((1, 28, 28))
    assert [tuple(row) for row in summary.rows] == [
        ("0", "Flatten", (1, 784), 0, 0, 784 * 4),
        ("1", "Linear", (1, 100), 78_500, 78_400, 400),
        ("2", "BatchNorm1d", (1, 100), 200, 0, 400),
        ("3", "Dropout", (1, 100), 0, 0, 400),
        ("4", "Linear", (1, 10), 1_010, 1_000, 40),
    ]
    assert summary.parameters == summary.trainable_parameters == 79_710
    assert summary.multiply_adds == 79_400
    assert summary.parameter_bytes == 79_710 * 4 + 2 * 100 * 4 + 8
    assert summary.activation_bytes == 784 * 4 + 3 * 400 + 40


def test_the_table_shows_rows_and_totals():
    text = str(perceptron().summary((1, 28, 28)))
    assert "1 (Linear)" in text
    assert "78,500" in text
    assert "Parameters:    79,710 (79,710 trainable)" in text
    assert len({len(line) for line in text.splitlines()[:7]}) == 1


def test_multiply_adds_of_convolutions_and_attention_are_counted():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
    assert net.summary((3, 10, 10)).multiply_adds == 10 * 10 * 8 * 3 * 9

    class Attention(nn.Module):
        def forward(self, x):
            return nn.functional.scaled_dot_product_attention(x, x, x)

    summary = Attention().summary((5, 4))
    assert summary.multiply_adds == 2 * 5 * 5 * 4
    assert summary.rows[0].path == ""


def test_frozen_and_shared_parameters_are_told_apart():
    layer = nn.Linear(4, 4)
    net = nn.Sequential(layer, nn.ReLU(), layer, nn.Linear(4, 2).requires_grad_(False))
    summary = net.summary((4,))
    assert summary.parameters == 20 + 10
    assert summary.trainable_parameters == 20
    assert summary.multiply_adds == 16 + 16 + 8
    assert not net[3].weight.requires_grad


def test_the_model_is_as_it_was_afterwards():
    net = perceptron()
    net[3].eval()
    state = {key: np.array(value) for key, value in net.state_dict().items()}
    fathom.manual_seed(3)
    expected = fathom.rand(2).tolist()
    fathom.manual_seed(3)
    net.summary((1, 28, 28))
    assert fathom.rand(2).tolist() == expected
    assert [module.training for module in net] == [True, True, True, False, True]
    for key, value in net.state_dict().items():
        assert np.array_equal(value, state[key])
    assert not net[1]._forward_hooks
    assert net[1].weight.grad is None


def test_integers_and_several_inputs_can_be_given():
    summary = nn.Embedding(10, 3).summary((7,), dtype=fathom.int64)
    assert summary.rows[0].output_shape == (1, 7, 3)
    assert nn.Bilinear(2, 3, 4).summary([(2,), (3,)]).rows[0].output_shape == (1, 4)


def test_a_shape_that_does_not_fit_is_refused_and_leaves_the_model_alone():
    net = perceptron()
    with pytest.raises(ShapeError, match="Linear '1' expects inputs with 784 features"):
        net.summary((1, 20, 20))
    assert net.training
    assert not net[1]._forward_hooks
    with pytest.raises(ArgumentError, match="without the batch dimension"):
        net.summary((-1, 28, 28))
