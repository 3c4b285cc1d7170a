"""Points drawn in a box: spread evenly by a scrambled Sobol sequence, not by chance alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from search.space.axis import Value
from search.space.points import Point
from search.space.vary import Varied

BEST_SHARE = 4
"""The closer box is that of one in so many of the points tried, the best ones."""
BASELINE_SHARE = 8
"""A baseline beside what is drawn is the value of one point in so many, of several axes."""


def sample(box: Sequence[Varied], count: int, *, rng: np.random.Generator) -> tuple[Point, ...]:
    """Return up to `count` distinct points of a box, a list's values each as likely as the others.

    A baseline beside what is drawn is the value of one point at least: of one point, where there
    is no other axis, else of one in eight.

    Sources: I. M. Sobol, "On the distribution of points in a cube", 1967; scrambled after
    A. B. Owen, "Randomly permuted (t, m, s)-nets", 1995, as `scipy.stats.qmc` does it.
    """
    balanced = 1 << (count.bit_length() - 1)  # so many first rows have one share in each part
    parts = min(balanced, BASELINE_SHARE) if len(box) > 1 else balanced
    points = (
        tuple(_value(each, float(share), parts) for each, share in zip(box, row, strict=True))
        for row in _shares(len(box), count, rng)
    )
    return tuple(dict.fromkeys(points))


def _shares(axes: int, count: int, rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
    """Return the first rows of a sequence that is balanced at powers of two."""
    from scipy.stats import qmc  # noqa: PLC0415 - half a second to load, and most draw nothing

    power = max(0, (count - 1).bit_length())
    rows = qmc.Sobol(axes, scramble=True, rng=rng).random_base2(power)
    return np.asarray(rows[:count])


def _value(varied: Varied, share: float, parts: int) -> Value:
    if not varied.drawn:
        return varied.values[int(share * len(varied.values))]
    *baseline, low, high = varied.values
    if baseline:
        if share < 1 / parts:
            return baseline[0]
        share = (share - 1 / parts) / (1 - 1 / parts)
    return varied.axis.along(low, high, share)  # type: ignore[arg-type]


def box_around(box: Sequence[Varied], ranked: Sequence[Point]) -> tuple[Varied, ...]:
    """Return the box that the best points span, those of one in `BEST_SHARE`, two at the least.

    `ranked` holds the points tried, best first. An axis on which they all agree keeps what it had,
    and every axis its baseline.
    """
    best = ranked[: max(2, len(ranked) // BEST_SHARE)]
    return tuple(
        _spanned(varied, sorted({point[at] for point in best})) for at, varied in enumerate(box)
    )


def _spanned(varied: Varied, values: list[Value]) -> Varied:
    placed = varied.axis.placed(values)
    if len(placed) < 1 + varied.drawn:
        return varied
    ends = (placed[0], placed[-1]) if varied.drawn else placed
    return replace(varied, values=(*varied.baseline, *ends))
