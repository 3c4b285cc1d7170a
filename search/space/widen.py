"""Beyond the edge: where to look when the best λ is at the end of what was tried."""

from __future__ import annotations

from typing import Any, Literal

from search.settings.values import bad, items, number, number_text
from search.space.narrow import tidy

Bounds = tuple[float, float] | Literal["off"]
"""The smallest and the largest λ that a search may go on to, or that it may not go on."""


def bounds(flag: str, value: Any) -> Bounds:
    """Read the bounds of λ: `LOW,HIGH`, or `off`."""
    if value == "off":
        return "off"
    pair = items(flag, value, number(above=0), "pair, such as 1e-7,1, or off")
    if len(pair) != 2 or pair[0] >= pair[1]:
        raise bad(flag, value, "give the smaller and the larger bound, as in 1e-7,1, or off")
    return pair


def beyond(best: float, tried: tuple[float, ...], limits: tuple[float, float]) -> float | None:
    """Return the next value outward when the best one is the smallest or largest tried.

    It is as far out, on the log axis, as the value within: a grid goes on by its own ratio, up
    to the bound. None where the best value is interior, the bound is reached, or there is no
    ratio because one value alone was tried.
    """
    grid = sorted(tried)
    if len(grid) < 2:
        return None
    low, high = limits
    if best == grid[0] and best > low:
        return max(tidy(best * best / grid[1]), low)
    if best == grid[-1] and best < high:
        return min(tidy(best * best / grid[-2]), high)
    return None


def bound_reached(best: float, tried: tuple[float, ...], limits: Bounds) -> str:
    """Return why the search did not go on beyond an edge, in words for a warning."""
    if limits == "off":
        return "Widen --coarse to find out."
    side = limits[0] if best == min(tried) else limits[1]
    return f"The search may not go beyond {number_text(side)}: widen --lambda-bounds to find out."
