"""The command `python -m search.store check`: what is readable of a store, and a sound copy."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click
from filelock import FileLock, Timeout

from kbn.errors import InputError, WriteError, visible
from kbn.files import whole_file
from kbn.output import checked_output
from kbn.paths import Kind, absolute, kind_of, user_path
from search.store.folder import LOCK, SPEC, STORE
from search.store.salvage import Salvage, is_specification, salvage
from search.store.schema import VERSION
from search.store.store import Store, copied
from search.store.unexpected import unexpected

SOUND, DAMAGED, BAD_INPUT, NO_ROOM, UNEXPECTED, INTERRUPTED = 0, 1, 2, 4, 5, 130
SHOWN = 5
"""How many problems are printed."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit.

    Exit codes: 0 the store is sound, 1 it is damaged, 2 bad input, 4 no room, 5 an error that
    nobody foresaw, 130 stopped by Ctrl-C.
    """
    with checked_output():
        code = _code(arguments)
    sys.exit(code)


def _code(arguments: Sequence[str] | None) -> int:
    try:
        code: int = COMMANDS.main(
            args=None if arguments is None else list(arguments),
            prog_name="python -m search.store",
            standalone_mode=False,
        )
    except click.ClickException as error:
        code = _complain(error.format_message(), BAD_INPUT)
    except InputError as error:
        code = _complain(str(error), BAD_INPUT)
    except WriteError as error:
        code = _complain(f"{error}; {error.way_out}", NO_ROOM)
    except (KeyboardInterrupt, click.Abort):  # click makes the one into the other
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - 1 would mean a damaged store
        code = _complain(str(unexpected(error, None)), UNEXPECTED)
    return code


def _complain(message: str, code: int) -> int:
    with suppress(WriteError):
        click.echo(f"error: {visible(message)}", err=True)
    return code


@click.command(help=f"Say what is readable of a store: a study's folder, or its {STORE}.")
@click.argument("path")
@click.option(
    "--export",
    metavar="FOLDER",
    help="Write a sound study of all that is readable to a new folder. Its command with "
    "--name FOLDER trains the rest.",
)
def check(path: str, export: str | None) -> int:
    """Print what is readable, write it where that is asked for, and return the exit code."""
    place = user_path("PATH", path)
    to = None if export is None else user_path("--export", export)
    file = place / STORE if kind_of(place) is Kind.FOLDER else place
    kind = kind_of(file)
    if kind is not Kind.FILE:
        what = f"is a {kind}" if kind else "does not exist"
        raise InputError(f"{file} {what}; name a study's folder, or its {STORE}")
    if to is not None and kind_of(to, f"--export {to}") is not None:
        raise InputError(f"--export {to} exists; name a new folder")
    found = _salvage(file)
    for line in _lines(file, found):
        click.echo(visible(line))
    if to is not None:
        _export(found, file, to)
        click.echo(f"exported to {to}")
    elif found.problems and found.results:
        click.echo("--export FOLDER writes a sound study of what is readable")
    return DAMAGED if found.problems else SOUND


COMMANDS = click.Group(
    commands=[check],
    help="Look after a study's store.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _salvage(path: Path) -> Salvage:
    """Read a copy, so that the file stays as it is."""
    with _undisturbed(path.parent / LOCK), copied(path) as copy:
        found = salvage(copy)
        return found if found.problems else replace(found, problems=_foreign(copy))


def _foreign(copy: Path) -> tuple[str, ...]:
    """Say what no study writes, of a store whose rows all match their checksums."""
    try:
        Store(copy).close()
    except InputError as error:
        cause = error.__cause__
        return (str(cause or error),)
    return ()


@contextmanager
def _undisturbed(lock: Path) -> Iterator[None]:
    """Keep drivers away from a study for a moment."""
    if lock.is_symlink() or not os.access(lock, os.W_OK):  # there is none, or none of a driver's
        yield
        return
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise InputError(f"{lock.parent} is in use by a run; wait for it") from None


def _lines(path: Path, found: Salvage) -> Iterator[str]:
    yield f"{path}: {path.stat().st_size:,} bytes, schema {found.version} of {VERSION}"
    if found.version == 1:
        yield "note: version 1 kept no checksums, so a flipped bit within a value does not show"
    yield from (f"damaged: {problem}" for problem in found.problems[:SHOWN])
    if len(found.problems) > SHOWN:
        yield f"damaged: … and {len(found.problems) - SHOWN} more"
    if not found.problems:
        yield "sound"
    yield f"readable: {len(found.trials)} of {found.named} trials named in it"
    whole, named = len(found.results), found.results_named
    yield f"readable: {whole} of {named} results, whole, with their epochs"


def _export(found: Salvage, path: Path, to: Path) -> None:
    try:
        absolute(to, f"--export {to}").mkdir(parents=True)
    except OSError as error:
        raise WriteError(to, error) from error
    with whole_file(to / STORE) as temporary:
        found.write(temporary)
    spec = path.parent / SPEC
    if is_specification(spec):
        with whole_file(to / SPEC) as temporary:
            shutil.copyfile(spec, temporary)
