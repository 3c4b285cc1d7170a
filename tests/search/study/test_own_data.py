"""Studies of data that are given in Python, or read from tables and folders."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kbn import data
from kbn.errors import InputError
from kbn.model import load
from search import LambdaSearch, Study, digest, run
from search.study.command import main
from search.study.kept import kept
from tests.search.studies import SMALL, TRIALS

DIGITS = data.load("digits")
NAMES = np.array(["ant", "bee", "cow", "dog", "eel", "fox", "gnu", "hen", "ibex", "jay"])
X, Y = DIGITS.X[:300], NAMES[DIGITS.y[:300]]


def study(spec: LambdaSearch, out: Path, **how: object) -> Study:
    """Run a small study."""
    return run(replace(spec, epochs=1, final_epochs=1), out=out, serial=True, quiet=True, **how)


def test_arrays_are_a_study(tmp_path: Path) -> None:
    """They are named and fingerprinted, not printed; the same arrays resume, others are refused."""
    spec = replace(SMALL, data=(X, Y))
    first = study(spec, tmp_path)
    held = json.loads((first.folder / "spec.json").read_text())
    assert (held["data"], held["fingerprint"]) == ("arrays", data.given((X, Y)).fingerprint)
    assert "target" not in held
    assert first.folder.name == "lambda-coarse-fine-arrays"
    frame = pd.DataFrame(X).assign(kind=Y)
    again = study(replace(SMALL, data=frame, target="kind"), tmp_path)
    assert len(again.record.sessions) == 1
    assert digest(again) == digest(first)
    with pytest.raises(InputError, match=r"other settings \(fingerprint"):
        study(replace(SMALL, data=(X[:-1], Y[:-1])), tmp_path)
    assert set(load(first.folder / "model.npz").predict(X).tolist()) <= set(NAMES.tolist())
    assert digest(Study(kept(first.folder))) == digest(first)


def test_the_reports_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the file that the report says how to make, its command resumes the study."""
    first = study(replace(SMALL, data=(X, Y)), tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    report = (first.folder / "report.md").read_text()
    (note,) = (line for line in report.splitlines() if "np.savez" in line)
    assert "np.savez('arrays.npz', X=X, y=y)" in note
    np.savez("arrays.npz", X=X, y=Y)
    words = shlex.split(first.record.command)
    assert words[:3] == ["python", "-m", "search.lambda_coarse_fine"]
    with pytest.raises(SystemExit) as ended:
        main(LambdaSearch, [*words[3:], "--serial"])
    assert ended.value.code == 0
    assert "is chosen" in capsys.readouterr().out
    again = Study(kept(first.folder))
    assert [each.trained for each in again.record.sessions] == [TRIALS]


def test_a_data_set_has_the_trials_of_its_name(tmp_path: Path) -> None:
    """A built-in set that is given as an object has the ids that it has by its name."""
    by_name = study(SMALL, tmp_path / "a")
    given = study(replace(SMALL, data=DIGITS), tmp_path / "b")
    assert digest(given) == digest(by_name)
    assert given.record.command == by_name.record.command


def test_a_table_and_its_target(tmp_path: Path) -> None:
    """The command names the column; the same rows in a file of arrays are the same study."""
    path = tmp_path / "mine.csv"
    pd.DataFrame(X).assign(kind=Y).to_csv(path, index=False)
    np.savez(tmp_path / "mine.npz", X=X.astype(float), y=Y)
    first = study(replace(SMALL, data=f"csv:{path}", target="kind"), tmp_path)
    assert f"--data csv:{path} --target kind" in first.record.command
    arrays = replace(SMALL, data=f"npz:{tmp_path / 'mine.npz'}")
    again = study(arrays, tmp_path, name=first.folder.name)
    assert len(again.record.sessions) == 1


def test_a_frame_without_its_target() -> None:
    """What is given is looked at when the specification is made."""
    with pytest.raises(InputError, match="--target COLUMN"):
        LambdaSearch(data=pd.DataFrame(X).assign(kind=Y))


def test_a_specification_of_arrays_can_be_shown() -> None:
    """No array is printed."""
    spec = LambdaSearch(data=(X, Y))
    assert "<Dataset arrays: 240 × 64 to train on, 10 classes>" in repr(spec)
    assert len(repr(spec)) < 3_000
