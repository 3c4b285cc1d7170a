"""How an axis of a search lies along an axis of a plot."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.drawing.rulers import NAMED, Ruler
from search.space.axis import ALPHA, BATCH_SIZE, ETA_MAX, HIDDEN, LAM, SCHEDULE


@pytest.fixture
def ax() -> Axes:
    """Return axes to draw on."""
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def names(ax: Axes) -> list[str]:
    """Return the labels below the x axis."""
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    ticks = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    return [label.get_text() for place, label in ticks if low <= place <= high]


def test_a_log_axis_is_a_log_axis(ax: Axes) -> None:
    """With its unit said, room at its ends, and powers of ten."""
    ruler = Ruler(ETA_MAX, (0.01, 0.1, 1.0))
    ruler.lie_along_x(ax)
    assert (ax.get_xscale(), ax.get_xlabel()) == (
        "log",
        "largest learning rate η_max (log scale)",
    )
    assert names(ax) == ["10⁻²", "10⁻¹", "10⁰"]
    low, high = ax.get_xlim()
    assert low < 0.01
    assert high > 1.0
    assert np.diff(ruler.even(ruler.places((0.01, 0.1, 1.0)))) == pytest.approx(np.log(10))


def test_a_linear_axis_is_even(ax: Axes) -> None:
    """Its values are where they are."""
    ruler = Ruler(ALPHA, (0.1, 0.5, 0.9))
    ruler.lie_along_y(ax)
    assert (ax.get_yscale(), ax.get_ylabel()) == ("linear", "moving averages' α")
    assert np.array_equal(ruler.even(ruler.places((0.1, 0.9))), [0.1, 0.9])


def test_whole_numbers_have_ticks_at_values(ax: Axes) -> None:
    """No batch has 10² · 0.3 images; of many values some are named."""
    Ruler(BATCH_SIZE, (20, 43, 93, 200)).lie_along_x(ax)
    assert names(ax) == ["20", "43", "93", "200"]
    ax.clear()
    Ruler(BATCH_SIZE, tuple(range(10, 60))).lie_along_x(ax)
    assert 1 < len(names(ax)) <= NAMED


def test_an_unordered_axis_has_places(ax: Axes) -> None:
    """One for each value, evenly, each named; a long name is cut."""
    ruler = Ruler(HIDDEN, ((8,), (16,), (50,) * 9))
    ruler.lie_along_x(ax)
    assert ruler.places(((8,), (50,) * 9)).tolist() == [0.0, 2.0]
    assert names(ax)[:2] == ["8", "16"]
    assert names(ax)[2].endswith("…")
    assert Ruler(SCHEDULE, ("cosine",)).ends == (-0.5, 0.5)


@pytest.mark.parametrize("axis", [ETA_MAX, ALPHA, BATCH_SIZE])
def test_a_lone_value_has_room_on_both_sides(axis: object) -> None:
    """A grid may come down to one value of an axis."""
    low, high = Ruler(axis, (1,)).ends  # type: ignore[arg-type]
    assert low < 1 < high


def test_a_baseline_is_apart_on_the_left(ax: Axes) -> None:
    """λ = 0 stands left of the log axis behind a line, under its own name, and no line leads there.

    The others lie as they would without it.
    """
    ruler, without = Ruler(LAM, (0.0, 1e-3, 1e-2, 1e-1)), Ruler(LAM, (1e-3, 1e-2, 1e-1))
    ruler.lie_along_x(ax)
    assert names(ax) == ["0", "10⁻³", "10⁻²", "10⁻¹"]
    zero, *others = ruler.places(ruler.values)
    assert ruler.ends[0] < zero < ruler.gap < 1e-3
    assert others == without.places(without.values).tolist()
    assert ruler.ends[1] == without.ends[1]
    (line,) = ax.lines
    assert np.asarray(line.get_xdata()).tolist() == [ruler.gap] * 2
    (parted,) = ruler.parted(ruler.values, [1, 2, 3, 4])
    assert np.isnan(parted).tolist() == [False, True, False, False, False]
    (whole,) = without.parted(without.values, [2, 3, 4])
    assert whole.tolist() == [2, 3, 4]
    alone = Ruler(LAM, (0.0,))
    assert alone.ends[0] < alone.at(0.0) < alone.ends[1]
