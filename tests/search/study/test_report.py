"""A report again from a study's folder alone: its data set gone, and no Ray."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbn import data
from search import CoarseFine, LossEvolution, Paper, RangeTest, SigmaBatchNorm, Study, run
from search.settings.spec import StudySpec
from search.settings.values import Init
from search.space.vary import vary
from search.store.folder import GENERATED, claim
from search.study.kept import SPECIFICATIONS
from search.study.report import main
from search.study.run import identity_of
from search.training.problem import prepare
from tests.search.drivers import ROOT
from tests.search.studies import SMALL


def call(*arguments: str | Path) -> int:
    """Run the command in this process and return its exit code."""
    with pytest.raises(SystemExit) as exit_:
        main(["report", *map(str, arguments)])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a study."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a study that ran through, of a data set that is gone."""
    home, digits = tmp_path_factory.mktemp("home"), data.load("digits")
    file = home / "images.npz"
    np.savez(file, X=digits.X, y=digits.y, X_test=digits.X_test, y_test=digits.y_test)
    spec = replace(SMALL, data=f"npz:{file}")
    folder = run(spec, out=home / "runs", name="study", serial=True, quiet=True).folder
    file.unlink()
    return folder


@pytest.fixture
def study(ended: Path, tmp_path: Path) -> Path:
    """Return a copy of it that may be changed."""
    return Path(shutil.copytree(ended, tmp_path / "study"))


def test_a_report_is_written_again_to_the_byte(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the data set, all that is made from the store and the specification is made anew."""
    before = contents(study)
    for name in set(GENERATED) - {"model.npz"}:
        path = study / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    assert call(study) == 0
    assert contents(study) == before
    out, err = capsys.readouterr()
    assert "is chosen" in out
    assert out.splitlines()[-1] == f"report: {study / 'report.md'}"
    assert err == ""


def test_it_loads_no_ray(study: Path) -> None:
    """The command does not so much as import Ray, and is found as a module."""
    words = ["-X", "importtime", "-m", "search.study", "report", str(study)]
    ran = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "sqlite3" in loaded
    assert "ray" not in loaded


EVERY: tuple[StudySpec, ...] = (
    SMALL,
    CoarseFine(data="digits", vary=vary("--vary", {"eta_max": "0.01,0.1", "lam": "1e-4,1e-3"})),
    LossEvolution(data="digits", init=Init("normal", 0.1), architectures=((8,), (8, 8))),
    SigmaBatchNorm(data="digits", sigmas=(0.1, 0.01), retune=True),
    RangeTest(data="digits", replicates=2),
    Paper(data="digits", hidden=(8,), retune=True),
)


def test_every_driver_is_known() -> None:
    """Each command's study can be told from its specification."""
    assert {spec.kind for spec in EVERY} == set(SPECIFICATIONS)
    commands = {path.stem for path in (ROOT / "search").glob("*.py") if "main(" in path.read_text()}
    assert commands - {"console", "serve", "studies", "verify"} == set(SPECIFICATIONS)


@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec.kind)
def test_a_specification_comes_back_as_it_was(spec: StudySpec, tmp_path: Path) -> None:
    """Settings and data are those of the run, whatever the driver; nothing need be trained."""
    problem = prepare(spec, data_dir=None, say=print)
    with claim(tmp_path / "study", identity_of(spec, problem), overwrite=False):
        pass
    record = Study.open(tmp_path / "study").record
    assert [each.settings for each in record.experiments] == list(spec.experiments())
    assert record.data == problem.record
    assert record.command == f"{spec.command()} --name study"


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Return what changes a study's specification."""

    def edit(study: Path) -> None:
        held = json.loads((study / "spec.json").read_text())
        change(held)
        (study / "spec.json").write_text(json.dumps(held))

    return edit


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "study does not exist; name a study's folder"),
    "no specification": (lambda study: (study / "spec.json").unlink(), "there is no spec.json"),
    "no store": (lambda study: (study / "study.db").unlink(), "there is no study.db"),
    "no JSON": (lambda study: (study / "spec.json").write_text("["), "spec.json cannot be read"),
    "cut off": (
        lambda study: (study / "study.db").write_bytes(b"SQLite format 3\0"),
        "no study's store, or damaged",
    ),
    "a link": (lambda study: _link(study / "spec.json"), "symbolic link"),
    "older": (edited(lambda held: held.pop("data_set")), "once more where the data set is"),
    "unheard of": (edited(lambda held: held.update(driver="magic")), "no driver of this version"),
    "no text": (edited(lambda held: held.update(driver=["paper"])), "no driver of this version"),
    "one more": (edited(lambda held: held.update(depth=3)), "other settings than this version"),
    "one less": (edited(lambda held: held.pop("epochs")), "other settings than this version"),
    "out of bounds": (edited(lambda held: held.update(epochs=0)), "--epochs"),
    "no data": (edited(lambda held: held.update(data_set="digits")), "no study of this version"),
    "half": (edited(lambda held: held["data_set"].pop("title")), "no study of this version"),
    "other type": (
        edited(lambda held: held["data_set"].update(chance="high")),
        "chance of a DataRecord",
    ),
    "other data": (edited(lambda held: held.update(fingerprint="0a")), "two fingerprints"),
}


def _link(path: Path) -> None:
    path.symlink_to(path.rename(path.with_name("x")))


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_study_is_refused(
    name: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what is wrong and the way out, exit code 2; nothing is written."""
    spoil, message = BAD[name]
    spoil(study)
    before = contents(study) if study.exists() else {}
    assert call(study) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert (contents(study) if study.exists() else {}) == before


def test_a_study_that_runs_is_left_alone(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """While a driver has the folder, its report is the driver's."""
    with claim(study, json.loads((study / "spec.json").read_text()), overwrite=False):
        assert call(study) == 2
    assert "in use by another run" in capsys.readouterr().err


def test_a_study_of_before_is_described_by_its_next_run(tmp_path: Path) -> None:
    """A specification without its data gets them, and stays the same study."""
    run(SMALL, out=tmp_path, name="study", serial=True, quiet=True)
    path = tmp_path / "study" / "spec.json"
    before = path.read_text()
    edited(lambda held: held.pop("data_set"))(path.parent)
    again = run(SMALL, out=tmp_path, name="study", serial=True, quiet=True)
    assert len(again.record.sessions) == 1
    assert path.read_text() == before
