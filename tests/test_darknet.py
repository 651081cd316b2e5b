"""Darknet's files: networks are what Darknet makes of them, and files come back bit for bit."""

import random
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fathom
from fathom import models
from fathom.errors import FathomError, FileFormatError
from fathom.formats import read_cfg, write_cfg
from fathom.formats.darknet import WeightsHeader, format_cfg, parse_cfg, read_weights
from fathom.models import DarknetNetwork, ModelError, fit_photograph, imagenet_classes

SMALL = (
    """
# A network with every kind of section.
[net]
height = 12
width=14
channels=3
; remarks may start like this too
[convolutional]
batch_normalize=1
filters=4
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
filters=6
size=3
stride=2
pad=1
groups=2
activation=mish_is_not_here
""".replace("activation=mish_is_not_here", "activation=relu")
    + """
[convolutional]
batch_normalize=1
filters=6
activation=linear
[shortcut]
from=-2
activation=leaky
[upsample]
stride=2
[route]
layers=-1
[maxpool]
size=3
stride=1
[batchnorm]
[route]
layers=-1,-3
[local]
filters=2
size=3
stride=2
pad=1
activation=tanh
[dropout]
probability=.5
[connected]
output=5
batch_normalize=1
activation=logistic
[connected]
output=4
activation=linear
[softmax]
groups=2
[cost]
type=sse
"""
)


def darknet53_cfg():
    """The sections of the author's darknet53.cfg, from the paper's table 1."""

    def convolution(filters, size, stride=1, last=False):
        options = {} if last else {"batch_normalize": "1"}
        options |= {"filters": filters, "size": size, "stride": stride, "pad": 1}
        return "convolutional", options | {"activation": "linear" if last else "leaky"}

    parts = [("net", {"height": 256, "width": 256, "channels": 3}), convolution(32, 3)]
    channels = 32
    for count in (1, 2, 8, 8, 4):
        channels *= 2
        parts.append(convolution(channels, 3, 2))
        for _ in range(count):
            parts += [convolution(channels // 2, 1), convolution(channels, 3)]
            parts.append(("shortcut", {"from": -3, "activation": "linear"}))
    parts += [("avgpool", {}), convolution(1000, 1, last=True), ("softmax", {"groups": 1})]
    return "\n\n".join(
        f"[{name}]\n" + "\n".join(f"{key}={value}" for key, value in options.items())
        for name, options in parts
    )


@pytest.fixture
def files(tmp_path):
    """A small network's two files, with numbers that differ from each other."""
    (tmp_path / "small.cfg").write_text(SMALL)
    network = DarknetNetwork.read(tmp_path / "small.cfg")
    chance = np.random.default_rng(0)
    state = {}
    for name, value in network.state_dict().items():
        low, high = (0.5, 2) if name.endswith("var") else (-0.5, 0.5)
        state[name] = chance.uniform(low, high, value.shape).astype("f")
    network.load_state_dict(state)
    network.seen = 2**33 + 5
    network.save_weights(tmp_path / "small.weights")
    return tmp_path / "small.cfg", tmp_path / "small.weights"


class TestConfiguration:
    def test_blanks_remarks_and_second_values_do_not_count(self):
        sections = parse_cfg("#x\n [ net ]\n a b = 1 \n;y\na b=2\n\n[conv]\nsize = 3,\t4\n")
        assert [(one.name, one.options) for one in sections] == [
            ("net", {"ab": "1"}),
            ("conv", {"size": "3,4"}),
        ]
        assert [one.line for one in sections] == [2, 7]

    def test_what_is_written_is_read_as_the_same(self, tmp_path):
        sections = parse_cfg(SMALL)
        write_cfg(tmp_path / "a.cfg", sections)
        again = read_cfg(tmp_path / "a.cfg")
        assert [(s.name, s.options) for s in again] == [(s.name, s.options) for s in sections]
        assert format_cfg(again) == (tmp_path / "a.cfg").read_text()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "no sections"),
            ("a=1", "line 1: an option before"),
            ("[net]\nheight", "line 2: no option=value: 'height'"),
            ("[net", "line 1: no section"),
            ("\0[net]", "no text"),
        ],
    )
    def test_lines_that_mean_nothing_are_named(self, tmp_path, text, message):
        (tmp_path / "a.cfg").write_text(text)
        with pytest.raises(FileFormatError, match=message):
            read_cfg(tmp_path / "a.cfg")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[conv]", r"begin with \[net\]"),
            ("[net]\nheight=8", "'width' is missing"),
            ("[net]\nheight=8\nwidth=x", "width=x is no whole number"),
            ("[net]\nheight=8\nwidth=-8", "not from 1"),
            ("[convolutionall]", r"\[convolutionall\] \(line 4\), layer 0: .*did you mean 'conv"),
            ("[yolo]", r"\[yolo\].*there is no section of a .cfg 'yolo'"),
            ("[conv]\nactivation=swish", "there is no activation 'swish'; there are elu"),
            ("[conv]\nsize=9", r"images of shape \(3, 8, 8\) do not fit"),
            ("[conv]\ngroups=2", "groups=2 does not divide 3"),
            ("[conv]\nfilters=99999999999", "not from 1"),
            ("[conv]\nfilters=1000000\nsize=21\npad=1", "more than"),
            ("[conn]\noutput=1000000\n[conn]\noutput=1000000", "more than"),
            ("[shortcut]", "'from' is missing"),
            ("[shortcut]\nfrom=-1", "there is no layer -1 before it"),
            ("[dropout]\n[conv]\n[shortcut]\nfrom=0", "of the same shape"),
            ("[route]\nlayers=1", "there is no layer 1"),
            ("[dropout]\n[max]\nsize=2\nstride=2\n[route]\nlayers=0,1", "different sizes"),
            ("[conn]\n[conv]", "must give images, not 1 features"),
            ("[soft]\ngroups=7", "groups=7"),
            ("[dropout]\nprobability=2", "not from 0 to 1"),
            ("[upsample]\nstride=1000000", "do not fit"),
        ],
    )
    def test_what_cannot_be_built_is_named(self, text, message):
        if "[net]" not in text and text != "[conv]":
            text = f"[net]\nheight=8\nwidth=8\n{text}"
        with pytest.raises(ModelError, match=message):
            DarknetNetwork(parse_cfg(text))


def reference(network, images):
    """What Darknet computes for SMALL, written with PyTorch's functions."""
    torch = pytest.importorskip("torch")
    F = torch.nn.functional  # noqa: N806
    state = {name: torch.tensor(np.asarray(v)) for name, v in network.state_dict().items()}

    def normalize(x, at):
        shape = (1, -1) + (1,) * (x.ndim - 2)
        mean, variance, scale = (
            state[f"layers.{at}.normalization.{name}"].reshape(shape)
            for name in ("running_mean", "running_var", "weight")
        )
        return (x - mean) / (variance.sqrt() + 0.000001) * scale

    def convolve(x, at, normalized, **options):
        bias = state[f"layers.{at}.bias"]
        x = F.conv2d(x, state[f"layers.{at}.weight"], None, **options)
        return (normalize(x, at) if normalized else x) + bias.reshape(1, -1, 1, 1)

    x = F.leaky_relu(convolve(torch.tensor(images), 0, True, padding=1), 0.1)
    x = F.max_pool2d(x, 2)
    two = x = F.relu(convolve(x, 2, False, padding=1, stride=2, groups=2))
    x = F.leaky_relu(convolve(x, 3, True) + two, 0.1)
    up = x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    x = normalize(F.max_pool2d(x, 3, stride=1, padding=1), 8)
    x = torch.cat([x, up], 1)
    padded = F.pad(x, (1, 1, 1, 1))
    weight, bias = state["layers.10.weight"], state["layers.10.bias"]
    out = torch.zeros(len(x), *bias.shape)
    for row in range(bias.shape[1]):
        for column in range(bias.shape[2]):
            patch = padded[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            place = weight[row * bias.shape[2] + column]
            out[:, :, row, column] = patch.reshape(len(x), -1) @ place.T
    x = torch.tanh(out + bias).flatten(1)
    x = normalize(x @ state["layers.12.weight"].T, 12) + state["layers.12.bias"]
    x = torch.sigmoid(x) @ state["layers.13.weight"].T + state["layers.13.bias"]
    return torch.softmax(x.reshape(-1, 2, 2), 2).flatten(1).numpy()


class TestNetwork:
    @pytest.mark.parametrize("is_compiled", [False, True])
    def test_every_layer_computes_what_darknet_computes(self, files, is_compiled):
        network = DarknetNetwork.read(*files)
        images = np.random.default_rng(1).uniform(0, 1, (2, 3, 12, 14)).astype("f")
        run = fathom.compile(network) if is_compiled else network
        with fathom.no_grad():
            result = np.asarray(run(fathom.tensor(images)))
        np.testing.assert_allclose(result, reference(network, images), rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize("name", list(models.darknet_layers.ACTIVATIONS))
    def test_activations_are_darknets(self, name):
        x = np.linspace(-6, 6, 49, dtype="f")
        formulas = {
            "linear": x, "logistic": 1 / (1 + np.exp(-x)), "loggy": 2 / (1 + np.exp(-x)) - 1,
            "relu": x * (x > 0), "elu": np.where(x >= 0, x, np.exp(x) - 1),
            "selu": (x >= 0) * 1.0507 * x + (x < 0) * 1.0507 * 1.6732 * (np.exp(x) - 1),
            "relie": np.where(x > 0, x, 0.01 * x), "ramp": x * (x > 0) + 0.1 * x,
            "leaky": np.where(x > 0, x, 0.1 * x), "tanh": np.tanh(x),
            "hardtan": np.clip(x, -1, 1),
            "lhtan": np.where(x < 0, 0.001 * x, np.where(x > 1, 0.001 * (x - 1) + 1, x)),
            "plse": np.where(
                x < -4, 0.01 * (x + 4), np.where(x > 4, 0.01 * (x - 4) + 1, 0.125 * x + 0.5)
            ),
        }  # fmt: skip
        found = models.darknet_layers.ACTIVATIONS[name](fathom.tensor(x))
        np.testing.assert_allclose(found, formulas[name], rtol=1e-5, atol=1e-6)

    def test_it_trains_and_its_statistics_follow(self, files):
        network = DarknetNetwork.read(*files).train()
        before = np.array(network.layers[0].normalization.running_mean)
        optimizer = fathom.optim.SGD(network.parameters(), lr=0.01)
        (network(fathom.randn(4, 3, 12, 14)) ** 2).sum().backward()
        optimizer.step()
        missing = [name for name, one in network.named_parameters() if one.grad is None]
        assert not missing
        after = np.asarray(network.layers[0].normalization.running_mean)
        assert not np.array_equal(before, after)

    def test_an_untrained_network_is_drawn(self, files):
        network = DarknetNetwork.read(files[0])
        weight = np.asarray(network.layers[0].weight.detach())
        assert 0.1 < weight.std() < 0.5
        assert not network.training


class TestWeights:
    def test_files_come_back_bit_for_bit(self, files, tmp_path):
        network = DarknetNetwork.read(*files)
        assert network.seen == 2**33 + 5
        network.save_weights(tmp_path / "again.weights")
        network.save_cfg(tmp_path / "again.cfg")
        assert (tmp_path / "again.weights").read_bytes() == files[1].read_bytes()
        again = DarknetNetwork.read(tmp_path / "again.cfg", tmp_path / "again.weights")
        for name, value in network.state_dict().items():
            np.testing.assert_array_equal(value, again.state_dict()[name])

    def test_numbers_lie_in_darknets_order(self, files):
        network = DarknetNetwork.read(*files)
        content = files[1].read_bytes()
        assert content[:20] == struct.pack("<3iQ", 0, 2, 0, 2**33 + 5)
        numbers = np.frombuffer(content[20:], "<f4")
        first, last = network.layers[0], network.layers[12]
        normalization = first.normalization
        expected = [
            first.bias, normalization.weight, normalization.running_mean,
            normalization.running_var, first.weight,
        ]  # fmt: skip
        start = np.concatenate([np.asarray(one.detach()).reshape(-1) for one in expected])
        np.testing.assert_array_equal(numbers[: len(start)], start)
        normalization = last.normalization
        expected = [
            last.bias, last.weight, normalization.weight, normalization.running_mean,
            normalization.running_var, network.layers[13].bias, network.layers[13].weight,
        ]  # fmt: skip
        stop = np.concatenate([np.asarray(one.detach()).reshape(-1) for one in expected])
        np.testing.assert_array_equal(numbers[-len(stop) :], stop)

    @pytest.mark.parametrize(
        ("header", "size"),
        [
            (WeightsHeader(0, 1, 0, 77), 16),
            (WeightsHeader(0, 2, 0, 2**40), 20),
            (WeightsHeader(0, 2, 5, 77), 20),
            (WeightsHeader(1, 0, 0, 77), 20),
            (WeightsHeader(0, 1001, 0, 77), 16),
            (WeightsHeader(1001, 0, 0, 77), 16),
        ],
    )
    def test_every_version_of_the_header_is_read(self, files, tmp_path, header, size):
        network = DarknetNetwork.read(*files)
        network.save_weights(tmp_path / "b.weights", header=header)
        assert len((tmp_path / "b.weights").read_bytes()) == len(files[1].read_bytes()) - 20 + size
        assert read_weights(tmp_path / "b.weights")[0] == header
        again = DarknetNetwork.read(files[0], tmp_path / "b.weights")
        assert again.seen == header.seen
        for name, value in network.state_dict().items():
            np.testing.assert_array_equal(value, again.state_dict()[name])
        turned = np.frombuffer((tmp_path / "b.weights").read_bytes()[-80:], "<f4").reshape(5, 4).T
        weight = network.layers[13].weight.detach()
        assert np.array_equal(turned, weight) == (header.major + header.minor > 1000)

    def test_flipped_convolutions_lie_input_by_input(self, tmp_path):
        text = "[net]\nheight=4\nwidth=4\nchannels=1\n[conv]\nfilters=3\nsize=2\nflipped=1\n"
        (tmp_path / "a.cfg").write_text(text)
        content = struct.pack("<3iQ", 0, 2, 0, 0) + np.arange(15, dtype="<f4").tobytes()
        (tmp_path / "a.weights").write_bytes(content)
        network = DarknetNetwork.read(tmp_path / "a.cfg", tmp_path / "a.weights")
        expected = np.arange(3, 15).reshape(4, 3).T.reshape(3, 1, 2, 2)
        np.testing.assert_array_equal(network.layers[0].weight.detach(), expected)
        network.save_weights(tmp_path / "b.weights")
        assert (tmp_path / "b.weights").read_bytes() == content

    def test_a_size_that_differs_is_an_error_that_says_both(self, files, tmp_path):
        content = files[1].read_bytes()
        for wrong in (content + bytes(4), content[:-4], content[:-400]):
            (tmp_path / "w").write_bytes(wrong)
            with pytest.raises(FileFormatError, match=rf"{len(wrong)} bytes.*{len(content)}"):
                DarknetNetwork.read(files[0], tmp_path / "w")
            with pytest.raises(FileFormatError, match="fill"):
                DarknetNetwork.read(files[0], tmp_path / "w", partial=True)
        (tmp_path / "w").write_bytes(content[:-1])
        with pytest.raises(FileFormatError, match="no whole 32-bit numbers"):
            DarknetNetwork.read(files[0], tmp_path / "w")

    def test_files_of_the_first_layers_are_read_when_asked_for(self, files, tmp_path):
        network = DarknetNetwork.read(*files)
        network.save_weights(tmp_path / "small.conv.4", layers=4)
        with pytest.raises(FileFormatError, match="fill 8 of 16 layers; with partial=True"):
            DarknetNetwork.read(files[0], tmp_path / "small.conv.4")
        part = DarknetNetwork.read(files[0], tmp_path / "small.conv.4", partial=True)
        np.testing.assert_array_equal(part.layers[3].weight.detach(), network.layers[3].weight)
        assert np.asarray(part.layers[13].weight.detach()).std() > 0.1
        assert part.seen == network.seen

    def test_a_network_larger_than_its_weights_takes_no_memory(self, files, tmp_path):
        text = "[net]\nheight=8\nwidth=8\n[conn]\noutput=1000\n[conn]\noutput=1000000\n"
        (tmp_path / "a.cfg").write_text(text)
        with pytest.raises(FileFormatError, match="the network takes"):
            DarknetNetwork.read(tmp_path / "a.cfg", files[1])

    def test_darknet53_has_the_size_of_the_authors_file(self):
        plan = models.darknet_plan.plan_network(parse_cfg(darknet53_cfg()))
        assert len(plan.layers) == 78
        assert 20 + 4 * sum(layer.numbers for layer in plan.layers) == 166_582_580
        # darknet53.conv.74 holds the layers before the mean.
        assert 20 + 4 * sum(layer.numbers for layer in plan.layers[:75]) == 162_482_580


class TestZoo:
    def test_models_read_what_a_network_of_the_same_layers_wrote(self, tmp_path):
        small = parse_cfg(
            "[net]\nheight=32\nwidth=32\n"
            + "".join(
                "[max]\nsize=2\nstride=2\n"
                if part is None
                else f"[conv]\nbatch_normalize=1\npad=1\nactivation=leaky\n"
                f"size={part[0]}\nfilters={part[1]}\n"
                for part in models.darknet._DARKNET_19
            )
            + "[conv]\nfilters=10\nactivation=linear\n[avg]\n"
        )
        network = DarknetNetwork(small).eval()
        network.save_weights(tmp_path / "w")
        model = models.darknet19(num_classes=10).eval()
        models.load_darknet_weights(model, tmp_path / "w")
        x = fathom.rand(1, 3, 32, 32)
        with fathom.no_grad():
            expected = np.asarray(network(x)).reshape(1, 10)
            np.testing.assert_allclose(model(x), expected, rtol=1e-3, atol=1e-4)
        models.save_darknet_weights(model, tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (tmp_path / "w").read_bytes()

    def test_weights_of_another_model_are_refused(self, files):
        with pytest.raises(FileFormatError, match="not of this network"):
            models.load_darknet_weights(models.lenet5(), files[1])


class TestPhotographs:
    def test_the_middle_is_cut_out_after_the_shorter_side_is_scaled(self):
        ramp = np.broadcast_to(np.arange(40, dtype="f") / 40, (3, 20, 40))
        fitted = fit_photograph(ramp, 10, 10)
        assert fitted.shape == (3, 10, 10)
        # Twenty columns remain, at multiples of 39 / 19; the middle ten are shown.
        np.testing.assert_allclose(fitted[0, 0], np.arange(5, 15) * 39 / 19 / 40, rtol=1e-5)
        tall = fit_photograph(ramp.transpose(0, 2, 1), 10, 10)
        np.testing.assert_allclose(tall, fitted.transpose(0, 2, 1), rtol=1e-6)

    def test_resizing_is_darknets(self):
        """Written pixel by pixel, as in `resize_image`."""
        image = np.random.default_rng(0).uniform(0, 1, (1, 7, 5)).astype("f")
        width, height = 12, 12 * 7 // 5
        part = np.zeros((7, width), "f")
        for row in range(7):
            for column in range(width):
                place = np.float32(column) * (np.float32(4) / np.float32(width - 1))
                left = int(place)
                if column == width - 1:
                    part[row, column] = image[0, row, 4]
                else:
                    share = place - left
                    part[row, column] = (1 - share) * image[0, row, left] + share * image[
                        0, row, left + 1
                    ]
        whole = np.zeros((height, width), "f")
        for row in range(height):
            place = np.float32(row) * (np.float32(6) / np.float32(height - 1))
            top = int(place)
            share = place - top
            whole[row] = (1 - share) * part[top]
            if row != height - 1:
                whole[row] += share * part[top + 1]
        start = (height - 12) // 2
        np.testing.assert_allclose(
            fit_photograph(image, 12, 12)[0], whole[start : start + 12], rtol=1e-5
        )

    @pytest.mark.parametrize("shape", [(3, 1, 1), (3, 1, 9), (1, 300, 2), (3, 8, 8)])
    def test_any_size_fits(self, shape):
        pixels = np.full(shape, 255, np.uint8)
        assert (fit_photograph(pixels, 8, 8) == 1).all()
        assert fit_photograph(pixels, 8, 12).shape == (shape[0], 8, 12)

    def test_imagenets_classes_are_in_darknets_order(self):
        classes = imagenet_classes()
        assert len(classes) == 1000
        assert classes[:3] == ["kit fox", "English setter", "Siberian husky"]
        assert classes[-1] == "dumbbell"


class TestCommand:
    def call(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "fathom", "classify", *map(str, arguments)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def test_it_names_the_classes_with_their_probabilities(self, files, tmp_path):
        image = pytest.importorskip("PIL.Image")
        pixels = np.random.default_rng(0).integers(0, 255, (30, 20, 3), dtype=np.uint8)
        image.fromarray(pixels).save(tmp_path / "a.png")
        (tmp_path / "labels").write_text("one\ntwo\nthree\nfour\nunused\n")
        options = ("--cfg", files[0], "--weights", files[1], "--labels", tmp_path / "labels")
        done = self.call(tmp_path / "a.png", *options, "--top", "3")
        assert done.returncode == 0, done.stderr
        network = DarknetNetwork.read(*files)
        with fathom.no_grad():
            fitted = fit_photograph(pixels.transpose(2, 0, 1), 12, 14)
            shares = np.asarray(network(fathom.tensor(fitted[None])))[0]
        names = ["one", "two", "three", "four"]
        best = np.argsort(-shares)[:3]
        expected = [f"{100 * shares[label]:6.2f} %  {names[label]}" for label in best]
        assert done.stdout.splitlines() == expected

    def test_wrong_files_are_one_line(self, files, tmp_path):
        image = pytest.importorskip("PIL.Image")
        image.new("RGB", (8, 8)).save(tmp_path / "a.png")
        done = self.call(tmp_path / "a.png", "--cfg", files[0], "--weights", files[1])
        assert done.returncode == 1
        assert "knows 4 classes, and 'ImageNet' names 1000" in done.stderr
        assert len(done.stderr.splitlines()) == 1


class TestFuzz:
    def test_damaged_files_are_read_or_refused(self, files, tmp_path):
        chance = random.Random(0)
        sound = [path.read_bytes() for path in files]
        damaged = tmp_path / "damaged.cfg", tmp_path / "damaged.weights"
        for _ in range(300):
            for path, content in zip(damaged, sound, strict=True):
                content = bytearray(content)  # noqa: PLW2901
                if chance.random() < 0.5:
                    place = chance.randrange(min(len(content), 900))
                    new = chance.choice([b"", b"9", b"\xff", b"\n", b"-", b"[", b"=", b"e9", b"\0"])
                    content[place : place + chance.choice([0, 1, 1, 9])] = new
                path.write_bytes(content)
            try:
                DarknetNetwork.read(*damaged)
            except FathomError as error:
                assert str(error)  # noqa: PT017

    def test_weights_cut_short_anywhere_are_refused(self, files, tmp_path):
        content = files[1].read_bytes()
        for length in [*range(40), *range(40, len(content), 97)]:
            (tmp_path / "w").write_bytes(content[:length])
            with pytest.raises(FileFormatError):
                DarknetNetwork.read(files[0], tmp_path / "w")

    @settings(
        max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        sections=st.lists(
            st.tuples(
                st.sampled_from(sorted(models.darknet_plan._SECTIONS)),
                st.dictionaries(
                    st.sampled_from(
                        ["filters", "size", "stride", "pad", "padding", "layers", "from", "output",
                         "groups", "batch_normalize", "temperature", "scale", "alpha", "spatial"]
                    ),
                    st.sampled_from(["0", "1", "2", "3", "-1", "-2", "1,2", "-1,-2", "x", "1e9"]),
                ),
            ),
            max_size=8,
        )
    )  # fmt: skip
    def test_any_sections_make_a_network_that_runs_or_an_error(self, sections):
        text = "[net]\nheight=8\nwidth=8\nchannels=2\n" + "".join(
            f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in options.items())
            for name, options in sections
        )
        try:
            network = DarknetNetwork(parse_cfg(text)).eval()
        except FathomError:
            return
        with fathom.no_grad():
            assert len(network(fathom.rand(2, 2, 8, 8))) == 2
