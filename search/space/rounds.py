"""Further rounds: grids around all points that cannot be told from the best one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from search.settings.values import whole
from search.space.axis import Axis

Rounds = int | Literal["auto"]
"""How many rounds to search: the coarse and the fine grid are the first."""

AUTO_MOST = 10
"""Rounds that `auto` searches at most."""


def rounds(flag: str, value: Any) -> Rounds:
    """Read a number of rounds from 1 up, or `auto`."""
    if value == "auto":
        return "auto"
    count: int = whole(at_least=1)(flag, value)
    return count


@dataclass(frozen=True)
class Around:
    """An axis's next values, around those that cannot be told from the best one."""

    axis: Axis
    values: tuple[float, ...]
    """Ascending; some may have been tried."""
    alike: tuple[float, float]
    """The smallest and the largest value that cannot be told from the best one, itself counted."""
    step: float
    """How far neighbours of the grid are apart: their ratio on a log axis, else the difference."""

    @property
    def too_fine(self) -> bool:
        """Whether values further apart than the grid's neighbours cannot be told apart."""
        return self.axis.apart(*self.alike) >= self.step


def around(axis: Axis, alike: tuple[float, ...], tried: tuple[float, ...], count: int) -> Around:
    """Return `count` values, even on the axis's scale, between the neighbours of those alike.

    The neighbours are the nearest values tried on either side of the best value and its ties;
    where there is none, the grid ends at the ties themselves.
    """
    low, high = min(alike), max(alike)
    lower = max((value for value in tried if value < low), default=low)
    upper = min((value for value in tried if value > high), default=high)
    step = axis.step(lower, upper, count + 1)
    return Around(axis, axis.between(lower, upper, count), (low, high), step)
