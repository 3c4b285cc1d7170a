"""What a search found, as numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.coarse_fine.facts import CLOSE, QUANTILES
from reports.coarse_fine.findings import findings
from tests.reports.coarse_fine.points import SAMPLE, TWO, searched
from tests.reports.records import SEARCH, study


def test_where_many_runs_lay_is_told_epoch_by_epoch(tmp_path: Path) -> None:
    """Quantiles over the runs of all points, the final model's apart."""
    record = searched(tmp_path, replace(SAMPLE, samples=25))
    found = findings(record)
    runs = [each for each in record.trials if not each.trial.with_test]
    assert len(runs) > CLOSE
    assert [lay.epoch for lay in found.learning] == [1, 2, 3]
    for lay in found.learning:
        loss = [each.history[lay.epoch - 1].validation_loss for each in runs]
        assert lay.loss == pytest.approx(np.quantile(loss, QUANTILES).tolist())
        accuracy = [each.history[lay.epoch - 1].validation_accuracy for each in runs]
        assert lay.accuracy == pytest.approx(np.quantile(accuracy, QUANTILES).tolist())


def test_few_runs_and_those_along_an_axis_are_drawn_themselves(tmp_path: Path) -> None:
    """Nothing is summed up of a few points, nor of many values of one ordered axis."""
    assert findings(searched(tmp_path / "few", TWO)).learning == ()
    lams = tuple(np.geomspace(1e-5, 1e-1, CLOSE + 5).tolist())
    assert findings(study(tmp_path / "axis", search=replace(SEARCH, coarse=lams))).learning == ()


def test_a_stage_has_a_typical_error(tmp_path: Path) -> None:
    """The median of its points' errors, which a caption says where bars would hide each other."""
    found = findings(study(tmp_path))
    for look in found.looks:
        errors = [each.error for each in look.points if each.error is not None]
        assert look.typical_error == np.median(errors)


def test_classes_are_those_of_the_final_model(tmp_path: Path) -> None:
    """Each by its images of the test set; nothing where there is no final model."""
    record = study(tmp_path / "well")
    final = next(each.result for each in record.trials if each.trial.id == record.chosen)
    assert final is not None
    counts = final.arrays["confusion"]
    found = findings(record).classes
    assert sum(each.images for each in found) == counts.sum()
    assert sum(each.images * each.accuracy for each in found) == pytest.approx(np.trace(counts))
    (search,) = record.experiments
    unchosen = replace(record, experiments=(replace(search, chosen=None),))
    assert findings(unchosen).classes == ()
