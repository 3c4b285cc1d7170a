"""What tables of all experiments have in common."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from reports.parts.tables import (
    NO_SEEDS,
    accuracies,
    by_lam,
    learned,
    mean_seconds,
    reference_values,
    uncertainty,
)
from search.records import Role
from tests.reports.records import DIGITS, DIVERGED, FAILED, WAITING, Ending, by_lambda, study


def test_seconds_are_those_of_runs_that_completed(tmp_path: Path) -> None:
    """One that diverged early took no run's time, and what failed took none at all."""
    record = study(tmp_path, by_lambda({1e-2: DIVERGED, 1e-1: FAILED}))
    assert mean_seconds(record.stage("coarse")) == pytest.approx(0.7)
    assert mean_seconds(record.stage("coarse")[1:]) is None


@pytest.mark.parametrize(("n", "least"), [(100, 20), (5_000, 563)])
def test_learning_is_more_than_guessing_gives(n: int, least: int) -> None:
    """So many of n images right are what guessing gives in less than 2 of 1,000 cases."""
    data = replace(DIGITS, validation_size=n)
    assert learned(least / n, data)
    assert not learned((least - 1) / n, data)


def test_the_error_of_one_run_is_that_of_its_images(tmp_path: Path) -> None:
    """√(p(1 − p)/n) for one run; nothing for none."""
    record = study(tmp_path, by_lambda({1e-3: Ending(0.2), 1e-1: FAILED}))
    groups = by_lam(record.stage("coarse"))
    assert list(groups) == [1e-3, 1e-2, 1e-1]
    assert uncertainty(groups[1e-3], NO_SEEDS) == pytest.approx(math.sqrt(0.2 * 0.8 / 100))
    assert accuracies(groups[1e-1]) == []
    assert uncertainty(groups[1e-1], NO_SEEDS) is None


def test_a_grid_that_is_not_there_is_not_compared(tmp_path: Path) -> None:
    """On digits a fine grid has no reference values, also before it has trials."""
    record = study(tmp_path, by_lambda({1e-1: WAITING}))
    assert record.stage("fine") == ()
    assert reference_values(record, record.stage("fine"), Role.FINE) == {}
