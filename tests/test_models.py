"""Models: parameter counts, names and shapes are the published ones; small ones learn."""

import math

import numpy as np
import pytest

import fathom
from fathom import models, nn
from fathom.errors import FathomError
from fathom.models import ModelError

PARAMETERS = {
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg11_bn": 132_868_840,
    "vgg16_bn": 138_365_992,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "mobilenet_v2": 3_504_872,
    "squeezenet1_0": 1_248_424,
    "squeezenet1_1": 1_235_496,
    "densenet121": 7_978_856,
    "efficientnet_b0": 5_288_548,
    # As many floats as the author's files hold, less the two running statistics.
    "darknet19": (83_427_124 - 20) // 4 - 2 * 7_200,
    "darknet53": 41_609_928,
    # 784 * 128 + 128 + 128 * 10 + 10
    "mlp": 101_770,
    "lenet5": 61_706,
    # 32 * 10 + 64 * 289 + 3136 * 128 + 128 + 128 * 10 + 10
    "small_cnn": 421_642,
}


def count(model):
    return sum(math.prod(parameter.shape) for parameter in model.parameters())


@pytest.fixture
def quick_initialization(monkeypatch):
    """Large models are made with zeros: to draw their parameters takes seconds."""
    for name in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "zeros_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)
    monkeypatch.setattr(nn.init, "uniform_within_fan_in", lambda weight, bias: None)


@pytest.mark.usefixtures("quick_initialization")
class TestLarge:
    @pytest.mark.parametrize("name", PARAMETERS)
    def test_the_number_of_parameters_is_the_published_one(self, name):
        assert count(models.create(name)) == PARAMETERS[name]

    def test_resnets_names_and_shapes_are_torchvisions(self):
        shapes = {name: value.shape for name, value in models.resnet50().state_dict().items()}
        assert len(shapes) == 320
        assert list(shapes)[:6] == [
            "conv1.weight",
            "bn1.weight",
            "bn1.bias",
            "bn1.running_mean",
            "bn1.running_var",
            "bn1.num_batches_tracked",
        ]
        assert shapes["conv1.weight"] == (64, 3, 7, 7)
        assert shapes["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
        assert shapes["layer3.5.conv2.weight"] == (256, 256, 3, 3)
        assert shapes["layer4.2.bn3.running_var"] == (2048,)
        assert shapes["fc.weight"] == (1000, 2048)
        assert len(models.resnet18().state_dict()) == 122
        assert "layer1.0.downsample.0.weight" not in models.resnet18().state_dict()

    def test_vggs_names_and_shapes_are_torchvisions(self):
        plain = {name: value.shape for name, value in models.vgg16().state_dict().items()}
        convolutions = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
        modules = [f"features.{n}" for n in convolutions] + [f"classifier.{n}" for n in (0, 3, 6)]
        assert list(plain) == [
            f"{module}.{part}" for module in modules for part in ("weight", "bias")
        ]
        assert plain["classifier.0.weight"] == (4096, 25088)
        normalized = models.vgg11_bn().state_dict()
        assert normalized["features.26.running_mean"].shape == (512,)

    def test_darknets_shapes_are_the_papers(self):
        shapes = [parameter.shape for parameter in models.darknet53().parameters()]
        convolutions = [shape for shape in shapes if len(shape) == 4]
        assert len(convolutions) == 52
        assert convolutions[:4] == [(32, 3, 3, 3), (64, 32, 3, 3), (32, 64, 1, 1), (64, 32, 3, 3)]
        assert convolutions[-1] == (1024, 512, 3, 3)
        assert shapes[-2:] == [(1000, 1024), (1000,)]


class TestForward:
    @pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg11", "vgg11_bn"])
    def test_forms_for_small_images_give_logits(self, name):
        options = models.options_for_images(name, (1, 32, 32), 7)
        assert options["small_images"]
        model = models.create(name, **options).eval()
        with fathom.no_grad():
            assert model(fathom.randn(1, 1, 32, 32)).shape == (1, 7)

    def test_the_small_form_of_resnet_keeps_the_images_size_in_its_first_stage(self):
        model = models.resnet18(10, small_images=True).eval()
        with fathom.no_grad():
            features = model.layer1(model.maxpool(model.conv1(fathom.randn(1, 3, 16, 16))))
        assert features.shape == (1, 64, 16, 16)

    def test_darknet_gives_logits(self):
        model = models.darknet53(num_classes=5).eval()
        with fathom.no_grad():
            assert model(fathom.randn(1, 3, 32, 32)).shape == (1, 5)

    @pytest.mark.parametrize("size", [12, 28, 32])
    @pytest.mark.parametrize("name", ["mlp", "lenet5", "small_cnn"])
    def test_small_models_fit_the_images(self, name, size):
        model = models.create(name, **models.options_for_images(name, (3, size, size), 5))
        assert model(fathom.randn(2, 3, size, size)).shape == (2, 5)

    def test_resnets_values_and_gradients_are_those_of_the_same_net_in_pytorch(self):
        torch = pytest.importorskip("torch")
        fathom.manual_seed(0)
        block = models.resnet.BasicBlock(4, 6, stride=2)
        tnn = torch.nn
        path = tnn.Sequential(
            tnn.Conv2d(4, 6, 3, 2, 1, bias=False),
            tnn.BatchNorm2d(6),
            tnn.ReLU(),
            tnn.Conv2d(6, 6, 3, 1, 1, bias=False),
            tnn.BatchNorm2d(6),
        )
        shortcut = tnn.Sequential(tnn.Conv2d(4, 6, 1, 2, bias=False), tnn.BatchNorm2d(6))
        pairs = [(block.conv1, path[0]), (block.conv2, path[3]), (block.downsample[0], shortcut[0])]
        for ours, theirs in pairs:
            theirs.weight.data = torch.tensor(ours.weight.detach().numpy())
        image = np.random.default_rng(0).standard_normal((2, 4, 8, 8)).astype("f")
        x, y = fathom.tensor(image, requires_grad=True), torch.tensor(image, requires_grad=True)
        mine, reference = block(x), torch.relu(path(y) + shortcut(y))
        np.testing.assert_allclose(mine.detach(), reference.detach(), rtol=1e-4, atol=1e-5)
        (mine**2).sum().backward()
        (reference**2).sum().backward()
        np.testing.assert_allclose(x.grad, y.grad, rtol=1e-3, atol=1e-4)


class TestSmall:
    def test_mlp_has_the_layers_it_is_asked_for(self):
        model = models.mlp((8, 6, 4), "tanh", output_activation="sigmoid", dropout=0.1)
        kinds = [type(layer).__name__ for layer in model]
        assert kinds == ["Flatten", "Linear", "Tanh", "Dropout", "Linear", "Sigmoid"]
        assert [layer.weight.shape for layer in (model[1], model[4])] == [(6, 8), (4, 6)]

    def test_small_cnn_has_batch_normalization_and_dropout_where_asked(self):
        kinds = [type(layer).__name__ for layer in models.small_cnn(batch_norm=True, dropout=0.5)]
        assert kinds.count("BatchNorm2d") == 2
        assert kinds.count("BatchNorm1d") == 1
        assert kinds.count("Dropout") == 2

    def test_small_cnn_learns_a_batch_by_heart(self):
        fathom.manual_seed(0)
        model = models.small_cnn(num_classes=4, image_size=8, batch_norm=True)
        images, labels = fathom.randn(16, 1, 8, 8), fathom.arange(16) % 4
        optimizer = fathom.optim.Adam(model.parameters(), lr=0.01)
        losses = []
        for _ in range(10):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.1 * losses[0]


class TestByName:
    def test_every_name_is_a_function_of_the_package(self):
        assert {"mlp", "lenet5", "small_cnn", "vgg16_bn", "resnet50", "darknet53"} <= set(
            models.names()
        )
        assert all(callable(getattr(models, name)) for name in models.names())

    def test_an_unknown_name_is_answered_with_the_nearest(self):
        with pytest.raises(FathomError, match="no model 'resnet19'; did you mean 'resnet18'"):
            models.create("resnet19")
        with pytest.raises(FathomError, match="no activation 'reluu'; did you mean 'relu'"):
            models.mlp((2, 2, 2), "reluu")

    @pytest.mark.parametrize(
        ("build", "message"),
        [
            (lambda: models.create("lenet5", width=3), "lenet5 has no option 'width'; it has num"),
            (lambda: models.lenet5(image_size=8), r"8×8 are too small .* take small_cnn"),
            (lambda: models.small_cnn(image_size=3), "4×4 at least"),
            (lambda: models.mlp((10,)), "inputs and outputs at least"),
            (lambda: models.options_for_images("lenet5", (1, 28, 20), 10), "square images"),
        ],
    )
    def test_what_cannot_be_built_is_named(self, build, message):
        with pytest.raises(ModelError, match=message):
            build()
