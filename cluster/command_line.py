"""How a command of this package runs: errors are one line, exit codes tell a script."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from cluster.errors import ClusterError

BAD_INPUT, INTERRUPTED = 2, 130


def run(command: click.Command, arguments: Sequence[str] | None, *, name: str) -> NoReturn:
    """Run a command and exit: with its own code, 2 on bad input, 130 when stopped by Ctrl-C."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a job's log may hold what its encoding does not
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = (
            command.main(
                args=None if arguments is None else list(arguments),
                prog_name=name,
                standalone_mode=False,
            )
            or 0
        )
    except ClusterError as error:
        code = _complain(str(error))
    except click.ClickException as error:
        code = _complain(error.format_message())
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except OSError as error:
        code = _complain(str(error))
        if error.filename is None:  # what cannot be printed would be tried again at the exit
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _complain(message: str) -> int:
    with suppress(OSError):
        click.echo(f"error: {' '.join(message.split())}", err=True)
    return BAD_INPUT
