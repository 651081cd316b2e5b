"""Plots: what is drawn, and that a picture is written whole or not at all."""

import sys
from pathlib import Path

import numpy as np
import pytest

from fathom import FathomError, nn
from fathom.train import plots

pytest.importorskip("matplotlib")

PNG = b"\x89PNG\r\n\x1a\n"
HISTORY = {
    "epoch": [1, 2, 3], "loss": [1.0, 0.5, 0.4], "accuracy": [0.5, 0.6, 0.7],
    "val_loss": [1.0, 0.4, 0.6], "val_accuracy": [0.4, 0.8, 0.7],
    "confusion_matrix": [[[1]], [[1]], [[1]]], "lr": [0.1, 0.1, 0.1], "seconds": [1.0, 1.0, 1.0],
}  # fmt: skip


def test_curves_show_the_figures_of_training_and_validation(tmp_path: Path) -> None:
    figure = plots.training_curves(HISTORY, path=tmp_path / "curves.png")
    loss, accuracy = figure.axes
    assert loss.get_title(loc="left") == "loss"
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), HISTORY["loss"])
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), HISTORY["val_loss"])
    assert [text.get_text() for text in loss.texts] == ["0.4"]
    assert [text.get_text() for text in accuracy.texts] == ["0.8"]
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_learning_rate_is_drawn_where_it_changes() -> None:
    figure = plots.training_curves({**HISTORY, "lr": [0.1, 0.05, 0.02]})
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "loss", "accuracy", "learning rate",
    ]  # fmt: skip


def test_curves_with_nan_or_a_single_epoch_are_drawn() -> None:
    nan = float("nan")
    plots.training_curves({"epoch": [1], "loss": [nan], "val_loss": [nan]})
    plots.training_curves({"epoch": [1, 2], "loss": [1.0, nan], "val_loss": [1.0, nan]})


def test_a_confusion_matrix_shows_its_counts_and_names() -> None:
    counts = np.array([[5, 1, 0], [0, 7, 0], [2, 0, 0]])
    axes = plots.confusion_matrix(counts, ["cat", "dog", "bird"]).axes[0]
    shown = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    assert shown == {(0, 0): "5", (0, 1): "1", (1, 1): "7", (2, 0): "2"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog", "bird"]
    assert axes.get_title(loc="left") == "12 of 15 right, 3 wrong"
    with pytest.raises(FathomError, match="2 class names for 3 classes"):
        plots.confusion_matrix(counts, ["cat", "dog"])
    with pytest.raises(FathomError, match="square"):
        plots.confusion_matrix(counts[:2])


def test_mistakes_are_sorted_by_confidence() -> None:
    images = np.random.default_rng(0).random((5, 1, 4, 4))
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.001, 0.999], [0.5, 0.5]])
    figure = plots.confident_mistakes(images, probabilities, np.array([0, 0, 1, 0, 0]))
    shown = [(axes.get_title(), axes.get_xlabel()) for axes in figure.axes]
    assert shown == [("1  > 99 %", "0"), ("1  80 %", "0"), ("0  60 %", "1")]
    logits = np.log(probabilities) + 7
    figure = plots.confident_mistakes(images.reshape(5, 16), logits, np.array([0, 0, 1, 0, 0]))
    assert [(axes.get_title(), axes.get_xlabel()) for axes in figure.axes] == shown
    perfect = plots.confident_mistakes(images, probabilities, probabilities.argmax(1))
    assert "No mistakes" in perfect.texts[0].get_text()


def test_pictures_need_a_shape_that_is_one() -> None:
    for shape in ((3, 8, 8), (3, 64), (3, 1, 8, 8)):
        assert plots.as_pictures(np.zeros(shape)).shape == (3, 8, 8)
    assert plots.as_pictures(np.zeros((2, 3, 5, 6))).shape == (2, 5, 6, 3)
    for shape in ((3, 63), (3, 2, 8, 8), (3,)):
        with pytest.raises(FathomError, match="are no pictures"):
            plots.as_pictures(np.zeros(shape))


def test_weights_of_linear_and_convolution_are_shown_with_zero_in_the_middle() -> None:
    layer = nn.Linear(12, 5)
    figure = plots.weights(layer, shape=(3, 4))
    np.testing.assert_array_equal(
        figure.axes[4].images[0].get_array(), layer.weight.detach().numpy()[4].reshape(3, 4)
    )
    low, high = figure.axes[0].images[0].get_clim()
    assert low == -high
    assert len(plots.weights(np.ones((70, 9))).axes) == 64
    assert len(plots.weights(np.ones((4, 3, 5, 5))).axes) == 4
    assert len(plots.weights(np.ones((4, 2, 5, 5))).axes) == 4
    for weight, shape in ((np.ones(3), None), (np.ones((2, 9)), (2, 4))):
        with pytest.raises(FathomError):
            plots.weights(weight, shape)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(FathomError, match=r"pip install 'fathom-dl\[plots\]'"):
        plots.training_curves(HISTORY)


def test_no_window_and_no_global_state_of_matplotlib_are_touched() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    plots.training_curves(HISTORY)
    assert dict(mpl.rcParams) == before
