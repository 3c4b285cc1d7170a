"""A look at a race: who is known to be worse, by how much the others may be, what could still tell.

A point is out when another one is further ahead of it than the boundary; see
`search.evidence.boundary`. The method is explained in docs/statistics.md.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from search.evidence.boundary import Noise, boundary, root
from search.evidence.marks import Candidate, Marks, marks
from search.evidence.spread import Parts, Variances, parts, prior_freedom, variances
from search.space.points import Point

LOST = 0.05
"""Share of races in which the best point is dropped, at most."""
FUTURES = 2_000
"""Simulated last looks behind the chance that a race ends by then."""


@dataclass(frozen=True)
class Rule:
    """When looks are taken, and what need not be told apart."""

    looks: tuple[int, ...]
    """Replicates at each look, ascending; two at least."""
    tolerance: float
    """Points alike to within so much accuracy need not be told apart."""


@dataclass(frozen=True)
class Standing:
    """A point at a look."""

    point: Point
    accuracy: float
    lead: float
    """The largest lead over it, of any other that was left, in standard errors."""
    boundary: float
    """The lead from which on it is out."""
    loses: float
    """By how much it is behind the best one at most, of points that stay; of others, infinite."""

    @property
    def dropped(self) -> bool:
        """Whether it is out of the race."""
        return self.lead > self.boundary


@dataclass(frozen=True)
class Look:
    """What was seen when each point that was left had so many runs."""

    runs: int
    compared: int
    """Runs of each by which they are compared: fewer where not every network learned."""
    best: Point
    """Of those that stay, that with the highest accuracy."""
    standings: tuple[Standing, ...]
    """One for each point that was left before, ascending."""
    dispersion: float
    """φ over all runs up to here."""
    freedom: int
    """Its degrees of freedom."""
    prior: float
    """How many of them it is worth for a single point; infinite where all points are alike."""
    power: float
    """The chance that the best one loses no more than is tolerated at the last look; 1 where that
    is so already, or this is the last look."""
    images: float
    """Validation images with which it would end at its last look; infinite where none would do."""
    replicates: float
    """Replicates with which it would end, of the images that there are; infinite likewise."""

    @property
    def left(self) -> tuple[Point, ...]:
        """The points that stay, ascending."""
        return tuple(each.point for each in self.standings if not each.dropped)

    def loses(self, point: Point) -> float:
        """Return by how much a point is behind the best one, at most."""
        return next(each.loses for each in self.standings if each.point == point)


def take_look(
    candidates: Sequence[Candidate],
    left: Sequence[Point],
    rule: Rule,
    earlier: Sequence[Look],
    *,
    simplicity: Callable[[Point], Any],
    rng: np.random.Generator,
) -> Look:
    """Look at what is left of a race.

    Parameters
    ----------
    candidates
        Every point that began the race, with all its runs up to this look; two points at least.
    left
        Those that are still in it and were trained as often as the look asks; each has two runs
        of a network that learned, at least.
    earlier
        The looks before this one.
    simplicity
        What is larger for the simpler of two points, which is the better one of two equals.
    rng
        In the same state at each look of a race: boundaries that were passed stay as they were.
    """
    ordered = sorted(candidates, key=lambda each: each.point)
    names = [each.point for each in ordered]
    at = np.array([names.index(point) for point in sorted(left)])
    runs, table = rule.looks[len(earlier)], marks(ordered)
    compared = int(table.runs[at].min())
    edge = _Edge.of(table, rule, rng)
    looks = [*(look.compared for look in earlier), compared]
    freedoms = [*(look.freedom for look in earlier), table.seeds.freedom]
    now = parts(table, at, compared)
    field = Field(
        now.accuracy,
        variances(now, table.seeds.dispersion, edge.prior),
        edge.at(at, looks, freedoms),
    )
    leads = field.leads(compared)
    stays = np.flatnonzero(leads <= field.bounds)
    loses = dict(zip(stays.tolist(), field.only(stays).loses(compared), strict=True))
    best = max(loses, key=lambda k: (now.accuracy[k], simplicity(names[at[k]])))
    last, power = field.only(stays), 1.0
    if loses[best] > rule.tolerance and runs < rule.looks[-1]:
        later = [each for each in rule.looks if each > runs]
        freedoms += [table.seeds.freedom + (len(stays) - 1) * (each - runs) for each in later]
        trained = table.runs.copy()
        trained[at[stays]] += later[-1] - runs
        then = replace(edge, prior=prior_freedom(table, runs=trained))
        last = replace(last, bounds=then.at(at[stays], [*looks, *later], freedoms))
        power = last.power(rule, compared, copy.deepcopy(rng))
    images, replicates = last.sufficient(rule, int(np.searchsorted(stays, best)))
    return Look(
        runs=runs,
        compared=compared,
        best=names[at[best]],
        standings=tuple(
            Standing(
                names[at[k]],
                float(now.accuracy[k]),
                float(leads[k]),
                float(field.bounds[k]),
                float(loses.get(k, math.inf)),
            )
            for k in range(len(at))
        ),
        dispersion=table.seeds.dispersion,
        freedom=table.seeds.freedom,
        prior=edge.prior,
        power=power,
        images=images * candidates[0].correct.shape[1],
        replicates=replicates,
    )


@dataclass(frozen=True)
class _Edge:
    """The boundary: as it would be from the first look on, were known then what is known now."""

    everyone: Parts
    dispersion: float
    prior: float
    rule: Rule
    rng: np.random.Generator

    @classmethod
    def of(cls, table: Marks, rule: Rule, rng: np.random.Generator) -> _Edge:
        """Return the boundary of a race of some points."""
        begun = table.before(rule.looks[0])
        everyone = parts(begun, np.arange(len(begun.runs)), int(begun.runs.min()))
        return cls(everyone, table.seeds.dispersion, prior_freedom(table), rule, rng)

    def at(
        self, rows: Int[np.ndarray, " a"], looks: Sequence[int], freedoms: Sequence[int]
    ) -> Float[np.ndarray, " a"]:
        """Return the boundary of some points at the last of some looks."""
        # φ is 1 at least, so an estimate below 1 says nothing of how far accuracies vary.
        run = self.everyone.run(max(1.0, self.dispersion))
        noise = Noise(self.everyone.image, run, self.prior, tuple(freedoms))
        spent = [LOST * each / self.rule.looks[-1] for each in self.rule.looks]
        rng = copy.deepcopy(self.rng)
        return np.asarray(boundary(noise, looks, spent, rows, rng=rng)[-1])


@dataclass(frozen=True)
class Field:
    """Points in a race: how good they look, how their differences vary, and their boundary."""

    accuracy: Float[np.ndarray, " k"]
    variances: Variances
    bounds: Float[np.ndarray, " k"]

    def only(self, rows: Int[np.ndarray, " a"]) -> Field:
        """Return some of the points."""
        return Field(self.accuracy[rows], self.variances.only(rows), self.bounds[rows])

    def leads(self, runs: int) -> Float[np.ndarray, " k"]:
        """Return the largest studentised lead over each point, after so many runs."""
        ahead = self.accuracy - self.accuracy[:, None]
        return np.asarray((ahead / np.sqrt(self.variances.after(runs))).max(axis=1))

    def loses(self, runs: int) -> Float[np.ndarray, " k"]:
        """Return by how much each point is behind the best one, at most.

        Whichever point is the best, no other one is further ahead of it than its boundary.
        """
        reach = self.bounds * np.sqrt(self.variances.after(runs))
        np.fill_diagonal(reach, 0.0)
        return np.asarray((self.accuracy - self.accuracy[:, None] + reach).max(axis=1))

    def power(self, rule: Rule, runs: int, rng: np.random.Generator) -> float:
        """Return the chance that the best point loses no more than is tolerated at the last look.

        What more runs will give is drawn around what these gave; the images stay the same.
        """
        last, points = rule.looks[-1], len(self.accuracy)
        covariance = self.variances.of_runs * (1 / runs - 1 / last)
        drawn = self.accuracy[:, None] + root(covariance) @ rng.standard_normal((points, FUTURES))
        best = drawn.argmax(axis=0)
        reach = self.bounds * np.sqrt(self.variances.after(last))
        np.fill_diagonal(reach, 0.0)
        loses = (drawn.T - drawn.max(axis=0)[:, None] + reach[best]).max(axis=1)
        return float(np.mean(loses <= rule.tolerance))

    def sufficient(self, rule: Rule, best: int) -> tuple[float, float]:
        """Return how many times the images, and how many replicates, would end the race.

        The images: with the last look's replicates; the replicates: with the images as they are.
        Accuracies are taken to stay as they are.
        """
        behind = self.accuracy[best] - self.accuracy
        others = np.arange(len(behind)) != best
        image, run, images = (
            each[best][others]
            for each in (self.variances.image, self.variances.run, self.variances.images_of_run)
        )
        needed = np.square((rule.tolerance + behind[others]) / self.bounds[others])
        seeds = np.maximum(0.0, run - images) / rule.looks[-1]
        with np.errstate(divide="ignore"):
            larger = (image + np.minimum(run, images) / rule.looks[-1]) / np.maximum(
                0.0, needed - seeds
            )
            replicates = run / np.maximum(0.0, needed - image)
        return float(larger.max(initial=0.0)), float(replicates.max(initial=0.0))
