"""Where the fine grid lies on an axis: factors of the best value, or values between neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kbn.errors import InputError
from search.settings.values import bad, items, number, number_text
from search.space.axis import Axis, Value


@dataclass(frozen=True)
class Factors:
    """The fine grid as multiples of the coarse winner."""

    values: tuple[float, ...]

    def __str__(self) -> str:
        return ",".join(number_text(value) for value in self.values)

    @property
    def count(self) -> int:
        """Number of values on the fine grid."""
        return len(self.values)


@dataclass(frozen=True)
class Zoom:
    """The fine grid as values between the coarse winner's neighbours, even on the axis's scale."""

    count: int

    def __str__(self) -> str:
        return f"zoom:{self.count}"


def fine_rule(flag: str, value: Any) -> Factors | Zoom:
    """Read a fine grid's rule: a list of factors, or `zoom:N`."""
    if isinstance(value, Factors | Zoom):
        return value
    if isinstance(value, str) and value.startswith("zoom"):
        count = value.removeprefix("zoom:")
        if not count.isdecimal() or int(count) < 1:
            raise bad(flag, value, "zoom takes a whole number from 1 up, as in zoom:6")
        return Zoom(int(count))
    factors = items(flag, value, number(above=0), "factor, or zoom:N")
    if len(set(factors)) < len(factors):
        raise bad(flag, value, "a factor is named twice; drop one")
    return Factors(tuple(sorted(factors)))


def narrow(
    axis: Axis, winner: float, grid: tuple[float, ...], rule: Factors | Zoom
) -> tuple[float, ...]:
    """Return an axis's fine values around the coarse winner, ascending.

    With `Zoom`, a winner at the grid's edge has one neighbour; the other is put at the same
    distance on the axis's scale. A grid of one value has none: see `check_rule`.
    """
    if isinstance(rule, Factors):
        return tuple(dict.fromkeys(axis.within(winner * factor) for factor in rule.values))
    position = grid.index(winner)
    lower = grid[position - 1] if position > 0 else axis.beyond(winner, grid[1])
    upper = grid[position + 1] if position + 1 < len(grid) else axis.beyond(winner, grid[-2])
    return axis.between(lower, upper, rule.count)


def check_rule(flag: str, grid: Sequence[Value], rule: Factors | Zoom) -> None:
    """Raise `InputError` when the rule cannot work on the grid that a flag asks for."""
    if isinstance(rule, Zoom) and len(grid) < 2:
        raise InputError(
            f"--fine {rule}: zooming needs a coarse grid of at least 2 values, not {len(grid)}; "
            f"add values to {flag} or give factors"
        )


def on_edge(value: float, grid: Iterable[float]) -> bool:
    """Say whether a value is the smallest or largest of a grid."""
    values = tuple(grid)
    return value in (min(values), max(values))
