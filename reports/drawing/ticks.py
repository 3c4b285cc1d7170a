"""Ticks that say enough and no more: powers of ten on log axes, and whole epochs.

Their labels are plain text. Matplotlib's own on log axes are formulas, which take it as long as
all else on an axis, and which an SVG file holds as pieces that nobody finds by searching.
"""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BETWEEN = ((1.0, (2.0, 3.0, 4.0, 6.0, 8.0)), (2.0, (2.0, 5.0)))
"""Up to how many decades an axis has labels between powers of ten, and at which multiples."""
_UNLABELLED = (2.0, 5.0)


def power_text(power: int) -> str:
    """Return a power of ten: 10⁻³."""
    return f"10{str(power).translate(_SUPERSCRIPTS)}"


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Put ticks on a log axis that shows `low` to `high`: at powers of ten, and some between.

    Those between have labels where the axis is too short for powers of ten to say where it is. One
    that is too short for two of these as well has ticks at round numbers.
    """
    decades = math.log10(high / low)
    if _round_multiples(low, high) < 2:
        axis.set_major_locator(MaxNLocator(4))
        axis.set_major_formatter(FuncFormatter(_text))
        axis.set_minor_locator(NullLocator())
        return
    between = next((multiples for most, multiples in _BETWEEN if decades <= most), None)
    axis.set_major_locator(LogLocator(numticks=12))
    axis.set_major_formatter(FuncFormatter(_text))
    axis.set_minor_locator(LogLocator(subs=between or _UNLABELLED, numticks=12))
    axis.set_minor_formatter(FuncFormatter(_text) if between else NullFormatter())


def zero_tick(axis: Axis, zero: float, low: float, high: float) -> None:
    """Add a tick for 0 at a place beside the part of a log axis that shows `low` to `high`."""
    powers, others = (
        [tick for tick in locator.tick_values(low, high) if low <= tick <= high]
        for locator in (axis.get_major_locator(), axis.get_minor_locator())
    )
    axis.set_major_locator(FixedLocator([zero, *powers]))
    axis.set_major_formatter(FuncFormatter(lambda at, _: "0" if at == zero else _text(at)))
    axis.set_minor_locator(FixedLocator(others))


def _round_multiples(low: float, high: float) -> int:
    """Return how many powers of ten, or multiples with a label, lie between `low` and `high`."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    multiples = (1.0, *_BETWEEN[0][1])
    return sum(low <= each * 10.0**power <= high for power in powers for each in multiples)


def _text(value: float, _: int | None = None) -> str:
    power = math.floor(math.log10(value) + 1e-9)
    multiple = f"{value / 10.0**power:.4g}"
    return power_text(power) if multiple == "1" else f"{multiple}×{power_text(power)}"


def along_epochs(ax: Axes) -> None:
    """Make epochs the x axis, with ticks at whole ones: what is drawn is of an epoch's end."""
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
