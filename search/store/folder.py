"""A study's folder: claimed by one driver at a time, holding one specification.

The specification is the folder's identity: the same one resumes, another one is refused.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kbn.errors import InputError, WriteError
from kbn.files import PARTIAL, remove_partial, write_text
from kbn.paths import Kind, absolute, kind_of, looking, may_write, read_text
from search.settings.differences import differences
from search.settings.setting import flag
from search.store.store import Store

LOCK, SPEC, STORE = "study.lock", "spec.json", "study.db"
DATA_SET = "data_set"
"""The key in `spec.json` of what the last run knew of its data; it takes no part in comparisons,
since the fingerprint says which data they are."""
REQUEST, DRIVER, DRIVER_LOCK, LOG = "request.json", "driver.json", "driver.lock", "log.txt"
"""What the service keeps of a study that was submitted: who asked for it, who runs it, what that
said. A study that was run by hand has none of them."""
PROGRESS, STOP = "progress.json", "stop"
"""How far a run is, for whoever looks; and what asks it to start no more trials."""
FIGURES = "figures"
TRACEBACK = "traceback.txt"
"""Of an error that nobody foresaw, in the last run."""
GENERATED = (
    *("report.md", "report.html", "report.json", FIGURES, TRACEBACK),
    *("trials.csv", "history.csv", "layers.csv", "model.npz"),
)
"""What can be written again from the store."""
LOOKING = 0.5
"""Seconds that a driver waits for a lock: who looks whether it is held, holds it for a moment."""
SHOWN = 12
"""How many differences between specifications are named."""
OWN = (LOCK, SPEC, STORE, f"{STORE}-journal")
"""The files of a study that are opened where they lie, rather than replaced."""


def check_writable(folder: Path) -> None:
    """Raise `InputError` when a folder is not there and cannot be made; make nothing."""
    shown = f"{flag('out')} {folder}"
    existing = absolute(folder, shown)
    while (kind := kind_of(existing, shown)) is None:
        existing = existing.parent
    if kind is not Kind.FOLDER:
        raise InputError(f"--out: {existing} is a {kind}, not a folder; name another folder")
    if existing != folder.absolute() and not may_write(existing):
        raise InputError(f"--out: {existing} is not writable; name another folder with --out")


def is_read_only(folder: Path) -> bool:
    """Say whether a study is there that this process may look at alone."""
    return kind_of(folder / STORE) is Kind.FILE and not may_write(folder)


def check_specification(folder: Path, identity: Mapping[str, Any], *, overwrite: bool) -> None:
    """Raise `InputError` when the folder holds another study; change nothing.

    `identity` is the specification as plain values, with the data's fingerprint. The data are
    the same where that is, whatever name they have now.
    """
    kind = kind_of(folder)
    if kind is None:
        return
    if kind is not Kind.FOLDER:
        raise InputError(f"{folder} is a {kind}, not a folder; choose another {flag('name')}")
    check_files(folder)
    if overwrite:
        return
    path = folder / SPEC
    if kind_of(path) is None:
        with looking(folder):
            others = any(not _is_nothing(entry.name) for entry in folder.iterdir())
        if others:
            raise InputError(
                f"{folder} holds files, but no study; choose another --name, or move them away"
            )
        return
    changes = _differences(path, identity)
    if changes:
        more = f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
        raise InputError(
            f"{folder} holds a study with other settings ({'; '.join(changes[:SHOWN])}{more}): "
            "choose another --name, or --overwrite to replace it"
        )


def check_files(folder: Path) -> None:
    """Refuse what would be written elsewhere, or is no file at all."""
    for name in (*OWN, FIGURES):
        path = folder / name
        kind = kind_of(path)
        if path.is_symlink():
            raise InputError(f"{path} is a symbolic link, which is not followed; remove it")
        if kind not in (None, Kind.FOLDER if name == FIGURES else Kind.FILE):
            raise InputError(f"{path} is a {kind}, and no study's; remove it")


def _differences(path: Path, identity: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the settings on which a kept specification and another one differ."""
    held = read_specification(path)
    same = held.get("fingerprint") == identity.get("fingerprint")
    left_out = {DATA_SET, *(("data", "target") if same else ())}
    try:
        return differences(
            *({k: v for k, v in each.items() if k not in left_out} for each in (held, identity))
        )
    except RecursionError as error:
        raise _unreadable(path, str(error)) from error


def begun_with(folder: Path, *, overwrite: bool) -> dict[str, Any]:
    """Return the specification that a folder holds; nothing where there is none, or a new one."""
    path = folder / SPEC
    return {} if overwrite or kind_of(path) is not Kind.FILE else read_specification(path)


def read_specification(path: Path) -> dict[str, Any]:
    """Return what a `spec.json` holds."""
    text = read_text(path)
    try:
        held = json.loads(text)
        if isinstance(held, dict):
            return held
        reason = "it is no table of settings"
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise _unreadable(path, reason)


def _unreadable(path: Path, reason: str) -> InputError:
    return InputError(f"{path} cannot be read ({reason}); start again with --overwrite")


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
    with locked(folder):
        if overwrite:
            _clear(folder)
        _keep(folder / SPEC, identity)
        with Store(folder / STORE) as store:
            yield store


def _keep(path: Path, identity: Mapping[str, Any]) -> None:
    """Write a specification; of one that is kept, what is known of the data alone."""
    before = read_specification(path) if kind_of(path) else {}
    known = {name: value for name, value in identity.items() if name == DATA_SET}
    text = specification_text({**identity, **before, **known})
    if not before or read_text(path) != text:
        write_text(path, text)


def specification_text(identity: Mapping[str, Any]) -> str:
    """Return what a `spec.json` holds, as it is written."""
    return json.dumps(identity, indent=2, ensure_ascii=False) + "\n"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other drivers away from a folder, once what a killed one left half-written is gone.

    Raises as `claim` does.
    """
    lock = FileLock(folder / LOCK, timeout=LOOKING)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{folder} is in use by another run; wait for it, or choose another {flag('name')}"
        ) from None
    except OSError as error:
        raise WriteError(folder / LOCK, error) from error
    try:
        for place in (folder, folder / FIGURES):
            remove_partial(place)
        _not_stopped(folder)
        yield
        _not_stopped(folder)
    finally:
        lock.release()


def _not_stopped(folder: Path) -> None:
    """Forget that a run was to start no more trials, which was said to another one."""
    try:
        (folder / STOP).unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(folder / STOP, error) from error


def _is_nothing(name: str) -> bool:
    """Say whether a file is of a study that has not begun: its driver was killed, or it waits."""
    return name in (LOCK, REQUEST, DRIVER, DRIVER_LOCK, LOG, STOP) or name.startswith(PARTIAL)


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
        for name in (*GENERATED, PROGRESS, f"{STORE}-journal", STORE, SPEC):
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(folder, error) from error
