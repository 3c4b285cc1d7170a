"""Plots of a search over several axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.coarse_fine import several
from reports.coarse_fine.facts import Margin
from reports.drawing.rulers import Ruler
from search.evidence.margins import Mean
from search.space.axis import ALPHA, ETA_MAX, LAM, SCHEDULE, Value

ETA = Ruler(ETA_MAX, (0.01, 0.1, 1.0))
LAMS = Ruler(LAM, (1e-3, 1e-2))
SCHEDULES = Ruler(SCHEDULE, ("cosine", "triangular"))


@pytest.fixture
def ax() -> Axes:
    """Return axes to draw on."""
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def frame(*rows: tuple[Sequence[Value], float], tied: int = 0) -> pd.DataFrame:
    """Return points and their accuracies; the first is chosen, those after it are tied."""
    points = pd.DataFrame({"accuracy": [accuracy for _, accuracy in rows]})
    for at in range(len(rows[0][0])):
        points[at] = pd.Series([point[at] for point, _ in rows], dtype=object)
    return points.assign(chosen=points.index == 0, tied=points.index <= tied)


GRID = frame(
    *(((0.1, 1e-3), 0.9), ((0.1, 1e-2), 0.8), ((0.01, 1e-3), 0.5), ((0.01, 1e-2), 0.4)),
    *(((1.0, 1e-3), float("nan")), ((1.0, 1e-2), 0.3)),
    tied=1,
)


def colour_at(ax: Axes, across: float, up: float) -> float:
    """Return the accuracy whose colour a map has at a place."""
    (mesh,) = ax.collections
    corners = np.asarray(mesh.get_coordinates())  # type: ignore[attr-defined]
    column = int(np.searchsorted(corners[0, :, 0], across)) - 1
    row = int(np.searchsorted(corners[:, 0, 1], up)) - 1
    return float(np.asarray(mesh.get_array()).reshape(len(corners) - 1, -1)[row, column])


def means_of(ax: Axes) -> np.ndarray:
    """Return where the means of a margin are drawn."""
    (means,) = (line for line in ax.lines if line.get_marker() == "D")
    return np.asarray(means.get_xydata())


def test_a_place_has_the_colour_of_the_nearest_point(ax: Axes) -> None:
    """Nearest on the axes' scales; a point that did not complete has no colour of its own."""
    several.accuracy_map(GRID, (ETA, LAMS), ax)
    ax.figure.canvas.draw()
    assert colour_at(ax, 0.1, 1e-3) == 0.9
    assert colour_at(ax, 0.25, 1.5e-3) == 0.9  # on a linear axis, 0.01 were as near as 0.4
    assert colour_at(ax, 0.02, 8e-3) == 0.4
    assert colour_at(ax, 1.0, 1e-3) in {0.9, 0.3}
    _, names = ax.get_legend_handles_labels()
    assert names == ["did not complete", "worse", "cannot be told from the best", "chosen"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_no_colour_crosses_between_unordered_values(ax: Axes) -> None:
    """However far along the other axis the nearest point is."""
    points = frame(((1.0, "cosine"), 0.9), ((0.01, "triangular"), 0.2))
    several.accuracy_map(points, (ETA, SCHEDULES), ax)
    assert colour_at(ax, 0.01, 0.4) == 0.9
    assert colour_at(ax, 1.0, 0.6) == 0.2


def test_scattered_points_have_a_map(ax: Axes) -> None:
    """As those of a sample, each with its own colour where it lies."""
    rng = np.random.default_rng(0)
    etas, lams = 10 ** rng.uniform(-2, 0, 200), 10 ** rng.uniform(-3, -2, 200)
    accuracies = rng.uniform(0.3, 0.9, 200)
    rows = [
        ((float(eta), float(lam)), float(accuracy))
        for eta, lam, accuracy in zip(etas, lams, accuracies, strict=True)
    ]
    rulers = (Ruler(ETA_MAX, tuple(sorted(etas))), Ruler(LAM, tuple(sorted(lams))))
    several.accuracy_map(frame(*rows), rulers, ax)
    same = [colour_at(ax, *point) == pytest.approx(accuracy) for point, accuracy in rows]
    assert np.mean(same) > 0.9  # a few share a pixel


def test_a_margin_shows_points_and_means(ax: Axes) -> None:
    """Every point that completed, each mean at its value, the whole of its interval."""
    means = (Mean(0.01, 0.01, 2, 0.45, 0.25, 0.65), Mean(0.1, 0.1, 2, 0.85, 0.7, 1.0))
    several.accuracy_margin(GRID, 0, ETA, Margin("eta_max", means), ax)
    ax.figure.canvas.draw()
    drawn = [np.asarray(line.get_xydata()) for line in ax.lines if line.get_marker() in {"o", "*"}]
    assert sum(map(len, drawn)) == 5
    assert np.array_equal(means_of(ax), [[0.01, 0.45], [0.1, 0.85]])
    low, high = ax.get_ylim()
    assert low < 0.25
    assert high > 1.0


def test_a_baseline_is_a_column_of_its_own(ax: Axes) -> None:
    """No place of it has a colour of λ above 0, nor the other way round, however near they are."""
    lams = Ruler(LAM, (0.0, 1e-3, 1e-2))
    points = frame(
        *(((1e-3, 0.1), 0.9), ((1e-2, 0.1), 0.8), ((0.0, 0.01), 0.3), ((0.0, 1.0), 0.4)),
    )
    several.accuracy_map(points, (lams, ETA), ax)
    ax.figure.canvas.draw()
    assert colour_at(ax, lams.at(0.0), 0.02) == 0.3
    assert colour_at(ax, lams.at(0.0), 0.9) == 0.4
    assert colour_at(ax, 0.99 * lams.gap, 0.2) == 0.4
    assert colour_at(ax, 1.01 * lams.gap, 0.2) == 0.9
    assert colour_at(ax, 1e-2, 0.02) == 0.8


def test_means_of_parts_span_them(ax: Axes) -> None:
    """They stand in the middle on the axis's scale."""
    several.accuracy_margin(
        GRID, 0, ETA, Margin("eta_max", (Mean(0.01, 1.0, 6, 0.5, 0.4, 0.6),)), ax
    )
    assert means_of(ax)[0, 0] == pytest.approx(0.1)


def test_each_point_is_a_line(ax: Axes) -> None:
    """Through its places on all axes; what is chosen and tied is on top."""
    alphas = Ruler(ALPHA, (0.1, 0.5, 0.9))
    points = frame(
        ((0.1, 1e-3, 0.5), 0.9), ((0.01, 1e-2, 0.1), 0.8), ((1.0, 1e-3, 0.9), 0.2), tied=1
    )
    lines = several.parallel(points, (ETA, LAMS, alphas), ax)
    ax.figure.canvas.draw()
    assert len(lines.get_segments()) == 3
    chosen = next(line for line in ax.lines if line.get_label() == several.CHOSEN)
    assert np.asarray(chosen.get_ydata())[0] == pytest.approx(0.5)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["η_max", "λ", "α"]
    assert {text.get_text() for text in ax.texts} >= {"1e-2", "1", "1e-3", "0.1", "0.9"}


def test_of_many_points_some_are_lines(ax: Axes) -> None:
    """Even by rank, the best and the chosen one among them."""
    rows = [((0.1, 1e-3 * (1 + k / 1e3)), 0.9 - k / 1e4) for k in range(1_000)]
    ruler = Ruler(LAM, tuple(point[1] for point, _ in rows))
    lines = several.parallel(frame(*rows), (Ruler(ETA_MAX, (0.1,)), ruler), ax)
    accuracies = np.asarray(lines.get_array())
    assert len(accuracies) == several.LINES
    assert accuracies.max() == 0.9
    assert accuracies.min() == pytest.approx(0.9 - 999 / 1e4)
    assert any(line.get_label() == several.CHOSEN for line in ax.lines)
