"""How figures look, and how they become files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_hex
from matplotlib.figure import Figure
from PIL import Image

from kbn.files import whole_file
from reports.drawing.repaint import Colours, Maps, repaint

WIDTH = 7.0
"""Inches: the width of a page's text and of a column on a code host."""

# The palette of M. Okabe and K. Ito, "Color Universal Design", 2008: told apart by all readers.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE = "#56B4E9", "#CC79A7"
GREY, BLACK, WHITE = "#7F7F7F", "#000000", "#FFFFFF"
GRID, RULE, MUTED = "#E5E5E5", "#B8B8B8", "#5F5F5F"
"""Lines of the grid, lines that mark something, and words that stay in the background."""

DARK_PAPER = "#1a1a1a"
"""What a dark page is written on, too."""
DARK = {
    BLACK: "#e4e4e4",
    WHITE: DARK_PAPER,
    GREY: "#9aa0a6",
    GRID: "#333639",
    RULE: "#686d73",
    MUTED: "#a6adb5",
    BLUE: "#4aa8e8",
    ORANGE: "#f2b134",
    GREEN: "#2dc296",
    VERMILION: "#ff8140",
    SKY: "#a9d9f7",
    PURPLE: "#e29ac2",
}
"""What stands for each colour in a figure's dark version."""


def _within(name: str, low: float, high: float) -> ListedColormap:
    """Return the part of a colour map that can be told from the paper."""
    colours = mpl.colormaps[name](np.linspace(low, high, 256))
    return ListedColormap(colours, name=f"{name}, {low:g} to {high:g}")


# Even in lightness, and the same to readers who do not tell red from green.
CURVES, DARK_CURVES = _within("viridis", 0.0, 0.85), _within("viridis", 0.3, 1.0)
HEAT_TURN = 0.7
"""Where, on `HEAT`'s way from 0 to 1, words on it are to change from black to white."""
HEAT = mpl.colormaps["Blues"]
DARK_HEAT = LinearSegmentedColormap.from_list(
    "dark Blues", [(0.0, "#1d242c"), (HEAT_TURN, "#2f79b5"), (1.0, "#d3e9fb")]
)
_MAPS = ((CURVES, DARK_CURVES), (HEAT, DARK_HEAT))

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
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.4,
    "text.parse_math": False,  # a class may be called "$1"; no formula is ours
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,  # `write_figure` lays out, once
    "svg.fonttype": "none",
    "svg.hashsalt": "kbn",  # equal figures give equal files
}

Draw = Callable[[Figure], object]


class Painted(NamedTuple):
    """A figure as its files hold it."""

    svg: bytes
    png: bytes
    dark: bytes | None
    """The SVG for dark pages."""


def write_figure(
    folder: Path,
    name: str,
    draw: Draw,
    *,
    height: float,
    mark: str = "",
    dark: bool = False,
    dpi: int = 200,
) -> tuple[Path, Path]:
    """Draw a figure, as `paint` does, and write it as SVG and PNG; return both paths.

    With `dark`, an SVG for dark pages is written beside them, where `dark_path` says.
    """
    return write_painted(folder, name, paint(draw, height=height, mark=mark, dark=dark, dpi=dpi))


def write_painted(folder: Path, name: str, painted: Painted) -> tuple[Path, Path]:
    """Write a figure's files, as `write_figure` does."""
    svg, png = (folder / f"{name}{suffix}" for suffix in (".svg", ".png"))
    for path, content in ((png, painted.png), (svg, painted.svg), (dark_path(svg), painted.dark)):
        if content is not None:
            with whole_file(path) as temporary:
                temporary.write_bytes(content)
    return svg, png


def paint(
    draw: Draw, *, height: float, mark: str = "", dark: bool = False, dpi: int = 200
) -> Painted:
    """Draw a figure of the page's width, `height` inches high.

    `mark` is written above the figure: what a reader must know who sees nothing else.
    """
    with _own_style():
        figure = Figure(figsize=(WIDTH, height), dpi=dpi, layout="constrained")
        canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
        if mark:
            figure.suptitle(mark, color=VERMILION, fontsize=9)
        draw(figure)
        _show_lone_points(figure)
        _lay_out(figure)
        canvas.draw()
        # Nothing shines through a figure; without the channel that says so its file is smaller.
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        png = BytesIO()
        picture.save(png, "PNG", dpi=(dpi, dpi))
        svg = _svg(figure)
        if not dark:
            return Painted(svg, png.getvalue(), None)
        repaint(figure, *_dark())
        return Painted(svg, png.getvalue(), _svg(figure))


def warm_up() -> None:
    """Draw a figure for nobody: what the first one waits for is there then, in forks as well."""

    def draw(figure: Figure) -> None:
        figure.subplots().plot([0, 1], label="1", marker="o")
        figure.legend(loc="outside lower center")

    paint(draw, height=2.0, mark="1", dark=True)


def dark_path(path: Path) -> Path:
    """Return where the dark version of a figure's file is."""
    return path.with_stem(f"{path.stem}-dark")


def _svg(figure: Figure) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


@cache
def _dark() -> tuple[Colours, Maps]:
    """Return what stands for each colour, those of curves by value included, and each map."""
    steps = range(256)
    curves = {to_hex(CURVES(step)): to_hex(DARK_CURVES(step)) for step in steps}
    heat = {to_hex(HEAT(step)): to_hex(DARK_HEAT(step)) for step in steps}
    named = {light.lower(): dark for light, dark in DARK.items()}
    return curves | heat | named, {light.name: dark for light, dark in _MAPS}


@contextmanager
def _own_style() -> Iterator[None]:
    """Draw with Matplotlib's defaults and our settings, whatever style the user has chosen."""
    with mpl.style.context(["default", _SETTINGS]), warnings.catch_warnings():
        # A character that the font lacks is drawn as a box; its SVG text is whole.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def _show_lone_points(figure: Figure) -> None:
    """Make curves of one point, as one epoch gives, dots: a line would show nothing.

    A dashed curve's dot is hollow. Keys of curves that a legend holds show dots, too.
    """
    lines = [line for ax in figure.axes for line in ax.lines if line.get_marker() == "None"]
    lone = [line for line in lines if np.isfinite(np.array(line.get_ydata(), float)).sum() == 1]
    keys = [key for legend in figure.legends for key in legend.get_lines()] if lone else []
    for line in (*lone, *(key for key in keys if key.get_marker() == "None")):
        line.set_marker("o")
        if line.is_dashed():
            line.set_markerfacecolor(WHITE)


def _lay_out(figure: Figure) -> None:
    """Give all that is on a figure its place, for good.

    Left to itself, Matplotlib lays a figure out anew for each file, and draws it once more for
    that: most of the time that the files take.
    """
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:
        engine.execute(figure)
    figure.set_layout_engine(None)


def legend_below(figure: Figure, keys: Sequence[Artist], *, columns: int = 4) -> None:
    """Name what a figure shows below it, where no point or curve lies."""
    figure.legend(handles=keys, loc="outside lower center", ncols=min(len(keys), columns))


def label_panels(axes: tuple[Axes, ...]) -> None:
    """Mark the panels of a figure with letters, from a."""
    for letter, ax in zip("abcdefgh", axes, strict=False):
        ax.set_title(letter, loc="left", fontweight="bold")
