"""A look at a race, against races whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from search.evidence.look import Look, Rule, take_look
from search.evidence.marks import Candidate
from search.space.points import Point, only
from tests.search.simulated import World, at_most

RULE = Rule((3, 5, 8), 0.02)


def race(candidates: Sequence[Candidate], rule: Rule = RULE, *, seed: int = 0) -> list[Look]:
    """Return all looks of a race that goes on to the last one, or until one point is left."""
    looks: list[Look] = []
    held = {each.point: each for each in candidates}
    runs = dict.fromkeys(held, 0)
    left: tuple[Point, ...] = tuple(held)
    for count in rule.looks:
        runs |= dict.fromkeys(left, count)
        now = [Candidate(p, each.correct[: runs[p]], each.family) for p, each in held.items()]
        rng = np.random.default_rng(seed)
        looks.append(take_look(now, left, rule, looks, simplicity=only, rng=rng))
        left = looks[-1].left
        if len(left) < 2:
            break
    return looks


WORLDS = {
    "all alike": World((0.6,) * 5, runs=8, seeds=0.01, shared=0.01),
    "nearly alike": World((0.6, 0.598, 0.596, 0.59), runs=8, seeds=0.01),
    "families": World((0.6,) * 4, runs=8, seeds=0.01, shared=0.02, families=(0, 0, 1, 1)),
    "each its own family": World((0.6,) * 4, runs=8, shared=0.02, families=(0, 1, 2, 3)),
}


@pytest.mark.parametrize(
    ("world", "races"),
    [
        pytest.param(world, races, id=f"{name}, {races}", marks=marks)
        for name, world in WORLDS.items()
        for races, marks in ((60, ()), (600, (pytest.mark.slow, pytest.mark.timeout(1200))))
    ],
)
def test_the_best_is_dropped_at_the_stated_rate_at_most(
    world: World, races: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever point is the best; and where it stays, no other one loses more than is said."""
    monkeypatch.setattr("search.evidence.boundary.DRAWS", 1_500)
    rng = np.random.default_rng(0)
    found = [race(world.sample(rng)[0]) for _ in range(races)]
    truth: dict[Point, float] = {(10.0**-k,): accuracy for k, accuracy in enumerate(world.accuracy)}
    top = max(truth.values())
    for point in [point for point, accuracy in truth.items() if accuracy == top]:
        assert at_most(0.05, [point not in looks[-1].left for looks in found])
    last = [looks[-1] for looks in found]
    assert at_most(0.05, [top - truth[look.best] > look.loses(look.best) for look in last])


def test_what_is_clearly_worse_drops_out() -> None:
    """A point that is far behind is out at the first look, and one is left in the end."""
    world = World((0.7, 0.5, 0.4), runs=8, images=2_000, seeds=0.005)
    (look,) = race(world.sample(np.random.default_rng(0))[0])
    assert (look.runs, look.best, look.left) == (3, (1.0,), ((1.0,),))
    assert look.loses((1.0,)) == 0.0
    assert [each.dropped for each in look.standings] == [True, True, False]


def test_a_loss_is_bounded_by_lead_and_boundary() -> None:
    """By how much the best one loses at most is another one's accuracy and reach less its own."""
    world = World((0.6, 0.6), runs=8, images=2_000, seeds=0.01)
    look = race(world.sample(np.random.default_rng(2))[0])[0]
    first, second = look.standings
    best, other = (first, second) if look.best == first.point else (second, first)
    gap = best.accuracy - other.accuracy
    assert other.lead > best.lead == 0.0
    error = gap / other.lead
    assert best.loses == pytest.approx(max(0.0, other.boundary * error - gap))
    assert other.loses == pytest.approx(best.boundary * error + gap)


def test_where_seeds_are_still_runs_help_and_only_images_do() -> None:
    """Points that suit other images, with hardly any noise of seeds: no replicate would tell them.

    The images that would are more than there are.
    """
    world = World((0.6, 0.6), runs=8, images=1_000, difficulty=(0.3, 0.0, 0.65))
    look = race(world.sample(np.random.default_rng(0))[0], Rule((3, 5, 8), 0.005))[0]
    assert len(look.left) == 2
    assert look.power < 0.1
    assert look.replicates == math.inf
    assert look.images > 1_000


def test_one_noisy_point_is_given_its_own_variance() -> None:
    """Where one point's seeds are ten times noisier the pooled variance is hardly trusted.

    Where all are alike it is trusted alone, more often than not.
    """
    rng = np.random.default_rng(3)

    def priors(noisy: float) -> list[float]:
        found = []
        for _ in range(20):
            candidates, _ = World((0.6,) * 6, runs=3, images=2_000).sample(rng)
            moved = rng.random(candidates[0].correct.shape) < np.abs(
                noisy * rng.standard_normal((3, 1))
            )
            candidates[0] = Candidate((1.0,), candidates[0].correct & ~moved)
            found.append(race(candidates, Rule((3,), 0.0))[0].prior)
        return found

    assert np.median(priors(0.2)) < 2.0
    assert np.median(priors(0.0)) > 10.0


def test_equal_outcomes_give_equal_looks_in_any_order() -> None:
    """The order of candidates does not matter, and the generator's state is all the chance."""
    candidates, _ = World((0.6, 0.59, 0.57, 0.5), runs=8, seeds=0.02).sample(
        np.random.default_rng(3)
    )
    assert race(candidates) == race(candidates[::-1])
    assert [each.boundary for each in race(candidates, seed=1)[0].standings] != [
        each.boundary for each in race(candidates)[0].standings
    ]
