"""Rulers: how the values of a search's axis lie along an axis of a plot."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis as PlotAxis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.drawing.ticks import log_ticks
from reports.parts.text import cut
from search.settings.values import number_text
from search.space.axis import Axis, Scale, Value
from search.space.points import Point, Space

NAMED = 7
"""Values of whole numbers that have a tick each, at most: of more every second one, or third, …"""
NAME_LENGTH = 16
"""Characters of a value's name beside an axis, at most."""
DIGITS = 3
"""Of a number beside an axis."""


@dataclass(frozen=True)
class Ruler:
    """An axis, and the values of it that are drawn."""

    axis: Axis
    values: tuple[Value, ...]
    """Distinct, ascending."""

    @property
    def logarithmic(self) -> bool:
        """Whether equal factors are as far apart anywhere."""
        return self.axis.scale is Scale.LOG

    @property
    def label(self) -> str:
        """What the plot's axis is called."""
        return f"{self.axis.title} (log scale)" if self.logarithmic else self.axis.title

    @property
    def short_label(self) -> str:
        """The same where there is little room."""
        return f"{self.axis.symbol} (log scale)" if self.logarithmic else self.axis.symbol

    def at(self, value: Value) -> float:
        """Return a value's coordinate: itself or, of an unordered axis, its place among them."""
        if not self.axis.ordered:
            return float(self.values.index(value))
        assert isinstance(value, int | float)
        return float(value)

    def places(self, values: Iterable[Value]) -> Float[np.ndarray, " n"]:
        """Return the coordinates of some values."""
        return np.array([self.at(value) for value in values])

    def even(self, places: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return coordinates as they lie on paper, where the axis's scale is even."""
        return np.log(places) if self.logarithmic else places

    @property
    def ends(self) -> tuple[float, float]:
        """The coordinates that a plot shows, some room beyond the values included."""
        low, high = self.at(self.values[0]), self.at(self.values[-1])
        if not self.axis.ordered:
            return low - 0.5, high + 0.5
        if self.logarithmic:
            edge = max(1.5, (high / low) ** 0.06)
            return low / edge, high * edge
        edge = 0.06 * (high - low) or 0.5
        return low - edge, high + edge

    def lie_along_x(self, ax: Axes) -> None:
        """Make the x axis this one."""
        ax.set_xscale("log" if self.logarithmic else "linear")
        ax.set_xlim(self.ends)
        ax.set_xlabel(self.label)
        self.mark(ax.xaxis, *self.ends)

    def lie_along_y(self, ax: Axes) -> None:
        """Make the y axis this one."""
        ax.set_yscale("log" if self.logarithmic else "linear")
        ax.set_ylim(self.ends)
        ax.set_ylabel(self.label)
        self.mark(ax.yaxis, *self.ends)

    def mark(self, axis: PlotAxis, low: float, high: float) -> None:
        """Put ticks on a plot's axis that shows `low` to `high`.

        Those of an unordered axis, or of whole numbers, are at its values.
        """
        if self.axis.factors:
            log_ticks(axis, low, high)
        elif self.axis.whole or not self.axis.ordered:
            every = -(-len(self.values) // NAMED) if self.axis.ordered else 1
            shown = self.values[::every]
            names = {self.at(value): self.name(value) for value in shown}
            axis.set_major_locator(FixedLocator(list(names)))
            axis.set_major_formatter(FuncFormatter(lambda place, _: names.get(place, "")))
            axis.set_minor_locator(NullLocator())

    def name(self, value: Value) -> str:
        """Return a value as there is room for it beside an axis."""
        if self.axis.ordered:
            return number_text(float(f"{self.at(value):.{DIGITS}g}"))
        return cut(self.axis.show(value), NAME_LENGTH)


def rulers(space: Space, points: Collection[Point]) -> tuple[Ruler, ...]:
    """Return the rulers of a space's axes, for some points."""
    return tuple(Ruler(axis, space.values(axis, points)) for axis in space.axes)
