"""Beyond the edge: where to look when the best value is at the end of what was tried on an axis."""

from __future__ import annotations

from typing import Any, Literal

from search.settings.values import bad, items, positive_lambda
from search.space.axis import Axis

Ends = tuple[float, float] | None
"""The smallest and the largest value that a search may go on to; None where it may not go on."""
Bounds = tuple[float, float] | Literal["off"]
"""The same as a setting."""


def bounds(flag: str, value: Any) -> Bounds:
    """Read the bounds of λ: `LOW,HIGH`, or `off`."""
    if value == "off":
        return "off"
    pair = items(flag, value, positive_lambda, "pair, such as 1e-7,1, or off")
    if len(pair) != 2 or pair[0] >= pair[1]:
        raise bad(flag, value, "give the smaller and the larger bound, as in 1e-7,1, or off")
    return pair


def beyond(axis: Axis, best: float, tried: tuple[float, ...], ends: Ends) -> float | None:
    """Return the next value outward when the best one is the smallest or largest tried.

    It is as far out, on the axis's scale, as the value within: a grid goes on by its own step, up
    to the end. None where the best value is interior, the end is reached, or there is no step
    because one value alone was tried.
    """
    grid = sorted(tried)
    if len(grid) < 2 or ends is None:
        return None
    low, high = ends
    if best == grid[0] and best > low:
        return max(axis.beyond(best, grid[1]), low)
    if best == grid[-1] and best < high:
        return min(axis.beyond(best, grid[-2]), high)
    return None
