"""A study's folder: claimed by one driver at a time, holding one specification.

The specification is the folder's identity: the same one resumes, another one is refused.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kbn.errors import InputError, WriteError
from kbn.files import PARTIAL, remove_partial, write_text
from search.spec import differences, flag
from search.store import Store

LOCK, SPEC, STORE = "study.lock", "spec.json", "study.db"
FIGURES = "figures"
GENERATED = (
    *("report.md", "report.html", FIGURES),
    *("trials.csv", "history.csv", "layers.csv", "model.npz"),
)
"""What can be written again from the store."""


def check_writable(folder: Path) -> None:
    """Raise `InputError` when a folder can neither be written nor made; make nothing."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        raise InputError(f"--out: {existing} is a file, not a folder; name another folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"--out: {existing} is not writable; name another folder with --out")


def check_specification(folder: Path, identity: Mapping[str, Any], *, overwrite: bool) -> None:
    """Raise `InputError` when the folder holds another study; change nothing.

    `identity` is the specification as plain values, with the data's fingerprint.
    """
    if overwrite or not folder.exists():
        return
    path = folder / SPEC
    if not path.exists():
        if any(not _is_nothing(entry.name) for entry in folder.iterdir()):
            raise InputError(
                f"{folder} holds files, but no study; choose another --name, or move them away"
            )
        return
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}); start again with --overwrite"
        ) from error
    changes = differences(held, identity)
    if changes:
        raise InputError(
            f"{folder} holds a study with other settings ({'; '.join(changes)}): choose another "
            "--name, or --overwrite to replace it"
        )


@contextmanager
def claim(folder: Path, identity: Mapping[str, Any], *, overwrite: bool) -> Iterator[Store]:
    """Open a study's folder for this driver alone; make it where it is missing.

    Raises
    ------
    InputError
        When another driver has it, or it holds another study.
    WriteError
        When the disk is full, or the folder may not be written to.
    """
    check_specification(folder, identity, overwrite=overwrite)
    _make(folder)
    with _locked(folder):
        if overwrite:
            _clear(folder)
        for place in (folder, folder / FIGURES):
            remove_partial(place)
        if not (folder / SPEC).exists():
            write_text(folder / SPEC, json.dumps(identity, indent=2, ensure_ascii=False) + "\n")
        with Store(folder / STORE) as store:
            yield store


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{folder} is in use by another run; wait for it, or choose another {flag('name')}"
        ) from None
    except OSError as error:
        raise WriteError(folder / LOCK, error) from error
    try:
        yield
    finally:
        lock.release()


def _is_nothing(name: str) -> bool:
    """Say whether a file is what a driver leaves that was killed before its study began."""
    return name == LOCK or name.startswith(PARTIAL)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WriteError(folder, error) from error
        raise InputError(
            f"{folder} cannot be made ({error.strerror}); name another folder with --out"
        ) from error


def _clear(folder: Path) -> None:
    """Remove what studies write, and nothing else; the specification last.

    A driver killed on the way leaves a study that the same command clears again.
    """
    try:
        for name in (*GENERATED, f"{STORE}-journal", STORE, SPEC):
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(folder, error) from error
