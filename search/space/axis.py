"""Axes: what a search can vary, as values.

An axis knows its field of a trial, how its values are read and shown, what lies between and beyond
two of them, and which of two equally good ones is the simpler.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kbn.schedule import ORDINARY
from search.settings import values
from search.settings.values import NAMED, Reader

Value = float | bool | str | tuple[int, ...]
"""A value on an axis; of one axis all are of one type, and so have an order."""

SIGNIFICANT_DIGITS = 6
"""Values between others are rounded to these, so that 0.4 × 1e-5 is 4e-06 and prints so."""


class Scale(Enum):
    """How the values of an axis lie to each other."""

    LOG = "log"
    LINEAR = "linear"
    UNORDERED = "unordered"


@dataclass(frozen=True)
class Axis:
    """One setting of a trial that can be varied."""

    name: str
    """As in `--vary NAME=…`, and as the specification's field is called."""
    symbol: str
    title: str
    """For axes of plots and heads of tables: `L2 strength λ`."""
    scale: Scale
    read: Reader
    """Reads one value, within the bounds that every trial has to keep."""
    low: float = -math.inf
    high: float = math.inf
    """The smallest and the largest value that there can be; an open end counts as one."""
    whole: bool = False
    """Whether values are whole numbers."""
    larger_is_simpler: bool | None = None
    """Which of two equally good values is the simpler; None where neither is."""
    baseline: float | None = None
    """A value without a place on the scale that can be tried beside it, as λ = 0 is on a log axis:
    nothing lies between it and the others, and no grid is narrowed or goes on towards it."""

    @property
    def ordered(self) -> bool:
        """Whether something lies between two values."""
        return self.scale is not Scale.UNORDERED

    @property
    def factors(self) -> bool:
        """Whether multiples of a value are what lies around it."""
        return self.scale is Scale.LOG and not self.whole

    def show(self, value: Value) -> str:
        """Return a value as it is typed on the command line."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return values.show(value)

    def label(self, value: Value) -> str:
        """Return a value with the axis's symbol: `λ=1e-3`."""
        return f"{self.symbol}={self.show(value)}"

    def summed_up(self, some: Collection[Value]) -> str:
        """Return many values as their number, and their ends; nothing for a few."""
        if self.ordered:
            return values.summed_up(some, self.show)
        return f"{len(some):,} values" if len(some) > NAMED else ""

    def listed(self, some: Collection[Value]) -> str:
        """Return values as a sentence lists them; many as `summed_up`."""
        return self.summed_up(some) or ", ".join(map(self.show, some))

    def simplicity(self, value: Value) -> float:
        """Return a number that is larger for the simpler of two values."""
        if self.larger_is_simpler is None or isinstance(value, str):
            return 0.0
        size = sum(value) if isinstance(value, tuple) else float(value)
        return size if self.larger_is_simpler else -size

    def placed(self, some: Iterable[Value]) -> tuple[Value, ...]:
        """Return the values that have a place on the scale: all but a baseline."""
        return tuple(value for value in some if value != self.baseline)

    def at(self, value: float) -> float:
        """Return where a value lies on the axis's scale, where all is even."""
        return math.log(value) if self.scale is Scale.LOG else value

    def within(self, value: float) -> float:
        """Return a value as grids hold it: rounded, and one that there can be."""
        inside = min(max(value, self.low), self.high)
        return round(inside) if self.whole else tidy(inside)

    def along(self, low: float, high: float, share: float) -> float:
        """Return the value at a share of the way between two, even on the axis's scale."""
        if self.scale is Scale.LOG:
            return self.within(low * math.exp(math.log(high / low) * share))
        return self.within(low + (high - low) * share)

    def between(self, low: float, high: float, count: int) -> tuple[float, ...]:
        """Return up to `count` distinct values inside an interval, even on the axis's scale."""
        places = (self.along(low, high, k / (count + 1)) for k in range(1, count + 1))
        return tuple(dict.fromkeys(places))

    def even(self, low: float, high: float, count: int) -> tuple[float, ...]:
        """Return up to `count` distinct values from one end to the other, ends included."""
        return tuple(dict.fromkeys((low, *self.between(low, high, count - 2), high)))

    def beyond(self, end: float, inner: float) -> float:
        """Return the value as far beyond an end as another one is on the inner side of it."""
        if self.scale is Scale.LOG:
            return self.within(end * end / inner)
        return self.within(2 * end - inner)

    def step(self, low: float, high: float, count: int) -> float:
        """Return how far apart neighbours are where so many even steps lead from low to high."""
        if self.scale is Scale.LOG:
            return math.exp(math.log(high / low) / count)
        return (high - low) / count

    def apart(self, low: float, high: float) -> float:
        """Return how far apart two values are: their ratio on a log axis, else their difference."""
        return high / low if self.scale is Scale.LOG else high - low


def tidy(value: float) -> float:
    """Round to the significant digits of a grid value."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _yes_or_no(flag: str, value: Any) -> bool:
    if isinstance(value, str) and value in {"yes", "no"}:
        return value == "yes"
    if not isinstance(value, bool):
        raise values.bad(flag, value, "choose yes or no")
    return value


_POSITIVE = (Scale.LOG, values.magnitude, values.SMALLEST, values.LARGEST)
LAM = Axis(
    *("lam", "λ", "L2 strength λ", Scale.LOG, values.strength),
    *(values.SMALLEST, values.LARGEST),
    larger_is_simpler=True,
    baseline=0.0,
)
ETA_MIN = Axis("eta_min", "η_min", "smallest learning rate η_min", *_POSITIVE)
ETA_MAX = Axis("eta_max", "η_max", "largest learning rate η_max", *_POSITIVE)
CYCLE = Axis(
    "cycle", "cycle", "cycle (epochs)", Scale.LOG, values.whole(at_least=1), 1.0, whole=True
)
BATCH_SIZE = Axis(
    *("batch_size", "batch", "batch size", Scale.LOG, values.whole(at_least=2), 2.0),
    whole=True,
    larger_is_simpler=True,
)
ALPHA = Axis(
    *("alpha", "α", "moving averages' α", Scale.LINEAR, values.number(at_least=0, below=1)),
    low=0.0,
    high=0.9999,
)
SIGMA = Axis("sigma", "σ", "initial weights' σ", *_POSITIVE)
HIDDEN = Axis(
    *("hidden", "hidden", "hidden layers", Scale.UNORDERED, values.widths),
    larger_is_simpler=False,
)
BATCH_NORM = Axis(
    *("batch_norm", "batch norm", "batch normalisation", Scale.UNORDERED, _yes_or_no),
    larger_is_simpler=False,
)
SCHEDULE = Axis(
    *("schedule", "schedule", "learning-rate schedule", Scale.UNORDERED),
    values.choice(*ORDINARY),
)
EPOCHS = Axis(
    *("epochs", "epochs", "epochs", Scale.LOG, values.whole(at_least=1), 1.0),
    whole=True,
    larger_is_simpler=False,
)

AXES: Mapping[str, Axis] = {
    axis.name: axis
    for axis in (
        *(LAM, ETA_MIN, ETA_MAX, CYCLE, BATCH_SIZE, ALPHA, SIGMA),
        *(HIDDEN, BATCH_NORM, SCHEDULE, EPOCHS),
    )
}
"""Everything that can be varied, by name."""
