"""Plots of the matrix of σ × batch normalisation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator

from reports.drawing.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    HEAT,
    HEAT_TURN,
    ORANGE,
    PURPLE,
    RULE,
    SKY,
    VERMILION,
    WHITE,
)
from reports.drawing.ticks import power_text
from search.experiments.sigma_batchnorm import Cell
from search.settings.values import number_text

ACROSS = 4
"""Values of σ that stand side by side; more stand one below the other."""
NORM_NAMES = {True: "with batch norm", False: "without batch norm"}
HATCHES = {"did not learn": "//", "diverged": "xx", "failed": "..", "waiting": ""}
_PALETTE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, GREY, BLACK)
_MARKERS = "os^Dv<>pP"


@dataclass(frozen=True)
class Square:
    """A cell as the matrix shows it."""

    accuracy: float | None
    """Mean test accuracy of the runs that completed, as a share; None where none did."""
    text: str
    state: str
    """A key of `HATCHES` where not every run completed and learned; else empty."""


def positions(sigmas: Sequence[float]) -> Mapping[Cell, tuple[int, int]]:
    """Return the row and column of each cell: few values of σ go across, many go down."""
    across = len(sigmas) <= ACROSS
    return {
        Cell(sigma, norm): (row, column) if across else (column, row)
        for column, sigma in enumerate(sigmas)
        for row, norm in enumerate((True, False))
    }


def shape(sigmas: Sequence[float]) -> tuple[int, int]:
    """Return the numbers of rows and columns of `positions`."""
    return (2, len(sigmas)) if len(sigmas) <= ACROSS else (len(sigmas), 2)


def labels(sigmas: Sequence[float]) -> tuple[list[str], list[str]]:
    """Return the names of `positions`' columns and rows."""
    names = [f"σ = {number_text(sigma)}" for sigma in sigmas]
    norms = ["with\nbatch norm", "without\nbatch norm"]
    return (names, norms) if len(sigmas) <= ACROSS else (norms, names)


def name_panels(axes: np.ndarray, sigmas: Sequence[float]) -> None:
    """Name the columns and rows of panels of losses that stand as `positions` says."""
    above, beside = labels(sigmas)
    for ax, name in zip(axes[0], above, strict=True):
        ax.set_title(name.replace("\n", " "))
    for ax, name in zip(axes[:, 0], beside, strict=True):
        ax.set_ylabel(f"{name.replace(chr(10), ' ')}\nloss (nats)")


def matrix(squares: Mapping[Cell, Square], ax: Axes) -> Axes:
    """Draw the matrix as a heat map; what did not train has a hatch and words, not colour alone."""
    sigmas = tuple(dict.fromkeys(cell.sigma for cell in squares))
    rows, columns = shape(sigmas)
    shown = [square.accuracy for square in squares.values() if square.accuracy is not None]
    scale = Normalize(0.0, max(shown, default=1.0) or 1.0)
    for cell, (row, column) in positions(sigmas).items():
        square = squares[cell]
        value = square.accuracy
        fill = WHITE if value is None else HEAT(scale(value))
        deep = value is not None and scale(value) > HEAT_TURN
        ax.add_patch(
            Rectangle(
                (column - 0.5, row - 0.5),
                1,
                1,
                facecolor=fill,
                edgecolor=RULE,
                hatch=HATCHES.get(square.state, ""),
                linewidth=0,
            )
        )
        ax.text(
            column,
            row,
            square.text,
            ha="center",
            va="center",
            color=WHITE if deep else BLACK,
            bbox={"facecolor": fill, "edgecolor": "none", "pad": 2.0},
        )
    above, beside = labels(sigmas)
    ax.set_xticks(range(columns), above)
    ax.set_yticks(range(rows), beside)
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)
    for edge in range(1, columns):
        ax.axvline(edge - 0.5, color=WHITE, linewidth=3)
    for edge in range(1, rows):
        ax.axhline(edge - 0.5, color=WHITE, linewidth=3)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def scales(layers: pd.DataFrame, quantity: str, ax: Axes, *, floor: float) -> Axes:
    """Draw how a scale changes with depth, for every σ, after the first epoch and the last.

    `layers` has a row a σ, moment and hidden layer: `sigma, moment, layer`, and the quantity, whose
    zeros stand at `floor`. Moments are `first` (dashed, hollow) and `last`.
    """
    for position, (sigma, group) in enumerate(layers.groupby("sigma", sort=False)):
        for moment, line in group.groupby("moment", sort=False):
            first = moment == "first"
            line = line.sort_values("layer")
            values = line[quantity].to_numpy(float)
            ax.plot(
                line["layer"],
                np.where(values == 0.0, floor, values),
                **_look(position),
                markerfacecolor=WHITE if first else None,
                linestyle="--" if first else "-",
                linewidth=1.1,
                label=f"σ = {number_text(float(str(sigma)))}" if not first else None,
            )
    ax.set_yscale("log")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.margins(x=0.06)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return ax


def mark_zero(ax: Axes, floor: float) -> None:
    """Mark the line at which zeros stand."""
    ax.axhline(floor, color=GREY, linewidth=0.8, linestyle=":")


def scale_ticks(values: pd.Series[float], floor: float) -> tuple[list[float], list[str]]:
    """Return a log axis's ticks, a few powers of ten, and their labels: `0` where zeros stand."""
    positive = np.log10(values[values > 0].to_numpy(float))
    powers: set[int] = set()
    if positive.size:
        low, high = math.floor(positive.min()), math.ceil(positive.max())
        step = max(1, math.ceil((high - low) / 6))
        powers = {power for power in range(low, high + 1) if power % step == 0}
    ticks = [(10.0**power, power_text(power)) for power in sorted(powers)]
    zero = [(floor, "0")] if 0.0 in set(values) else []
    return [tick for tick, _ in zero + ticks], [label for _, label in zero + ticks]


def scales_legend(sigmas: Sequence[float]) -> list[Line2D]:
    """Return the keys of `scales`: colours and markers tell σ, dashes tell the epoch."""
    keys = [
        Line2D([], [], **_look(position), label=f"σ = {number_text(sigma)}")
        for position, sigma in enumerate(sigmas)
    ]
    grey: dict[str, Any] = {"color": GREY, "marker": "o", "markersize": 5}
    first = Line2D([], [], **grey, linestyle="--", markerfacecolor=WHITE, label="first epoch")
    last = Line2D([], [], **grey, linestyle="-", markerfacecolor=GREY, label="last epoch")
    return [*keys, first, last]


def _look(position: int) -> dict[str, Any]:
    """Return how the curve of a σ looks, by its place among the values."""
    colour, marker = _PALETTE[position % len(_PALETTE)], _MARKERS[position % len(_MARKERS)]
    return {"color": colour, "marker": marker, "markersize": 5}
