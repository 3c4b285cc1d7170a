"""Plots: functions that draw frames on axes. The frames are those of `reports.parts.frames`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D

from kbn.schedule import Schedule
from reports.drawing.style import (
    BLACK,
    BLUE,
    CURVES,
    GREY,
    HEAT,
    HEAT_TURN,
    ORANGE,
    VERMILION,
    WHITE,
)
from reports.drawing.ticks import along_epochs
from reports.parts.text import cut, share

NUMBERED_CLASSES = 20
"""Classes up to which a confusion matrix has numbers; of more it has a colour bar beside it."""
NAMED_CLASSES = 25
"""Classes that an axis names, at most: of more it names every second one, or every third, …"""
NAME_LENGTH = 20
"""Characters of a class's name, at most."""


def learning_curves(
    history: pd.DataFrame,
    quantity: str,
    ax: Axes,
    *,
    by: str,
    colours: Callable[[Any], str | tuple[float, ...]],
    chosen: Any = None,
) -> Axes:
    """Draw a quantity of every search trial against the epoch, coloured by what `by` holds.

    `history` is `history_frame` without the final model; `quantity` one of its columns. The
    curves of what was `chosen` are black, thick and on top.
    """
    for _, curve in history.groupby("number", sort=False):
        value = curve[by].iloc[0]
        ax.plot(
            curve["epoch"],
            curve[quantity],
            color=BLACK if value == chosen else colours(value),
            linewidth=2.4 if value == chosen else 1.2,
            zorder=4 if value == chosen else 2,
        )
    ax.set_ylabel(quantity_label(quantity))
    along_epochs(ax)
    return ax


def value_colours(values: Collection[float], *, log: bool) -> ScalarMappable:
    """Return the colours of values on an axis, even on its scale."""
    low, high = float(min(values)), float(max(values))
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - 1, high + 1)
    return ScalarMappable(LogNorm(low, high) if log else Normalize(low, high), CURVES)


def learning_rate(
    schedule: Schedule, ends: Sequence[tuple[str, int]], steps_per_epoch: int, ax: Axes
) -> Axes:
    """Draw η against the epoch, and mark where runs end.

    `ends` holds a run's name and its number of steps; its last step's η is marked.
    """
    last = max(steps for _, steps in ends)
    steps = np.unique(np.linspace(0, last - 1, 4_000).astype(int))
    ax.plot(steps / steps_per_epoch, [schedule(int(step)) for step in steps], color=BLUE)
    for row, (name, end) in enumerate(ends):
        position = end / steps_per_epoch
        ax.axvline(position, color=VERMILION, linewidth=1, linestyle="--")
        ax.plot(
            [(end - 1) / steps_per_epoch],
            [schedule(end - 1)],
            "o",
            color=VERMILION,
            markersize=4,
            zorder=4,
        )
        ax.annotate(
            name,
            (position, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3 + 10 * row),
            textcoords="offset points",
            ha="right" if end == last else "center",
            color=VERMILION,
            fontsize=8,
        )
    ax.set_xlabel(f"epoch ({steps_per_epoch:,} steps each)")
    ax.set_ylabel("learning rate η")
    return ax


def final_losses(history: pd.DataFrame, ax: Axes) -> Axes:
    """Draw loss and cost of the final model, training and validation, against the epoch."""
    for part, colour in (("train", BLUE), ("validation", ORANGE)):
        ax.plot(history["epoch"], history[f"{part}_cost"], color=colour, label=f"{part} cost")
        ax.plot(
            history["epoch"],
            history[f"{part}_loss"],
            color=colour,
            linestyle="--",
            label=f"{part} loss",
        )
    ax.set_ylabel("loss, cost (nats)")
    along_epochs(ax)
    return ax


def final_accuracies(history: pd.DataFrame, test: float | None, ax: Axes) -> Axes:
    """Draw accuracy of the final model against the epoch, and its test accuracy at the end."""
    for part, colour in (("train", BLUE), ("validation", ORANGE)):
        ax.plot(history["epoch"], history[f"{part}_accuracy"], color=colour, label=part)
    if test is not None:
        ax.plot(
            history["epoch"].iloc[-1:],
            [test],
            "D",
            color=BLACK,
            markersize=4,
            label="test, at the end",
            zorder=4,
        )
    ax.set_ylabel("accuracy")
    along_epochs(ax)
    return ax


def final_keys(ax: Axes) -> list[Artist]:
    """Return the keys of `final_losses` and of `final_accuracies`, which drew on `ax`.

    Colours tell images; dashes, in the one, tell loss from cost.
    """
    cost = Line2D([], [], color=GREY, label="cost")
    loss = Line2D([], [], color=GREY, linestyle="--", label="loss")
    return [*ax.get_legend_handles_labels()[0], cost, loss]


def confusion(counts: np.ndarray, classes: Sequence[str], ax: Axes) -> Axes:
    """Draw a confusion matrix, as shares of each true class; of many classes some are named."""
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    numbered = len(classes) <= NUMBERED_CLASSES
    ax.imshow(shares, cmap=HEAT, vmin=0, vmax=1 if numbered else shares.max() or 1)
    if numbered:
        for (row, column), value in np.ndenumerate(shares):
            ax.text(
                column,
                row,
                _short(value),
                ha="center",
                va="center",
                fontsize=8 if len(classes) <= 10 else 6,
                color=WHITE if value > HEAT_TURN else BLACK,
                in_layout=False,
            )
    every = math.ceil(len(classes) / NAMED_CLASSES)
    names = [cut(name, NAME_LENGTH) if k % every == 0 else "" for k, name in enumerate(classes)]
    ax.set_xticks(range(len(classes)), names, rotation=45, ha="right")
    ax.set_yticks(range(len(classes)), names)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def quantity_label(quantity: str) -> str:
    """Return a column of `history_frame` as an axis names it."""
    part, name = quantity.split("_")
    return f"{part} {name}" if name == "accuracy" else f"{part} {name} (nats)"


def _short(value: float) -> str:
    """Return a share as a small cell has room for it, and never a false 0 or 1."""
    return f"{value:.0f}" if value in (0, 1) else share(value, 2).removeprefix("0")
