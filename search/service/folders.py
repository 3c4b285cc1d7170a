"""A folder of studies as a list: what each one's files say, read again where they have changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kbn.errors import InputError
from kbn.paths import Kind, kind_of, looking, read_text
from search.service.errors import UnknownStudyError
from search.service.findings import (
    NOTHING,
    Findings,
    best_so_far,
    curve_so_far,
    findings_of,
)
from search.service.locks import is_held
from search.service.owner import owner_of
from search.service.requests import Driver, Request, read_driver, read_request
from search.service.sound import damage
from search.service.summary import (
    ALL_DIVERGED,
    ENDINGS,
    STOPPED,
    StudyState,
    Summary,
    damaged,
)
from search.settings import values
from search.store.decode import FOREIGN
from search.store.folder import (
    DATA_SET,
    DRIVER,
    DRIVER_LOCK,
    LOCK,
    PROGRESS,
    REQUEST,
    SPEC,
    STOP,
    STORE,
    read_specification,
)

BIN, DATA = ".bin", ".data"
"""Beside the studies: those that were deleted, and data sets that were uploaded."""
REPORT = "report.json"
MOST_STARTS = 3
"""How often a driver is started for a study, at most, while each is lost without a word."""
LARGEST_REPORT = 64 * 2**20
"""Bytes of a `report.json` that is read, at most."""


V = TypeVar("V")
Stamp = tuple[int, int, int]
"""A file's time of change, size and number."""
Stamps = dict[str, Stamp]
"""Of those files of a study that are there."""
WATCHED = frozenset((SPEC, REQUEST, DRIVER, PROGRESS, REPORT, STORE, STOP))
"""The files that a row is made of."""


@dataclass
class _Kept:
    """What was read of a study, and of which files."""

    stamps: Stamps
    """As they are now."""
    read: dict[str, tuple[Stamp | None, Any]] = field(default_factory=dict)
    """What each file said, and which file that was."""
    row: tuple[Stamps, bool, Summary] | None = None
    """The row that was made of the files as they were, and of whether it ran."""


class Folders:
    """The studies of a folder. It remembers what it has read, and nothing that is not on the disk.

    Parameters
    ----------
    root
        The folder, which need not be there yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._kept: dict[Path, _Kept] = {}

    def folder(self, name: str) -> Path:
        """Return the folder of a study that is there.

        Raises `UnknownStudyError` where there is none, and for what is no folder's name.
        """
        return _study(self.root, name)

    def deleted(self, name: str) -> Path:
        """Return the folder of a study that is in the bin; raises as `folder` does."""
        return _study(self.root / BIN, name)

    def names(self) -> list[str]:
        """Return the names of all studies, sorted."""
        return _names(self.root)

    def in_bin(self) -> list[str]:
        """Return the names of the studies that were deleted, sorted."""
        return _names(self.root / BIN)

    def summaries(self) -> list[Summary]:
        """Return a row a study, in order of their names; one that is gone meanwhile is left out.

        That a study has begun to run is noticed when it writes something, which is soon.
        """
        rows = []
        for name in _subfolders(self.root):
            with suppress(UnknownStudyError):
                rows.append(self._row(self.root / name, soon=True))
        there = {self.root / row.name for row in rows}
        for folder in [folder for folder in self._kept if folder not in there]:
            self._kept.pop(folder, None)
        return rows

    def summary(self, name: str) -> Summary:
        """Return the row of one study. Raises `UnknownStudyError` where there is none."""
        return self._row(self.folder(name))

    def note_damage(self, folder: Path, why: str) -> None:
        """Remember what is wrong with a study's store, as whoever read all of it has found."""
        kept = self._looked_at(folder)
        kept.read[STORE], kept.row = (kept.stamps.get(STORE), why), None

    def request(self, folder: Path) -> Request | None:
        """Return what was asked for of a study."""
        return self._part(folder, REQUEST, read_request)

    def driver(self, folder: Path) -> Driver | None:
        """Return what is known of a study's driver."""
        return self._part(folder, DRIVER, read_driver)

    def specification(self, folder: Path) -> Mapping[str, Any]:
        """Return what a study's `spec.json` holds."""
        return self._part(folder, SPEC, lambda where: read_specification(where / SPEC))

    def key(self, folder: Path) -> str:
        """Return the hash of a study's specification and data."""
        return self._part(folder, f"{SPEC} key", lambda where: key_of(self.specification(where)))

    def report(self, folder: Path) -> Mapping[str, Any] | None:
        """Return what a study's `report.json` holds; None where there is none."""
        return _report(folder)

    def progress(self, folder: Path) -> Mapping[str, Any]:
        """Return how far the last run came: see `search.running.progress`; {} where unknown."""
        return self._part(folder, PROGRESS, _progress)

    def of_store(self, folder: Path, what: str, read: Callable[[Path], V]) -> V:
        """Return what is read of a study's store, read again once that has changed.

        `what` tells several such things apart. The study has been looked at: see `summary`.
        """
        return self._part(folder, f"{STORE} {what}", read)

    def _looked_at(self, folder: Path) -> _Kept:
        """Return what is known of a study, once its files were looked at."""
        kept = self._kept.setdefault(folder, _Kept({}))
        kept.stamps = _stamps(folder)
        return kept

    def _part(self, folder: Path, name: str, read: Callable[[Path], V]) -> V:
        """Return what was read of a file before, while it is the same; else read it.

        What follows the file's name tells several things that are read of it apart.
        """
        kept = self._kept.get(folder) or self._looked_at(folder)
        stamp = kept.stamps.get(name.partition(" ")[0])
        if name not in kept.read or kept.read[name][0] != stamp:
            kept.read[name] = stamp, read(folder)
        part: V = kept.read[name][1]
        return part

    def _row(self, folder: Path, *, soon: bool = False) -> Summary:
        """Return a study's row: the one before, unless a file of it has changed, or it has begun.

        To look at the locks of each takes a long list as long as all else; `soon` will do there.
        """
        kept = self._looked_at(folder)
        if SPEC not in kept.stamps:
            raise UnknownStudyError(f"{folder.name}: there is no study of this name")
        stamps, before = kept.stamps, kept.row
        if soon and before is not None and before[0] == stamps and not before[1]:
            return before[2]
        held = runs(folder)
        if before is None or before[:2] != (stamps, held):
            try:
                row = self._sound(folder, held=held)
            except (InputError, *FOREIGN) as error:
                if kind_of(folder / SPEC) is None:
                    raise UnknownStudyError(f"{folder.name}: there is no study any more") from error
                who, when = owner_of(folder / SPEC)
                row = damaged(folder.name, str(error), who=who, when=when)
            kept.row = before = stamps, held, row
        return before[2]

    def _sound(self, folder: Path, *, held: bool) -> Summary:
        """Return a study's row; raise what reading something raises that no study wrote."""
        spec = self.specification(folder)
        request, driver = self.request(folder), self.driver(folder)
        state, reason = self._state(folder, request, driver, held=held)
        if not state.runs and (wrong := self._part(folder, STORE, damage)):
            state, reason = StudyState.DAMAGED, wrong
        found, _ = self._found(folder)
        so_far = self.progress(folder)
        if state.runs or (found is NOTHING and so_far):
            found = _so_far(so_far)
        epochs = so_far.get("epochs") or 0
        share = float(so_far["epochs_ended"]) / epochs if epochs else 0.0
        who, when = owner_of(folder / SPEC)
        submitted = request is not None and request.when is not None
        return Summary(
            name=folder.name,
            kind=str(spec["driver"]),
            data=_data_name(spec),
            state=state,
            reason=reason,
            progress=1.0 if state is StudyState.FINISHED else min(1.0, share),
            trials=so_far.get("trials"),
            trials_ended=so_far.get("trials_ended"),
            seconds_left=so_far.get("seconds_left") if state.runs else None,
            verdict=found.verdict,
            best=found.best,
            test=found.test,
            curve=found.curve,
            curve_axis=found.curve_axis,
            curve_log=found.curve_log,
            who=request.who if request and submitted else who,
            when=request.when if request and request.when is not None else when,
            message=request.message if request else "",
            first=bool(request and request.first),
            archived=bool(request and request.archived),
            submitted=submitted,
            key=self.key(folder),
        )

    def _state(
        self, folder: Path, request: Request | None, driver: Driver | None, *, held: bool
    ) -> tuple[StudyState, str]:
        """Say where a study stands, and why."""
        if held:
            stopping = (folder / STOP).exists()
            return (StudyState.STOPPING if stopping else StudyState.RUNNING), ""
        mine = driver if request and driver and driver.turn == request.turn else None
        if request and request.wanted and (mine is None or mine.code is None):
            if mine is None or mine.start < MOST_STARTS:
                return StudyState.QUEUED, ""
            return StudyState.FAILED, f"its driver was lost {mine.start} times; its log may say why"
        _, finished = self._found(folder)
        if finished:
            diverged = mine is not None and mine.code == ALL_DIVERGED
            return StudyState.FINISHED, ENDINGS[ALL_DIVERGED] if diverged else ""
        if mine is None or mine.code is None:
            return StudyState.UNFINISHED, ""
        ending = ENDINGS.get(mine.code, f"its command ended with exit code {mine.code}")
        state = StudyState.UNFINISHED if mine.code in (0, STOPPED) else StudyState.FAILED
        return state, ending if mine.code else ""

    def _found(self, folder: Path) -> tuple[Findings, bool]:
        """Return what a study's report says in a row, and whether the study is finished."""

        def read(where: Path) -> tuple[Findings, bool]:
            report = _report(where)
            if report is None:
                return NOTHING, False
            return findings_of(report), report["finished"] is True

        return self._part(folder, REPORT, read)


def _so_far(progress: Mapping[str, Any]) -> Findings:
    """Return what is known of a study that has no report of all of it."""
    points, axes = progress.get("points"), progress.get("axes")
    if not points or not axes:
        return NOTHING
    return Findings(best=best_so_far(axes, points), **curve_so_far(axes, points))


def runs(folder: Path) -> bool:
    """Say whether a driver is at a study, one that was started here or by hand."""
    return is_held(folder / DRIVER_LOCK) or is_held(folder / LOCK)


def key_of(held: Mapping[str, Any]) -> str:
    """Return the hash of a specification and its data: equal where the same is studied."""
    deciding = {name: value for name, value in held.items() if name not in (DATA_SET, "data")}
    text = json.dumps(deciding, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]


def _study(root: Path, name: str) -> Path:
    try:
        folder = root / values.file_name("study", name)
    except InputError as error:
        raise UnknownStudyError(str(error)) from error
    if kind_of(folder) is not Kind.FOLDER or kind_of(folder / SPEC) is None:
        raise UnknownStudyError(f"{name}: there is no study of this name")
    return folder


def _names(root: Path) -> list[str]:
    return [name for name in _subfolders(root) if kind_of(root / name / SPEC) is Kind.FILE]


def _subfolders(root: Path) -> list[str]:
    """Return the names of a folder's folders, sorted, but for hidden ones."""
    if kind_of(root) is not Kind.FOLDER:
        return []
    with looking(root), os.scandir(root) as entries:
        return sorted(e.name for e in entries if e.name[0] != "." and e.is_dir())


def _stamps(folder: Path) -> Stamps:
    """Return the stamps of a study's files; {} where the folder cannot be read."""
    stamps = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in WATCHED:
                found = entry.stat()
                stamps[entry.name] = found.st_mtime_ns, found.st_size, found.st_ino
    return stamps


def _report(folder: Path) -> Mapping[str, Any] | None:
    path = folder / REPORT
    if kind_of(path) is None:
        return None
    held = json.loads(read_text(path, largest=LARGEST_REPORT))
    if not isinstance(held, dict) or "finished" not in held:
        raise InputError(f"{path} is no report; `python -m search.study report` writes it again")
    return held


def _progress(folder: Path) -> Mapping[str, Any]:
    if kind_of(folder / PROGRESS) is None:
        return {}
    held = json.loads(read_text(folder / PROGRESS, largest=LARGEST_REPORT))
    return held if isinstance(held, dict) else {}


def _data_name(held: Mapping[str, Any]) -> str:
    """Return a data set's name as a list shows it: of a file its name, not where it lies."""
    kind, colon, rest = str(held["data"]).partition(":")
    return f"{kind}{colon}{Path(rest).name}"
