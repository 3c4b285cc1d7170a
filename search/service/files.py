"""What a study's files say, each read once while it stays the same."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from kbn.errors import InputError
from kbn.paths import kind_of, read_text
from search.service.findings import NOTHING, Findings, findings_of
from search.service.requests import Driver, Request, read_driver, read_request
from search.service.sound import glance
from search.store.folder import (
    DATA_SET,
    DRIVER,
    PROGRESS,
    REQUEST,
    SPEC,
    STOP,
    STORE,
    read_specification,
)

SHARE = 0.01
"""Share of a core that reading the store of a study which runs may take."""
REPORT = "report.json"
LARGEST_REPORT = 64 * 2**20
"""Bytes of a `report.json` that is read, at most."""
V = TypeVar("V")
Stamp = tuple[int, int, int]
"""A file's time of change, size and number."""
Stamps = dict[str, Stamp]
"""Of those files of a study that are there."""
WATCHED = frozenset((SPEC, REQUEST, DRIVER, PROGRESS, REPORT, STORE, STOP))
"""The files that a row is made of."""


class Files:
    """A study's files as they were looked at last; what was read of them, and of which.

    Parameters
    ----------
    folder
        The study's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stamps: Stamps = {}
        self.inspected: Stamp | None = None
        """The store whose every row was held against its checksum."""
        self._read: dict[str, tuple[Stamp | None, Any]] = {}
        self._due: dict[str, float] = {}
        """When what is read of the store may be read again."""

    def look(self) -> None:
        """See which files are there, and what has changed; none are where it cannot be read."""
        stamps = {}
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name in WATCHED:
                    found = entry.stat()
                    stamps[entry.name] = found.st_mtime_ns, found.st_size, found.st_ino
        self.stamps = stamps

    def request(self) -> Request | None:
        """Return what was asked for."""
        return self._part(REQUEST, read_request)

    def driver(self) -> Driver | None:
        """Return what is known of the study's driver."""
        return self._part(DRIVER, read_driver)

    def specification(self) -> Mapping[str, Any]:
        """Return what `spec.json` holds."""
        return self._part(SPEC, lambda folder: read_specification(folder / SPEC))

    def key(self) -> str:
        """Return the hash of specification and data."""
        return self._part(f"{SPEC} key", lambda _: key_of(self.specification()))

    def progress(self) -> Mapping[str, Any]:
        """Return how far the last run came: see `search.running.progress`; {} where unknown."""
        return self._part(PROGRESS, _progress)

    def report(self) -> Mapping[str, Any] | None:
        """Return what `report.json` holds; None where there is none. It is not remembered."""
        return _report(self.folder)

    def found(self) -> tuple[Findings, bool]:
        """Return what the report says in a row, and whether the study is finished."""
        return self._part(REPORT, _found)

    def damage(self) -> str:
        """Return what is known to be wrong with the store; nothing where all of it seems well."""
        return self._part(STORE, glance)

    def note_damage(self, why: str) -> None:
        """Remember what is wrong with the store, as whoever read all of it has found."""
        self._read[STORE] = self.stamps.get(STORE), why

    def of_store(self, what: str, read: Callable[[Path], V], *, soon: bool) -> V:
        """Return what is read of the store, read again once that has changed.

        `what` tells several such things apart. A store that is written to all the time is read at a
        share of a core: `soon` will do there.
        """
        name = f"{STORE} {what}"
        if soon and name in self._read and time.monotonic() < self._due.get(name, 0.0):
            held: V = self._read[name][1]
            return held
        began = time.thread_time()
        part = self._part(name, read)
        self._due[name] = time.monotonic() + (time.thread_time() - began) / SHARE
        return part

    def _part(self, name: str, read: Callable[[Path], V]) -> V:
        """Return what was read of a file before, while it is the same; else read it.

        What follows the file's name tells several things that are read of it apart.
        """
        stamp = self.stamps.get(name.partition(" ")[0])
        held = self._read.get(name)
        if held is None or held[0] != stamp:
            held = self._read[name] = stamp, read(self.folder)
        part: V = held[1]
        return part


def key_of(held: Mapping[str, Any]) -> str:
    """Return the hash of a specification and its data: equal where the same is studied."""
    deciding = {name: value for name, value in held.items() if name not in (DATA_SET, "data")}
    text = json.dumps(deciding, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]


def _report(folder: Path) -> Mapping[str, Any] | None:
    path = folder / REPORT
    if kind_of(path) is None:
        return None
    held = json.loads(read_text(path, largest=LARGEST_REPORT))
    if not isinstance(held, dict) or "finished" not in held:
        raise InputError(f"{path} is no report; `python -m search.study report` writes it again")
    return held


def _found(folder: Path) -> tuple[Findings, bool]:
    report = _report(folder)
    return (NOTHING, False) if report is None else (findings_of(report), report["finished"] is True)


def _progress(folder: Path) -> Mapping[str, Any]:
    if kind_of(folder / PROGRESS) is None:
        return {}
    try:
        held = json.loads(read_text(folder / PROGRESS, largest=LARGEST_REPORT))
    except ValueError:  # cut off when the power went
        return {}
    return held if isinstance(held, dict) else {}
