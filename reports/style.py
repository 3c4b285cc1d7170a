"""How figures look, and how they become files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

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
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,  # `write_figure` lays out, once
    "svg.fonttype": "none",
    "svg.hashsalt": "kbn",  # equal figures give equal files
}

Draw = Callable[[Figure], object]


def write_figure(
    folder: Path, name: str, draw: Draw, *, height: float, mark: str = "", dpi: int = 200
) -> tuple[Path, Path]:
    """Draw a figure of the page's width and write it as SVG and PNG; return both paths.

    `mark` is written below the figure: what a reader must know who sees nothing else.
    """
    svg, png = (folder / f"{name}{suffix}" for suffix in (".svg", ".png"))
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(WIDTH, height), dpi=dpi, layout="constrained")
        canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
        if mark:
            figure.supxlabel(mark, color=VERMILION, fontsize=9)
        draw(figure)
        _lay_out(figure)
        canvas.draw()
        # Nothing shines through a figure; without the channel that says so its file is smaller.
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        with whole_file(svg) as vectors, whole_file(png) as pixels:
            picture.save(pixels, dpi=(dpi, dpi))
            figure.savefig(vectors, metadata={"Date": None, "Creator": None})
    return svg, png


def _lay_out(figure: Figure) -> None:
    """Give all that is on a figure its place, for good.

    Left to itself, Matplotlib lays a figure out anew for each file, and draws it once more for
    that: most of the time that the files take.
    """
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:
        engine.execute(figure)
    figure.set_layout_engine(None)


def label_panels(axes: tuple[Axes, ...]) -> None:
    """Mark the panels of a figure with letters, from a."""
    for letter, ax in zip("abcdefgh", axes, strict=False):
        ax.set_title(letter, loc="left", fontweight="bold")
