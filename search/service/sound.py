"""Whether a study's store can be read, at the price that a list can pay."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from kbn.errors import InputError
from kbn.paths import kind_of
from search.store import schema
from search.store.folder import STORE
from search.store.integrity import UNREADABLE


def damage(folder: Path) -> str:
    """Return what is wrong with a study's store; nothing where that cannot be seen at a glance.

    Its pages are counted and its tables looked at; rows are held against their checksums where a
    study is opened.
    """
    path = folder / STORE
    if kind_of(path) is None:
        return ""
    try:
        with closing(schema.connect(path, read_only=True)) as db:
            wrong = _wrong(db, path)
    except (InputError, *UNREADABLE) as error:
        wrong = str(error)
    return f"{path.name} is damaged ({wrong}): see `python -m search.store check`" if wrong else ""


def _wrong(db: sqlite3.Connection, path: Path) -> str:
    version = schema.version_of(db)
    if version > schema.VERSION:
        return f"it is of version {version}, newer than this project"
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version == 0 or tables != {name for name, *_ in schema.expected_layout(version)}:
        return "its tables are not those of a study's store"
    (page,), (pages,) = (
        db.execute(f"PRAGMA {name}").fetchone() for name in ("page_size", "page_count")
    )
    return "" if path.stat().st_size >= page * pages else "its file is cut off"
