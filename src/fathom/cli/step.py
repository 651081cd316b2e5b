"""A training step to look into, and the options that say which."""

import linecache
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .parameters import Name, Setting, Shape, model_names, optimizer_names
from .settings import Settings

if TYPE_CHECKING:
    from ..compiled import CompiledFunction
    from ..tensor import Tensor

# Kept as text, so that the compiler finds it where it looks for the user's code.
CODE = """\
def step(images, labels):
    optimizer.zero_grad()
    logits = model(images)
    loss = cross_entropy(logits, labels)
    loss.backward()
    optimizer.step()
    return loss
"""
_FILE = "step.py"


def step_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument MODEL and the options of a training step of it."""
    for decorate in (
        click.option(
            "--set",
            "options",
            type=Setting(),
            multiple=True,
            help="An option of the model, such as dropout=0.25.",
        ),
        click.option(
            "--classes",
            type=click.IntRange(1),
            default=10,
            show_default=True,
            help="The number of classes.",
        ),
        click.option(
            "--input-shape",
            type=Shape(),
            default="1x28x28",
            show_default=True,
            help="Channels, height and width of an image.",
        ),
        click.option(
            "--optimizer",
            type=Name("optimizer", optimizer_names),
            default="sgd",
            show_default=True,
            help="sgd, adam, adamw, rmsprop, lion, …",
        ),
        click.option(
            "--batch-size",
            type=click.IntRange(1),
            default=64,
            show_default=True,
            help="How many images the step learns from.",
        ),
        click.argument("model", type=Name("model", model_names), default="mlp"),
    ):
        command = decorate(command)
    return command


def make_step(
    model: str,
    batch_size: int,
    optimizer: str,
    input_shape: tuple[int, ...],
    classes: int,
    options: tuple[tuple[str, Any], ...],
) -> "tuple[CompiledFunction, Tensor, Tensor]":
    """A compiled training step, and random images and labels to call it with."""
    from .. import models
    from ..compiled import CompiledFunction
    from ..functional.random import randint, randn
    from ..nn.functional import cross_entropy

    if len(input_shape) != 3:
        raise click.UsageError("--input-shape needs channels, height and width, such as 1x28x28")
    chosen = models.options_for_images(model, input_shape, classes, **dict(options))
    made = models.create(model, **chosen)
    names: dict[str, Any] = {
        "model": made,
        "optimizer": Settings(optimizer=optimizer).make_optimizer(made.parameters()),
        "cross_entropy": cross_entropy,
    }
    linecache.cache[_FILE] = (len(CODE), None, CODE.splitlines(keepends=True), _FILE)
    exec(compile(CODE, _FILE, "exec"), names)
    images = randn(batch_size, *input_shape)
    labels = randint(0, classes, (batch_size,))
    return CompiledFunction(names["step"]), images, labels
