"""The command ``fathom``."""

import sys
import warnings

import click

from .program import Program, program

__all__ = ["Program", "main", "program"]

_INTERRUPTED = 130  # 128 and the number of the signal, as shells have it


def main() -> None:
    """Run the command; errors are one or two lines on standard error, warnings one.

    The exit status is 0, 1 for a failure, 2 for wrong use, 130 after Ctrl-C.
    """
    warnings.formatwarning = lambda message, *_, **__: f"fathom: {message}\n"
    try:
        sys.exit(program.main(prog_name="fathom", standalone_mode=False))
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "fathom"
        click.echo(f"{command}: {error.format_message()}", err=True)
        click.echo(f"Try '{command} --help'.", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"fathom: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("fathom: stopped by Ctrl-C", err=True)
        sys.exit(_INTERRUPTED)
