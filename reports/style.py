"""How figures look, and how they become files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kbn.files import whole_file

WIDTH = 7.0
"""Inches: the width of a page's text and of a column on a code host."""

# The palette of M. Okabe and K. Ito, "Color Universal Design", 2008: told apart by all readers.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE = "#56B4E9", "#CC79A7"
GREY, BLACK = "#7F7F7F", "#000000"
SEQUENTIAL = "cividis"
"""Even in lightness, and the same to readers who do not tell red from green."""

_SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.4,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "kbn",  # equal figures give equal files
}
_METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}

Draw = Callable[[Figure], object]


def write_figure(
    folder: Path, name: str, draw: Draw, *, height: float, mark: str = "", dpi: int = 200
) -> tuple[Path, Path]:
    """Draw a figure of the page's width and write it as SVG and PNG; return both paths.

    `mark` is written below the figure: what a reader must know who sees nothing else.
    """
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(WIDTH, height), dpi=dpi)
        FigureCanvasAgg(figure)
        if mark:
            figure.supxlabel(mark, color=VERMILION, fontsize=9)
        draw(figure)
        # Laid out once, not anew for each file: that takes longer than to draw it.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        svg, png = (folder / f"{name}{suffix}" for suffix in (".svg", ".png"))
        for path in (svg, png):
            with whole_file(path) as temporary:
                figure.savefig(temporary, dpi=dpi, metadata=_METADATA[path.suffix])
    return svg, png


def label_panels(axes: tuple[Axes, ...]) -> None:
    """Mark the panels of a figure with letters, from a."""
    for letter, ax in zip("abcdefgh", axes, strict=False):
        ax.set_title(letter, loc="left", fontweight="bold")
