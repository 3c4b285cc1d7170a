from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.loss_evolution import LossEvolution
from search.records import State
from search.running.progress import ProgressFile
from search.running.runner import Notice
from search.running.tally import Tally
from search.settings.spec import Experiment
from tests.search.builders import epoch, result, trial
from tests.search.studies import SMALL


def held(path: Path) -> dict[str, Any]:
    """Return what the file says."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def notices(lam: float, accuracy: float) -> list[Notice]:
    """Return what a runner tells of a trial, from its start to its end."""
    of = trial(lam)

    def notice(state: State, **what: Any) -> Notice:
        return Notice(of, "coarse", f"λ={lam}", state, **what)

    return [
        notice(State.RUNNING),
        notice(State.RUNNING, record=epoch(1, accuracy)),
        notice(State.COMPLETED, result=result(of, accuracy)),
    ]


def told(path: Path, parts: tuple[Experiment, ...], given: list[Notice]) -> dict[str, Any]:
    """Return what the file says after some notices, of which none is too early to be written."""
    tally = Tally([part.outline() for part in parts])
    with ProgressFile(path, tally, parts) as progress:
        for each in given:
            tally(each)
            progress._due = 0.0
            progress(each)
        return held(path)


def test_it_says_how_far_a_study_is_and_what_runs(tmp_path: Path) -> None:
    """As the tally has it, with the accuracies of each point so far; at the end nothing runs."""
    path = tmp_path / "progress.json"
    runs = [*notices(0.1, 0.5), *notices(0.01, 0.25)[:2]]
    found = told(path, SMALL.experiments(), runs)
    assert found["trials_ended"] == 1
    assert found["trials"] == 4
    (running,) = found["running"]
    assert (running["label"], running["epoch"], running["accuracy"]) == ("λ=0.01", 1, 0.25)
    assert (found["axes"], found["points"]) == (["lam"], [[[0.1], [0.5]]])
    assert held(path)["running"] == []


def test_a_study_without_a_search_has_no_points(tmp_path: Path) -> None:
    """There is no axis to set them against."""
    parts = LossEvolution(data="digits").experiments()
    found = told(tmp_path / "progress.json", parts, notices(0.1, 0.5))
    assert (found["axes"], found["points"]) == ([], [])


def test_a_point_of_several_axes_is_whole(tmp_path: Path) -> None:
    """In the order of the axes."""
    spec = CoarseFine(data="digits", vary={"eta_max": (0.1, 0.2), "lam": (0.1, 0.2)})
    found = told(tmp_path / "progress.json", spec.experiments(), notices(0.2, 0.5))
    assert found["axes"] == ["eta_max", "lam"]
    assert [point for point, _ in found["points"]] == [[trial(0.2).eta_max, 0.2]]


def test_it_is_written_once_a_second_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a disk that takes none is no reason to stop."""
    written: list[str] = []
    monkeypatch.setattr(
        "search.running.progress.write_text", lambda _, text, lasting: written.append(text)
    )
    progress = ProgressFile(tmp_path / "x", Tally([]), ())
    for each in notices(0.1, 0.5):
        progress(each)
    assert len(written) == 1
    monkeypatch.undo()
    with ProgressFile(tmp_path / "absent" / "x", Tally([]), ()) as progress:
        for each in notices(0.1, 0.5):
            progress(each)


def test_it_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training goes on meanwhile; what a power failure takes is written again."""
    monkeypatch.setattr("kbn.files.os.fsync", None)
    path = tmp_path / "progress.json"
    with ProgressFile(path, Tally([]), ()):
        pass
    assert json.loads(path.read_text(encoding="utf-8"))["running"] == []
