"""The store: one SQLite file a study, written by the driver alone.

A result is committed in one transaction, keyed by its trial's id, so that a study killed at any
moment holds whole results only and a commit made twice changes nothing. No pickle is read or
written: values are JSON, arrays are NumPy's `.npy` format.
"""

from __future__ import annotations

import dataclasses
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np

from kbn.errors import InputError
from search.records import (
    Attempt,
    Environment,
    EpochRecord,
    Failure,
    Figures,
    Result,
    Session,
    State,
)
from search.trial import Trial

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE trials (id TEXT PRIMARY KEY, fields TEXT NOT NULL);
CREATE TABLE results (
    trial_id TEXT PRIMARY KEY REFERENCES trials(id),
    state TEXT NOT NULL,
    epochs INTEGER NOT NULL,
    train TEXT, validation TEXT, test TEXT,
    seconds REAL NOT NULL,
    environment TEXT NOT NULL
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
    PRIMARY KEY (trial_id, number)
);
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    started REAL NOT NULL,
    seconds REAL NOT NULL,
    executor TEXT NOT NULL,
    slots INTEGER NOT NULL,
    trained INTEGER NOT NULL
);
"""


class Store:
    """A study's results on disk. Use as a context manager, or call `close`.

    Raises
    ------
    InputError
        On opening a file that is no store, is damaged, or has a newer schema.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise InputError(
                f"{path} cannot be read as a study's store ({error}); "
                "restore it from a copy, or start again with --overwrite"
            ) from error
        except InputError:
            self._db.close()
            raise

    def _open(self) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise InputError(
                f"{self.path} has schema {version}, newer than this version's {SCHEMA_VERSION}; "
                "update this package, or choose another --name"
            )
        if version == 0:
            if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
                raise InputError(f"{self.path} is an SQLite file, but not a study's store")
            self._db.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.rollback()
            raise
        self._db.execute("COMMIT")

    def add_trials(self, trials: Iterable[Trial]) -> None:
        """Note that trials are asked for. Noting one again changes nothing."""
        with self._transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO trials VALUES (?, ?)",
                [(trial.id, trial.to_json()) for trial in trials],
            )

    def trials(self) -> tuple[Trial, ...]:
        """Return every trial that was ever asked for, in the order of asking."""
        rows = self._db.execute("SELECT fields FROM trials ORDER BY rowid")
        return tuple(Trial.from_json(fields) for (fields,) in rows)

    def commit(self, result: Result, history: Iterable[EpochRecord]) -> None:
        """Keep a result with its epochs, in one transaction; one kept already stays."""
        with self._transaction() as db:
            inserted = db.execute(
                "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    result.trial_id,
                    result.state.value,
                    result.epochs,
                    *(_dump(part) for part in (result.train, result.validation, result.test)),
                    result.seconds,
                    _dump(result.environment),
                ),
            ).rowcount
            if not inserted:
                return
            db.executemany(
                "INSERT INTO epochs VALUES (?, ?, ?)",
                [(result.trial_id, record.epoch, _dump(record)) for record in history],
            )
            db.executemany(
                "INSERT INTO arrays VALUES (?, ?, ?)",
                [(result.trial_id, name, _npy(array)) for name, array in result.arrays.items()],
            )

    def result(self, trial_id: str) -> Result | None:
        """Return a trial's result, or None."""
        row = self._db.execute("SELECT * FROM results WHERE trial_id = ?", (trial_id,)).fetchone()
        if row is None:
            return None
        _, state, epochs, train, validation, test, seconds, environment = row
        return Result(
            trial_id=trial_id,
            state=State(state),
            epochs=epochs,
            train=_figures(train),
            validation=_figures(validation),
            test=_figures(test),
            seconds=seconds,
            environment=Environment(**json.loads(environment)),
            arrays=self._arrays(trial_id),
        )

    def _arrays(self, trial_id: str) -> Mapping[str, np.ndarray]:
        rows = self._db.execute(
            "SELECT name, npy FROM arrays WHERE trial_id = ? ORDER BY name", (trial_id,)
        )
        return {name: np.load(io.BytesIO(npy), allow_pickle=False) for name, npy in rows}

    def history(self, trial_id: str) -> tuple[EpochRecord, ...]:
        """Return the epochs behind a trial's result, in order."""
        rows = self._db.execute(
            "SELECT fields FROM epochs WHERE trial_id = ? ORDER BY epoch", (trial_id,)
        )
        return tuple(_epoch(fields) for (fields,) in rows)

    def begin_attempt(self, trial_id: str, *, node: str, started: float) -> int:
        """Note that a trial started; return the attempt's number, from 1."""
        with self._transaction() as db:
            (number,) = db.execute(
                "SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE trial_id = ?", (trial_id,)
            ).fetchone()
            db.execute(
                "INSERT INTO attempts VALUES (?, ?, ?, ?, NULL)", (trial_id, number, node, started)
            )
        return int(number)

    def end_attempt(self, trial_id: str, number: int, failure: Failure) -> None:
        """Note why an attempt ended without a result."""
        self._db.execute(
            "UPDATE attempts SET failure = ? WHERE trial_id = ? AND number = ?",
            (_dump(failure), trial_id, number),
        )

    def attempts(self, trial_id: str) -> tuple[Attempt, ...]:
        """Return all tries at a trial, in order."""
        rows = self._db.execute(
            "SELECT number, node, started, failure FROM attempts WHERE trial_id = ? "
            "ORDER BY number",
            (trial_id,),
        )
        return tuple(
            Attempt(number, node, started, Failure(**json.loads(failure)) if failure else None)
            for number, node, started, failure in rows
        )

    def add_session(self, session: Session) -> None:
        """Note one run of the command."""
        self._db.execute(
            "INSERT INTO sessions VALUES (NULL, ?, ?, ?, ?, ?)", dataclasses.astuple(session)
        )

    def sessions(self) -> tuple[Session, ...]:
        """Return all runs of the command, in order."""
        with closing(self._db.cursor()) as cursor:
            cursor.execute(
                "SELECT started, seconds, executor, slots, trained FROM sessions ORDER BY number"
            )
            return tuple(Session(*row) for row in cursor)


def _dump(record: Any) -> str | None:
    """Return a flat record as JSON; NaN and infinities stay readable."""
    return None if record is None else json.dumps(dataclasses.asdict(record), ensure_ascii=False)


def _figures(text: str | None) -> Figures | None:
    return None if text is None else Figures(**json.loads(text))


def _epoch(text: str) -> EpochRecord:
    """Return an epoch's record; JSON has made lists of its tuples."""
    fields: dict[str, Any] = json.loads(text)
    for name in ("activation_std", "gradient_std"):
        fields[name] = tuple(fields.get(name, ()))
    return EpochRecord(**fields)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
