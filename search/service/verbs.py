"""What can be done with a study: written into its folder, for whoever runs it to see.

Nothing here waits for a study, and nothing needs a server: two servers, or a server and a shell,
may work on one folder.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kbn.errors import InputError, WriteError
from kbn.files import make_folder, write_text
from kbn.paths import kind_of
from search.service import drivers
from search.service.errors import ConflictError
from search.service.files import key_of
from search.service.folders import BIN, Folders
from search.service.locks import holding, is_held
from search.service.prepared import Prepared
from search.service.ray_jobs import RayJobs
from search.service.requests import Request, keep, read_request
from search.service.summary import StudyState, Summary
from search.settings import values
from search.settings.spec import within
from search.store.folder import (
    DRIVER_LOCK,
    LOCK,
    REQUEST,
    SPEC,
    STOP,
    check_specification,
    specification_text,
)

SUBMITTING = ".submit.lock"
"""Held while a study is submitted: the same one twice at a time is one."""
WAITING = 60.0
"""Seconds that one is waited for that is being submitted."""
LONGEST_NAME = 200
"""Bytes of a name that is made; room for a mark is left in it."""


@dataclass(frozen=True)
class Submitted:
    """What became of a study that was submitted."""

    name: str
    created: bool
    """Whether it is new; else the same study was there."""


def submit(folders: Folders, study: Prepared, request: Request, *, name: str | None) -> Submitted:
    """Queue a study, unless the same one is there: that goes on then, where it had ended early.

    Raises
    ------
    ConflictError
        When another study has the name; the message shows the settings that differ.
    InputError
        When the name is no folder's.
    WriteError
        When the disk is full, or the folder may not be written to; nothing is left of it then.
    """
    root = folders.root
    if name is not None:
        name = values.file_name("name", name)
    make_folder(root, parents=True)
    with holding(root / SUBMITTING, patience=WAITING) as ours:
        if not ours:
            raise ConflictError("others have been submitted for too long; try again")
        same = _with_key(folders, key_of(study.identity))
        if same is not None:
            if folders.summary(same).state in (StudyState.UNFINISHED, StudyState.FAILED):
                retry(folders, same, who=request.who)
            return Submitted(same, created=False)
        chosen = name or _free_name(root, study)
        folder = root / chosen
        try:
            check_specification(folder, study.identity, overwrite=False)
        except InputError as error:
            raise ConflictError(str(error)) from error
        _begin(folder, study.identity, request)
    return Submitted(chosen, created=True)


def _begin(folder: Path, identity: Mapping[str, Any], request: Request) -> None:
    """Make a study's folder; its specification comes last, and makes it one."""
    new = kind_of(folder) is None
    try:
        make_folder(folder)
        keep(folder, replace(request, when=time.time(), wanted=True))
        write_text(folder / SPEC, specification_text(identity))
    except WriteError:
        (folder / REQUEST).unlink(missing_ok=True)
        if new and kind_of(folder) is not None:
            folder.rmdir()
        raise


def _with_key(folders: Folders, key: str) -> str | None:
    """Return the study of this specification and data; of several the one that is furthest."""
    same = [row for row in folders.summaries() if row.key == key]
    furthest = max(same, key=lambda row: (row.state.runs, row.progress), default=None)
    return furthest.name if furthest else None


def _free_name(root: Path, study: Prepared) -> str:
    """Return the study's own name, with a mark where another study has it."""
    if kind_of(root / study.name) is None:
        return study.name
    return f"{within(study.name, LONGEST_NAME)}-{key_of(study.identity)[:8]}"


def stop(folders: Folders, name: str, jobs: RayJobs | None = None) -> None:
    """Let a study start no more trials; it ends when those that run have.

    One that waits is no longer wanted, and one that has not begun to train ends at once. Raises
    `ConflictError` for a study that neither runs nor waits.
    """
    folder = folders.folder(name)
    _check_goes_on(folders.summary(name))
    _not_wanted(folder)
    if is_held(folder / LOCK):
        write_text(folder / STOP, "")
    elif is_held(folder / DRIVER_LOCK):
        drivers.end(folder, jobs)


def cancel(folders: Folders, name: str, jobs: RayJobs | None = None) -> None:
    """End a study now, and leave nothing of it running; finished trials are kept.

    Raises `ConflictError` for a study that neither runs nor waits, or was not started here.
    """
    folder, row = folders.folder(name), folders.summary(name)
    _check_goes_on(row)
    if row.state.runs and not is_held(folder / DRIVER_LOCK):
        raise ConflictError(
            f"{name} was started by hand, and is ended where it was (Ctrl-C); stop lets it end "
            "after the trials that run"
        )
    _not_wanted(folder)
    if row.state.runs:
        drivers.end(folder, jobs)


def _check_goes_on(row: Summary) -> None:
    if row.state.over:
        raise ConflictError(f"{row.name} does not run; it is {row.state}")


def _not_wanted(folder: Path) -> None:
    request = read_request(folder)
    if request is not None and request.wanted:
        keep(folder, replace(request, wanted=False))


def retry(folders: Folders, name: str, *, who: str = "", first: bool = False) -> None:
    """Queue a study again: what failed is tried again, what was not begun is begun.

    One that was run by hand is taken over. Raises `ConflictError` for one that runs or waits.
    """
    folder = folders.folder(name)
    row = folders.summary(name)
    if not row.state.over or row.state is StudyState.DAMAGED:
        raise ConflictError(f"{name} cannot be tried again: it is {row.state}")
    (folder / STOP).unlink(missing_ok=True)
    held = read_request(folder) or Request(who=who)
    keep(folder, replace(held, wanted=True, first=first, turn=held.turn + 1, archived=False))


def archive(folders: Folders, name: str, *, away: bool = True) -> None:
    """Put a study away, so that lists leave it out unless they are asked for it; or take it back.

    Raises `ConflictError` for one that runs or waits.
    """
    folder = folders.folder(name)
    state = folders.summary(name).state
    if away and not state.over:
        raise ConflictError(f"{name} cannot be put away: it is {state}; stop it first")
    keep(folder, replace(read_request(folder) or Request(), archived=away))


def delete(folders: Folders, name: str) -> str:
    """Move a study into the bin; return its name there.

    Raises `ConflictError` for one that runs: its folder is held, so that none can begin meanwhile.
    """
    folder = folders.folder(name)
    with _held(folder):
        target = _vacant(folders.root / BIN, name)
        _move(folder, target)
    return target.name


def restore(folders: Folders, name: str) -> str:
    """Move a study out of the bin; return its name, which has a mark where another one has it.

    One that waited for its turn when it was deleted waits again.
    """
    folder = folders.deleted(name)
    target = _vacant(folders.root, name)
    _move(folder, target)
    return target.name


def _move(folder: Path, target: Path) -> None:
    make_folder(target.parent)
    try:
        folder.rename(target)
    except OSError as error:
        raise WriteError(target, error) from error


def _vacant(place: Path, name: str) -> Path:
    """Return a path in a folder that nothing is at: the name, or the name and a number."""
    taken = 1
    path = place / name
    while kind_of(path) is not None:
        taken += 1
        path = place / f"{within(name, LONGEST_NAME)}-{taken}"
    return path


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep every driver away from a study; raise `ConflictError` while one is at it."""
    with holding(folder / DRIVER_LOCK) as ours, holding(folder / LOCK) as theirs:
        if not (ours and theirs):
            raise ConflictError(f"{folder.name} is running; stop or cancel it first")
        yield
