"""How sure is the winner: every point against it, with intervals that hold at their rate.

Pure functions of `Candidate`s. The method and its sources are explained in docs/statistics.md; in
short: differences are taken within replicates and images, their variance has a part from images
and a part from seeds, and the critical value of a row is that of the largest of all differences
to it, since the winner was picked by looking; after a race, no smaller than the race's boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search.evidence.look import Standing
from search.evidence.marks import Candidate, Seeds, marks, standard_error
from search.evidence.optimism import optimism
from search.evidence.pairs import Level, levels
from search.space.points import Point

LEVEL = 0.95
"""Rate at which intervals cover and the set of ties holds the best value."""
DRAWS = 10_000
"""Simulated data sets behind a critical value, at most."""
FEWEST_DRAWS = 2_000
"""The same, at least."""
DIFFERENCES = 2_500_000_000
"""Simulated differences, in all pairs, from which on fewer data sets are simulated."""


def enough_draws(values: int) -> int:
    """Return how many data sets are simulated: `DRAWS` up to 500 values, then fewer.

    The rate of an interval holds with any number: by chance a critical value is now a little too
    large, now a little too small, and more draws only make that chance smaller. With 2,000 the
    rate of one report's intervals has a standard deviation of 0.5 %.
    """
    return max(FEWEST_DRAWS, min(DRAWS, DIFFERENCES // values**2))


@dataclass(frozen=True)
class Difference:
    """A point against the winner."""

    point: Point
    runs: int
    """Replicates that both have; only those are compared."""
    difference: float
    """Accuracy less the winner's."""
    low: float
    high: float
    """The interval's ends."""
    p: float
    """Chance of a difference this large from the largest of all, were there none."""
    tied: bool
    """Whether the value may be as good as the winner, for all that is known: its interval does not
    lie below zero; after a race, it is left."""


@dataclass(frozen=True)
class Comparison:
    """What a search knows about its winner."""

    winner: Point
    rows: tuple[Difference, ...]
    """One for each other point, ascending."""
    errors: dict[Point, float]
    """Standard error of each point's mean accuracy."""
    one_se: Point
    """The simplest point within one standard error of the winner, of those that are tied with it
    and were trained as often: what was trained less often could not have won."""
    optimism: float
    """By how much the winner's own score is expected to be too high, at least, for having won."""
    seeds: Seeds
    draws: int
    """Simulated data sets behind it: no p is below one in so many."""
    shares_seeds: bool
    """Whether a replicate of every point has the same initial weights and batches; where not,
    differences between those that have not hold all of the noise of seeds."""

    @property
    def ties(self) -> tuple[Point, ...]:
        """Points that cannot be told from the winner, which is not among them."""
        return tuple(row.point for row in self.rows if row.tied)

    @property
    def knows_seeds(self) -> bool:
        """Whether the intervals hold the noise of seeds; that of images is always in them."""
        return self.seeds.freedom > 0


def compare(
    candidates: Sequence[Candidate],
    winner: Point,
    *,
    simplicity: Callable[[Point], Any],
    rng: np.random.Generator,
    raced: Sequence[Standing] = (),
    level: float = LEVEL,
    draws: int | None = None,
) -> Comparison:
    """Compare every candidate with the winner.

    Parameters
    ----------
    candidates
        One a point; all have labelled the same images.
    winner
        Its point, chosen by any rule among the candidates.
    simplicity
        What is larger for the simpler of two points: see `Space.simplicity`.
    rng
        For the simulated critical values. Equal candidates, in any order, and an equal generator
        give equal comparisons.
    raced
        Each point's last standing in a race, of those that took part: it was looked at several
        times, which its interval knows by the boundary.
    level
        For every value k, the interval of its difference to the winner covers the true one at
        this rate at least, whichever value turned out the winner. The winner and its ties hold
        the truly best value at this rate at least.
    draws
        Simulated data sets behind each critical value; as many as `enough_draws` says.
    """
    ordered = sorted(candidates, key=lambda each: each.point)
    points = [each.point for each in ordered]
    top = points.index(winner)
    table = marks(ordered)
    pairs, draws = levels(table), draws or enough_draws(len(points))
    rows = _rows(points, top, pairs, raced, level, draws, rng)
    errors = {each.point: standard_error(each.correct, table.seeds) for each in ordered}
    as_many = table.runs >= table.runs[top]
    tied = {row.point: row for row in rows if row.tied}
    rivals = np.array([point == winner or point in tied for point in points])
    within = [
        point
        for point, enough in zip(points, as_many, strict=True)
        if enough and point in tied and tied[point].difference >= -errors[winner]
    ]
    return Comparison(
        winner=winner,
        rows=rows,
        errors=errors,
        one_se=max([winner, *within], key=simplicity),
        optimism=optimism(pairs, rivals, draws, rng),
        seeds=table.seeds,
        draws=draws,
        shares_seeds=not table.families.any(),
    )


def _rows(
    points: list[Point],
    top: int,
    pairs: Sequence[Level],
    raced: Sequence[Standing],
    level: float,
    draws: int,
    rng: np.random.Generator,
) -> tuple[Difference, ...]:
    """Return each point's row but the winner's, ascending.

    A row is that of the most runs that the point and the winner have both. Its critical value is
    the largest of all levels so far: who was trained again was picked by what was seen there.
    """
    last = {each.point: each for each in raced}
    critical = np.zeros(len(points))
    rows: dict[Point, Difference] = {}
    for each in pairs:
        if top not in each.values:
            break
        largest = each.largest(level, draws, rng)
        own = np.quantile(largest, level, axis=1, method="higher")
        critical[each.values] = np.maximum(critical[each.values], own)
        at = int(np.searchsorted(each.values, top))
        differences = each.accuracy - each.accuracy[at]
        errors = each.standard_errors(at)
        alone = each.alone(at, level) if raced else errors
        for place in np.flatnonzero(each.values != top):
            point = points[each.values[place]]
            stood = last.get(point)
            edge = max(critical[each.values[place]], stood.boundary if stood else 0.0)
            difference, reach = float(differences[place]), float(edge * errors[place])
            high = difference + reach
            if stood and stood.dropped and high < 0.0:  # by how much is less sure than that it is
                high = min(0.0, difference + max(reach, float(alone[place])))
            # Whatever makes an interval wider makes p larger, so that both say the same.
            far = abs(difference) / reach * own[place]
            rows[point] = Difference(
                point=point,
                runs=each.runs,
                difference=difference,
                low=difference - reach,
                high=high,
                p=(1 + int(np.count_nonzero(largest[place] >= far))) / (1 + draws),
                tied=not stood.dropped if stood else high >= 0.0,
            )
    return tuple(rows[point] for point in sorted(rows))
