"""Checkpoints of torchvision's models: the models here compute the same with them."""

import numpy as np
import pytest

import fathom
from fathom import models, nn
from fathom.formats import write_pytorch
from fathom.models import ModelError

torch = pytest.importorskip("torch")

from torch_models import MODELS, Parameters  # noqa: E402 - needs PyTorch

# Compiling takes seconds; these have every layer that the others have.
COMPILED = ("squeezenet1_1",)


@pytest.fixture
def quick_initialization(monkeypatch):
    for name in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "zeros_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)
    monkeypatch.setattr(nn.init, "uniform_within_fan_in", lambda weight, bias: None)


@pytest.mark.usefixtures("quick_initialization")
@pytest.mark.parametrize("name", MODELS)
def test_values_and_gradients_are_those_of_pytorch(tmp_path, name):
    parameters = Parameters()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    expected = MODELS[name](parameters, image, 5)
    (expected**2).sum().backward()
    torch.save({"state_dict": {f"module.{k}": v for k, v in parameters.values.items()}},
               tmp_path / "a.pth")  # fmt: skip

    options = {"small_images": True} if name.startswith("vgg") else {}
    model = models.create(name, num_classes=5, **options).eval()
    models.load_checkpoint(model, tmp_path / "a.pth")
    assert set(model.state_dict()) == set(parameters.values)
    found = model(fathom.tensor(image.numpy()))
    scale = float(expected.detach().abs().max())
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=1e-4, atol=1e-4 * scale)
    (found**2).sum().backward()
    for key, parameter in model.named_parameters():
        gradient = parameters.values[key].grad.numpy()
        bound = 1e-3 * max(np.abs(gradient).max(), 1e-6)
        np.testing.assert_allclose(parameter.grad, gradient, rtol=1e-3, atol=bound, err_msg=key)
    if name in COMPILED:
        with fathom.no_grad():
            compiled = fathom.compile(model)(fathom.tensor(image.numpy()))
        np.testing.assert_allclose(compiled, expected.detach(), rtol=1e-4, atol=1e-4 * scale)


class Small(nn.Module):
    """A layer with a normalization, under DenseNet's names."""

    def __init__(self):
        super().__init__()
        self.denselayer1 = nn.Sequential()
        self.denselayer1.norm1 = nn.BatchNorm2d(2)
        self.fc = nn.Linear(2, 1)


def test_old_names_and_missing_counters_are_known(tmp_path):
    model = Small()
    state = {
        key.replace("norm1", "norm.1"): value
        for key, value in model.state_dict().items()
        if "num_batches" not in key
    }
    write_pytorch(tmp_path / "a.pt", {"model": state, "epoch": 1})
    again = models.load_checkpoint(Small(), tmp_path / "a.pt")
    np.testing.assert_array_equal(again.fc.weight.detach(), model.fc.weight.detach())


def test_what_holds_no_parameters_is_refused():
    with pytest.raises(ModelError, match="no parameters by name"):
        models.load_checkpoint(Small(), {"epoch": 1})
