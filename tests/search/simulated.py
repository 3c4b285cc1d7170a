"""Simulated searches whose truth is known, and how often statements on them hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom

from search.evidence.compare import Comparison, compare
from search.evidence.marks import Candidate
from search.space.points import only

DRAWS = 1_500
CERTAIN = 1e-4
"""Chance that a count lies outside its bounds although the stated rate holds."""


@dataclass(frozen=True)
class World:
    """What is true of some values of λ, and how their runs vary about it."""

    accuracy: tuple[float, ...]
    """Of each value, over all images and seeds."""
    runs: int | tuple[int, ...] = 1
    images: int = 400
    seeds: float | tuple[float, ...] = 0.0
    """Standard deviation over seeds, of each value's own."""
    shared: float = 0.0
    """The same, of what a seed does to all values alike."""
    difficulty: tuple[float, float, float] = (0.5, 0.15, 0.0)
    """Shares of an image's fate that are shared by all runs, by a replicate, by a value."""
    unlearned: tuple[tuple[int, int], ...] = ()
    """Values and replicates whose networks did not learn, and are left out."""
    families: tuple[int, ...] | None = None
    """Of each value, which others it shares a replicate's seeds with; None where all do."""

    def sample(self, rng: np.random.Generator) -> tuple[list[Candidate], np.ndarray]:
        """Return a search's candidates, and the accuracy of each network over all images."""
        values = len(self.accuracy)
        runs = np.broadcast_to(self.runs, values)
        shape = (values, int(runs.max()), self.images)
        image = rng.standard_normal((1, 1, self.images))
        family = np.zeros(values, dtype=int) if self.families is None else np.array(self.families)
        kinds = family.max() + 1
        replicate = rng.standard_normal((kinds, *shape[1:]))[family]
        value = rng.standard_normal((values, 1, self.images))
        rest = 1.0 - sum(self.difficulty)
        fate = sum(
            np.sqrt(share) * part
            for share, part in zip(
                (*self.difficulty, rest),
                (image, replicate, value, rng.standard_normal(shape)),
                strict=True,
            )
        )
        networks = (
            np.array(self.accuracy)[:, None]
            + self.shared * rng.standard_normal((kinds, shape[1]))[family]
            + np.reshape(self.seeds, (-1, 1)) * rng.standard_normal(shape[:2])
        )
        right = ndtr(fate) < networks[:, :, None]
        found = []
        for k in range(values):
            learned = tuple(r for r in range(runs[k]) if (k, r) not in self.unlearned)
            marks = right[k, list(learned)]
            found.append(Candidate((10.0**-k,), marks, int(family[k]), learned))
        return found, networks


@dataclass(frozen=True)
class Search:
    """One simulated search: what was found and what is true."""

    truth: dict[float, float]
    networks: dict[float, float]
    """Accuracy over all images of each value's first network."""
    winner_score: float
    found: Comparison


def simulate(world: World, searches: int, *, seed: int = 0) -> list[Search]:
    """Return searches of a world; the winner is the best of the values with the most runs."""
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(searches):
        candidates, networks = world.sample(rng)
        most = max(each.runs for each in candidates)
        best = max((c for c in candidates if c.runs == most), key=lambda each: each.accuracy)
        lams = [only(each.point) for each in candidates]
        result.append(
            Search(
                dict(zip(lams, world.accuracy, strict=True)),
                dict(zip(lams, networks[:, 0].tolist(), strict=True)),
                best.accuracy,
                compare(candidates, best.point, simplicity=only, rng=rng.spawn(1)[0], draws=DRAWS),
            )
        )
    return result


def at_most(rate: float, events: Sequence[bool]) -> bool:
    """Say whether a rate of events is no higher than stated, within Monte-Carlo error."""
    return bool(sum(events) <= binom.isf(CERTAIN, len(events), rate))


def at(rate: float, events: Sequence[bool]) -> bool:
    """Say whether a rate of events is as stated, within Monte-Carlo error."""
    low, high = binom.ppf(CERTAIN / 2, len(events), rate), binom.isf(CERTAIN / 2, len(events), rate)
    return bool(low <= sum(events) <= high)
