"""Stores of somebody else: nothing in them runs, and what no study writes is one line."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbn.errors import InputError
from search.store import schema
from search.store.check import main
from search.store.store import Store
from search.trial import id_of
from tests.kbn.builders import CLAIM, claiming, npy
from tests.search.builders import checkpoint

FIXTURE = max((Path(__file__).parents[1] / "fixtures").glob("store-v*.db"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a store of today's schema that a test may change."""
    path = tmp_path / "study.db"
    shutil.copy(FIXTURE, path)
    Store(path).close()
    return path


def change(path: Path, *statements: str, **values: Any) -> None:
    """Change a store, and give every row the checksum that it should have."""
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement, values)
        for table in schema.checked(schema.VERSION):
            for rowid, _, expected in schema.checksums(db, table):
                db.execute(f"UPDATE {table} SET checksum = ? WHERE rowid = ?", (expected, rowid))  # noqa: S608 - ours


def edited(path: Path, table: str, column: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change a record of JSON in every row of a table."""
    with closing(sqlite3.connect(path)) as db:
        query = f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608 - ours
        fields = json.loads(db.execute(query).fetchone()[0])
    edit(fields)
    statement = f"UPDATE {table} SET {column} = :text WHERE {column} IS NOT NULL"  # noqa: S608 - as above
    change(path, statement, text=json.dumps(fields))


def refusal(path: Path) -> str:
    """Return why a store is refused: one line, of a length that can be read, for any eyes."""
    with pytest.raises(InputError) as caught:
        Store(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 600
    assert str(path) in message
    return message


ACTORS = {
    "a trigger": "CREATE TRIGGER more AFTER INSERT ON sessions BEGIN DELETE FROM results; END",
    "a view": "CREATE VIEW more AS SELECT * FROM results",
    "an index": "CREATE INDEX more ON results (abs(seconds))",
}


@pytest.mark.parametrize("name", ACTORS)
def test_what_acts_on_its_own_is_refused(path: Path, name: str) -> None:
    """Triggers, views and indexes of expressions are no study's, and nothing of them runs."""
    change(path, ACTORS[name])
    before = path.read_bytes()
    assert re.search(r"it holds an? (trigger|view|index), more", refusal(path))
    assert path.read_bytes() == before


def test_a_view_in_the_place_of_a_table(path: Path, tmp_path: Path) -> None:
    """Neither a driver nor the check reads one that never ends."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE sessions")
        db.execute(f"CREATE VIEW sessions(number) AS {endless}")
    assert "it holds a view, sessions" in refusal(path)
    assert check(path, "--export", tmp_path / "rescued") == 1


def test_rules_of_a_table_are_refused(path: Path) -> None:
    """A CHECK, which SQLite works out for every row, is no study's; nor is a computed column."""
    with closing(sqlite3.connect(path)) as db, db:
        (made,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'sessions'").fetchone()
        db.execute("DROP TABLE sessions")
        db.execute(made.replace("executor TEXT", "executor TEXT CHECK (length(executor) > 0)"))
    assert "a table with rules of its own, sessions" in refusal(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE sessions")
        db.execute(made.replace("slots", "more TEXT AS (upper(executor)), slots"))
    assert "its tables are not those of a study's store" in refusal(path)


def test_definitions_may_call_nothing(path: Path) -> None:
    """A store's own definitions are not trusted with functions that have effects."""
    with closing(schema.connect(path)) as db:
        assert db.execute("PRAGMA trusted_schema").fetchone() == (0,)
    with closing(schema.connect(path, read_only=True)) as db:
        assert db.execute("PRAGMA trusted_schema").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            db.execute("DELETE FROM results")


Edit = Callable[[dict[str, Any]], None]
RECORDS: dict[str, tuple[str, str, Edit, str]] = {
    "an unknown key": ("results", "environment", lambda f: f.update(more=1), "more"),
    "a key that is missing": ("results", "environment", lambda f: f.pop("cpu"), "cpu"),
    "a number for a text": ("results", "environment", lambda f: f.update(host=3), "host"),
    "a text for a number": ("results", "train", lambda f: f.update(loss="1"), "loss of a Figures"),
    "yes for a number": ("results", "train", lambda f: f.update(n=True), "n of a Figures"),
    "a number beyond all": (
        "epochs",
        "fields",
        lambda f: f["step"].append(f["step"].pop() * 10**30),
        "step of a",
    ),
    "a fraction of a step": (
        "epochs",
        "fields",
        lambda f: f["step"].append(f["step"].pop() / 2.5),
        "step of a",
    ),
    "a list for a number": (
        "epochs",
        "fields",
        lambda f: f["eta"].append([f["eta"].pop()]),
        "eta of",
    ),
    "a list that is short": ("epochs", "fields", lambda f: f["eta"].pop(), "is shorter than"),
    "a number for a list": ("epochs", "fields", lambda f: f.update(eta=0.1), "'float' object"),
    "texts in a list": (
        *("epochs", "fields"),
        lambda f: f["activation_std"].append([*f["activation_std"].pop(), "a"]),
        "activation_std of a",
    ),
    "half a character": ("results", "environment", lambda f: f.update(host="\ud800"), "surrogate"),
    "an accuracy of 2": ("results", "train", lambda f: f.update(accuracy=2.0), "beyond 0 and 1"),
    "no images": ("results", "validation", lambda f: f.update(n=0), "of no images"),
}


@pytest.mark.parametrize("name", RECORDS)
def test_records_that_no_study_writes(path: Path, name: str) -> None:
    """With checksums that fit: what is wrong is named, and the file left as it was."""
    table, column, edit, expected = RECORDS[name]
    edited(path, table, column, edit)
    assert expected in refusal(path)


ROWS: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "JSON without an end": (
        ("UPDATE results SET environment = :text",),
        {"text": '{"host": ' + "[" * 50_000},
        "recursion",
    ),
    "JSON that is none": (("UPDATE epochs SET fields = :text",), {"text": "{"}, "Expecting"),
    "JSON that is a list": (
        ("UPDATE epochs SET fields = :text",),
        {"text": "[]"},
        "no JSON object",
    ),
    "bytes for a text": (("UPDATE epochs SET fields = :text",), {"text": b"{}"}, "no JSON object"),
    "a state of none": (("UPDATE results SET state = 'won'",), {}, "'won' is not a valid State"),
    "a state of others": (("UPDATE results SET state = 'failed'",), {}, "a result is failed"),
    "more epochs": (("UPDATE results SET epochs = 9",), {}, "a result of 9 epochs has 2"),
    "no figures": (("UPDATE results SET validation = NULL",), {}, "lacks its figures"),
    "a time that is a text": (("UPDATE results SET seconds = 'long'",), {}, "seconds of a Result"),
    "a session of texts": (("UPDATE sessions SET slots = 'many'",), {}, "slots of a Session"),
    "an attempt of bytes": (("UPDATE attempts SET node = x'00'",), {}, "node of a Attempt"),
    "an array of 800 GB": (
        ("UPDATE arrays SET npy = :npy",),
        {"npy": claiming(CLAIM)},
        "claims 800,000,000,000 bytes and holds 8",
    ),
    "an array of objects": (
        ("UPDATE arrays SET npy = :npy",),
        {"npy": npy(np.array([None], object))},
        "allow_pickle=False",
    ),
    "marks of other images": (
        ("UPDATE arrays SET npy = :npy WHERE name = 'validation_correct'",),
        {"npy": npy(np.zeros(3, np.uint8))},
        "the marks of 144 images are uint8 of shape (3,)",
    ),
    "losses of whole numbers": (
        ("UPDATE arrays SET name = 'losses/validation' WHERE name = 'validation_correct'",),
        {},
        "losses/validation is uint8",
    ),
    "losses that are not finite": (
        (
            "UPDATE arrays SET name = 'losses/train_fall' WHERE name = 'validation_correct'",
            "UPDATE arrays SET npy = :npy WHERE name = 'losses/train_fall'",
        ),
        {"npy": npy(np.full(3, np.nan, np.float16))},
        "not finite",
    ),
    "a network of odd shape": (
        ("UPDATE arrays SET npy = :npy WHERE name = 'network/W1'",),
        {"npy": npy(np.zeros((3, 3), np.float32))},
        "W2 is",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_that_no_study_writes(path: Path, name: str) -> None:
    """The same of columns: types, states, arrays."""
    statements, values, expected = ROWS[name]
    change(path, *statements, **values)
    assert expected in refusal(path)


@pytest.mark.parametrize(
    "fields", ['{"lam":1}', "[]", '{"a":"\\ud800"}', "[" * 50_000, "\x1b[2J"], ids=range(5)
)
def test_a_trial_that_matches_its_id_and_is_none(path: Path, fields: str) -> None:
    """An id is a checksum, and says no more than one."""
    change(path, "INSERT INTO trials VALUES (:id, :fields)", id=id_of(fields), fields=fields)
    assert "it holds what no study writes" in refusal(path)


def test_a_checkpoint_names_no_function(path: Path) -> None:
    """A random generator's name is looked up among generators alone."""
    with Store(path) as store:
        for trial in store.trials():
            store.keep_checkpoint(trial.id, checkpoint(2))
    Store(path).close()
    edited(path, "checkpoints", "rng", lambda rng: rng.update(bit_generator="test"))
    assert "it holds what no study writes: 'test'" in refusal(path)


@pytest.mark.parametrize("network", [b"", b"PK", claiming(CLAIM)], ids=["none", "cut", "array"])
def test_a_checkpoint_of_no_network(path: Path, network: bytes) -> None:
    """What is no archive of arrays is refused as a whole."""
    with Store(path) as store:
        store.keep_checkpoint(store.trials()[0].id, checkpoint(2))
    change(path, "UPDATE checkpoints SET network = :network", network=network)
    assert "it holds what no study writes" in refusal(path)


@pytest.fixture
def victim(path: Path, tmp_path: Path) -> Path:
    """Leave a journal beside a store, as of a killed driver, that names a file of the user's."""
    victim = tmp_path / "thesis.tex"
    victim.write_text("years of work", encoding="utf-8")
    journal = path.with_name("study.db-journal")
    other, left = tmp_path / "other.db", tmp_path / "other.db-journal"
    shutil.copy(path, other)
    with closing(sqlite3.connect(other, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN IMMEDIATE")
        for _ in range(100):
            db.execute("INSERT INTO epochs SELECT id, random(), ? FROM trials", ("x" * 900,))
        shutil.copy(other, path)
        shutil.copy(left, journal)
    name = str(victim).encode()
    with journal.open("ab") as file:
        file.write(struct.pack(">I", 2**18 + 1) + name)
        file.write(struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7"))
    return victim


def test_a_journal_deletes_nothing(
    path: Path, victim: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SQLite deletes the file that a journal names last: one that names any is refused first."""
    for read_only in (False, True):
        with pytest.raises(InputError, match=r"study\.db-journal names another file"):
            Store(path, read_only=read_only)
    assert check(path) == 2
    assert "study.db-journal names another file" in capsys.readouterr().err
    assert victim.exists()
    with closing(sqlite3.connect(path)) as db:
        db.execute("SELECT count(*) FROM epochs")
    assert not victim.exists()  # which is what SQLite does by itself


def check(*arguments: object) -> int:
    """Run `python -m search.store check` in this process; return its exit code."""
    with pytest.raises(SystemExit) as exit_:
        main(["check", *map(str, arguments)])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def test_the_check_says_so_as_well(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a driver refuses is no sound store, and what it says can be printed."""
    change(path, "UPDATE sessions SET slots = 'many'", 'CREATE VIEW "\x1b[2J" AS SELECT 1')
    assert check(path) == 1
    change(path, 'DROP VIEW "\x1b[2J"')
    assert check(path) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"damaged: it holds a view, \x1b[2J" in out
    assert "damaged: it holds what no study writes: slots of a Session" in out
