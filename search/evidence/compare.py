"""How sure is the winner: every point against it, with intervals that hold at their rate.

Pure functions of `Candidate`s. The method and its sources are explained in docs/statistics.md; in
short: differences are taken within replicates and images, their variance has a part from images
and a part from seeds, and the critical value of a row is that of the largest of all differences
to it, since the winner was picked by looking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from search.evidence.marks import Candidate, Seeds, marks, standard_error
from search.evidence.optimism import optimism
from search.evidence.pairs import Level, largest, levels, simulate
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

    @property
    def tied(self) -> bool:
        """Whether the value cannot be told from the winner."""
        return self.high >= 0.0


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
    simulated = simulate(table, rng, draws or enough_draws(len(points)))
    pairs = levels(table, simulated)
    rows = _rows(points, top, pairs, largest(table, simulated, pairs), level)
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
        optimism=optimism(pairs, rivals, rng),
        seeds=table.seeds,
        draws=len(simulated.scale),
        shares_seeds=not table.families.any(),
    )


def _rows(
    points: list[Point],
    top: int,
    pairs: Sequence[Level],
    largest: Float[np.ndarray, "k b"],
    level: float,
) -> tuple[Difference, ...]:
    """Return each point's row but the winner's, ascending."""
    critical = np.quantile(largest, level, axis=1, method="higher")
    rows = {}
    for each in pairs:
        if top not in each.values:
            continue
        at = int(np.searchsorted(each.values, top))
        differences, errors = each.difference(at), each.standard_error(at)
        for place in np.flatnonzero(each.compared[at]):
            k, difference = each.values[place], float(differences[place])
            reach = float(critical[k] * errors[place])
            larger = int(np.count_nonzero(largest[k] >= abs(difference) / errors[place]))
            rows[points[k]] = Difference(
                point=points[k],
                runs=each.runs,
                difference=difference,
                low=difference - reach,
                high=difference + reach,
                p=(1 + larger) / (1 + largest.shape[1]),
            )
    return tuple(rows[point] for point in sorted(rows))
