"""A race as a function of outcomes: who runs next, who drops out, why it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from search.evidence.look import Rule
from search.evidence.race import Budget, Ending, Race, race
from search.records import Outcome
from search.space.points import only
from tests.search.builders import LAMBDAS, result, trial
from tests.search.simulated import World

RULE = Rule((3, 5, 8), 0.01)
Runs = Callable[[float, int], Outcome]


def runs_of(world: World, *, seed: int = 0) -> Runs:
    """Return what gives the outcome of a value's replicate in one search of a world."""
    candidates, _ = world.sample(np.random.default_rng(seed))
    right = {only(each.point): each.correct for each in candidates}

    def run(lam: float, replicate: int) -> Outcome:
        of = trial(lam, replicate=replicate)
        found = right[lam][replicate]
        made = result(of, float(found.mean()))
        assert made.validation is not None
        figures = replace(made.validation, n=found.size)
        arrays = {**made.arrays, "validation_correct": np.packbits(found)}
        return Outcome(of, replace(made, validation=figures, arrays=arrays))

    return run


def complete(world: World, run: Runs, rule: Rule = RULE, **more: object) -> list[Race]:
    """Return a race after each of its stages, the first with one run of each value."""
    known = [run(10.0**-k, 0) for k in range(len(world.accuracy))]
    found = [race(known, LAMBDAS, rule, **more)]  # type: ignore[arg-type]
    while found[-1].ending is None:
        have = {(only(LAMBDAS.of(each.trial)), each.trial.replicate) for each in known}
        wanted = [(only(p), r) for p in found[-1].left for r in range(found[-1].next_runs)]
        known += [run(*each) for each in wanted if each not in have]
        found.append(race(known, LAMBDAS, rule, **more))  # type: ignore[arg-type]
    return found


APART = World((0.7, 0.68, 0.55, 0.2), runs=8, images=2_000, seeds=0.003)


def test_a_race_ends_when_one_is_left() -> None:
    """What is hopeless after one run does not begin it; what is worse drops out; one is left."""
    first, *_, last = complete(APART, runs_of(APART), Rule((3, 5, 8), 0.0))
    assert (first.hopeless, first.looks, first.next_runs) == (((1e-3,),), (), 3)
    assert first.left == first.begun == ((1e-2,), (0.1,), (1.0,))
    assert (last.ending, last.left) == (Ending.ONE_LEFT, ((1.0,),))
    assert last.looks[0].left == ((0.1,), (1.0,)) or len(last.looks) == 1


def test_a_race_ends_when_all_are_alike() -> None:
    """Where what is left is alike to within the tolerance no further run is asked for."""
    world = World((0.7, 0.7, 0.5), runs=8, images=5_000)
    *_, last = complete(world, runs_of(world), Rule((3, 5, 8), 0.05))
    assert (last.ending, len(last.looks)) == (Ending.ALIKE, 1)
    assert last.looks[0].loses(last.looks[0].best) <= 0.05
    assert last.left == ((0.1,), (1.0,))


def test_a_race_ends_when_images_alone_would_tell() -> None:
    """Where seeds add nothing, and the images are too few, more replicates are not tried."""
    world = World((0.6, 0.6), runs=8, images=500, difficulty=(0.3, 0.0, 0.65))
    *_, last = complete(world, runs_of(world), Rule((3, 5, 8), 0.001))
    assert (last.ending, len(last.looks)) == (Ending.IMAGES, 1)


def test_a_race_ends_with_the_last_look() -> None:
    """Where seeds may still tell it goes on to the last look, and no further."""
    world = World((0.6, 0.6), runs=8, images=5_000, seeds=0.02)
    *_, last = complete(world, runs_of(world), Rule((3, 4), 0.017))
    assert last.ending in (Ending.REPLICATES, Ending.IMAGES, Ending.ALIKE)
    *_, last = complete(world, runs_of(world), Rule((3,), 0.0))
    assert (last.ending, len(last.looks)) == (Ending.REPLICATES, 1)


def test_a_budget_ends_it() -> None:
    """A look that would take more than is left is not taken; times count as runs do."""
    world = World((0.6, 0.6, 0.6), runs=8, images=5_000, seeds=0.02)
    run, rule = runs_of(world), Rule((3, 5, 8), 0.03)
    for budget in (Budget(runs=8), Budget(runs=10, afterwards=2)):
        (none,) = complete(world, run, rule, budget=budget)
        assert (none.ending, none.looks, none.left) == (Ending.BUDGET, (), none.begun)
    *_, one = complete(world, run, rule, budget=Budget(runs=14))
    assert (one.ending, len(one.looks)) == (Ending.BUDGET, 1)
    seconds = run(1.0, 0).result.seconds  # type: ignore[union-attr]
    *_, timed = complete(world, run, rule, budget=Budget(seconds=14 * seconds))
    assert timed == one


def test_a_run_that_does_not_complete_rules_its_value_out() -> None:
    """It is out from then on; looks that were taken before stay as they were."""
    world = World((0.6, 0.6, 0.6), runs=8, images=5_000, seeds=0.02)
    run, rule = runs_of(world), Rule((3, 5, 8), 0.03)

    def fails(lam: float, replicate: int) -> Outcome:
        found = run(lam, replicate)
        return found if (lam, replicate) != (0.1, 3) else Outcome(found.trial, None)

    usual, failing = complete(world, run, rule), complete(world, fails, rule)
    assert failing[1] == usual[1]
    assert (0.1,) in failing[1].left
    assert (0.1,) not in [each.point for each in failing[2].looks[1].standings]


def test_a_race_is_a_function_of_its_outcomes() -> None:
    """Order does not matter, and a race of more outcomes begins as that of fewer did."""
    world = World((0.6, 0.595, 0.59, 0.58), runs=8, images=2_000, seeds=0.01)
    run = runs_of(world)
    stages = complete(world, run)
    for before, after in pairwise(stages):
        assert after.looks[: len(before.looks)] == before.looks
    lams = [only(point) for point in stages[0].begun]
    everything = [run(lam, replicate) for lam in lams for replicate in range(8)]
    assert race(everything, LAMBDAS, RULE) == race(everything[::-1], LAMBDAS, RULE)
    assert race(everything, LAMBDAS, RULE).looks[0] == stages[1].looks[0]


def test_values_that_never_completed_take_no_part() -> None:
    """A value whose first run failed is not raced; with one that did not, there is no race."""
    run = runs_of(World((0.6, 0.6), runs=8, images=2_000))
    known = [run(1.0, 0), Outcome(trial(0.1), None)]
    found = race(known, LAMBDAS, RULE)
    assert (found.begun, found.ending, found.looks) == (((1.0,),), Ending.ONE_LEFT, ())


def test_replicates_that_are_there_are_looked_at_first() -> None:
    """Where each value has as many runs as the first look asks for, none is dropped before it."""
    world = World((0.7, 0.2), runs=8, images=2_000)
    run = runs_of(world)
    known = [run(lam, replicate) for lam in (1.0, 0.1) for replicate in range(3)]
    found = race(known, LAMBDAS, RULE, replicates=3)
    assert (found.hopeless, len(found.looks), found.ending) == ((), 1, Ending.ONE_LEFT)
    assert found.next_runs == 5


@pytest.mark.parametrize("seconds", [None, 1e9])
def test_a_large_budget_changes_nothing(seconds: float | None) -> None:
    """A race that is paid for is the race."""
    run = runs_of(APART)
    budget = Budget(runs=1_000, seconds=seconds, afterwards=3)
    assert complete(APART, run, budget=budget) == complete(APART, run)
