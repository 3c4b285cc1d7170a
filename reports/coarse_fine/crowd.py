"""Plots of many points, which would hide each other if each were drawn for itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh

from reports.coarse_fine.facts import QUANTILES, Lay
from reports.coarse_fine.plots import TIED
from reports.drawing.plots import quantity_label
from reports.drawing.rulers import Ruler
from reports.drawing.style import BLACK, BLUE, CURVES, VERMILION
from reports.drawing.ticks import along_epochs

UNUSUAL = 0.02
"""Share of the largest losses that share the last colour: spikes are not to flatten all else."""
BANDS = ((0.05, 0.95), (0.25, 0.75))
"""Shares of runs between which bands are drawn, the wide one first."""


def differences_along(
    rows: pd.DataFrame, places: Sequence[float], ax: Axes, *, noun: str = "value"
) -> Axes:
    """Draw each point's difference to the winner with its interval, each at its place.

    `rows` is that of `plots.difference_to_winner`.
    """
    rows = rows.assign(place=places)
    for tied, colour, name in ((False, BLUE, "worse"), (True, VERMILION, TIED)):
        part = rows[rows["tied"] == tied]
        if part.empty:
            continue
        place = part["place"]
        ax.vlines(place, part["low"], part["high"], color=colour, linewidth=0.7, alpha=0.3)
        ax.plot(place, part["difference"], "o", color=colour, markersize=2, label=name, zorder=3)
    ax.axhline(0.0, color=BLACK, linewidth=1, label=f"the best {noun}")
    ax.set_ylabel(f"difference to the best {noun}")
    return ax


def learning_map(
    history: pd.DataFrame, quantity: str, ruler: Ruler, ax: Axes, *, chosen: float | None = None
) -> QuadMesh:
    """Draw a quantity of the search's runs as colours, by epoch and value; a line at the `chosen`.

    `history` has a row a run and epoch, with its `value`; replicates are averaged. Returns what a
    colour bar takes.
    """
    table = history.pivot_table(index="value", columns="epoch", values=quantity)
    epochs = table.columns.to_numpy(float)
    high = 1.0 - (0.0 if quantity.endswith("accuracy") else UNUSUAL)
    low, high = np.nanquantile(table.to_numpy(float), (0.0, high))
    ruler.lie_along_y(ax)
    edges = _edges(ruler, ruler.places(table.index.tolist()))
    mesh = ax.pcolormesh(
        np.append(epochs - 0.5, epochs[-1] + 0.5),
        edges,
        table.to_numpy(float),
        cmap=CURVES,
        vmin=low,
        vmax=high,
        rasterized=True,  # thousands of rectangles would make a large file
    )
    ax.set_ylim(edges[0], edges[-1])
    if chosen is not None:
        ax.axhline(chosen, color=VERMILION, linewidth=1.2, linestyle="--")
    ax.grid(visible=False)
    ax.set_title(quantity_label(quantity))
    along_epochs(ax)
    return mesh


def _edges(ruler: Ruler, places: Float[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
    """Return where the rows of values, ascending, meet on an axis, the outer ends included."""
    even = ruler.even(places)
    middles = (even[1:] + even[:-1]) / 2
    ends = 2 * even[0] - middles[0], 2 * even[-1] - middles[-1]
    edges = np.concatenate([ends[:1], middles, ends[1:]])
    return np.asarray(np.exp(edges)) if ruler.logarithmic else edges


def learning_bands(learning: Sequence[Lay], quantity: str, ax: Axes) -> Axes:
    """Draw between which values a quantity of most runs lay, epoch by epoch, and its median."""
    epochs = [lay.epoch for lay in learning]
    lines = zip(*(getattr(lay, quantity) for lay in learning), strict=True)
    line = dict(zip(QUANTILES, lines, strict=True))
    for low, high in BANDS:
        name = f"{high - low:.0%} of the runs"
        ax.fill_between(
            epochs, line[low], line[high], color=BLUE, alpha=0.2, linewidth=0, label=name
        )
    ax.plot(epochs, line[0.5], color=BLUE, label="their median")
    return ax
