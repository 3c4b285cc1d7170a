"""The store: one SQLite file a study, written by the driver alone.

A result is kept in one transaction, keyed by its trial's id, so that a study killed at any moment
holds whole results only and keeping one twice changes nothing. A transaction may hold several
(`grouping`). What is committed is on the disk, and stays there when the power goes. Every row has a
checksum, and all are checked when a store is opened. No pickle is read or written: values are JSON,
arrays are NumPy's `.npy` format.

`python -m search.store check FILE|FOLDER` says what is readable of a store, damaged or not.
"""

from __future__ import annotations

import functools
import io
import json
import math
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import numpy as np

from kbn.arrays import array_of, arrays_of
from kbn.epoch import EpochRecord
from kbn.errors import InputError, WriteError
from kbn.files import whole_file
from kbn.model import member_arrays, members_of
from kbn.network import Network
from kbn.paths import Kind, kind_of, looking
from kbn.training import TrainingState
from search.records import (
    INTERRUPTED,
    Attempt,
    Environment,
    Failure,
    Figures,
    Result,
    Session,
    State,
)
from search.store import schema
from search.store.decode import FOREIGN, check_result, fields_of, read_epochs, read_record
from search.store.integrity import UNREADABLE, problems
from search.store.sealed import Sealed, dump
from search.training.checkpoint import Checkpoint
from search.trial import Trial

IN_MEMORY = Path(":memory:")
"""The path of a store that is no file, and gone when it is closed."""
WAYS_OUT = (
    "`python -m search.store check` says what is readable; restore a copy, or start again with "
    "--overwrite"
)
COMMITS_SHARE = 0.1
"""Of the driver's time that a group's commit may take, where the disk is slow."""
LONGEST_GROUP = 1.0
"""Seconds that a group may wait for that."""
REFUSALS = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
)


class Store:
    """A study's results on disk. Use as a context manager, or call `close`.

    `Store(IN_MEMORY)` keeps everything in memory, for studies that are made up; with `read_only`
    so does a store that is read from a file, which stays as it is.

    Raises
    ------
    InputError
        On opening a file that is no store, is damaged, or has a newer schema.
    WriteError
        On opening or by any method that writes, when the disk is full or may not be written to.
        What was committed stays.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._grouping: float | None = None
        self._due = math.inf
        self._took = 0.0
        """Seconds of the last commit."""
        if path != IN_MEMORY and kind_of(path) is None and not read_only:
            _create(path)
        elif path != IN_MEMORY:
            with looking(path), path.open("rb"):  # SQLite does not say why it cannot
                pass
        self._db = schema.connect(IN_MEMORY if read_only else path)
        try:
            if read_only:
                _read(path, self._db)
            elif path == IN_MEMORY:
                schema.create(self._db)
            self._open()
        except UNREADABLE as error:
            self._db.close()
            if _refused(error):
                raise WriteError(path, error) from error
            raise InputError(
                f"{path} is no study's store, or damaged ({error}); {WAYS_OUT}"
            ) from error
        except BaseException:
            self._db.close()
            raise

    def _open(self) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        # With a rollback journal, which network file systems can hold, unlike a write-ahead log,
        # EXTRA alone survives a power failure right after a commit.
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("PRAGMA synchronous = EXTRA")
        self._db.execute("PRAGMA cache_size = -16384")  # KiB: most groups are written when whole
        version = schema.version_of(self._db)
        if version > schema.VERSION:
            raise InputError(
                f"{self.path} has schema {version}, newer than this version's {schema.VERSION}; "
                "update this package, or choose another --name"
            )
        if version == 0:
            raise sqlite3.DatabaseError("it has no schema of ours")
        wrong = next(problems(self._db, version=version), None)
        if wrong:
            raise sqlite3.DatabaseError(wrong)
        if version < schema.VERSION:
            with self._transaction() as db:
                schema.migrate(db, version=version)
        try:
            self._check_records()
        except FOREIGN as error:
            raise sqlite3.DatabaseError(f"it holds what no study writes: {error}") from error

    def _check_records(self) -> None:
        """Read everything once: a file of somebody else may hold anything, rightly summed up."""
        for trial in self._each_trial():
            result, history = self.result(trial.id), self.history(trial.id)
            if result is not None:
                check_result(result, history)
            self.attempts(trial.id)
            self.checkpoint(trial.id)
        self.sessions()

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def grouping(self, seconds: float) -> Iterator[None]:
        """Bring what is written in the block to the disk together, `seconds` after the first of it.

        A disk takes longer to confirm a commit than to write a few more results; a slow one is
        given longer (`COMMITS_SHARE`). Each is in the store whole or not at all, as ever. The block
        has to call `settle` at the time that `settle_in` says; what is open at its end is
        committed, whatever ended it.
        """
        self._grouping = seconds
        try:
            yield
        finally:
            self._grouping = None
            self.flush()

    def settle_in(self) -> float:
        """Return the seconds until a group is due; infinite while nothing waits."""
        return max(0.0, self._due - time.monotonic())

    def settle(self) -> None:
        """Commit the group under way if it is due."""
        if time.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Commit the group under way, due or not."""
        self._due = math.inf
        if self._db.in_transaction:
            started = time.monotonic()
            with self._refusals():
                self._db.execute("COMMIT")
            self._took = time.monotonic() - started

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._refusals():
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
                self._due = time.monotonic() + self._group_seconds()
            self._db.execute("SAVEPOINT part")
        try:
            with self._refusals():
                yield self._db
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO part")
            raise
        finally:
            if self._db.in_transaction:
                self._db.execute("RELEASE part")
            if self._grouping is None:
                self.flush()

    def _group_seconds(self) -> float:
        if not self._grouping:
            return 0.0
        return max(self._grouping, min(LONGEST_GROUP, self._took / COMMITS_SHARE))

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn what SQLite raises where it may not write; the group under way is lost then."""
        try:
            yield
        except sqlite3.Error as error:
            if not _refused(error):
                raise
            if self._db.in_transaction:
                self._db.rollback()
            self._due = math.inf
            raise WriteError(self.path, error) from error

    def add_trials(self, trials: Iterable[Trial]) -> None:
        """Note that trials are asked for. Noting one again changes nothing."""
        with self._transaction() as db:
            rows = ((trial.id, trial.to_json()) for trial in trials)
            schema.insert(db, "trials", rows, otherwise="IGNORE")

    def trials(self) -> tuple[Trial, ...]:
        """Return every trial that was ever asked for, in the order of asking."""
        return tuple(self._each_trial())

    def first_trial(self) -> Trial | None:
        """Return the first trial that was asked for."""
        return next(self._each_trial(), None)

    def _each_trial(self) -> Iterator[Trial]:
        for (fields,) in self._db.execute("SELECT fields FROM trials ORDER BY rowid"):
            yield read_record(Trial, fields_of(fields))

    def commit(self, sealed: Sealed) -> None:
        """Keep a result with its epochs, in one transaction; one kept already stays."""
        trial_id = sealed.result.trial_id
        with self._transaction() as db:
            if not schema.insert(db, "results", [sealed.row], otherwise="IGNORE"):
                return
            schema.insert(db, "epochs", [(trial_id, *epochs) for epochs in sealed.epochs])
            schema.insert(db, "arrays", [(trial_id, *array) for array in sealed.arrays])
            db.execute("DELETE FROM checkpoints WHERE trial_id = ?", (trial_id,))

    def keep_checkpoint(self, trial_id: str, checkpoint: Checkpoint) -> None:
        """Keep where a trial stands, in place of what was kept of it before."""
        state = checkpoint.state
        row = (
            trial_id,
            state.epoch,
            state.steps,
            float(checkpoint.seconds),
            json.dumps(state.rng),
            dump(checkpoint.environment),
            json.dumps([vars(record) for record in checkpoint.history]),
            _npz({**state.network.arrays(), **member_arrays(checkpoint.members)}),
        )
        with self._transaction() as db:
            schema.insert(db, "checkpoints", [(*row, schema.checksum([row]))], otherwise="REPLACE")

    def checkpoint(self, trial_id: str) -> Checkpoint | None:
        """Return where a trial without a result stood last, or None."""
        row = self._db.execute(
            "SELECT * FROM checkpoints WHERE trial_id = ?", (trial_id,)
        ).fetchone()
        if row is None:
            return None
        _, epoch, steps, seconds, rng, environment, history, network, _ = row
        arrays = arrays_of(io.BytesIO(network))
        weights = Network.from_arrays(arrays)
        fields = {"network": weights, "epoch": epoch, "steps": steps, "rng": fields_of(rng)}
        state = read_record(TrainingState, fields)
        state.generator()  # a random generator can be made of it
        made = {
            "state": state,
            "history": tuple(read_record(EpochRecord, each) for each in json.loads(history)),
            "seconds": seconds,
            "environment": read_record(Environment, fields_of(environment)),
            "members": members_of(arrays),
        }
        return read_record(Checkpoint, made)

    def has_result(self, trial_id: str) -> bool:
        """Say whether there is a trial's result, without reading it."""
        found = self._db.execute("SELECT 1 FROM results WHERE trial_id = ?", (trial_id,))
        return found.fetchone() is not None

    def result(self, trial_id: str) -> Result | None:
        """Return a trial's result, or None."""
        row = self._db.execute("SELECT * FROM results WHERE trial_id = ?", (trial_id,)).fetchone()
        if row is None:
            return None
        _, state, epochs, train, validation, test, seconds, environment, _ = row
        made = {
            "trial_id": trial_id,
            "state": State(state),
            "epochs": epochs,
            "train": _figures(train),
            "validation": _figures(validation),
            "test": _figures(test),
            "seconds": seconds,
            "environment": _read_environment(environment),
            "arrays": self._arrays(trial_id),
        }
        return read_record(Result, made)

    def _arrays(self, trial_id: str) -> Mapping[str, np.ndarray]:
        rows = self._db.execute(
            "SELECT name, npy FROM arrays WHERE trial_id = ? ORDER BY name", (trial_id,)
        )
        return {name: array_of(npy) for name, npy in rows}

    def history(self, trial_id: str) -> tuple[EpochRecord, ...]:
        """Return the epochs behind a trial's result, in order."""
        rows = self._db.execute(
            "SELECT fields FROM epochs WHERE trial_id = ? ORDER BY epoch", (trial_id,)
        )
        return tuple(record for (fields,) in rows for record in read_epochs(fields_of(fields)))

    def begin_attempt(self, trial_id: str, *, node: str, started: float) -> int:
        """Note that a trial started; return the attempt's number, from 1.

        An attempt before it that has neither result nor failure ended with its driver: that is
        noted, too.
        """
        with self._transaction() as db:
            rows = db.execute(
                "SELECT number, failure FROM attempts WHERE trial_id = ? ORDER BY number",
                (trial_id,),
            ).fetchall()
            for number, failure in rows:
                if failure is None:
                    self._end_attempt(db, trial_id, number, INTERRUPTED)
            row = (trial_id, len(rows) + 1, node, float(started), None)
            schema.insert(db, "attempts", [(*row, schema.checksum([row]))])
        return len(rows) + 1

    def end_attempt(self, trial_id: str, number: int, failure: Failure) -> None:
        """Note why an attempt ended without a result."""
        with self._transaction() as db:
            self._end_attempt(db, trial_id, number, failure)

    def _end_attempt(
        self, db: sqlite3.Connection, trial_id: str, number: int, failure: Failure
    ) -> None:
        where = (trial_id, number)
        node, started = db.execute(
            "SELECT node, started FROM attempts WHERE trial_id = ? AND number = ?", where
        ).fetchone()
        text = dump(failure)
        db.execute(
            "UPDATE attempts SET failure = ?, checksum = ? WHERE trial_id = ? AND number = ?",
            (text, schema.checksum([(*where, node, started, text)]), *where),
        )

    def attempts(self, trial_id: str) -> tuple[Attempt, ...]:
        """Return all tries at a trial, in order."""
        rows = self._db.execute(
            "SELECT number, node, started, failure FROM attempts WHERE trial_id = ? "
            "ORDER BY number",
            (trial_id,),
        )
        return tuple(
            read_record(
                Attempt,
                {
                    "number": number,
                    "node": node,
                    "started": started,
                    "failure": None if text is None else read_record(Failure, fields_of(text)),
                },
            )
            for number, node, started, text in rows
        )

    def add_session(self, session: Session) -> None:
        """Note one run of the command."""
        with self._transaction() as db:
            (number,) = db.execute("SELECT coalesce(max(number), 0) + 1 FROM sessions").fetchone()
            row = (
                number,
                float(session.started),
                float(session.seconds),
                session.executor,
                session.slots,
                session.trained,
            )
            schema.insert(db, "sessions", [(*row, schema.checksum([row]))])

    def sessions(self) -> tuple[Session, ...]:
        """Return all runs of the command, in order."""
        with closing(self._db.cursor()) as cursor:
            cursor.execute(
                "SELECT started, seconds, executor, slots, trained FROM sessions ORDER BY number"
            )
            names = [column[0] for column in cursor.description]
            return tuple(read_record(Session, dict(zip(names, row, strict=True))) for row in cursor)


@contextmanager
def copied(path: Path) -> Iterator[Path]:
    """Copy a store for a moment, with what a driver that was killed left beside it."""
    schema.check_journal(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-journal"):
            held = path.with_name(f"{path.name}{suffix}")
            if kind_of(held) is Kind.FILE:
                with looking(held):
                    content = held.read_bytes()
                with whole_file(copy.with_name(f"{path.name}{suffix}")) as temporary:
                    temporary.write_bytes(content)
        yield copy


def _read(path: Path, into: sqlite3.Connection) -> None:
    """Copy a store's tables from its file, which stays as it is."""
    try:
        with closing(schema.connect(path, read_only=True)) as held:
            held.backup(into)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        # A driver was killed in a transaction, which has to be taken back before anything is read.
        with copied(path) as copy, closing(schema.connect(copy)) as held:
            held.backup(into)


def _create(path: Path) -> None:
    """Make an empty store, whole or not at all."""
    try:
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)  # of a store that is gone
        with whole_file(path) as temporary, closing(sqlite3.connect(temporary)) as db:
            schema.create(db)
    except sqlite3.DatabaseError as error:
        raise WriteError(path, error) from error


def _refused(error: BaseException) -> bool:
    """Say whether SQLite could not write or read for a reason that lies outside the file."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in REFUSALS


def _figures(text: str | None) -> Figures | None:
    return None if text is None else read_record(Figures, fields_of(text))


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


@functools.lru_cache(maxsize=64)
def _read_environment(text: object) -> Environment:
    return read_record(Environment, fields_of(text))
