"""The race: points are trained again and again, and those known to be worse drop out.

A race is a function of outcomes: what it found at each look, and who has to be trained up to how
many replicates for the next one. The best of the points that begin it, whichever that is, is
dropped in 5 % of races at most. The method is explained in docs/statistics.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from search.evidence.look import Look, Rule, Standing, take_look
from search.evidence.marks import Candidate, marks
from search.evidence.outcomes import candidates
from search.evidence.spread import of_differences
from search.records import Outcome
from search.settings import values
from search.space.points import Point, Space
from search.trial import Purpose, stream

LIKELY = 0.1
"""Chance of an end by the last look below which more seeds are not worth their runs."""
SEEDS = 5.0
"""How many times the noise of images that of seeds is taken to be where it is not known."""
FAR = 4.0
"""Standard errors, with noise of that size, behind which a point does not begin the race."""
REMEMBERED = 12
"""Looks that are kept: a plan asks for them, each replay of it does, and so does a report."""


def race_looks(flag: str, value: Any) -> tuple[int, ...] | Literal["off"]:
    """Read the replicates at each look of a race, ascending, two at least; or `off`."""
    if value == "off":
        return "off"
    whole = values.whole(at_least=2)
    looks = values.distinct(flag, values.items(flag, value, whole, "number of runs, as in 3,5,8"))
    return tuple(sorted(looks))


class Ending(StrEnum):
    """Why a race ended."""

    ONE_LEFT = "one left"
    """Every other point is known to be worse."""
    ALIKE = "alike"
    """The best one loses no more than is tolerated."""
    REPLICATES = "replicates"
    """The last look was taken."""
    IMAGES = "images"
    """No seed up to the last look is likely to tell: images' noise, or seeds', is too large."""
    BUDGET = "budget"
    """The next look would take more than is allowed."""
    FAILED = "failed"
    """No point that was left completed its runs."""


@dataclass(frozen=True)
class Budget:
    """What a whole search may take; the race leaves of it what comes afterwards."""

    runs: int | None = None
    seconds: float | None = None
    """Of training, summed over runs."""
    afterwards: int = 0
    """Runs that follow the race."""

    def allows(self, known: Iterable[Outcome], more: int) -> bool:
        """Say whether so many more runs can be paid for, each as long as one was on average."""
        spent = tuple(known)
        runs = len(spent) + more + self.afterwards
        if self.runs is not None and runs > self.runs:
            return False
        times = [each.result.seconds for each in spent if each.result is not None]
        if self.seconds is None or not times:
            return True
        return sum(times) + (more + self.afterwards) * float(np.mean(times)) <= self.seconds


@dataclass(frozen=True)
class Race:
    """A race as far as it has come."""

    rule: Rule
    hopeless: tuple[Point, ...]
    """Points so far behind after the first runs that they did not begin it, ascending."""
    begun: tuple[Point, ...]
    """Those that did, ascending."""
    looks: tuple[Look, ...]
    left: tuple[Point, ...]
    """Those that are still in it, ascending."""
    ending: Ending | None
    """None while it goes on: each that is left has to be trained up to `next_runs`."""
    spent: int
    """Runs of all points up to its last look."""
    most: int
    """Runs that there would be, were each point that began trained as often as at the last look."""

    @property
    def next_runs(self) -> int:
        """Replicates at the next look."""
        return self.rule.looks[len(self.looks)]

    @property
    def standings(self) -> tuple[Standing, ...]:
        """How each point stood at the last look that it was part of."""
        return tuple({each.point: each for look in self.looks for each in look.standings}.values())

    @property
    def last(self) -> Look | None:
        """The look that was taken last."""
        return self.looks[-1] if self.looks else None


def race(
    outcomes: Iterable[Outcome],
    space: Space,
    rule: Rule,
    *,
    replicates: int = 1,
    budget: Budget | None = None,
) -> Race:
    """Return the race over the points of some outcomes, of which each has so many `replicates`.

    Equal outcomes, in any order, give an equal race; what is known beyond a look plays no part in
    it, so that a race of more outcomes begins as it did. The simulations behind it draw on the
    study's seed.
    """
    known = tuple({outcome.trial: outcome for outcome in outcomes}.values())
    begun, hopeless = _begin(candidates(_before(known, replicates), space), replicates)
    held: dict[Point, Candidate] = {}
    looks: list[Look] = []
    left, ending, runs = begun, Ending.ONE_LEFT if len(begun) == 1 else None, replicates
    while ending is None:
        before = _before(known, rule.looks[len(looks)])
        have = Counter(space.of(trial) for trial, *_ in before)
        more = sum(rule.looks[len(looks)] - have[point] for point in left)
        if more:
            if budget is not None and not budget.allows(before, more):
                ending = Ending.BUDGET
            break
        runs = rule.looks[len(looks)]
        found = {each.point: each for each in candidates(before, space)}
        left = tuple(point for point in left if point in found and found[point].runs > 1)
        held |= {point: found[point] for point in left}
        if len(left) < 2:
            ending = Ending.ONE_LEFT if left else Ending.FAILED
            break
        seed = known[0].trial.seed
        looks.append(_look(tuple(held.values()), left, rule, tuple(looks), space, seed))
        left, ending = looks[-1].left, _ending(looks, rule)
    before = _before(known, runs)
    have = Counter(space.of(trial) for trial, *_ in before)
    saved = sum(rule.looks[-1] - have[point] for point in begun)
    spent = len(before)
    return Race(rule, hopeless, begun, tuple(looks), left, ending, spent, spent + saved)


def _before(known: Iterable[Outcome], runs: int) -> tuple[Outcome, ...]:
    """Return the outcomes of so many first replicates."""
    return tuple(outcome for outcome in known if outcome.trial.replicate < runs)


def _begin(
    found: tuple[Candidate, ...], replicates: int
) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Return the points that begin a race, and those that are too far behind for it.

    After one run nothing is known of seeds: their noise is taken to be larger than it ever is.
    """
    if replicates > 1 or not found:
        return tuple(each.point for each in found), ()
    table = marks(found)
    best = int(table.accuracy.argmax())
    errors = np.sqrt((1.0 + SEEDS**2) * of_differences(table.covariance)[best])
    far = table.accuracy[best] - table.accuracy > FAR * errors
    points = [each.point for each in found]
    begun = tuple(point for point, out in zip(points, far, strict=True) if not out)
    return begun, tuple(point for point, out in zip(points, far, strict=True) if out)


@lru_cache(maxsize=REMEMBERED)
def _look(
    held: tuple[Candidate, ...],
    left: tuple[Point, ...],
    rule: Rule,
    earlier: tuple[Look, ...],
    space: Space,
    seed: int,
) -> Look:
    rng = stream(seed, 0, Purpose.RACE)
    return take_look(held, left, rule, earlier, simplicity=space.simplicity, rng=rng)


def _ending(looks: list[Look], rule: Rule) -> Ending | None:
    """Return why a race is over after its last look; None where it goes on."""
    last = looks[-1]
    if len(last.left) == 1:
        return Ending.ONE_LEFT
    if last.loses(last.best) <= rule.tolerance:
        return Ending.ALIKE
    if len(looks) == len(rule.looks):
        return Ending.REPLICATES
    return Ending.IMAGES if last.power < LIKELY else None
