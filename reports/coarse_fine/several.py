"""Plots of a search over several axes: a map, margins, and parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from scipy.spatial import cKDTree

from reports.coarse_fine.facts import CLOSE, Margin
from reports.coarse_fine.plots import INCOMPLETE, TIED
from reports.drawing.rulers import Ruler
from reports.drawing.style import BLACK, CURVES, GREY, RULE, VERMILION, WHITE

PIXELS = 300
"""Of a map, along each axis that is ordered."""
APART = 1e3
"""Between two values of an unordered axis, in lengths of a map's side: none is the other's."""
CHOSEN = "chosen"
LINES = 120
"""Points that are drawn as lines at most: of more, so many that are even by rank."""
LOWEST = 0.1
"""Share of the lowest accuracies that share the first colour: what did not learn is not to
flatten all else."""


def colour_range(accuracy: pd.Series[float]) -> tuple[float, float]:
    """Return the accuracies that have the first and the last colour."""
    low, high = float(accuracy.quantile(LOWEST)), float(accuracy.max())
    return (low, high) if low < high else (low - 0.01, high + 0.01)


def accuracy_map(points: pd.DataFrame, rulers: tuple[Ruler, Ruler], ax: Axes) -> QuadMesh:
    """Draw accuracy over two axes: each place has the colour of the point nearest to it.

    `points` has a row a point: `0, 1` (its values), `accuracy, tied, chosen`; those without an
    accuracy are marked. Returns what a colour bar takes.
    """
    across, up = rulers
    done = points.dropna(subset="accuracy")
    edges = [_pixels(ruler) for ruler in rulers]
    middles = [_middles(ruler, each) for ruler, each in zip(rulers, edges, strict=True)]
    grid = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1)
    _, nearest = cKDTree(_scaled(rulers, done)).query(grid)
    low, high = colour_range(done["accuracy"])
    mesh = ax.pcolormesh(
        *edges,
        done["accuracy"].to_numpy()[nearest].T,
        cmap=CURVES,
        vmin=low,
        vmax=high,
        rasterized=True,
    )
    across.lie_along_x(ax)
    up.lie_along_y(ax)
    close = len(points) > CLOSE
    for part, marker, colour, size, name in (
        (points[points["accuracy"].isna()], "x", VERMILION, 5, INCOMPLETE),
        (done[~done["tied"] & ~done["chosen"]], "o", WHITE, 3, "worse"),
        (done[done["tied"] & ~done["chosen"]], "o", VERMILION, 6, TIED),
        (done[done["chosen"]], "*", VERMILION, 13, CHOSEN),
    ):
        if part.empty:
            continue
        ax.plot(
            across.places(part[0].tolist()),
            up.places(part[1].tolist()),
            marker,
            color=colour,
            markersize=size / 2 if close and marker == "o" else size,
            markerfacecolor=WHITE if marker == "o" else colour,
            markeredgecolor=BLACK if colour == WHITE else WHITE if marker == "*" else colour,
            markeredgewidth=0.5 if colour == WHITE else 1.2,
            label=name,
            zorder=5 if marker == "*" else 4,
        )
    ax.grid(visible=False)
    for ruler, draw in ((across, ax.axvline), (up, ax.axhline)):
        if ruler.has_baseline:
            draw(ruler.gap, color=WHITE, linewidth=4, zorder=3)
    return mesh


def _pixels(ruler: Ruler) -> Float[np.ndarray, " m"]:
    """Return the edges of a map's pixels along an axis."""
    low, high = ruler.ends
    if not ruler.axis.ordered:
        return np.arange(low, high + 0.5)
    space = np.geomspace if ruler.logarithmic else np.linspace
    if ruler.has_baseline:
        return np.append(low, space(ruler.gap, high, PIXELS + 1))
    return np.asarray(space(low, high, PIXELS + 1))


def _middles(ruler: Ruler, edges: Float[np.ndarray, " m"]) -> Float[np.ndarray, " n"]:
    even = ruler.even(edges)
    middles = (even[1:] + even[:-1]) / 2
    return _on_side(ruler, np.exp(middles) if ruler.logarithmic else middles)


def _on_side(ruler: Ruler, places: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return where coordinates lie along a map's side, of length 1."""
    if not ruler.axis.ordered:
        return places * APART
    side = _side(ruler, places)
    return np.where(places < ruler.gap, -APART, side) if ruler.has_baseline else side


def _scaled(rulers: Sequence[Ruler], points: pd.DataFrame) -> Float[np.ndarray, "k d"]:
    return np.stack(
        [_on_side(ruler, ruler.places(points[k].tolist())) for k, ruler in enumerate(rulers)],
        axis=1,
    )


def accuracy_margin(
    points: pd.DataFrame, at: int, ruler: Ruler, margin: Margin | None, ax: Axes
) -> Axes:
    """Draw every point's accuracy against one axis, and means over the others with intervals.

    `points` is that of `accuracy_map`, with a column an axis.
    """
    ruler.lie_along_x(ax)
    done = points.dropna(subset="accuracy")
    close = len(done) > CLOSE
    for part, marker, colour, size, name in (
        (done[~done["tied"] & ~done["chosen"]], "o", GREY, 2 if close else 3.5, "worse"),
        (done[done["tied"] & ~done["chosen"]], "o", VERMILION, 2 if close else 3.5, TIED),
        (done[done["chosen"]], "*", VERMILION, 10, CHOSEN),
    ):
        if not part.empty:
            ax.plot(
                ruler.places(part[at].tolist()),
                part["accuracy"],
                marker,
                color=colour,
                markersize=size,
                alpha=0.5 if colour == GREY else 1.0,
                label=name,
                zorder=4 if marker == "*" else 2,
                markeredgewidth=0,
            )
    low, high = colour_range(done["accuracy"])
    if margin is not None:
        _draw_means(margin, ruler, ax)
        low = min(low, *(each.low for each in margin.means))
        high = max(high, *(each.high for each in margin.means))
    ax.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
    ax.set_ylabel("validation accuracy")
    return ax


def _draw_means(margin: Margin, ruler: Ruler, ax: Axes) -> None:
    """Draw means with their intervals, at their values or over the parts that they are of."""
    firsts = [each.first for each in margin.means]
    places, last, means, low, high = ruler.parted(
        firsts,
        ruler.places(firsts),
        ruler.places([each.last for each in margin.means]),
        *([getattr(each, name) for each in margin.means] for name in ("accuracy", "low", "high")),
    )
    middles = np.sqrt(places * last) if ruler.logarithmic else (places + last) / 2
    ax.errorbar(
        middles,
        means,
        yerr=[means - low, high - means],
        xerr=[middles - places, last - middles] if (last > places).any() else None,
        fmt="-D" if ruler.axis.ordered and not (last > places).any() else "D",
        color=BLACK,
        markersize=4,
        capsize=3,
        linewidth=1,
        label="mean over the other settings, 95% interval",
        zorder=3,
    )


def parallel(points: pd.DataFrame, rulers: Sequence[Ruler], ax: Axes) -> LineCollection:
    """Draw each point as a line through its values on all axes, coloured by its accuracy.

    `points` is that of `accuracy_map`, with a column an axis. Returns what a colour bar takes.
    """
    done = points.dropna(subset="accuracy").sort_values(["chosen", "accuracy"])
    low, high = colour_range(done["accuracy"])
    ranks = np.linspace(0, len(done) - 1, min(LINES, len(done))).round().astype(int)
    done = done.iloc[ranks]
    sides = [_side(ruler, ruler.places(done[k].tolist())) for k, ruler in enumerate(rulers)]
    heights = np.stack(sides, axis=1)
    across = np.broadcast_to(np.arange(len(rulers), dtype=float), heights.shape)
    lines = LineCollection(
        list(np.stack([across, heights], axis=-1)),
        array=done["accuracy"].to_numpy(),
        cmap=CURVES,
        linewidths=0.6 if len(done) > CLOSE else 1.1,
        alpha=0.5 if len(done) > CLOSE else 0.9,
    )
    lines.set_clim(low, high)
    ax.add_collection(lines)
    for part, style, width, name in (
        (done["tied"] & ~done["chosen"], "-", 1.2, TIED),
        (done["chosen"], "-", 2.6, CHOSEN),
    ):
        colour = BLACK if name == CHOSEN else VERMILION
        for place, row in enumerate(heights[part.to_numpy()][-CLOSE:]):
            ax.plot(
                range(len(rulers)),
                row,
                style,
                color=colour,
                linewidth=width,
                label="_" if place else name,
                zorder=5 if name == CHOSEN else 3,
            )
    _name_sides(rulers, ax)
    return lines


def _side(ruler: Ruler, places: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return coordinates as shares of an axis's length on paper."""
    low, high = ruler.even(np.array(ruler.ends))
    return np.asarray((ruler.even(places) - low) / (high - low))


def _name_sides(rulers: Sequence[Ruler], ax: Axes) -> None:
    """Draw a line an axis, with its name below and some values beside it."""
    ax.set_xlim(-0.2, len(rulers) - 0.6)
    ax.set_ylim(-0.02, 1.02)
    ax.set_xticks(range(len(rulers)), [ruler.axis.symbol for ruler in rulers])
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    for at, ruler in enumerate(rulers):
        ax.axvline(at, color=RULE, linewidth=1, zorder=1)
        values = ruler.values  # noqa: PD011 - it is no frame
        ends = (values[0], *ruler.placed[:1], values[-1])
        shown = dict.fromkeys(ends if ruler.axis.ordered else values)
        for value, height in zip(shown, _side(ruler, ruler.places(shown)), strict=True):
            ax.annotate(
                ruler.name(value),
                (at, height),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=BLACK,
                zorder=6,
                bbox={"boxstyle": "square,pad=0.1", "facecolor": WHITE, "edgecolor": "none"},
            )
