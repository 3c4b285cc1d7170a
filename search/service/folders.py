"""A folder of studies as a list: what each one's files say, read again where they have changed."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from kbn.errors import InputError
from kbn.paths import Kind, kind_of, looking
from search.service.errors import UnknownStudyError
from search.service.files import Files, Stamps
from search.service.locks import is_held
from search.service.rows import row_of
from search.service.summary import Summary
from search.settings import values
from search.store.folder import DRIVER_LOCK, LOCK, SPEC

BIN, DATA = ".bin", ".data"
"""Beside the studies: those that were deleted, and data sets that were uploaded."""


class Folders:
    """The studies of a folder. It remembers what it has read, and nothing that is not on the disk.

    Parameters
    ----------
    root
        The folder, which need not be there yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[str, Files] = {}
        self._rows: dict[str, tuple[Stamps, bool, Summary]] = {}
        """Each study's row, made of its files as they were, and of whether it ran."""
        self._listing = threading.Lock()

    def folder(self, name: str) -> Path:
        """Return the folder of a study that is there.

        Raises `UnknownStudyError` where there is none, and for what is no folder's name.
        """
        return _study(self.root, name)

    def deleted(self, name: str) -> Path:
        """Return the folder of a study that is in the bin; raises as `folder` does."""
        return _study(self.root / BIN, name)

    def files(self, name: str) -> Files:
        """Return a study's files, as `summary` or `summaries` looked at them last."""
        return self._files.get(name) or self._looked_at(name)

    def names(self) -> list[str]:
        """Return the names of all studies, sorted."""
        return _names(self.root)

    def in_bin(self) -> list[str]:
        """Return the names of the studies that were deleted, sorted."""
        return _names(self.root / BIN)

    def summaries(self) -> list[Summary]:
        """Return a row a study, in order of their names; one that is gone meanwhile is left out.

        That a study has begun to run is noticed when it writes something, which is soon. Who asks
        while another one does waits for what that reads.
        """
        with self._listing:
            rows = []
            for name in _subfolders(self.root):
                with suppress(UnknownStudyError):
                    rows.append(self._row(name, soon=True))
            there = {row.name for row in rows}
            for name in [name for name in self._files if name not in there]:
                self.forget(name)
        return rows

    def summary(self, name: str) -> Summary:
        """Return the row of one study. Raises `UnknownStudyError` where there is none."""
        return self._row(self.folder(name).name)

    def note_damage(self, name: str, why: str) -> None:
        """Remember what is wrong with a study's store, as whoever read all of it has found."""
        self.files(name).note_damage(why)
        self._rows.pop(name, None)

    def _looked_at(self, name: str) -> Files:
        files = self._files.get(name)
        if files is None:
            files = self._files[name] = Files(self.root / name)
        files.look()
        return files

    def _row(self, name: str, *, soon: bool = False) -> Summary:
        """Return a study's row: the one before, unless a file of it has changed, or it has begun.

        To look at the locks of each takes a long list as long as all else; `soon` will do there.
        """
        files = self._looked_at(name)
        stamps, before = files.stamps, self._rows.get(name)
        if SPEC not in stamps:
            raise UnknownStudyError(f"{name}: there is no study of this name")
        if soon and before is not None and before[0] == stamps and not before[1]:
            return before[2]
        held = runs(files.folder)
        if before is None or before[:2] != (stamps, held):
            before = self._rows[name] = stamps, held, row_of(files, held=held)
        return before[2]

    def forget(self, name: str) -> None:
        """Forget what was read of a study."""
        self._files.pop(name, None)
        self._rows.pop(name, None)


def runs(folder: Path) -> bool:
    """Say whether a driver is at a study, one that was started here or by hand."""
    return is_held(folder / DRIVER_LOCK) or is_held(folder / LOCK)


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
