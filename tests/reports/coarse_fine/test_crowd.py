"""Plots of many values of λ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.coarse_fine import crowd, plots
from reports.coarse_fine.facts import CLOSE, Lay
from reports.drawing.rulers import Ruler
from search.records import Role
from search.space.axis import LAM

LAMS = np.geomspace(1e-5, 1e-1, 200)
RULER = Ruler(LAM, tuple(LAMS.tolist()))


@pytest.fixture
def ax() -> Axes:
    """Return axes to draw on."""
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def test_each_difference_stands_at_its_value(ax: Axes) -> None:
    """Every value has its point and its interval, told apart by whether it is tied."""
    difference = -np.abs(np.log10(LAMS / 1e-3)) / 10
    rows = pd.DataFrame({"lam": LAMS, "difference": difference, "tied": difference > -0.1})
    rows = rows.assign(low=difference - 0.1, high=difference + 0.1)
    crowd.differences_along(rows, rows["lam"].tolist(), ax).figure.canvas.draw()
    worse, tied = (np.asarray(line.get_xydata()) for line in ax.lines[:2])
    assert np.array_equal(np.sort(np.append(worse[:, 0], tied[:, 0])), LAMS)
    assert tied[:, 1].min() > worse[:, 1].max()
    paths = [np.asarray(path.vertices) for each in ax.collections for path in each.get_paths()]
    bars = sorted((path[0, 0], *path[:, 1]) for path in paths)
    assert bars == list(zip(LAMS, rows["low"], rows["high"], strict=True))
    _, names = ax.get_legend_handles_labels()
    assert names == ["worse", "cannot be told from the best", "the best value"]


@pytest.mark.parametrize("epochs", [1, 7])
def test_a_map_of_learning_has_a_row_a_value(ax: Axes, epochs: int) -> None:
    """Replicates are averaged, what was not trained stays empty, spikes share the last colour."""
    history = pd.DataFrame(
        [
            {
                "value": lam,
                "epoch": epoch,
                "validation_loss": 1.0 + replicate + 1e6 * (lam == LAMS[7]),
            }
            for lam in LAMS
            for replicate in range(2)
            for epoch in range(1, epochs + 1)
            if lam > LAMS[0] or epoch == 1
        ]
    )
    mesh = crowd.learning_map(history, "validation_loss", RULER, ax, chosen=1e-3)
    ax.figure.canvas.draw()
    table: np.ma.MaskedArray = np.ma.array(mesh.get_array())
    assert table.shape == (len(LAMS), epochs)
    assert np.ma.allclose(table[8:], 1.5)
    assert np.sum(np.ma.getmaskarray(table)) == epochs - 1
    assert mesh.norm.vmax == pytest.approx(1.5)
    edges = np.asarray(mesh.get_coordinates())[:, 0, 1]
    assert (edges[:-1] < LAMS).all()
    assert (edges[1:] > LAMS).all()
    assert ax.get_yscale() == "log"


def points(lams: np.ndarray, accuracy: np.ndarray | float = 0.5) -> pd.DataFrame:
    """Return points of a coarse grid."""
    frame = pd.DataFrame({"value": lams, "accuracy": accuracy, "error": 0.01})
    stage = {"stage": "coarse grid", "role": Role.COARSE}
    return frame.assign(**stage, reference=np.nan, chosen=False, tied=True)


def test_close_points_are_small_and_have_no_bars(ax: Axes) -> None:
    """A few have bars; many would hide each other, and so would the ticks of ties."""
    plots.accuracy_along(points(LAMS), RULER, ax).figure.canvas.draw()
    assert not ax.collections
    ticks = ax.lines[-1]
    assert np.size(ticks.get_xdata()) == len(LAMS)
    assert ticks.get_markeredgewidth() < 1
    ax.clear()
    plots.accuracy_along(points(LAMS[:: len(LAMS) // CLOSE]), RULER, ax)
    assert len(ax.collections) == 1


def test_many_that_did_not_complete_are_named_once(ax: Axes) -> None:
    """Words stand beside a few of them; of many, the legend says what a cross means."""
    few = np.where(np.arange(len(LAMS)) < plots.SAID, np.nan, 0.5)
    plots.accuracy_along(points(LAMS, few), RULER, ax)
    assert [text.get_text() for text in ax.texts] == ["did not\ncomplete"] * plots.SAID
    ax.clear()
    plots.accuracy_along(points(LAMS, few[::-1] * np.nan), RULER, ax)
    assert not ax.texts
    assert "did not complete" in ax.get_legend_handles_labels()[1]


def test_bands_are_drawn_between_the_quantiles_that_were_found(ax: Axes) -> None:
    """The wide band between the outer ones, the narrow one between the inner ones, the median."""
    lays = [
        Lay(1, (1.0, 2.0, 3.0, 4.0, 5.0), (0.0,) * 5),
        Lay(2, (0.1, 0.2, 0.3, 0.4, 0.5), (0.0,) * 5),
    ]
    crowd.learning_bands(lays, "loss", ax).figure.canvas.draw()
    spans = [each.get_datalim(ax.transData).intervaly.tolist() for each in ax.collections]
    assert spans == [[0.1, 5.0], [0.2, 4.0]]
    assert np.asarray(ax.lines[0].get_xydata()).tolist() == [[1.0, 3.0], [2.0, 0.3]]
    _, names = ax.get_legend_handles_labels()
    assert names == ["90% of the runs", "50% of the runs", "their median"]
