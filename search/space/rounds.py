"""Further rounds: grids around all values that cannot be told from the best one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from search.settings.values import number_text, whole
from search.space.narrow import tidy

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
    """The next grid, around the best value and those that cannot be told from it."""

    values: tuple[float, ...]
    """New values, ascending."""
    alike: tuple[float, float]
    """The smallest and the largest value that cannot be told from the best one, itself counted."""
    step: float
    """Ratio of neighbours on the grid."""

    @property
    def too_fine(self) -> bool:
        """Whether values further apart than the grid's neighbours cannot be told apart."""
        return self.alike[1] / self.alike[0] >= self.step

    def why_too_fine(self) -> str:
        """Say so."""
        low, high = self.alike
        return (
            f"its values would be a factor of {self.step:.2g} apart, while values as far apart as "
            f"{number_text(low)} and {number_text(high)} cannot be told from the best one"
        )


def around(best: float, ties: tuple[float, ...], tried: tuple[float, ...], count: int) -> Around:
    """Return `count` values, even on the log axis, between the neighbours of the ties.

    The neighbours are the nearest values tried on either side of the best value and its ties;
    where there is none, the grid ends at the ties themselves. Values tried before are left out.
    """
    low, high = min(best, *ties, best), max(best, *ties, best)
    lower = max((lam for lam in tried if lam < low), default=low)
    upper = min((lam for lam in tried if lam > high), default=high)
    width = math.log(upper / lower)
    places = (lower * math.exp(width * k / (count + 1)) for k in range(1, count + 1))
    new = tuple(value for value in dict.fromkeys(map(tidy, places)) if value not in tried)
    return Around(new, (low, high), math.exp(width / (count + 1)))
