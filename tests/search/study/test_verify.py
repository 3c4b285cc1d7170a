"""A report held against its own study: what was changed is found, and nothing else is blamed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbn import data
from kbn.arrays import arrays_of
from search import run
from search.records import StudyRecord, TrialRecord
from search.store.folder import STORE
from search.store.sealed import seal
from search.store.store import Store
from search.study.checks.check import Check, Examined, Verdict
from search.study.checks.computed import model, trained_again
from search.study.checks.written import store as store_check
from search.study.kept import kept
from search.study.verify import checks, main
from search.training.problem import Problem, prepare
from tests.search.studies import SMALL, TRIALS

TEXTS = ("report.md", "report.json", "trials.csv", "history.csv", "layers.csv", "report.html")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a study that ran through, on images of a file beside it."""
    home, digits = tmp_path_factory.mktemp("home"), data.load("digits")
    file = home / "images.npz"
    np.savez(file, X=digits.X, y=digits.y, X_test=digits.X_test, y_test=digits.y_test)
    spec = replace(SMALL, data=f"npz:{file}")
    return run(spec, out=home / "runs", name="study", serial=True, quiet=True).folder


@pytest.fixture
def study(ended: Path, tmp_path: Path) -> Path:
    """Return a copy of it that may be changed."""
    return Path(shutil.copytree(ended, tmp_path / "study"))


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Return the study's data."""
    return prepare(SMALL, data_dir=None, say=print)


def call(*arguments: object) -> int:
    """Run the command in this process and return its exit code."""
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a study."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def change_a_digit(path: Path) -> None:
    """Raise one digit of a text file, the last one that it has."""
    text = path.read_text(encoding="utf-8")
    at = max(i for i, sign in enumerate(text) if sign in "012345678")
    path.write_text(text[:at] + str(int(text[at]) + 1) + text[at + 1 :], encoding="utf-8")


def flip_a_bit(path: Path, share: float = 0.5) -> None:
    """Change one bit of a file, at a share of its length."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * share)] ^= 1
    path.write_bytes(content)


def verdicts(found: list[Check]) -> dict[str, Verdict]:
    """Return what came of each check."""
    return {each.what: each.verdict for each in found}


def test_a_sound_study_agrees_with_itself(
    ended: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a zip of any name: every file, the model, its accuracy, and every trial again."""
    before = contents(ended)
    archive = shutil.make_archive(str(tmp_path / "from-somebody"), "zip", ended)
    assert call(archive, "--retrain", 9) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[:-1]} == {"same"}
    assert sum("trained again" in line and "to the byte" in line for line in lines) == TRIALS
    assert any(line.startswith("same       test set: accuracy") for line in lines)
    assert lines[-1] == f"{len(lines) - 1} of {len(lines) - 1} checks agree"
    assert contents(ended) == before


def test_what_was_changed_is_found(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A digit in each text, a bit of the model, a figure, a strange figure: each has its line."""
    for name in TEXTS:
        change_a_digit(study / name)
    flip_a_bit(study / "model.npz")
    flip_a_bit(study / "figures" / "lambda.png")
    (study / "figures" / "best.png").write_bytes(b"drawn by hand")
    assert call(study) == 1
    lines = capsys.readouterr().out.splitlines()
    different = {line.split()[1].rstrip(":") for line in lines if line.startswith("differs")}
    assert different == {*TEXTS, "model.npz", "figures"}
    assert any("the store gives" in line for line in lines if "report.md" in line)
    assert "2 of 22 files differ" in next(line for line in lines if "figures:" in line)
    assert f"; {len(different)} differ" in lines[-1]


def test_without_the_data_the_rest_is_checked(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what could not be checked, and that is no difference; what is missing is one."""
    spec = json.loads((study / "spec.json").read_text())
    (study / "spec.json").write_text(json.dumps(spec | {"data": "npz:/nowhere.npz"}))
    (study / "layers.csv").unlink()
    assert call(study, "--retrain", 1) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("unchecked") for line in lines) == 2
    assert any(line.startswith("differs    layers.csv: is not there") for line in lines)
    assert any(line.startswith("same       model.npz: the store's network") for line in lines)


@pytest.mark.parametrize("part", ["validation_correct", "network/W1"])
def test_a_flipped_bit_in_the_store_is_found(part: str, study: Path) -> None:
    """The store's own checksums find it; nothing is made of a store that is damaged."""
    result = kept(study).trials[-1].result
    assert result is not None
    content, held = (study / STORE).read_bytes(), result.arrays[part].tobytes()[:64]
    flip_a_bit(study / STORE, (content.index(held) + 0.5) / len(content))
    assert verdicts(list(checks(study))) == {STORE: Verdict.DIFFERS}


def rewritten(folder: Path, change: Callable[[TrialRecord], TrialRecord]) -> StudyRecord:
    """Write a store with other results, rightly summed up, as a forger would."""
    record = kept(folder)
    (folder / STORE).unlink()
    with Store(folder / STORE) as store:
        store.add_trials(each.trial for each in record.trials)
        for each in map(change, record.trials):
            assert each.result is not None
            store.commit(seal(each.result, each.history))
    return kept(folder)


def boasted(each: TrialRecord, *, marks: bool) -> TrialRecord:
    """Return a trial with one more image labelled right, in its marks too or not."""
    result = each.result
    assert result is not None
    assert result.validation is not None
    n = result.validation.n
    bits = np.unpackbits(result.arrays["validation_correct"], count=n)
    bits[bits.argmin()] = 1
    better = replace(result.validation, accuracy=int(bits.sum()) / n)
    arrays: dict[str, Any] = dict(result.arrays)
    if marks:
        arrays["validation_correct"] = np.packbits(bits)
    return replace(each, result=replace(result, validation=better, arrays=arrays))


def test_a_forged_accuracy_does_not_fit_its_images(study: Path) -> None:
    """It is held against the images that the trial marks as labelled right."""
    record = rewritten(study, lambda each: boasted(each, marks=False))
    found = store_check(Examined(record, None))
    assert found.verdict is Verdict.DIFFERS
    assert "not those of the images marked right" in found.said


def test_a_careful_forgery_does_not_survive_training(study: Path, problem: Problem) -> None:
    """What fits in all the store says is found by training the trial again."""
    record = rewritten(study, lambda each: boasted(each, marks=True))
    examined = Examined(record, problem)
    assert store_check(examined).verdict is Verdict.SAME
    found = list(trained_again(examined, problem, TRIALS))
    assert [each.verdict for each in found] == [Verdict.DIFFERS] * TRIALS
    assert all("in the store" in each.said for each in found)


def on_another_cpu(each: TrialRecord) -> TrialRecord:
    """Return a trial as another kind of machine trained it: one image more is labelled right."""
    other = boasted(each, marks=True)
    assert other.result is not None
    there = replace(other.result.environment, cpu="Another CPU")
    return replace(other, result=replace(other.result, environment=there))


def test_another_cpu_is_said_rather_than_called_a_forgery(study: Path, problem: Problem) -> None:
    """Other last bits are expected there: both accuracies and both machines are named."""
    record = rewritten(study, on_another_cpu)
    found = list(trained_again(Examined(record, problem), problem, 1))
    assert [each.verdict for each in found] == [Verdict.ELSEWHERE]
    assert "trained on Another CPU with " in found[0].said


def test_a_model_of_other_weights_is_named(study: Path, problem: Problem, tmp_path: Path) -> None:
    """The array that differs is named, and the test set is evaluated with what is in the file."""
    arrays = arrays_of(study / "model.npz")
    arrays["W1"] = arrays["W1"] * 1.5
    np.savez(study / "model.npz", **arrays)  # type: ignore[arg-type]
    found = list(model(Examined(kept(study), problem), tmp_path))
    assert verdicts(found) == {"model.npz": Verdict.DIFFERS, "test set": Verdict.DIFFERS}
    assert found[0].said.startswith("other W1 than")


def test_bad_input(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no study is no difference: one line, exit code 2."""
    shutil.make_archive(str(tmp_path / "two"), "zip", study.parent, "study/figures")
    (tmp_path / "none.zip").write_bytes(b"PK\x03\x04 no archive")
    for bad, why in {
        tmp_path / "nowhere": "does not exist",
        tmp_path / "two.zip": "holds no studies",
        tmp_path / "none.zip": "cannot be unpacked",
    }.items():
        assert call(bad) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert why in err
        assert err.count("\n") == 1
