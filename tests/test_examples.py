"""The examples run; the one in PyTorch's style gives PyTorch's losses when its imports change."""

import argparse
import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPT = EXAMPLES / "mnist_pytorch_style.py"

IMPORTS = {
    "import fathom as torch": "import torch",
    "import fathom.nn as nn": "import torch.nn as nn",
    "import fathom.nn.functional as F": "import torch.nn.functional as F",
    "import fathom.optim as optim": "import torch.optim as optim",
    "from fathom.optim.lr_scheduler import StepLR": ("from torch.optim.lr_scheduler import StepLR"),
    "from fathom.utils.data import DataLoader, TensorDataset": (
        "from torch.utils.data import DataLoader, TensorDataset"
    ),
    # Where the images come from stays; the script makes tensors of their arrays.
    "from fathom.data import datasets": "from fathom.data import datasets",
}


def script(under_pytorch):
    """What the script defines, under Fathom or with its imports changed to PyTorch's."""
    source = SCRIPT.read_text()
    for line, replacement in IMPORTS.items():
        assert f"\n{line}\n" in source
        if under_pytorch:
            source = source.replace(f"\n{line}\n", f"\n{replacement}\n")
    names = {"__name__": "mnist_pytorch_style"}
    exec(compile(source, str(SCRIPT), "exec"), names)
    return argparse.Namespace(**names)


def train_from(example, weights, epochs=3):
    """Losses of training and test of the script's net, in the order of the data set."""
    model = example.Net(image_size=8, dropout=0.0)
    state = {name: example.torch.tensor(value) for name, value in weights.items()}
    model.load_state_dict(state)
    device = example.torch.device("cpu")
    train_set, test_set = (example.load("digits", train=part) for part in (True, False))
    train_loader = example.DataLoader(train_set, batch_size=100)
    test_loader = example.DataLoader(test_set, batch_size=100)
    optimizer = example.optim.Adadelta(model.parameters(), lr=0.5)
    scheduler = example.StepLR(optimizer, step_size=1, gamma=0.7)
    figures = []
    for epoch in range(epochs):
        args = argparse.Namespace(log_interval=5)
        figures += example.train(args, model, device, train_loader, optimizer, epoch)
        figures += example.test(model, device, test_loader)
        scheduler.step()
    return figures


class TestInPyTorchsStyle:
    def test_it_learns_the_digits(self, capsys, tmp_path):
        example = script(under_pytorch=False)
        example.main(["--epochs", "5", "--save-model", str(tmp_path / "model.safetensors")])
        lines = capsys.readouterr().out.splitlines()
        accuracy = float(lines[-1].rsplit(" ", 1)[1].rstrip("%"))
        assert accuracy > 90
        assert (tmp_path / "model.safetensors").stat().st_size > 0

    def test_losses_are_pytorchs_from_the_same_weights(self):
        pytest.importorskip("torch")
        ours, theirs = script(under_pytorch=False), script(under_pytorch=True)
        ours.torch.manual_seed(3)
        model = ours.Net(image_size=8)
        weights = {name: value.numpy() for name, value in model.state_dict().items()}
        np.testing.assert_allclose(
            train_from(ours, weights), train_from(theirs, weights), rtol=1e-4
        )

    def test_only_import_lines_name_the_library(self):
        lines = SCRIPT.read_text().split('"""', 2)[2].splitlines()
        naming = [line for line in lines if "fathom" in line]
        assert sorted(naming) == sorted(IMPORTS)


def test_the_shortest_training_learns_the_digits(capsys):
    runpy.run_path(str(EXAMPLES / "digits.py"), run_name="__main__")
    accuracy = float(capsys.readouterr().out.splitlines()[-1].rsplit(" ", 1)[1].rstrip("%"))
    assert accuracy > 93
