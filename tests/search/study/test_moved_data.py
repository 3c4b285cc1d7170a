"""A file of images is known by what is in it: it may be moved, renamed, and named otherwise."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kbn import data
from kbn.model import load
from search import LambdaSearch, Study, digest, run
from search.settings.execution import Execution
from search.store.sealed import seal
from search.store.store import Store
from search.study.dry_run import describe
from search.training.problem import prepare
from tests.search.studies import SMALL, TRIALS

NAMES = np.array(["ant", "bee", "cow", "dog", "eel", "fox", "gnu", "hen", "ibex", "jay"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of digits under names of animals."""
    digits, path = data.load("digits"), tmp_path / "a" / "mine.npz"
    path.parent.mkdir()
    np.savez(path, X=digits.X[:300], y=NAMES[digits.y[:300]])
    return path


def spec_of(file: Path | str) -> LambdaSearch:
    """Return a small study on a file."""
    return replace(SMALL, data=f"npz:{file}", epochs=1, final_epochs=1)


def study(file: Path | str, out: Path) -> Study:
    """Run it."""
    return run(spec_of(file), out=out, name="study", serial=True, quiet=True)


@pytest.fixture
def moved(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path | str]:
    """Return the same file under a relative path, another folder and another name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").mkdir()
    shutil.copy(file, tmp_path / "b" / "mine.npz")
    shutil.copy(file, tmp_path / "b" / "other.npz")
    return {
        "relative": "a/mine.npz",
        "moved": tmp_path / "b" / "mine.npz",
        "renamed": "b/other.npz",
    }


def test_a_path_has_no_part_in_a_result(
    file: Path, moved: dict[str, Path | str], tmp_path: Path
) -> None:
    """Wherever the file lies, results have one hash, and a finished study trains nothing."""
    first = study(file, tmp_path / "runs")
    hashes = {digest(study(path, tmp_path / name)) for name, path in moved.items()}
    assert hashes == {digest(first)}
    for path in moved.values():
        again = study(path, tmp_path / "runs")
        assert digest(again) == digest(first)
        assert len(again.record.sessions) == 1
        assert f"npz:{path}" in again.record.command


def test_labels_come_back_as_the_file_has_them(file: Path, tmp_path: Path) -> None:
    """A study's model answers with the names in its file."""
    model = load(study(file, tmp_path).folder / "model.npz")
    answers = model.predict(data.load("digits").X_test)
    assert set(answers.tolist()) <= set(NAMES.tolist())


@pytest.mark.parametrize("kept", [2, TRIALS])
def test_a_study_made_before_goes_on(
    file: Path, moved: dict[str, Path | str], tmp_path: Path, kept: int
) -> None:
    """Trials that name the file by its path keep their ids, and those that follow are like them."""
    fresh, old = study(file, tmp_path / "new"), f"npz:{file}"
    folder = tmp_path / "runs" / "study"
    folder.mkdir(parents=True)
    shutil.copy(fresh.folder / "spec.json", folder)
    assert json.loads((folder / "spec.json").read_text())["data"] == old
    with Store(folder / "study.db") as store:
        for each in fresh.record.trials[:kept]:
            assert each.result is not None
            named = replace(each.trial, data=old)
            store.add_trials([named])
            store.commit(seal(replace(each.result, trial_id=named.id), each.history))

    how = Execution(out=tmp_path / "runs", name="study", serial=True)
    assert f"({kept} done)" in describe(spec_of(moved["renamed"]), how, say=print)
    ended = study(moved["renamed"], tmp_path / "runs")
    assert ended.record.finished
    assert sum(each.trained for each in ended.record.sessions) == TRIALS - kept
    with Store(folder / "study.db") as store:
        assert store.trials() == tuple(
            replace(each.trial, data=old) for each in fresh.record.trials
        )


@pytest.mark.parametrize("name", ["digits", "synthetic:200"])
def test_other_data_keep_their_names(name: str) -> None:
    """What is no file is called in trials what it was always called, so that ids stay."""
    spec = LambdaSearch(data=name, validation=10, batch_size=10)
    assert prepare(spec, data_dir=None, say=print).base.data == name
