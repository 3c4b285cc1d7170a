"""Plots of many values of λ, which would hide each other if each were drawn for itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh

from reports.coarse_fine.plots import TIED, log_axis
from reports.drawing.plots import quantity_label
from reports.drawing.style import BLACK, BLUE, CURVES, VERMILION
from reports.drawing.ticks import epoch_ticks, log_ticks

UNUSUAL = 0.02
"""Share of the largest losses that share the last colour: spikes are not to flatten all else."""


def differences_along_lambda(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Draw each value's difference to the winner with its interval against log λ.

    `rows` is that of `plots.difference_to_winner`.
    """
    log_axis(rows["lam"], ax)
    for tied, colour, name in ((False, BLUE, "worse"), (True, VERMILION, TIED)):
        part = rows[rows["tied"] == tied]
        if part.empty:
            continue
        place = part["lam"]
        ax.vlines(place, part["low"], part["high"], color=colour, linewidth=0.7, alpha=0.3)
        ax.plot(place, part["difference"], "o", color=colour, markersize=2, label=name, zorder=3)
    ax.axhline(0.0, color=BLACK, linewidth=1, label="the best value")
    ax.set_ylabel("difference to the best value")
    return ax


def learning_map(
    history: pd.DataFrame, quantity: str, ax: Axes, *, chosen: float | None = None
) -> QuadMesh:
    """Draw a quantity of the search's runs as colours, by epoch and log λ; a line at the `chosen`.

    `history` is that of `drawing.plots.learning_curves`; replicates are averaged. Returns what a
    colour bar takes.
    """
    table = history.pivot_table(index="params_lam", columns="epoch", values=quantity)
    epochs = table.columns.to_numpy(float)
    high = 1.0 - (0.0 if quantity.endswith("accuracy") else UNUSUAL)
    low, high = np.nanquantile(table.to_numpy(float), (0.0, high))
    mesh = ax.pcolormesh(
        np.append(epochs - 0.5, epochs[-1] + 0.5),
        _edges(table.index.to_numpy(float)),
        table.to_numpy(float),
        cmap=CURVES,
        vmin=low,
        vmax=high,
        rasterized=True,  # thousands of rectangles would make a large file
    )
    ax.set_yscale("log")
    log_ticks(ax.yaxis, *ax.get_ylim())
    if chosen is not None:
        ax.axhline(chosen, color=VERMILION, linewidth=1.2, linestyle="--")
    ax.grid(visible=False)
    ax.set_title(quantity_label(quantity))
    ax.set_xlabel("epoch")
    ax.set_ylabel("L2 strength λ (log scale)")
    epoch_ticks(ax)
    return mesh


def _edges(lams: np.ndarray) -> np.ndarray:
    """Return where the rows of values, ascending, meet on a log axis, the outer ends included."""
    logs = np.log(lams)
    middles = (logs[1:] + logs[:-1]) / 2
    ends = 2 * logs[0] - middles[0], 2 * logs[-1] - middles[-1]
    return np.asarray(np.exp(np.concatenate([ends[:1], middles, ends[1:]])))
