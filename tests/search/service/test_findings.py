from __future__ import annotations

import json

import pytest

from search.service.findings import NOTHING, best_so_far, curve_so_far, findings_of
from search.service.folders import Folders
from search.study.study import Study
from tests.search.service.conftest import DONE


def test_a_search_s_report_gives_its_row(folders: Folders) -> None:
    """Best point with its error and ties, test accuracy, and the curve: as the study has them."""
    folder = folders.root / DONE
    found = findings_of(json.loads((folder / "report.json").read_text(encoding="utf-8")))
    study = Study.open(folder)
    searched = [each for each in study.record.trials if not each.result.test]  # type: ignore[union-attr]
    accuracies = {each.trial.lam: each.result.validation.accuracy for each in searched}  # type: ignore[union-attr]
    assert dict(found.curve) == accuracies
    assert (found.curve_axis, found.curve_log) == ("λ", True)
    assert found.best is not None
    assert found.best.accuracy == max(accuracies.values())
    assert found.best.runs == 1
    assert found.best.error == pytest.approx(
        (found.best.accuracy * (1 - found.best.accuracy) / 143) ** 0.5, rel=0.2
    )
    assert found.test is not None
    assert found.test.accuracy == study.best.result.test.accuracy  # type: ignore[union-attr]
    assert found.verdict


def test_what_has_no_search_has_no_best_point() -> None:
    """A range test's row has its curve alone, another experiment's its sentence."""
    measured = [{"eta": 0.1, "accuracy": 0.5}, {"eta": 0.01, "accuracy": 0.25}]
    section = {"kind": "range_test", "verdict": "v", "findings": {"measured": measured}}
    found = findings_of({"warnings": [], "sections": [section]})
    assert found.best is None
    assert found.curve == ((0.01, 0.25), (0.1, 0.5))
    section |= {"kind": "loss_evolution", "findings": {}}
    found = findings_of({"warnings": ["w"], "sections": [section]})
    assert (found.verdict, found.curve, found.warnings) == ("v", (), ("w",))
    assert findings_of({"warnings": [], "sections": []}) == NOTHING


def test_the_best_so_far_is_the_highest_mean() -> None:
    """Of a study that runs; of several axes the curve is the highest accuracy at each value."""
    points = [[[0.1, 0.01], [0.5, 0.7]], [[0.1, 0.02], [0.4]], [[0.01, 0.01], [0.3]]]
    best = best_so_far(["lam", "eta_max"], points)
    assert best is not None
    assert (best.label, best.accuracy, best.runs) == ("λ=0.1, η_max=1e-2", 0.6, 2)
    assert curve_so_far(["lam", "eta_max"], points)["curve"] == ((0.01, 0.3), (0.1, 0.6))
    assert best_so_far(["lam"], []) is None


def test_a_baseline_has_no_place_on_the_curve() -> None:
    """λ = 0 is not on a log axis; it may be the best all the same."""
    points = [[(0.0,), [0.9]], [(1e-3,), [0.5]]]
    assert curve_so_far(["lam"], points)["curve"] == ((1e-3, 0.5),)
    best = best_so_far(["lam"], points)
    assert best is not None
    assert best.label == "λ=0"
