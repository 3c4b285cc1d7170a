"""Studies as a library, run for real in this process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cluster import ClusterError, SerialPool
from kbn import data
from kbn.errors import DataError, InputError
from kbn.model import load
from search import LambdaSearch, State, Study, run
from search.study.run import Stopped
from search.training.checkpoint import Start
from search.training.trainer import Shared, train_trials
from tests.search.studies import SMALL, TRIALS, results, tables


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return a small study that ran through."""
    return run(SMALL, out=tmp_path_factory.mktemp("runs"), serial=True, quiet=True)


def test_a_study_hands_back_its_best_trial_and_frames(study: Study) -> None:
    """`best`, `trials()`, `history()` and `report()` agree with each other."""
    best, trials = study.best, study.trials()
    assert best is not None
    assert best.state is State.COMPLETED
    assert best.result is not None
    assert best.result.test is not None
    assert len(trials) == TRIALS
    search = trials[trials["stage"] != "final"]
    assert best.trial.lam == search.sort_values(["value", "params_lam"])["params_lam"].iloc[-1]
    assert len(study.history()) == 3 * TRIALS
    assert study.report() == study.folder / "report.md"
    assert "finished" in repr(study)


def test_a_folder_holds_all_that_was_promised(study: Study) -> None:
    """Store, specification, report, figures, CSV files and the final network."""
    names = {path.name for path in study.folder.iterdir()}
    assert names >= {
        "study.db",
        "spec.json",
        "report.md",
        "report.html",
        "figures",
        "trials.csv",
        "history.csv",
        "model.npz",
    }
    assert study.folder.name == "lambda-coarse-fine-digits"
    assert json.loads((study.folder / "spec.json").read_text())["hidden"] == [8]


def test_the_saved_model_takes_raw_images(study: Study) -> None:
    """`model.npz` reaches the reported test accuracy on the raw test images."""
    model, dataset = load(study.folder / "model.npz"), data.load("digits")
    labels = model.predict(dataset.X_test)
    assert study.best is not None
    assert study.best.result is not None
    assert study.best.result.test is not None
    assert np.mean(labels == dataset.y_test) == study.best.result.test.accuracy


def test_running_again_trains_nothing_and_writes_the_report_again(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finished study opens no pool; its tables come out the same."""
    before = tables(study.folder)
    (study.folder / "report.md").unlink()

    def no_pool(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("cluster.SerialPool", no_pool)
    again = run(SMALL, out=study.folder.parent, serial=True, quiet=True)
    assert tables(study.folder) == before
    assert len(again.record.sessions) == 1


class _Interrupting(SerialPool):
    """A pool in which Ctrl-C is pressed after some events."""

    left = 0

    def poll(self, timeout: float) -> list[object]:  # type: ignore[override] # events as they are
        """Return the next event, or raise as Ctrl-C does."""
        if _Interrupting.left <= 0:
            raise KeyboardInterrupt
        _Interrupting.left -= 1
        return list(super().poll(timeout))


@pytest.mark.parametrize("events", [0, 1, 5, 6, 12, 19])
def test_an_interrupted_study_resumes_to_the_same(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: int
) -> None:
    """Stopped anywhere, the study says what it keeps, and the same call ends with equal bytes."""
    _Interrupting.left = events
    with monkeypatch.context() as patch:
        patch.setattr("cluster.SerialPool", _Interrupting)
        with pytest.raises(Stopped, match=r"\d of the \d trials .* run the same command again"):
            run(SMALL, out=tmp_path, serial=True, quiet=True)
    again = run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert results(again.folder) == results(study.folder)
    assert tables(again.folder) == tables(study.folder)


def test_a_failing_trial_does_not_end_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: Study
) -> None:
    """The others finish, the report names it, and the next run heals the study."""

    def failing(shared: Shared, starts: tuple[Start, ...]) -> object:
        if starts[0].trial.lam == 1e-3:
            raise RuntimeError("no luck | today")
        return train_trials(shared, starts)

    with monkeypatch.context() as patch:
        patch.setattr("search.running.workers.train_trials", failing)
        broken = run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert not broken.record.finished
    assert [trial.state for trial in broken.record.trials].count(State.FAILED) == 1
    report = (broken.folder / "report.md").read_text(encoding="utf-8")
    assert "## Failures" in report
    assert "no luck \\| today" in report
    healed = run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert healed.record.finished
    assert tables(healed.folder) == tables(study.folder)


def test_bad_input_writes_nothing(tmp_path: Path) -> None:
    """Whatever is wrong with data, batch or address, no folder appears."""
    for spec, how, error in (
        (LambdaSearch(data="digit"), {}, InputError),
        (LambdaSearch(data="digits", batch_size=10_000), {}, InputError),
        (LambdaSearch(data="digits", validation=5_000), {}, InputError),
        (SMALL, {"address": "localhost:1", "serial": False}, ClusterError),
    ):
        with pytest.raises(error):
            run(spec, **{"out": tmp_path, "serial": True, "quiet": True, **how})
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_trains_nothing(tmp_path: Path) -> None:
    """A library call that asks for one is told what to call, and writes nothing."""
    with pytest.raises(InputError, match=r"search\.study\.dry_run\.describe"):
        run(SMALL, out=tmp_path / "new", serial=True, dry_run=True)
    assert not (tmp_path / "new").exists()


def test_images_that_cannot_be_standardised_write_nothing(tmp_path: Path) -> None:
    """They are found while the workers start, and before the folder is made."""
    images, labels = np.arange(400.0).reshape(100, 4) % 7, np.arange(100) % 2
    far = np.where(images == 3, 1e60, images)
    np.savez(tmp_path / "far.npz", X=images, y=labels, X_test=far, y_test=labels)
    spec = LambdaSearch(data=f"npz:{tmp_path / 'far.npz'}", batch_size=10)
    with pytest.raises(DataError, match="standard deviations away"):
        run(spec, out=tmp_path / "runs", serial=True, quiet=True)
    assert not (tmp_path / "runs").exists()
