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


def sample(box: Sequence[Varied], count: int, *, rng: np.random.Generator) -> tuple[Point, ...]:
    """Return up to `count` distinct points of a box, a list's values each as likely as the others.

    Sources: I. M. Sobol, "On the distribution of points in a cube", 1967; scrambled after
    A. B. Owen, "Randomly permuted (t, m, s)-nets", 1995, as `scipy.stats.qmc` does it.
    """
    points = (
        tuple(_value(each, float(share)) for each, share in zip(box, row, strict=True))
        for row in _shares(len(box), count, rng)
    )
    return tuple(dict.fromkeys(points))


def _shares(axes: int, count: int, rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
    """Return the first rows of a sequence that is balanced at powers of two."""
    from scipy.stats import qmc  # noqa: PLC0415 - half a second to load, and most draw nothing

    power = max(0, (count - 1).bit_length())
    rows = qmc.Sobol(axes, scramble=True, rng=rng).random_base2(power)
    return np.asarray(rows[:count])


def _value(varied: Varied, share: float) -> Value:
    if varied.drawn:
        low, high = varied.values
        return varied.axis.along(low, high, share)  # type: ignore[arg-type]
    return varied.values[int(share * len(varied.values))]


def box_around(box: Sequence[Varied], ranked: Sequence[Point]) -> tuple[Varied, ...]:
    """Return the box that the best points span, those of one in `BEST_SHARE`, two at the least.

    `ranked` holds the points tried, best first. An axis on which they all agree keeps what it had.
    """
    best = ranked[: max(2, len(ranked) // BEST_SHARE)]
    return tuple(
        _spanned(varied, sorted({point[at] for point in best})) for at, varied in enumerate(box)
    )


def _spanned(varied: Varied, values: list[Value]) -> Varied:
    if varied.drawn and len(values) == 1:
        return varied
    ends = (values[0], values[-1]) if varied.drawn else tuple(values)
    return replace(varied, values=ends)
