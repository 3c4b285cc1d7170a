"""Ticks of log axes and of epochs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.drawing.ticks import along_epochs, log_ticks, power_text


def axes() -> Axes:
    """Return axes as wide as a page's."""
    figure = Figure(figsize=(7, 3))
    FigureCanvasAgg(figure)
    return figure.subplots()


def log_axis(low: float, high: float) -> Axes:
    """Return axes whose x axis shows a range of a log scale."""
    ax = axes()
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    log_ticks(ax.xaxis, low, high)
    ax.figure.canvas.draw()
    return ax


def labels(ax: Axes) -> dict[float, Text]:
    """Return which label stands where on an x axis, within what it shows."""
    low, high = ax.get_xlim()
    axis = ax.xaxis
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    known = {float(tick.get_loc()): tick.label1 for tick in ticks if tick.label1.get_text()}
    return {at: known[at] for at in sorted(known) if low <= at <= high}


def test_powers_are_written_as_text() -> None:
    """With superscripts, which any font of figures has, and the sign of a negative one."""
    assert [power_text(power) for power in (-10, -3, 0, 1, 24)] == [
        *("10⁻¹⁰", "10⁻³", "10⁰", "10¹", "10²⁴")
    ]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (6e-6, 0.17, ["10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]),
        (3e-4, 2e-2, ["5×10⁻⁴", "10⁻³", "2×10⁻³", "5×10⁻³", "10⁻²", "2×10⁻²"]),
        (2e-3, 4.5e-3, ["2×10⁻³", "3×10⁻³", "4×10⁻³"]),
        (0.5, 2.0, ["6×10⁻¹", "8×10⁻¹", "10⁰", "2×10⁰"]),
        (0.085, 0.165, ["10⁻¹", "1.2×10⁻¹", "1.4×10⁻¹", "1.6×10⁻¹"]),
    ],
)
def test_a_log_axis_says_where_it_is(low: float, high: float, expected: list[str]) -> None:
    """At powers of ten; on a short axis at their multiples too, and else at round numbers."""
    found = labels(log_axis(low, high))
    assert [label.get_text() for label in found.values()] == expected


@settings(max_examples=20)
@example(-1.09375, 0.3125)
@given(st.floats(-12, 6), st.floats(0.3, 14))
def test_any_log_axis_has_labels_that_do_not_overlap(start: float, decades: float) -> None:
    """Two at least, so that a reader knows the scale, and each beside the next."""
    ax = log_axis(10.0**start, 10.0 ** (start + decades))
    boxes = [label.get_window_extent() for label in labels(ax).values()]
    assert len(boxes) >= 2
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize(("last", "most"), [(1, 1), (2, 2), (6, 6), (20, 7), (500, 7)])
def test_epochs_are_whole(last: int, most: int) -> None:
    """Never half an epoch, however few there are, and no more ticks than can be read."""
    ax = axes()
    ax.plot(range(1, last + 1), range(last), "o")
    along_epochs(ax)
    low, high = ax.get_xlim()
    inside = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert 1 <= len(inside) <= most
    assert all(float(tick).is_integer() for tick in inside)
