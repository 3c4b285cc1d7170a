from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from search.service.folders import Folders
from search.service.inspector import Inspector
from search.service.sound import glance, inspect
from search.service.summary import StudyState
from tests.search.service.conftest import DONE


def flip(store: Path) -> None:
    """Flip a bit of a value, as SQLite does not notice."""
    with closing(sqlite3.connect(store)) as db, db:
        ((where, npy),) = db.execute("SELECT rowid, npy FROM arrays ORDER BY rowid LIMIT 1")
        changed = npy[:-1] + bytes((npy[-1] ^ 1,))
        db.execute("UPDATE arrays SET npy = ? WHERE rowid = ?", (changed, where))


def test_a_bit_that_flipped_is_found_by_and_by(folders: Folders) -> None:
    """The list shows that study as damaged with the reason, and the others as they were."""
    shutil.copytree(folders.root / DONE, folders.root / "flipped")
    flip(folders.root / "flipped" / "study.db")
    done, before = folders.summaries()
    assert before.state is StudyState.FINISHED
    Inspector(folders).turn()
    again, flipped = folders.summaries()
    assert again == done
    assert flipped.state is StudyState.DAMAGED
    assert "does not match its checksum" in flipped.reason


def test_a_store_is_read_once_while_it_stays_the_same(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not while its study runs; the pause after it is by how long it took."""
    read: list[str] = []
    pauses: list[float] = []

    def sound(folder: Path) -> str:
        read.append(folder.name)
        return ""

    monkeypatch.setattr("search.service.inspector.inspect", sound)
    inspector = Inspector(folders)
    with FileLock(folders.root / DONE / "study.lock"):
        inspector.turn()
    assert read == []
    for _ in range(2):
        inspector.turn(pauses.append)
    assert read == [DONE]
    assert len(pauses) == 1
    (folders.root / DONE / "study.db").touch()
    inspector.turn()
    assert read == [DONE, DONE]


def test_the_thread_ends_when_it_is_told_to(folders: Folders) -> None:
    """Whatever it waits for, and whatever went wrong."""
    (folders.root / DONE / "study.db").write_bytes(b"nonsense" * 20)
    with Inspector(folders):
        pass
    assert folders.summary(DONE).state is StudyState.DAMAGED


def test_a_glance_and_an_inspection_agree_on_a_sound_store(folders: Folders) -> None:
    """Neither finds anything; where a driver was killed as it wrote, a glance leaves it open."""
    folder = folders.root / DONE
    assert (glance(folder), inspect(folder)) == ("", "")
    (folder / "study.db-journal").touch()
    (folder / "study.db").write_bytes(b"half")
    assert glance(folder) == ""
