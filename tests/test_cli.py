"""The command `fathom` as a process: what it prints, what it leaves behind, how it fails."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fathom
from fathom.data import datasets

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")

COMMANDS = (
    "train", "evaluate", "predict", "submit", "classify", "convert", "inspect", "summary",
    "plot", "explain", "profile",
)  # fmt: skip
QUICK = ("--model", "mlp", "--epochs", "2")


def call(*arguments: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "fathom", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, timeout=120, check=False,
    )  # fmt: skip


def succeed(*arguments: object, cwd: Path | None = None) -> str:
    done = call(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fail(status: int, *arguments: object, cwd: Path | None = None) -> str:
    """Run the command, expect this status, and a message of one or two lines; return that."""
    done = call(*arguments, cwd=cwd)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert 1 <= len(done.stderr.strip().splitlines()) <= 2, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """A run folder of the embedded digits."""
    succeed("train", *QUICK, "--out", folder / "digits")
    return folder / "digits"


@pytest.fixture(scope="module")
def kaggle(folder: Path) -> Path:
    """A folder with a `train.csv` and a `test.csv` of images, as Kaggle has them."""
    images = datasets.digits()
    pixels = np.asarray(images.data).reshape(-1, 64)
    labels = np.asarray(images.targets)[:, None]
    names = [f"pixel{number}" for number in range(64)]
    tables = {
        "train.csv": (["label", *names], np.hstack([labels, pixels])[:400]),
        "test.csv": (names, pixels[400:420]),
    }
    for file, (header, rows) in tables.items():
        with (folder / file).open("w", newline="") as stream:
            csv.writer(stream).writerows([header, *rows.tolist()])
    succeed("train", "train.csv", *QUICK, "--out", "kaggle", cwd=folder)
    return folder


def test_help_explains_every_command_with_examples() -> None:
    assert "Examples:" in succeed("--help")
    for command in COMMANDS:
        text = succeed(command, "--help")
        assert f"fathom {command} " in text.partition("Examples:")[2]


def test_version_is_that_of_the_package() -> None:
    assert fathom.__version__ in succeed("--version")


def test_training_without_any_option_learns_the_digits(tmp_path: Path) -> None:
    printed = succeed("train", cwd=tmp_path)
    accuracy = float(printed.partition("test accuracy ")[2].split()[0])
    assert accuracy >= 97
    assert (tmp_path / "runs" / "digits" / "plots" / "curves.png").stat().st_size > 0


def test_training_fills_the_run_folder(run: Path) -> None:
    files = {file.name for file in run.iterdir()}
    wanted = {"config.json", "best.safetensors", "last.safetensors", "log.csv", "report.md"}
    assert wanted | {"model.safetensors", "plots"} <= files


def test_the_saved_model_is_the_one_that_was_tested(run: Path) -> None:
    weights = fathom.load(run / "model.safetensors")
    best = fathom.load(run / "best.safetensors")["model"]
    assert weights.keys() == best.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(np.asarray(value), np.asarray(best[name]))


def test_a_run_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "runs" / "digits").mkdir(parents=True)
    assert "digits-2" in succeed("train", "--model", "mlp", "--epochs", 1, cwd=tmp_path)
    assert not list((tmp_path / "runs" / "digits").iterdir())


def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    logs = []
    for seed in (1, 1, 2):
        out = tmp_path / str(len(logs))
        succeed("train", *QUICK, "--seed", seed, "--out", out)
        rows = csv.DictReader((out / "log.csv").read_text().splitlines())
        logs.append([row["loss"] for row in rows])
    assert logs[0] == logs[1] != logs[2]


def test_evaluate_repeats_the_test_of_the_training(run: Path) -> None:
    printed = succeed("evaluate", run)
    assert "accuracy" in printed
    assert "precision" in printed
    # 364 images stand in the table of confusions.
    table = [line.split()[1:] for line in printed.splitlines()[-10:]]
    assert sum(int(count) for row in table for count in row) == 364


def test_what_is_trained_eagerly_says_so_and_agrees(run: Path, tmp_path: Path) -> None:
    succeed("train", *QUICK, "--eager", "--out", tmp_path / "eager")
    configs = [
        json.loads((folder / "config.json").read_text()) for folder in (run, tmp_path / "eager")
    ]
    assert [config["settings"]["eager"] for config in configs] == [False, True]
    assert [config["compile"] for config in configs] == [True, False]
    figures = []
    for arguments in ((run,), (run, "--eager"), (tmp_path / "eager",)):
        printed = succeed("evaluate", *arguments).splitlines()
        figures.append([float(line.split()[1]) for line in printed[1:3]])
    np.testing.assert_allclose(figures, [figures[0]] * 3, atol=2e-4)


def test_without_llvmlite_one_line_says_so_and_training_goes_on(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['llvmlite'] = sys.modules['llvmlite.binding'] = None; "
        "from fathom.cli import main; main()"
    )
    options = ["train", "--model", "mlp", "--epochs", "1", "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", program, *options], capture_output=True, text=True, check=False,
        env={**os.environ, "FATHOM_CACHE": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout
    (line,) = done.stderr.splitlines()
    assert "llvmlite" in line
    assert "pip install" in line


def test_plot_draws_the_plots_again(run: Path) -> None:
    curves = run / "plots" / "curves.png"
    curves.unlink()
    assert str(curves) in succeed("plot", run)
    assert curves.read_bytes().startswith(b"\x89PNG")


def test_summary_shows_the_parameters() -> None:
    printed = succeed("summary", "mlp", "--input-shape", "1x8x8", "--set", "sizes=64,16,10")
    assert "1,210" in printed


def test_explain_shows_the_stages_of_a_training_step(tmp_path: Path) -> None:
    small = ("--input-shape", "1x8x8", "--batch-size", 8)
    printed = succeed("explain", *small)
    assert "loss.backward()" in printed
    assert "assembly" in printed
    printed = succeed("explain", "mlp", *small, "--stage", "kernels", "--html", tmp_path / "a.html")
    assert "product, Add, Relu" in printed
    assert "step.py:3  logits = model(images)" in printed
    assert "logits = model(images)" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_profile_shows_where_the_time_goes() -> None:
    printed = succeed("profile", "mlp", "--input-shape", "1x8x8", "--optimizer", "adam",
                      "--set", "sizes=64,16,10", "--repetitions", 3)  # fmt: skip
    assert "median of 3 calls" in printed
    assert "optimizer.step()" in printed
    assert "GFLOP/s per core" in printed


def test_explain_offers_the_nearest_name_of_a_stage() -> None:
    assert "did you mean 'kernels'" in fail(2, "explain", "--stage", "kernel")


def test_predict_takes_pictures_of_any_size_dark_or_light(run: Path, tmp_path: Path) -> None:
    images = datasets.digits(train=False)
    pixels = np.asarray(images.data)[:20, 0].astype(np.uint8) * 15
    labels = np.asarray(images.targets)[:20]
    names = []
    for number, picture in enumerate(pixels):
        drawn = np.pad(np.kron(picture, np.ones((12, 12), np.uint8)), ((30, 50), (90, 20)))
        light = number % 2 == 0
        names.append(tmp_path / f"{number}.{'png' if light else 'jpg'}")
        Image.fromarray(drawn if light else 255 - drawn).save(names[-1])
    lines = succeed("predict", run, *names).splitlines()
    found = [int(line.split(": ")[1].split()[0]) for line in lines]
    assert (np.array(found) == labels).mean() >= 0.7


def test_a_run_of_a_csv_file_is_evaluated_from_any_folder(kaggle: Path, tmp_path: Path) -> None:
    assert "80 test samples" in succeed("evaluate", kaggle / "kaggle", cwd=tmp_path)


def test_without_a_command_the_help_is_shown_as_an_error() -> None:
    done = call()
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: fathom")


def test_submit_writes_what_kaggle_asks_for(kaggle: Path) -> None:
    output = kaggle / "submission.csv"
    succeed("submit", kaggle / "kaggle", kaggle / "test.csv", "-o", output)
    rows = list(csv.reader(output.read_text().splitlines()))
    assert rows[0] == ["ImageId", "Label"]
    assert [row[0] for row in rows[1:]] == [str(number) for number in range(1, 21)]
    assert {row[1] for row in rows[1:]} <= set("0123456789")


def test_ctrl_c_leaves_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    out = tmp_path / "stopped"
    options = ["--model", "mlp", "--epochs", "2000", "--schedule", "constant", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "fathom", "train", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert any(line.startswith("epoch") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert f"--resume {out}" in messages
    assert "Traceback" not in messages
    done = len((out / "log.csv").read_text().splitlines()) - 1
    assert "test accuracy" in succeed("train", "--resume", out, "--epochs", done + 1)


def test_a_resumed_run_keeps_its_settings(run: Path) -> None:
    assert "--lr" in fail(2, "train", "--resume", run, "--lr", 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "did you mean 'train'"),
        (["train", "mnits"], "did you mean 'mnist'"),
        (["train", "--model", "resnet81"], "did you mean 'resnet18'"),
        (["train", "--optimizer", "adm"], "did you mean 'adam'"),
        (["train", "--schedule", "cosin"], "did you mean 'cosine'"),
        (["train", "--epochs", "0"], "--epochs"),
        (["train", "--lr", "fast"], "--lr"),
        (["train", "--set", "dropout"], "NAME=VALUE"),
        (["train", "missing.csv"], "missing.csv"),
        (["evaluate", "missing"], "missing"),
        (["predict", "."], "IMAGES"),
        (["summary", "mlp", "--input-shape", "big"], "1x28x28"),
    ],
)
def test_wrong_use_has_status_2_and_says_what_is_wrong(arguments: list[str], said: str) -> None:
    assert said in fail(2, *arguments)


def test_an_option_that_the_model_lacks_is_named(tmp_path: Path) -> None:
    message = fail(1, "train", "--model", "mlp", "--set", "depth=3", "--out", tmp_path / "run")
    assert "no option 'depth'" in message


def test_a_folder_that_is_not_empty_is_left_alone(run: Path) -> None:
    before = (run / "config.json").read_bytes()
    assert "not empty" in fail(2, "train", "--out", run)
    assert (run / "config.json").read_bytes() == before


def test_a_folder_without_a_run_is_no_run(tmp_path: Path) -> None:
    assert "config.json" in fail(1, "evaluate", tmp_path)


def test_a_broken_checkpoint_is_named(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_bytes((run / "config.json").read_bytes())
    (copy / "best.safetensors").write_bytes((run / "best.safetensors").read_bytes()[:1000])
    (copy / "last.safetensors").write_bytes(b"")
    assert "best.safetensors" in fail(1, "evaluate", copy)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(60)])
def test_a_broken_picture_is_named(run: Path, tmp_path: Path, content: bytes) -> None:
    picture = tmp_path / "broken.png"
    picture.write_bytes(content)
    assert "broken.png" in fail(1, "predict", run, picture)


def test_an_empty_picture_is_named(run: Path, tmp_path: Path) -> None:
    Image.new("L", (40, 40), 255).save(tmp_path / "blank.png")
    assert "stands out" in fail(1, "predict", run, tmp_path / "blank.png")


def test_a_bad_cell_is_named_by_line_and_column(kaggle: Path, tmp_path: Path) -> None:
    lines = (kaggle / "train.csv").read_text().splitlines()
    cells = lines[6].split(",")
    cells[3] = "seven"
    lines[6] = ",".join(cells)
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    message = fail(1, "train", tmp_path / "bad.csv", "--out", tmp_path / "run")
    assert "line 7" in message
    assert "seven" in message
    assert not (tmp_path / "run").exists()


def test_a_table_of_another_width_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "narrow.csv").write_text("a,b\n1,2\n3,4\n")
    output = tmp_path / "submission.csv"
    assert "2 columns" in fail(1, "submit", run, tmp_path / "narrow.csv", "-o", output)
    assert not output.exists()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder nobody can write")
def test_a_folder_that_cannot_be_written_is_named() -> None:
    # Also the superuser, whom permissions do not stop, cannot make a folder here.
    assert "/proc/run" in fail(1, "train", *QUICK, "--out", "/proc/run")


def test_debug_shows_where_an_error_arose(tmp_path: Path) -> None:
    done = call("evaluate", tmp_path, "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fathom", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, messages = process.communicate(timeout=60)
    assert b"Traceback" not in messages
