"""The range test: one training a replicate, its learning rate rising once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from kbn.errors import InputError
from kbn.schedule import SCHEDULES
from search.experiments.range_test import RangeTest
from search.settings.cycle_end import mid_cycle_warning
from search.trial import Trial
from tests.search.builders import BASE


def trials(**settings: Any) -> tuple[Trial, ...]:
    """Return the trials of a range test's one stage."""
    return next(RangeTest(**settings).plan(BASE)).trials


def test_it_rises_from_the_lowest_to_the_highest() -> None:
    """The first step has the lowest learning rate, the last one the highest, by equal factors."""
    (trial,) = trials(eta_min=1e-4, eta_max=1.0, epochs=6)
    steps = trial.epochs * (trial.train_size // trial.batch_size)
    eta = SCHEDULES[trial.schedule](trial.eta_min, trial.eta_max, trial.cycle_steps)
    rates = [eta(step) for step in range(steps)]
    assert rates[0] == 1e-4
    assert rates[-1] == pytest.approx(1.0)
    factors = {round(b / a, 9) for a, b in itertools.pairwise(rates)}
    assert len(factors) == 1
    assert mid_cycle_warning(trial) is None


def test_replicates_differ_in_their_seeds_alone() -> None:
    """Each starts from other weights, at the same learning rates."""
    found = trials(replicates=3)
    assert [trial.replicate for trial in found] == [0, 1, 2]
    assert len({(trial.eta_min, trial.eta_max, trial.cycle_steps) for trial in found}) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eta_min": 1.0, "eta_max": 1.0}, "--eta-max 1 is --eta-min, too"),
        ({"eta_min": 1.0, "eta_max": 0.1}, "--eta-min 1 is above --eta-max 0.1"),
        ({"schedule": "cosine"}, "--schedule cosine: the learning rate rises once"),
        ({"cycle": 5}, "--cycle 5epochs: the learning rate rises once"),
    ],
)
def test_what_cannot_rise_is_refused(settings: dict[str, Any], message: str) -> None:
    """One line says the value and the way out."""
    with pytest.raises(InputError) as caught:
        RangeTest(**settings)
    assert message in str(caught.value)
