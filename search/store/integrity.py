"""What is wrong with a store's file: SQLite's own check, and every row against its checksum.

SQLite notices a page that makes no sense, but not a flipped bit within a value.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from kbn.arrays import array_of
from search.store import schema
from search.trial import id_of

UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged store raises; the latter for a name or a text that is none any more."""
UNREADABLE_NPY = (ValueError, EOFError, OSError, TypeError, SyntaxError, MemoryError)
"""What `np.load` raises on bytes that are no array."""


def problems(db: sqlite3.Connection, *, version: int) -> Iterator[str]:
    """Yield what is wrong with a store, in words; nothing when it is sound.

    The first problem may hide others: what is wrong with the tables is said of the tables alone.
    """
    try:
        yield from _structure(db, version)
        yield from _trials(db)
        yield from _contents(db, version)
    except UNREADABLE as error:
        yield str(error)


def _structure(db: sqlite3.Connection, version: int) -> Iterator[str]:
    if (found := schema.stranger(db)) is not None:
        raise sqlite3.DatabaseError(f"it holds {found}, which no study's store does")
    (page,) = db.execute("PRAGMA page_size").fetchone()
    for _, _, file in db.execute("PRAGMA database_list"):
        # SQLite reads what is missing of the last page as zeros.
        if file and Path(file).stat().st_size % page:
            yield "its file is cut off"
    for (found,) in db.execute("PRAGMA integrity_check(10)"):
        if found != "ok":
            yield str(found).splitlines()[-1]
    if schema.layout(db) != schema.expected_layout(version):
        raise sqlite3.DatabaseError("its tables are not those of a study's store")
    for table, rowid, *_ in db.execute("PRAGMA foreign_key_check"):
        yield f"row {rowid} of {table} belongs to no trial"


def _trials(db: sqlite3.Connection) -> Iterator[str]:
    for trial_id, fields in db.execute("SELECT id, fields FROM trials"):
        if trial_id != id_of(str(fields)):
            yield f"trial {trial_id} does not match its id"


def _contents(db: sqlite3.Connection, version: int) -> Iterator[str]:
    """Check rows against their checksums; those of version 1 have none and are read instead."""
    if version > 1:
        for table in schema.checked(version):
            for rowid, held, expected in schema.checksums(db, table):
                if held != expected:
                    yield f"row {rowid} of {table} does not match its checksum"
    else:
        yield from _unreadable(db)
    for table in ("epochs", "arrays"):
        query = f"SELECT trial_id FROM {table} EXCEPT SELECT trial_id FROM results"  # noqa: S608 - ours
        for (orphan,) in db.execute(query):
            yield f"trial {orphan} has {table} without a result"


def _unreadable(db: sqlite3.Connection) -> Iterator[str]:
    texts = {"results": ("train", "validation", "test", "environment"), "epochs": ("fields",)}
    for table, columns in (texts | {"attempts": ("failure",)}).items():
        for column in columns:
            query = f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608 - as above
            wrong = [rowid for rowid, text in db.execute(query) if not is_json(text)]
            yield from (f"row {rowid} of {table} cannot be read" for rowid in wrong)
    for rowid, npy in db.execute("SELECT rowid, npy FROM arrays"):
        if not is_array(npy):
            yield f"row {rowid} of arrays cannot be read"


def is_json(text: object) -> bool:
    """Say whether a value is a record as the store writes it."""
    try:
        return isinstance(json.loads(str(text)), dict)
    except (ValueError, RecursionError):
        return False


def is_array(npy: object) -> bool:
    """Say whether a value is an array in the `.npy` format."""
    try:
        array_of(npy if isinstance(npy, bytes) else b"")
    except UNREADABLE_NPY:
        return False
    return True
