"""By how much the winner's score is too high for having been picked: the choice, drawn again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from search.evidence.pairs import Level


def optimism(
    pairs: Sequence[Level], rivals: Bool[np.ndarray, " k"], draws: int, rng: np.random.Generator
) -> float:
    """Return the expected error of the winner's score, at least as far as one choice explains it.

    A parametric bootstrap of the whole way to the winner: every value's scores are drawn again
    around what is likely true, the best go on to more runs, as many as did, and the error of the
    last one's score is averaged. `pairs` are all levels, the one with the fewest runs first, and
    `rivals` the values that may be the best. It is not less than nothing, and nothing where there
    is one rival alone.

    That grids lie where earlier scores were high is not in it, so it is a lower bound.
    """
    if np.count_nonzero(rivals) < 2:
        return 0.0
    first = pairs[0]
    # What all scores have in common takes no part in the choice, and is nothing on average.
    score = first.errors(draws, rng)
    score -= score.mean(axis=0)
    variance = score.var(axis=1)
    lasting = _lasting(pairs)
    stays = lasting / (lasting + (1.0 - lasting) / first.runs)
    truth = _truth(pairs, rivals, variance, stays)
    # Of a score's error, what more runs do not lessen, and what they do.
    unknown = np.sqrt(stays * (1.0 - stays) * variance)[:, None]
    kept = stays * score + unknown * rng.standard_normal(score.shape)
    rest = score - kept
    spread = np.sqrt((1.0 - stays) * variance * first.runs)[:, None]
    runs = first.runs
    alive = np.ones(score.shape, dtype=bool)
    for level in pairs[1:]:
        alive &= _best(np.where(alive, truth[:, None] + kept + rest, -np.inf), len(level.values))
        new = level.runs - runs
        rest = (runs * rest + np.sqrt(new) * spread * rng.standard_normal(score.shape)) / level.runs
        runs = level.runs
    winner = np.argmax(np.where(alive, truth[:, None] + kept + rest, -np.inf), axis=0)
    error = np.take_along_axis(kept + rest, winner[None], axis=0)
    return max(0.0, float(error.mean()))


def _lasting(pairs: Sequence[Level]) -> float:
    """Return the share of one run's variance that all runs of a value have in common."""
    last = pairs[-1].variances
    image, run = last.image.sum(), last.run.sum()
    return float(image / (image + run)) if image + run > 0 else 0.0


def _truth(
    pairs: Sequence[Level],
    rivals: Bool[np.ndarray, " k"],
    variance: Float[np.ndarray, " k"],
    stays: float,
) -> Float[np.ndarray, " k"]:
    """Return accuracies that may be true: those of rivals drawn together.

    Accuracies are spread wider than the truth by their own noise, which would make the winner's
    lead look real: their spread becomes what is left without it.
    """
    accuracy, runs = pairs[0].accuracy.copy(), np.full(len(rivals), pairs[0].runs)
    for level in pairs:
        accuracy[level.values], runs[level.values] = level.accuracy, level.runs
    noise = (variance * (stays + (1.0 - stays) * pairs[0].runs / runs))[rivals]
    found = accuracy[rivals]
    left = max(0.0, float(found.var(ddof=1) - noise.mean()))
    centre = np.average(found, weights=1.0 / (left + noise))
    accuracy[rivals] = centre + np.sqrt(left / (left + noise)) * (found - centre)
    return np.asarray(accuracy)


def _best(scores: Float[np.ndarray, "k b"], number: int) -> Bool[np.ndarray, "k b"]:
    """Return which scores of each draw are among so many best ones."""
    least = np.partition(scores, len(scores) - number, axis=0)[len(scores) - number]
    return np.asarray(scores >= least)
