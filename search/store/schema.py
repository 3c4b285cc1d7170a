"""The store's tables: what they are, and how those of an older version become today's."""

from __future__ import annotations

import functools
import os
import re
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import blake2b
from itertools import chain
from json import dumps
from pathlib import Path

from kbn.errors import InputError
from kbn.paths import Kind, kind_of, looking

VERSION = 4
"""1 had no checksums, 2 no checkpoints, 3 a row for each epoch, where there is one for all that a
trial has; rows of either kind are read."""

CHECKPOINTS = """
CREATE TABLE checkpoints (
    trial_id TEXT PRIMARY KEY REFERENCES trials(id),
    epoch INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    seconds REAL NOT NULL,
    rng TEXT NOT NULL,
    environment TEXT NOT NULL,
    history TEXT NOT NULL,
    network BLOB NOT NULL,
    checksum TEXT NOT NULL
);
"""
TABLES = f"""
CREATE TABLE trials (id TEXT PRIMARY KEY, fields TEXT NOT NULL);
CREATE TABLE results (
    trial_id TEXT PRIMARY KEY REFERENCES trials(id),
    state TEXT NOT NULL,
    epochs INTEGER NOT NULL,
    train TEXT, validation TEXT, test TEXT,
    seconds REAL NOT NULL,
    environment TEXT NOT NULL,
    checksum TEXT NOT NULL DEFAULT ''
);
CREATE TABLE epochs (
    trial_id TEXT NOT NULL REFERENCES trials(id),
    epoch INTEGER NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (trial_id, epoch)
);
CREATE TABLE arrays (
    trial_id TEXT NOT NULL REFERENCES trials(id),
    name TEXT NOT NULL,
    npy BLOB NOT NULL,
    PRIMARY KEY (trial_id, name)
);
CREATE TABLE attempts (
    trial_id TEXT NOT NULL REFERENCES trials(id),
    number INTEGER NOT NULL,
    node TEXT NOT NULL,
    started REAL NOT NULL,
    failure TEXT,
    checksum TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (trial_id, number)
);
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    started REAL NOT NULL,
    seconds REAL NOT NULL,
    executor TEXT NOT NULL,
    slots INTEGER NOT NULL,
    trained INTEGER NOT NULL,
    checksum TEXT NOT NULL DEFAULT ''
);
{CHECKPOINTS}
"""
"""A trial needs no checksum: its id is one."""

_CHECKED_SINCE = {"results": 2, "attempts": 2, "sessions": 2, "checkpoints": 3}
"""The version in which a table's rows came to carry a checksum; a result's is over its epochs and
arrays, too."""

_JOURNAL = bytes.fromhex("d9d505f920a163d7")
"""How SQLite's journals begin, and the name of another file ends (sqlite.org/fileformat2.html)."""

Row = tuple[object, ...]


def check_journal(path: Path) -> None:
    """Raise `InputError` when the journal beside a database ends by naming another file.

    SQLite would take the database back to where it was, and then delete that file, whatever it is.
    It writes such an end for transactions over several databases, which no study has.
    """
    journal = path.with_name(f"{path.name}-journal")
    if kind_of(journal) is not Kind.FILE:
        return
    with looking(journal), journal.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 16))
        length, _, magic = struct.unpack(">II8s", file.read().rjust(16, b"\0"))
    if magic == _JOURNAL and 0 < length < size:
        raise InputError(f"{journal} names another file, as no study's does; remove it")


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a database; what is written in its tables' own definitions may call nothing.

    Raises `InputError` as `check_journal` does.
    """
    check_journal(path)
    name = f"{path.absolute().as_uri()}?mode=ro" if read_only else str(path)
    db = sqlite3.connect(name, isolation_level=None, uri=read_only)
    db.execute("PRAGMA trusted_schema = OFF")
    return db


def create(db: sqlite3.Connection) -> None:
    """Make the tables in an empty database, in one transaction."""
    db.executescript(f"BEGIN;{TABLES}PRAGMA user_version = {VERSION};COMMIT;")


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of a database's tables; 0 of one that is no store."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def checked(version: int) -> list[str]:
    """Return the tables whose rows carry a checksum in a version."""
    return [table for table, since in _CHECKED_SINCE.items() if since <= version]


def migrate(db: sqlite3.Connection, *, version: int) -> None:
    """Make a sound store of an older version one of today's; called in a transaction."""
    if version < 2:
        for table in checked(2):
            db.execute(f"ALTER TABLE {table} ADD COLUMN checksum TEXT NOT NULL DEFAULT ''")
        for table in checked(2):
            for rowid, _, expected in list(checksums(db, table)):
                db.execute(f"UPDATE {table} SET checksum = ? WHERE rowid = ?", (expected, rowid))  # noqa: S608 - a table of ours
    if version < 3:
        db.execute(CHECKPOINTS)
    db.execute(f"PRAGMA user_version = {VERSION}")


def layout(db: sqlite3.Connection, *, version: int = VERSION) -> list[Row]:
    """Return every table's columns, as far as a version has them."""
    tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [
        (table, *column[1:])
        for (table,) in tables.fetchall()
        for column in db.execute("SELECT * FROM pragma_table_xinfo(?)", (table,))
        if (version > 1 or column[1] != "checksum") and (version > 2 or table != "checkpoints")
    ]


def stranger(db: sqlite3.Connection) -> str | None:
    """Return what a database holds that could act on its own, and no store of ours does."""
    for kind, name, text in db.execute("SELECT type, name, sql FROM sqlite_master"):
        if kind != "table" and text is not None:  # the index of a primary key has no text
            return f"a {kind}, {name}"
        if kind == "table" and re.search(r"\bCHECK\b|\bVIRTUAL\b", str(text), re.IGNORECASE):
            return f"a table with rules of its own, {name}"
    return None


@functools.cache
def expected_layout(version: int) -> list[Row]:
    """Return the columns that a store of a version has."""
    with closing(sqlite3.connect(":memory:")) as db:
        create(db)
        return layout(db, version=version)


def checksums(db: sqlite3.Connection, table: str) -> Iterator[tuple[int, str, str]]:
    """Yield each row's id, the checksum that it carries, and the one that it should carry."""
    rows = db.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid")  # noqa: S608 - as above
    for rowid, *values, held in rows:
        parts = [tuple(values), *(unit(db, str(values[0])) if table == "results" else ())]
        yield rowid, held, checksum(parts)


def unit(db: sqlite3.Connection, trial_id: str) -> list[Row]:
    """Return the rows of a result's epochs and arrays, in the order of its checksum."""
    where = (trial_id,)
    epochs = "SELECT epoch, fields FROM epochs WHERE trial_id = ? ORDER BY epoch"
    arrays = "SELECT name, npy FROM arrays WHERE trial_id = ? ORDER BY name"
    return [*db.execute(epochs, where), *db.execute(arrays, where)]


def insert(
    db: sqlite3.Connection, table: str, rows: Iterable[Row], *, otherwise: str = "ABORT"
) -> int:
    """Insert rows, which may be made one by one; return how many were new."""
    left = iter(rows)
    first = next(left, None)
    if first is None:
        return 0
    marks = ", ".join("?" * len(first))
    statement = f"INSERT OR {otherwise} INTO {table} VALUES ({marks})"  # noqa: S608 - ours
    return db.executemany(statement, chain([first], left)).rowcount


def checksum(rows: Iterable[Row]) -> str:
    """Return 16 hexadecimal digits over rows of texts, numbers, NULLs and bytes."""
    summed = blake2b(digest_size=8)
    for row in rows:
        for value in row:
            data = value if isinstance(value, bytes) else dumps(value).encode()
            summed.update(b"%s %d " % (type(value).__name__.encode(), len(data)))
            summed.update(data)
        summed.update(b"\n")
    return summed.hexdigest()
