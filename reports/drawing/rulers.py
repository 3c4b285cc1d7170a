"""Rulers: how the values of a search's axis lie along an axis of a plot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis as PlotAxis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import ArrayLike

from reports.drawing.style import RULE
from reports.drawing.ticks import log_ticks, zero_tick
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
GAP: dict[str, Any] = {"color": RULE, "linewidth": 1, "linestyle": (0, (2, 2)), "zorder": 1.5}
"""How the line looks that parts a baseline from an axis's other values."""
MARGIN = 1.5
"""Factor between the end of a log axis and the value next to it, at least."""


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
    def placed(self) -> tuple[Any, ...]:
        """The values that have a place on the axis's scale: all but a baseline."""
        return self.axis.placed(self.values)

    @property
    def has_baseline(self) -> bool:
        """Whether a value is drawn that has no place on the scale: left of the others, apart."""
        return len(self.placed) < len(self.values)

    @property
    def _margin(self) -> float:
        """Factor by which a log axis shows more than its values."""
        low, *_ = some = self.placed or (1.0,)
        return float(max(MARGIN, (some[-1] / low) ** 0.06))

    @property
    def gap(self) -> float:
        """The coordinate between a baseline, on the left, and the smallest of the others."""
        low, *_ = self.placed or (1.0,)
        return float(low / self._margin)

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
        if value == self.axis.baseline:
            return self.gap / self._margin
        assert isinstance(value, int | float)
        return float(value)

    def parted(self, values: Sequence[Value], *rows: ArrayLike) -> Float[np.ndarray, "r n"]:
        """Return rows of numbers at ascending values; NaN after a baseline, where a line breaks."""
        table = np.array(rows, dtype=float)
        return np.insert(table, 1, np.nan, axis=1) if values[0] == self.axis.baseline else table

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
            return low / self._margin, high * self._margin
        edge = 0.06 * (high - low) or 0.5
        return low - edge, high + edge

    def lie_along_x(self, ax: Axes) -> None:
        """Make the x axis this one."""
        ax.set_xscale("log" if self.logarithmic else "linear")
        ax.set_xlim(self.ends)
        ax.set_xlabel(self.label)
        self.mark(ax.xaxis, *self.ends)
        if self.has_baseline:
            ax.axvline(self.gap, **GAP)

    def lie_along_y(self, ax: Axes) -> None:
        """Make the y axis this one."""
        ax.set_yscale("log" if self.logarithmic else "linear")
        ax.set_ylim(self.ends)
        ax.set_ylabel(self.label)
        self.mark(ax.yaxis, *self.ends)
        if self.has_baseline:
            ax.axhline(self.gap, **GAP)

    def mark(self, axis: PlotAxis, low: float, high: float) -> None:
        """Put ticks on a plot's axis that shows `low` to `high`.

        Those of an unordered axis, or of whole numbers, are at its values.
        """
        if self.axis.factors:
            low = max(low, self.gap) if self.has_baseline else low
            log_ticks(axis, low, high)
            if self.has_baseline:
                zero_tick(axis, self.at(self.values[0]), low, high)
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
            return number_text(float(f"{value:.{DIGITS}g}"))
        return cut(self.axis.show(value), NAME_LENGTH)


def rulers(space: Space, points: Collection[Point]) -> tuple[Ruler, ...]:
    """Return the rulers of a space's axes, for some points."""
    return tuple(Ruler(axis, space.values(axis, points)) for axis in space.axes)
