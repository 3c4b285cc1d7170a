"""Beyond the edge: where to look when the best value is at the end of what was tried on an axis."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal

from search.settings.values import bad, items, positive_lambda
from search.space.axis import Axis
from search.space.points import Point, Space

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


def outward(
    space: Space, best: Point, tried: Collection[Point], ends: Callable[[Axis], Ends]
) -> dict[Axis, Point]:
    """Return the next point outward on each axis at an end of which the best one is the last."""
    found = {}
    for axis, value in zip(space.axes, best, strict=True):
        if not axis.ordered or value == axis.baseline:
            continue
        values = space.placed(axis, tried)
        further = beyond(axis, value, values, ends(axis))  # type: ignore[arg-type]
        if further is not None and further not in values:
            found[axis] = space.moved(best, axis, further)
    return found
