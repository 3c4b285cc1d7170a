"""Stores that are old, cut off, or have flipped bytes: a clear error, never a wrong result."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbn.errors import InputError
from search.store.check import main
from search.store.folder import TRACEBACK
from search.store.schema import VERSION
from search.store.store import Store

FIXTURES = Path(__file__).parent / "fixtures"
OLD = sorted(FIXTURES.glob("store-v*.db"))
TRIALS = 4
"""Trials of each fixture, all of them completed."""


def contents(path: Path) -> list[Any]:
    """Return all that a store holds, times and hosts included."""
    with Store(path) as store:
        held: list[Any] = [store.trials(), store.sessions()]
        for trial in store.trials():
            result = store.result(trial.id)
            assert result is not None
            arrays = {name: array.tobytes() for name, array in result.arrays.items()}
            held.append({**vars(result), "arrays": arrays})
            held.append((store.history(trial.id), store.attempts(trial.id)))
        return held


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of today's schema."""
    path = tmp_path_factory.mktemp("sound") / "study.db"
    shutil.copy(OLD[-1], path)
    Store(path).close()
    return path


def call(*arguments: object) -> int:
    """Run `python -m search.store` in this process; return its exit code."""
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


@pytest.mark.parametrize(("raised", "code"), [(ZeroDivisionError, 5), (KeyboardInterrupt, 130)])
def test_what_is_no_damage_is_not_called_one(
    *,
    raised: type[BaseException],
    code: int,
    sound: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error that nobody foresaw, or Ctrl-C, has a code of its own, and one line at most."""

    def fail(_: Path) -> None:
        raise raised

    monkeypatch.setattr("search.store.check.salvage", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert call("check", sound) == code
    err = capsys.readouterr().err
    lines = [
        f"error: ZeroDivisionError; {kept} holds the traceback\n"
        for kept in tmp_path.rglob(TRACEBACK)
    ]
    assert len(lines) == (code == 5)
    assert err.lstrip("\n") == "".join(lines)


@pytest.mark.parametrize("old", OLD, ids=lambda path: path.stem)
def test_older_stores_are_read_and_brought_up_to_date(old: Path, tmp_path: Path) -> None:
    """Every trial with its result, epochs and attempts, before and after the migration."""
    path = tmp_path / "study.db"
    shutil.copy(old, path)
    first = contents(path)
    assert len(first) == 2 + 2 * TRIALS
    assert contents(path) == first
    with Store(path) as store:
        assert store._db.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_a_damaged_store_of_an_older_schema_is_left_alone(tmp_path: Path) -> None:
    """It is refused before anything of it is changed."""
    path = tmp_path / "study.db"
    data = FIXTURES.joinpath("store-v1.db").read_bytes()
    path.write_bytes(data.replace(b'"epochs":2', b'"epochs":3', 1))
    before = path.read_bytes()
    assert before != data
    with pytest.raises(InputError, match="damaged"):
        Store(path)
    assert path.read_bytes() == before


def held_against(sound: Path, path: Path, damaged: bytes, expected: list[Any]) -> bool:
    """Say whether a damaged copy is refused; where it is not, it has to read as the original."""
    path.write_bytes(damaged)
    try:
        found = contents(path)
    except InputError:
        assert path.read_bytes() == damaged
        return True
    assert found == expected
    return False


@pytest.mark.parametrize("count", [60, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_flipped_byte_never_gives_a_wrong_result(sound: Path, tmp_path: Path, count: int) -> None:
    """One byte anywhere: refused, or, where nothing is kept, without any effect."""
    rng, expected, data = np.random.default_rng(count), contents(sound), sound.read_bytes()
    refused = 0
    for _ in range(count):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= int(rng.integers(1, 256))
        refused += held_against(sound, tmp_path / "study.db", bytes(damaged), expected)
    assert refused > count / 10


def test_a_flipped_bit_in_every_kind_of_row_is_noticed(sound: Path, tmp_path: Path) -> None:
    """SQLite sees nothing wrong with a figure that is another one; the checksum does."""
    expected, data = contents(sound), sound.read_bytes()
    for text in (
        b'"lam":0.001',  # of a trial
        b'"accuracy": 0.',  # of a result
        b'"train_loss": ',  # of an epoch
        b"NUMPY",  # of an array
        b"serial",  # of a session
    ):
        at = data.index(text) + len(text) - 1
        damaged = bytearray(data)
        damaged[at] ^= 1
        assert held_against(sound, tmp_path / "study.db", bytes(damaged), expected), text


@pytest.mark.parametrize("count", [40, pytest.param(1500, marks=pytest.mark.slow)])
def test_a_store_cut_off_anywhere_is_refused(sound: Path, tmp_path: Path, count: int) -> None:
    """Nothing at all included: what was kept there must not be taken for never done."""
    expected, data = contents(sound), sound.read_bytes()
    for at in np.linspace(0, len(data) - 1, count, dtype=int):
        assert held_against(sound, tmp_path / "study.db", data[:at], expected), at


def test_checking_a_sound_store(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and everything is readable; the folder does as well as the file."""
    before = sound.read_bytes()
    assert call("check", sound.parent) == 0
    out = capsys.readouterr().out
    assert "sound" in out.splitlines()
    assert f"readable: {TRIALS} of {TRIALS} results" in out
    assert sound.read_bytes() == before
    assert [path.name for path in sound.parent.iterdir()] == ["study.db"]


def test_what_is_readable_is_exported(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sound store of every result but the damaged one, equal to the original's; code 1."""
    data = bytearray(sound.read_bytes())
    data[data.index(b'"validation_loss": ') + 22] ^= 1
    broken = tmp_path / "broken" / "study.db"
    broken.parent.mkdir()
    broken.write_bytes(data)
    (broken.parent / "spec.json").write_text('{"epochs": 2}', encoding="utf-8")
    assert call("check", broken, "--export", tmp_path / "rescued") == 1
    out = capsys.readouterr().out
    assert re.search(r"damaged: row \d of results does not match its checksum", out)
    assert f"readable: {TRIALS - 1} of {TRIALS} results" in out
    assert broken.read_bytes() == data
    assert (tmp_path / "rescued" / "spec.json").read_text(encoding="utf-8") == '{"epochs": 2}'
    with Store(tmp_path / "rescued" / "study.db") as rescued, Store(sound) as store:
        trials = rescued.trials()
        assert trials == store.trials()
        assert rescued.sessions() == store.sessions()
        kept = [trial for trial in trials if rescued.result(trial.id)]
        assert len(kept) == TRIALS - 1
        for trial in kept:
            assert rescued.history(trial.id) == store.history(trial.id)
            assert rescued.attempts(trial.id) == store.attempts(trial.id)


def test_a_store_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """Without its last pages: the results that do not lie there come back.

    At the end are the two of the checkpoints, added by the migration; nothing is in them.
    """
    path = tmp_path / "study.db"
    shutil.copy(FIXTURES / "store-v2.db", path)
    Store(path).close()
    path.write_bytes(path.read_bytes()[: -2 * 4096 - 100])
    assert call("check", path, "--export", tmp_path / "rescued") == 1
    with Store(tmp_path / "rescued" / "study.db") as rescued:
        found = [rescued.result(trial.id) for trial in rescued.trials()]
        assert len([result for result in found if result]) == TRIALS - 1


BAD = {
    "no such store": (["check", "/no/where"], "does not exist"),
    "no such command": (["chek", "/no/where"], "chek"),
    "no argument": (["check"], "PATH"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and what is wrong."""
    arguments, expected = BAD[name]
    assert call(*arguments) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert expected in err


def test_an_export_replaces_nothing(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An existing folder is refused."""
    assert call("check", sound, "--export", tmp_path) == 2
    assert "exists" in capsys.readouterr().err
