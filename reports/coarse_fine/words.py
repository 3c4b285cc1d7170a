"""How a search's points are named: one axis has values, several have points."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reports.parts.text import count, phrases
from search.space.points import Point, Space

FEW = 3
"""Points of several axes that a sentence lists at most."""


def named(space: Space, point: Point) -> str:
    """Return a point where it stands by itself: `1e-3`, or `λ=1e-3, η_max=0.1`."""
    return space.short(point) if len(space.axes) == 1 else space.label(point)


def listed(space: Space, points: Collection[Point]) -> str:
    """Return points as a sentence lists them: `1e-3, 4e-3 and 1e-2`; many by their number."""
    if len(space.axes) > 1 and len(points) > FEW:
        return count(len(points), space.noun)
    return space.summed_up(points) or phrases([space.short(point) for point in points])


def cells(space: Space, point: Point, *, mark: str = "") -> Mapping[str, str]:
    """Return a point as the first cells of a table's row, a column an axis."""
    return {
        axis.symbol: f"{mark}{axis.show(value)}{mark}"
        for axis, value in zip(space.axes, point, strict=True)
    }


def simplest(space: Space) -> str:
    """Say which of several points within one standard error is taken."""
    (axis, *others) = space.axes
    if not others and axis.ordered and axis.larger_is_simpler:
        return f"the largest {axis.symbol}"
    return f"the simplest {space.noun}"
