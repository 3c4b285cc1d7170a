"""Points of a space, and the trials that stand for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from search.settings.values import Cycle
from search.space.axis import AXES, BATCH_SIZE, CYCLE, EPOCHS, ETA_MAX, HIDDEN, LAM, SIGMA, Axis
from search.space.points import Point, Space, grid
from tests.search.builders import BASE

EPOCHS_10 = Cycle(10, "epochs")
OTHER: dict[str, Any] = {
    "lam": 3e-3,
    "eta_min": 1e-4,
    "eta_max": 0.5,
    "cycle": 4,
    "batch_size": 50,
    "alpha": 0.5,
    "sigma": 1e-3,
    "hidden": (7, 3),
    "batch_norm": False,
    "schedule": "cosine",
    "epochs": 7,
}


@pytest.mark.parametrize("axis", AXES.values(), ids=AXES)
def test_a_trial_is_put_where_it_is_found(axis: Axis) -> None:
    """Every axis finds the value that it has put, and changes no field that is not its own."""
    space = Space((axis,), EPOCHS_10)
    point: Point = (OTHER[axis.name],)
    trial = space.put(BASE, point)
    assert space.of(trial) == point
    changed = {name for name, value in vars(trial).items() if vars(BASE).get(name, value) != value}
    follows = {"sigma": {"init"}, "cycle": {"cycle_steps", "epochs"}, "batch_size": {"cycle_steps"}}
    own = set() if axis is CYCLE else {axis.name}
    assert changed - {"id"} <= own | follows.get(axis.name, set())


def test_a_cycle_in_epochs_stays_as_many() -> None:
    """Half the batch, twice the steps; one given in steps stays as it is."""
    per_epoch = BASE.train_size // 50
    assert Space((BATCH_SIZE,), EPOCHS_10).put(BASE, (50,)).cycle_steps == 10 * per_epoch
    assert Space((BATCH_SIZE,), Cycle(40, "steps")).put(BASE, (50,)).cycle_steps == 40


def test_sigma_implies_normal_weights() -> None:
    """σ says nothing of He's weights."""
    trial = Space((SIGMA,), EPOCHS_10).put(BASE, (0.1,))
    assert (trial.init, trial.sigma) == ("normal", 0.1)


def test_runs_end_with_a_varied_cycle() -> None:
    """20 epochs end three cycles of 7 after 21; where epochs are varied, too, they are as asked."""
    base = replace(BASE, epochs=20)
    assert Space((CYCLE,), EPOCHS_10).put(base, (7,)).epochs == 21
    assert Space((CYCLE, EPOCHS), EPOCHS_10).put(base, (7, 9)).epochs == 9


def test_replicates_of_a_point_stand_together() -> None:
    """One trial a point and replicate, the points in the order in which they were given."""
    space = Space((LAM, ETA_MAX), EPOCHS_10)
    points = grid([(1e-3, 1e-2), (0.1, 1.0)])
    found = space.runs(BASE, points, range(2))
    assert [(space.of(each), each.replicate) for each in found] == [
        (point, number) for point in points for number in (0, 1)
    ]


def test_points_are_named_by_their_axes() -> None:
    """One axis needs no symbol in a list; several have theirs."""
    one, two = Space((LAM,), EPOCHS_10), Space((LAM, HIDDEN), EPOCHS_10)
    assert (one.label((1e-3,)), one.short((1e-3,))) == ("λ=1e-3", "1e-3")
    assert one.equation((1e-3,)) == "λ = 1e-3"
    assert two.short((1e-3, (50, 20))) == "(λ=1e-3, hidden=50,20)"
    assert one.listed([(1e-3,), (1e-2,)]) == "1e-3, 1e-2"
    assert one.listed([(float(k),) for k in range(1, 31)]) == "30 values from 1 to 30"
    assert two.listed([(float(k), (5,)) for k in range(1, 31)]) == "30 points"


def test_the_simplest_is_by_the_first_axis_first() -> None:
    """Of points alike on the first axis the next one decides; of equals the later point."""
    space = Space((LAM, HIDDEN), EPOCHS_10)
    points: list[Point] = [(1e-3, (50,)), (1e-2, (50, 50)), (1e-2, (50,))]
    assert space.simplest(points) == (1e-2, (50,))
    assert Space((ETA_MAX,), EPOCHS_10).simplest([(0.1,), (1.0,)]) == (1.0,)
