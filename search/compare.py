"""How sure is the winner: every value of λ against it, with intervals that hold at their rate.

Pure functions of `Candidate`s. The method and its sources are explained in docs/statistics.md; in
short: differences are taken within replicates and images, their variance has a part from images
and a part from seeds, and the critical value of a row is that of the largest of all differences
to it, since the winner was picked by looking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from search.marks import Candidate, Marks, Seeds, marks, standard_error

LEVEL = 0.95
"""Rate at which intervals cover and the set of ties holds the best value."""
DRAWS = 10_000
"""Simulated data sets behind a critical value."""


@dataclass(frozen=True)
class Difference:
    """A value against the winner."""

    lam: float
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

    winner: float
    rows: tuple[Difference, ...]
    """One for each other value, λ ascending."""
    errors: dict[float, float]
    """Standard error of each value's mean accuracy."""
    one_se: float
    """The largest λ whose accuracy is within one standard error of the winner's."""
    optimism: float
    """By how much the winner's own score is expected to be too high, for having been the best."""
    seeds: Seeds

    @property
    def ties(self) -> tuple[float, ...]:
        """Values that cannot be told from the winner, which is not among them."""
        return tuple(row.lam for row in self.rows if row.tied)

    @property
    def knows_seeds(self) -> bool:
        """Whether the intervals hold the noise of seeds; that of images is always in them."""
        return self.seeds.freedom > 0


def compare(
    candidates: Sequence[Candidate],
    winner: float,
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
    draws: int = DRAWS,
) -> Comparison:
    """Compare every candidate with the winner.

    Parameters
    ----------
    candidates
        One a λ. Replicates of a candidate are 0, 1, …; all have labelled the same images.
    winner
        Its λ, chosen by any rule among the candidates.
    rng
        For the simulated critical values. Equal candidates, in any order, and an equal generator
        give equal comparisons.
    level
        For every value k, the interval of its difference to the winner covers the true one at
        this rate at least, whichever value turned out the winner. The winner and its ties hold
        the truly best value at this rate at least.
    draws
        Simulated data sets behind each critical value.
    """
    ordered = sorted(candidates, key=lambda each: each.lam)
    lams = [each.lam for each in ordered]
    top = lams.index(winner)
    table = marks(ordered)
    pairs = _pairs(table)
    simulated = _draws(table, rng, draws)
    rows = tuple(
        _row(pairs, k, top, _largest(table, pairs, simulated, k), lams[k], level)
        for k in range(len(lams))
        if k != top
    )
    errors = {each.lam: standard_error(each.correct, table.seeds) for each in ordered}
    within = [row.lam for row in rows if row.difference >= -errors[winner]]
    eligible = [top, *(lams.index(row.lam) for row in rows if row.tied)]
    return Comparison(
        winner=winner,
        rows=rows,
        errors=errors,
        one_se=max([winner, *within]),
        optimism=_optimism(table, simulated, [k for k in eligible if _as_many(table, k, top)]),
        seeds=table.seeds,
    )


@dataclass(frozen=True)
class _Pairs:
    """All pairs of values, compared on the replicates that both have."""

    share: Float[np.ndarray, "k k r"]
    """1 ∕ (common replicates) where a replicate is common, else 0."""
    difference: Float[np.ndarray, "k k"]
    image: Float[np.ndarray, "k k"]
    """Variance of the difference that more replicates would not lessen."""
    run: Float[np.ndarray, "k k"]
    """Variance that they would: images', as far as it differs from run to run, and seeds'."""
    sampling: Float[np.ndarray, "k k"]
    """Variance of the differences of `_draws`."""


def _pairs(table: Marks) -> _Pairs:
    common = table.present[:, None] & table.present[None, :]
    runs = common.sum(axis=2)
    share = common / runs[:, :, None]
    c = table.covariance
    own = np.einsum("krks->krs", c)
    cross = np.einsum("krjs->kjrs", c)
    v = own[:, None] + own[None, :] - cross - cross.transpose(0, 1, 3, 2)
    total = np.einsum("kjr,kjs,kjrs->kj", share, share, v)
    single = np.einsum("kjr,kjrr->kj", share, v)
    # total = image + (single − image) ∕ runs; with one run the two cannot be told apart, and
    # all of it is taken to differ from run to run, which is never too little.
    image = np.where(runs > 1, (runs * total - single) / np.maximum(1, runs - 1), 0.0)
    image = np.clip(image, 0.0, total)
    return _Pairs(
        share=share,
        difference=np.einsum(
            "kjr,kjr->kj", share, table.accuracy[:, None] - table.accuracy[None, :]
        ),
        image=image,
        run=table.seeds.dispersion * (total - image),
        sampling=total + 2 * table.seeds.interaction / runs,
    )


@dataclass(frozen=True)
class _Draws:
    """Simulated errors of the runs' accuracies, and of the estimate of seeds' noise."""

    error: Float[np.ndarray, "b k r"]
    scale: Float[np.ndarray, " b"]
    """χ²(f) ∕ f; ones where seeds' noise is not estimated."""


def _draws(table: Marks, rng: np.random.Generator, draws: int) -> _Draws:
    cells = table.present.ravel()
    covariance = table.covariance.reshape(cells.size, cells.size)[np.ix_(cells, cells)]
    covariance = covariance + table.seeds.interaction * np.eye(len(covariance))
    error = np.zeros((draws, cells.size))
    # With covariance = LLᵀ, rows z of standard normal numbers give errors zLᵀ.
    normal = rng.standard_normal((draws, len(covariance)))
    error[:, cells] = normal @ np.linalg.cholesky(covariance).T
    freedom = table.seeds.freedom
    scale = rng.chisquare(freedom, draws) / freedom if freedom else np.ones(draws)
    return _Draws(error.reshape(draws, *table.present.shape), scale)


def _largest(table: Marks, pairs: _Pairs, draws: _Draws, k: int) -> Float[np.ndarray, " b"]:
    """Return the largest studentised difference of any value to value k in each draw."""
    share = pairs.share[k]
    error = draws.error[:, k] @ share.T - np.einsum("bjr,jr->bj", draws.error, share)
    others = np.arange(len(share)) != k
    spread = np.sqrt(pairs.sampling[k, others])
    # φ is 1 at least, so an estimate below 1 says nothing of how far estimates vary.
    run = pairs.run[k, others] / min(1.0, table.seeds.dispersion)
    varying = run / (pairs.image[k, others] + run)
    estimated = (1.0 - varying) + varying * draws.scale[:, None]
    studentised = np.abs(error[:, others]) / spread / np.sqrt(estimated)
    return np.asarray(studentised.max(axis=1))


def _row(
    pairs: _Pairs, k: int, top: int, largest: Float[np.ndarray, " b"], lam: float, level: float
) -> Difference:
    difference = float(pairs.difference[k, top])
    error = float(np.sqrt(pairs.image[k, top] + pairs.run[k, top]))
    reach = float(np.quantile(largest, level, method="higher")) * error
    larger = int(np.count_nonzero(largest >= abs(difference) / error))
    return Difference(
        lam=lam,
        runs=int(np.count_nonzero(pairs.share[k, top])),
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        p=(1 + larger) / (1 + len(largest)),
    )


def _as_many(table: Marks, k: int, top: int) -> bool:
    """Say whether a value has as many runs as the winner, and so could have won."""
    return bool(table.present[k].sum() == table.present[top].sum())


def _optimism(table: Marks, draws: _Draws, rivals: list[int]) -> float:
    """Return the expected error of the best score among values that cannot be told apart.

    A parametric bootstrap: the scores are drawn again around their estimates, and the error of
    each draw's best is averaged. Estimates are spread wider than the truth by their own noise, so
    they are first drawn together until their spread is what is left without it.
    """
    means = table.means()[rivals]
    share = table.present[rivals] / table.present[rivals].sum(axis=1, keepdims=True)
    error = np.einsum("bkr,kr->bk", draws.error[:, rivals], share)
    if len(rivals) < 2:
        return 0.0
    noise = float(error.var(axis=1, ddof=1).mean())
    left = max(0.0, 1.0 - noise / max(noise, float(means.var(ddof=1))))
    truth = means.mean() + np.sqrt(left) * (means - means.mean())
    best = np.argmax(truth + error, axis=1)
    return float(error[np.arange(len(error)), best].mean())
