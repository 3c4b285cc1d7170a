"""Figures in other colours."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgba, to_rgba_array
from matplotlib.figure import Figure

from reports.drawing.repaint import repaint

OLD, NEW, OTHER = "#112233", "#ddeeff", "#123456"


@pytest.fixture
def ax() -> Axes:
    """Return axes to draw on."""
    return Figure().subplots()


def exchange(ax: Axes) -> None:
    """Draw what is there, and put the new colour in the place of the old one."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    repaint(figure, {OLD: NEW}, {"gray": mpl.colormaps["viridis"]})


def test_lines_and_their_marks(ax: Axes) -> None:
    """Each part on its own; a colour that is not named stays."""
    (line,) = ax.plot([1, 2], color=OLD, markerfacecolor=OTHER, markeredgecolor=OLD)
    exchange(ax)
    assert to_hex(line.get_color()) == to_hex(line.get_markeredgecolor()) == NEW
    assert to_hex(line.get_markerfacecolor()) == OTHER


def test_words_and_the_box_behind_them(ax: Axes) -> None:
    """A box that lets something through still does, and one without an edge gets none."""
    box = {"facecolor": OLD, "edgecolor": "none", "alpha": 0.8}
    text = ax.text(0, 0, "words", color=OLD, bbox=box)
    exchange(ax)
    assert to_hex(text.get_color()) == NEW
    patch = text.get_bbox_patch()
    assert patch is not None
    assert patch.get_facecolor() == to_rgba(NEW, 0.8)
    assert to_rgba(patch.get_edgecolor())[3] == 0


def test_error_bars(ax: Axes) -> None:
    """Bars are a collection of lines, each with its colour."""
    ax.errorbar([1, 2], [1, 2], [0.1, 0.2], color=OLD)
    (bars,) = ax.collections
    exchange(ax)
    assert {to_hex(colour) for colour in to_rgba_array(bars.get_edgecolor())} == {NEW}


def test_all_that_axes_are_made_of(ax: Axes) -> None:
    """Paper, spines, ticks, their labels and the legend."""
    ax.set_facecolor(OLD)
    ax.spines["left"].set_edgecolor(OLD)
    ax.tick_params(color=OLD, labelcolor=OLD, grid_color=OLD)
    ax.plot([1, 2], color=OLD, label="a")
    legend = ax.legend(labelcolor=OLD, edgecolor=OLD)
    exchange(ax)
    (tick, *_) = ax.xaxis.get_major_ticks()
    found = [
        *(ax.patch.get_facecolor(), ax.spines["left"].get_edgecolor()),
        *(tick.tick1line.get_markeredgecolor(), tick.label1.get_color(), tick.gridline.get_color()),
        *(legend.get_texts()[0].get_color(), legend.get_lines()[0].get_color()),
        legend.get_frame().get_edgecolor(),
    ]
    assert [to_hex(each) for each in found] == [NEW] * 8


def test_a_picture_of_numbers_gets_another_map(ax: Axes) -> None:
    """By its map's name; another map stays, and so does a picture that has colours of its own."""
    names = [ax.imshow(np.eye(2), cmap=name).get_cmap for name in ("gray", "hot")]
    photo = np.full((2, 2, 3), 0.25)
    shown = ax.imshow(photo)
    exchange(ax)
    assert [get().name for get in names] == ["viridis", "hot"]
    assert np.array_equal(np.asarray(shown.get_array()), photo)
