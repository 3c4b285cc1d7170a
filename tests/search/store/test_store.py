"""The store: what goes in comes out, whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import math
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from kbn.errors import InputError
from search.records import Failure, Result, Session, State
from search.store import schema
from search.store.schema import VERSION
from search.store.sealed import Sealed, seal
from search.store.store import Store
from search.trial import Trial
from tests.search.builders import checkpoint, epoch, result, trial

FAILURE = Failure("ValueError", "no", "Traceback …", lost=False)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "study.db")


def plain(value: Result | None) -> dict[str, object]:
    """Return a result's fields, arrays as bytes."""
    assert value is not None
    return vars(value) | {"arrays": {k: (a.dtype, a.tobytes()) for k, a in value.arrays.items()}}


def broken(of: Trial) -> Sealed:
    """Return a result whose epochs the store refuses, after it has taken the result itself."""
    sealed = seal(result(of, 0.5), [epoch(1)])
    return dataclasses.replace(sealed, epochs=2 * sealed.epochs)


def test_a_result_comes_back_equal(store: Store) -> None:
    """Figures, environment, arrays and epochs survive the round trip, NaN and infinity too."""
    of = trial(with_test=True)
    kept = result(of, 0.1 + 0.2)
    kept = dataclasses.replace(
        kept, arrays={**kept.arrays, "network/W1": np.random.default_rng(0).normal(size=(3, 2))}
    )
    history = [epoch(1), dataclasses.replace(epoch(2), train_cost=float("inf"))]
    store.add_trials([of])
    store.commit(seal(kept, history))
    assert plain(store.result(of.id)) == plain(kept)
    assert store.history(of.id) == tuple(history)
    assert store.trials() == (of,)


def test_epochs_without_scales_are_read(store: Store) -> None:
    """Epochs written before records held the layers' scales come back with none, a row each."""
    of, written = trial(), epoch(1)
    fields = {name: value for name, value in vars(written).items() if "_std" not in name}
    store.add_trials([of])
    store.commit(seal(result(of, 0.5), []))
    with sqlite3.connect(store.path) as db:
        db.execute("INSERT INTO epochs VALUES (?, 1, ?)", (of.id, json.dumps(fields)))
    (read,) = store.history(of.id)
    assert read == dataclasses.replace(written, activation_std=(), gradient_std=())


def test_a_second_commit_changes_nothing(store: Store) -> None:
    """The first result of a trial stays, whoever delivers another."""
    of = trial()
    store.add_trials([of])
    store.commit(seal(result(of, 0.5), [epoch(1)]))
    store.commit(seal(result(of, 0.9), [epoch(1), epoch(2)]))
    assert plain(store.result(of.id)) == plain(result(of, 0.5))
    assert len(store.history(of.id)) == 1


def test_a_commit_that_fails_leaves_no_part(store: Store) -> None:
    """When an epoch cannot be written, neither is the result."""
    of = trial()
    store.add_trials([of])
    with pytest.raises(sqlite3.IntegrityError):
        store.commit(broken(of))
    assert store.result(of.id) is None
    assert store.history(of.id) == ()


def test_a_checkpoint_comes_back_equal_until_there_is_a_result(store: Store) -> None:
    """The latest of a trial alone is kept: network, random state and epochs, bytes included."""
    of, other = trial(), trial(lam=0.5)
    store.add_trials([of, other])
    assert store.checkpoint(of.id) is None
    for epochs in (2, 4):
        store.keep_checkpoint(of.id, checkpoint(epochs))
    store.keep_checkpoint(other.id, checkpoint(1))
    read, kept = store.checkpoint(of.id), checkpoint(4)
    assert read is not None
    weights = {name: array.tobytes() for name, array in kept.state.network.arrays().items()}
    assert {n: a.tobytes() for n, a in read.state.network.arrays().items()} == weights
    assert dataclasses.replace(read.state, network=kept.state.network) == kept.state
    assert dataclasses.replace(read, state=kept.state) == kept
    store.commit(seal(result(of, 0.5), kept.history))
    assert store.checkpoint(of.id) is None
    assert store.checkpoint(other.id) is not None


def test_a_damaged_checkpoint_is_noticed(store: Store) -> None:
    """On opening, as with every other row."""
    of = trial()
    store.add_trials([of])
    store.keep_checkpoint(of.id, checkpoint(2))
    store.close()
    data = bytearray(store.path.read_bytes())
    data[data.index(b"NUMPY") + 200] ^= 1
    store.path.write_bytes(data)
    with pytest.raises(InputError, match="row 1 of checkpoints does not match its checksum"):
        Store(store.path)


def committed(path: Path) -> int:
    """Return how many results another process sees."""
    with closing(sqlite3.connect(path)) as db:
        count: int = db.execute("SELECT count(*) FROM results").fetchone()[0]
    return count


def test_what_is_written_together_is_committed_together(store: Store) -> None:
    """When the time is up or the block ends, however it ends; a part that fails leaves no trace."""
    a, b, c = (trial(lam=lam) for lam in (0.1, 0.2, 0.3))
    store.add_trials([a, b, c])
    assert math.isinf(store.settle_in())
    with suppress(KeyboardInterrupt), store.grouping(60.0):
        store.commit(seal(result(a, 0.5), [epoch(1)]))
        store.settle()
        assert 50.0 < store.settle_in() <= 60.0
        assert committed(store.path) == 0
        with pytest.raises(sqlite3.IntegrityError):
            store.commit(broken(b))
        store.commit(seal(result(c, 0.5), [epoch(1)]))
        raise KeyboardInterrupt
    assert committed(store.path) == 2
    assert [store.result(of.id) is None for of in (a, b, c)] == [False, True, False]
    with store.grouping(0.0):
        store.commit(seal(result(b, 0.5), []))
        assert store.settle_in() == 0
        store.settle()
        assert committed(store.path) == 3


def test_attempts_are_numbered_over_runs(tmp_path: Path) -> None:
    """Attempt numbers go on after the store is opened again, failures attached to their own."""
    of = trial()
    with Store(tmp_path / "study.db") as store:
        store.add_trials([of])
        store.end_attempt(of.id, store.begin_attempt(of.id, node="a", started=1.0), FAILURE)
    with Store(tmp_path / "study.db") as store:
        assert store.begin_attempt(of.id, node="b", started=2.0) == 2
        first, second = store.attempts(of.id)
    assert (first.node, first.failure) == ("a", FAILURE)
    assert (second.node, second.failure) == ("b", None)


def test_an_attempt_that_is_under_way_when_its_driver_ends_was_interrupted(tmp_path: Path) -> None:
    """It is known as such once the trial is begun again, and never as one that failed."""
    of = trial()
    with Store(tmp_path / "study.db") as store:
        store.add_trials([of])
        store.begin_attempt(of.id, node="a", started=1.0)
    with Store(tmp_path / "study.db") as store:
        (attempt,) = store.attempts(of.id)
        assert not attempt.interrupted
        store.end_attempt(of.id, store.begin_attempt(of.id, node="b", started=2.0), FAILURE)
        assert [each.interrupted for each in store.attempts(of.id)] == [True, False]


def test_sessions_are_kept(store: Store) -> None:
    """Runs of the command come back in order."""
    sessions = [Session(1.0, 2.0, "serial", 1, 3), Session(5.0, 1.0, "Ray, embedded", 2, 0)]
    for session in sessions:
        store.add_session(session)
    assert store.sessions() == tuple(sessions)


@pytest.mark.parametrize("state", [State.COMPLETED, State.DIVERGED])
def test_states_come_back(store: Store, state: State) -> None:
    """A diverged result is a result."""
    of = trial()
    store.add_trials([of])
    store.commit(seal(result(of, 0.5, state=state), []))
    read = store.result(of.id)
    assert read is not None
    assert read.state is state


def test_a_migration_makes_what_is_missing_alone() -> None:
    """A store that has checkpoints keeps them: a later version migrates it with one more step."""
    with closing(sqlite3.connect(":memory:")) as db:
        schema.create(db)
        before = schema.layout(db)
        schema.migrate(db, version=3)
        assert schema.layout(db) == before


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A store of a newer version is left alone, and the message says what to do."""
    path = tmp_path / "study.db"
    Store(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(InputError, match="newer than this version's"):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" * 100])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    """A file that is no store gives one clear error and stays as it is."""
    path = tmp_path / "study.db"
    path.write_bytes(content)
    with pytest.raises(InputError, match="study's store"):
        Store(path)
    assert path.read_bytes() == content


KILLED = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")  # so that pages are written before the transaction ends
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE epochs SET fields = fields || ' '")
os._exit(1)
"""


def test_a_store_is_read_as_it_was_before_a_killed_transaction(store: Store) -> None:
    """To look at one changes no byte of it, though SQLite wants to take the transaction back."""
    of = trial(epochs=200)
    history = tuple(map(epoch, range(1, 201)))
    store.add_trials([of])
    store.commit(seal(result(of, 0.5), history))
    store.close()
    subprocess.run([sys.executable, "-c", KILLED, store.path], check=False)
    files = {path: path.read_bytes() for path in store.path.parent.iterdir()}
    assert len(files) == 2
    with Store(store.path, read_only=True) as seen:
        assert seen.history(of.id) == history
    assert {path: path.read_bytes() for path in store.path.parent.iterdir()} == files
    with Store(store.path) as again:
        assert again.history(of.id) == history
