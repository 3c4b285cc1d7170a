"""The command `python -m search.store check`: what is readable of a store, and a sound copy."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from filelock import FileLock, Timeout

from kbn.errors import InputError, WriteError
from kbn.files import whole_file
from search.store.folder import LOCK, SPEC, STORE
from search.store.salvage import Salvage, is_specification, salvage
from search.store.schema import VERSION
from search.store.store import copied

SOUND, DAMAGED, BAD_INPUT, NO_ROOM = 0, 1, 2, 4
SHOWN = 5
"""How many problems are printed."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 the store is sound, 1 it is damaged, 2 bad input."""
    try:
        code = _commands().main(
            args=None if arguments is None else list(arguments),
            prog_name="python -m search.store",
            standalone_mode=False,
        )
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        code = BAD_INPUT
    except (InputError, WriteError) as error:
        click.echo(f"error: {error}", err=True)
        code = BAD_INPUT if isinstance(error, InputError) else NO_ROOM
    sys.exit(code)


def _commands() -> click.Group:
    @click.group(help="Look after a study's store.")
    def group() -> None:
        pass

    @group.command(help=f"Say what is readable of a store: a study's folder, or its {STORE}.")
    @click.argument("path", type=click.Path(path_type=Path))
    @click.option(
        "--export",
        "to",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Write a sound study of all that is readable to a new folder. Its command with "
        "--name FOLDER trains the rest.",
    )
    def check(path: Path, to: Path | None) -> int:
        return _check(path, to)

    return group


def _check(path: Path, to: Path | None) -> int:
    path = path / STORE if path.is_dir() else path
    if not path.is_file():
        raise InputError(f"{path} does not exist; name a study's folder, or its {STORE}")
    if to is not None and to.exists():
        raise InputError(f"--export {to} exists; name a new folder")
    found = _salvage(path)
    for line in _lines(path, found):
        click.echo(line)
    if to is not None:
        _export(found, path, to)
        click.echo(f"exported to {to}")
    elif found.problems and found.results:
        click.echo("--export FOLDER writes a sound study of what is readable")
    return DAMAGED if found.problems else SOUND


def _salvage(path: Path) -> Salvage:
    """Read a copy, so that the file stays as it is."""
    with _undisturbed(path.parent / LOCK), copied(path) as copy:
        return salvage(copy)


@contextmanager
def _undisturbed(lock: Path) -> Iterator[None]:
    """Keep drivers away from a study for a moment."""
    if not os.access(lock, os.W_OK):  # there is none, or nobody can write there
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
        to.mkdir(parents=True)
    except OSError as error:
        raise WriteError(to, error) from error
    with whole_file(to / STORE) as temporary:
        found.write(temporary)
    spec = path.parent / SPEC
    if is_specification(spec):
        with whole_file(to / SPEC) as temporary:
            shutil.copyfile(spec, temporary)
