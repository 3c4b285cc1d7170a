"""Made-up worlds have the truth that they state, and are the same whoever asks them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.worlds import CHANCE, CLASSES, WORLDS, World, at, flat, through
from search.evidence.outcomes import labelled_right
from search.trial import Trial

SEARCHES = 200


def runs(world: World, lam: float, replicate: int = 0) -> np.ndarray:
    """Return a λ's accuracies in many searches."""
    found = []
    for seed in range(SEARCHES):
        trial = replace(world.base(seed), lam=lam, replicate=replicate)
        validation = world.result(trial).validation
        assert validation is not None
        found.append(validation.accuracy)
    return np.array(found)


def asked(world: World, lam: float, replicate: int = 0, seed: int = 0) -> np.ndarray:
    """Return which images a run labels right."""
    trial: Trial = replace(world.base(seed), lam=lam, replicate=replicate)
    right = labelled_right(world.result(trial))
    assert right is not None
    return right


def test_equal_trials_give_equal_results() -> None:
    """Whatever was asked before; other λ, replicates and searches are other runs."""
    world = WORLDS["images that suit a λ"]
    first = asked(world, 1e-2)
    others = [asked(world, 1e-3), asked(world, 1e-2, replicate=1), asked(world, 1e-2, seed=1)]
    assert all((first != other).any() for other in others)
    assert (first == asked(world, 1e-2)).all()


def test_accuracies_are_true_on_average() -> None:
    """They vary by images and seeds about what the curve says."""
    found = runs(World(through((-3.0, 0.4), (-1.0, 0.6)), seeds=flat(0.01), images=1_000), 1e-2)
    spread = np.hypot(np.sqrt(0.5 * 0.5 / 1_000), 0.01)
    assert found.mean() == pytest.approx(0.5, abs=4 * spread / np.sqrt(SEARCHES))
    assert found.std() == pytest.approx(spread, rel=0.2)


def test_seeds_may_do_the_same_to_neighbours() -> None:
    """Where they are smooth in λ, close values go together and far ones do not."""
    world = World(flat(0.5), seeds=flat(0.05), smooth=True)
    near, other, far = (runs(world, lam) for lam in (1e-2, 2e-2, 1e-4))
    assert np.corrcoef(near, other)[0, 1] > 0.8
    assert np.corrcoef(near, far)[0, 1] < 0.5
    alone = World(flat(0.5), seeds=flat(0.05))
    assert np.corrcoef(runs(alone, 1e-2), runs(alone, 2e-2))[0, 1] < 0.5


def test_a_collapsed_run_names_one_class() -> None:
    """Its accuracy is that class's share, and as many collapse as is said."""
    found = runs(World(flat(0.6), collapse=0.2), 1e-2)
    stuck = np.isclose(found, CHANCE)
    assert 0.1 < stuck.mean() < 0.3
    assert found[~stuck].min() > 0.5
    assert CHANCE == 1 / CLASSES


def test_curves_say_what_they_are_made_of() -> None:
    """Lines between points, and one value set apart."""
    assert through((0.0, 1.0), (1.0, 3.0))(0.5) == pytest.approx(2.0)
    assert [at(-2.0, 0.6, 0.5)(x) for x in (-2.0, -1.0)] == [0.6, 0.5]
