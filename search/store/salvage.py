"""What can still be read of a store whose file is damaged, row by row."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kbn.errors import InputError
from kbn.paths import read_text
from search.store import schema
from search.store.integrity import UNREADABLE, is_array, is_json, problems
from search.store.schema import Row
from search.trial import id_of

Table = dict[Row, Row]
"""A table's rows by their primary keys."""

_KEYS = {"trials": 1, "results": 1, "epochs": 2, "arrays": 2, "attempts": 2, "sessions": 1}
"""How many of a table's first columns are its primary key."""


@dataclass(frozen=True)
class Salvage:
    """What was found in a store's file."""

    version: int
    """Of its tables, as it says itself; 0 when it says none."""
    problems: tuple[str, ...]
    """What is wrong with it; nothing when it is sound."""
    named: int
    """Trials that the file names in any place."""
    results_named: int
    trials: tuple[Row, ...]
    """Rows of whole trials, in the order of asking."""
    results: tuple[tuple[Row, list[Row], list[Row]], ...]
    """The rows of each whole result: its own, without checksum, its epochs', its arrays'."""
    attempts: tuple[Row, ...]
    sessions: tuple[Row, ...]

    def write(self, path: Path) -> None:
        """Write a new store that holds all of it to a path where no file is."""
        with closing(schema.connect(path)) as db:
            schema.create(db)
            db.execute("BEGIN")
            schema.insert(db, "trials", self.trials)
            for own, epochs, arrays in self.results:
                parts = [own, *(row[1:] for row in epochs), *(row[1:] for row in arrays)]
                schema.insert(db, "results", [(*own, schema.checksum(parts))])
                schema.insert(db, "epochs", epochs)
                schema.insert(db, "arrays", arrays)
            for table, rows in (("attempts", self.attempts), ("sessions", self.sessions)):
                schema.insert(db, table, [(*row, schema.checksum([row])) for row in rows])
            db.execute("COMMIT")


def salvage(path: Path) -> Salvage:
    """Read what can be read of a store's file, which may be written to: give it a copy.

    A result counts as readable when its trial, its own row and all of its epochs and arrays are,
    and match their checksum; of a store of version 1, which has none, when they make sense.
    """
    with closing(schema.connect(path)) as db:
        version = _version(db)
        found = tuple(dict.fromkeys(problems(db, version=version)))
    with closing(schema.connect(path)) as db:
        with contextlib.suppress(*UNREADABLE):
            # Lets SQLite read a file that is shorter than its header says.
            db.execute("PRAGMA writable_schema = ON")
        views = {
            name for (name,) in _rows(db, "SELECT name FROM sqlite_master WHERE type = 'view'")
        }
        tables = {table: {} if table in views else _read(db, table) for table in _KEYS}
    sealed = _is_sealed(tables)
    rows = tables["trials"].items()
    trials = {key: row for key, row in rows if row[0] == id_of(str(row[1]))}
    results = tuple(_results(tables, trials, sealed=sealed))
    return Salvage(
        version=version,
        problems=found,
        named=len({key[0] for name in ("trials", "results", "epochs") for key in tables[name]}),
        results_named=len({key[0] for name in ("results", "epochs") for key in tables[name]}),
        trials=tuple(trials.values()),
        results=results,
        attempts=tuple(
            row for row in _sealed(tables["attempts"], sealed=sealed) if row[:1] in trials
        ),
        sessions=tuple(_sealed(tables["sessions"], sealed=sealed)),
    )


def _version(db: sqlite3.Connection) -> int:
    try:
        return schema.version_of(db)
    except UNREADABLE:
        return 0


def _read(db: sqlite3.Connection, table: str) -> Table:
    """Return every row that can be come by: from the front, from the back, and by its key."""
    key = _KEYS[table]
    order = "number" if table == "sessions" else "rowid"
    rows: dict[object, Row] = {}
    for direction in ("", " DESC"):
        rows |= {
            row[0]: row[1:]
            for row in _rows(db, f"SELECT {order}, * FROM {table} ORDER BY {order}{direction}")  # noqa: S608 - ours
        }
    read = {row[:key]: row for _, row in sorted(rows.items(), key=lambda pair: _number(pair[0]))}
    if key == 1 and table != "sessions":
        name = "id" if table == "trials" else "trial_id"
        for (found,) in _rows(db, f"SELECT {name} FROM {table} ORDER BY {name}"):  # noqa: S608 - as above
            if (found,) not in read:
                for row in _rows(db, f"SELECT * FROM {table} WHERE {name} = ?", found):  # noqa: S608 - as above
                    read[row[:1]] = row
    return read


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _rows(db: sqlite3.Connection, query: str, *values: object) -> Iterator[Row]:
    """Yield a query's rows up to the first that cannot be read."""
    with contextlib.suppress(*UNREADABLE):
        yield from db.execute(query, values)


def _is_sealed(tables: dict[str, Table]) -> bool:
    """Say whether results carry checksums: by their columns, as the version may be damaged."""
    return any(len(row) == 9 for row in tables["results"].values())


def _results(
    tables: dict[str, Table], trials: Table, *, sealed: bool
) -> Iterator[tuple[Row, list[Row], list[Row]]]:
    for key, row in tables["results"].items():
        own = row[:8]
        epochs, arrays = (
            sorted((part for part in tables[name].values() if part[:1] == key), key=lambda r: r[:2])
            for name in ("epochs", "arrays")
        )
        parts = [own, *(part[1:] for part in epochs), *(part[1:] for part in arrays)]
        if sealed:
            whole = row[8] == _sum(parts)
        else:
            texts = (own[3], own[4], own[5], own[7], *(part[2] for part in epochs))
            whole = all(is_json(text) for text in texts if text is not None)
            whole = whole and len(epochs) == own[2] and all(is_array(part[2]) for part in arrays)
        if whole and key in trials:
            yield own, epochs, arrays


def _sealed(table: Table, *, sealed: bool) -> Iterator[Row]:
    """Yield the rows that match their checksums, without them."""
    for row in table.values():
        if not sealed:
            yield row
        elif row[-1] == _sum([row[:-1]]):
            yield row[:-1]


def _sum(rows: list[Row]) -> str:
    try:
        return schema.checksum(rows)
    except (TypeError, ValueError):
        return "of values that are none of ours"


def is_specification(path: Path) -> bool:
    """Say whether a study's `spec.json` can be read."""
    try:
        return isinstance(json.loads(read_text(path)), dict)
    except (InputError, ValueError, RecursionError):
        return False
