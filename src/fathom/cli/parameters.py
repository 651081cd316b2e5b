"""Parameters that several commands have, and their kinds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..naming import UnknownNameError, look_up

if TYPE_CHECKING:
    _Kind = click.ParamType[Any]
else:
    # Older releases of click do not say what a kind of parameter converts to.
    _Kind = click.ParamType

_DEBUG = "fathom.debug"


class Name(_Kind):
    """One of several names; for another one, the nearest are offered.

    Args:
        kind: what the names are of, for messages.
        names: gives the names; called only when it is needed.
    """

    name = "name"

    def __init__(self, kind: str, names: Callable[[], list[str]]) -> None:
        self.kind = kind
        self.names = names

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        """The name as it is spelled in the library."""
        try:
            return look_up(self.kind, value, {name: name for name in self.names()})
        except UnknownNameError as error:
            raise click.UsageError(str(error), context) from None


class DataName(Name):
    """The name of a data set, or the path of a CSV file."""

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        """The name, or the path of a file that is there."""
        if not str(value).lower().endswith(".csv"):
            return super().convert(value, parameter, context)
        if not Path(value).is_file():
            raise click.UsageError(f"there is no file '{value}'", context)
        return str(value)


class Setting(_Kind):
    """``NAME=VALUE``, where the value is JSON, numbers with commas between them, or a word."""

    name = "name=value"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, Any]:
        """The name, and the value as Python has it."""
        name, equals, text = value.partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is not of the form NAME=VALUE", parameter, context)
        for candidate in (text, f"[{text}]" if "," in text else text):
            try:
                return name, json.loads(candidate)
            except ValueError:
                continue
        return name, text


class Shape(_Kind):
    """Sizes with ``x`` or commas between them: ``1x28x28``."""

    name = "shape"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[int, ...]:
        """The sizes as a tuple."""
        sizes = value.replace("×", "x").replace(",", "x").split("x")
        if not all(size.strip().isdecimal() and int(size) > 0 for size in sizes):
            self.fail(f"{value!r} is no shape; write it like 1x28x28", parameter, context)
        return tuple(int(size) for size in sizes)


def model_names() -> list[str]:
    from ..models import names

    return names()


def data_names() -> list[str]:
    from ..data.datasets import PUBLISHED

    return [*PUBLISHED, "FILE.csv"]


def optimizer_names() -> list[str]:
    from ..optim import optimizers

    return optimizers()


def is_debugging(context: click.Context) -> bool:
    """Whether ``--debug`` was given."""
    return bool(context.meta.get(_DEBUG))


def _note_debug(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.meta[_DEBUG] = True


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, is_eager=True, callback=_note_debug,
    help="Show where an error arose.",
)  # fmt: skip
run_argument = click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
checkpoint_option = click.option(
    "--checkpoint", type=click.Choice(["best", "last"]), default="best", show_default=True,
    help="Which state of the model to use.",
)  # fmt: skip
eager_option = click.option(
    "--eager", is_flag=True, help="Compute with NumPy, without compiling the model first."
)


def as_command(examples: str) -> Callable[[Callable[..., None]], click.Command]:
    """A command with ``--debug``, and with examples at the end of its help."""
    shown = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines())

    def make(function: Callable[..., None]) -> click.Command:
        return click.command(epilog=shown)(debug_option(function))

    return make
