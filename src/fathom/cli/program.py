"""The commands, each read when it is called for, and how they fail."""

from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..errors import FathomError
from ..naming import UnknownNameError, look_up
from .parameters import debug_option, is_debugging

_COMMANDS = (
    "train",
    "evaluate",
    "predict",
    "submit",
    "classify",
    "convert",
    "inspect",
    "summary",
    "plot",
    "explain",
    "profile",
)


class Program(click.Group):
    """A group of commands that are modules beside this one, each with a function `command`."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f".{name}", __package__).command
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not arguments[0].startswith("-"):
            try:
                look_up("command", arguments[0], dict.fromkeys(_COMMANDS))
            except UnknownNameError as error:
                raise click.UsageError(str(error), context) from None
        return super().resolve_command(context, arguments)

    def invoke(self, context: click.Context) -> Any:
        """Run a command; what goes wrong becomes a message, unless ``--debug`` is given."""
        try:
            return super().invoke(context)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            if is_debugging(context):
                raise
            raise _as_message(error) from error


def _as_message(error: Exception) -> click.ClickException:
    if isinstance(error, FathomError):
        return click.ClickException(str(error))
    if isinstance(error, OSError) and error.strerror:
        where = f" '{error.filename}'" if error.filename else ""
        return click.ClickException(f"{error.strerror}{where}")
    if isinstance(error, MemoryError):
        return click.ClickException("out of memory; try a smaller --batch-size or model")
    return click.ClickException(
        f"unexpected {type(error).__name__}: {error} (--debug shows where; this is a fault of "
        f"Fathom's)"
    )


@click.group(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  fathom train                           learn the embedded digits, in seconds
  fathom train mnist --epochs 5          learn MNIST
  fathom predict runs/digits photo.png   say which digit a picture shows
""",
)
@click.version_option(__version__, prog_name="fathom")
@debug_option
@click.pass_context
def program(context: click.Context) -> None:
    """Train, evaluate and use neural networks. `fathom COMMAND --help` explains each command."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)
