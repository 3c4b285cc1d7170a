"""A study's curve in a word's room: accuracy against the axis that it searches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.settings.values import number_text

WIDTH, HEIGHT, EDGE = 120, 32, 4
"""Of the picture, in its own units, and how far the curve stays from its ends."""


@dataclass(frozen=True)
class Sparkline:
    """Where a curve's points are in a picture of `WIDTH` × `HEIGHT`, and what it shows in words."""

    points: tuple[tuple[float, float], ...]
    best: tuple[float, float]
    """Of the points, the one with the highest accuracy."""
    words: str

    @property
    def path(self) -> str:
        """The points as an SVG `polyline` has them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)


def sparkline(
    curve: Sequence[tuple[float, float]], *, symbol: str, logarithmic: bool
) -> Sparkline | None:
    """Return the picture of accuracies at ascending values; None of fewer than two of them."""
    if len(curve) < 2:
        return None
    values, accuracies = zip(*curve, strict=True)
    places = [math.log(value) for value in values] if logarithmic and values[0] > 0 else values
    across = _scaled(places, EDGE, WIDTH - EDGE)
    up = _scaled(accuracies, HEIGHT - EDGE, EDGE)
    points = tuple(zip(across, up, strict=True))
    low, high = min(accuracies), max(accuracies)
    return Sparkline(
        points=points,
        best=points[accuracies.index(high)],
        words=f"validation accuracy {low:.3f} to {high:.3f} along {symbol} from "
        f"{number_text(values[0])} to {number_text(values[-1])}",
    )


def _scaled(values: Sequence[float], first: float, last: float) -> list[float]:
    """Return numbers so that the smallest is `first` and the largest `last`; equal ones between."""
    low, high = min(values), max(values)
    if low == high:
        return [(first + last) / 2] * len(values)
    return [round(first + (value - low) / (high - low) * (last - first), 2) for value in values]
