"""Plots of losses against the epoch: runs of one setting thin, their mean bold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from reports.style import BLUE, GREY, ORANGE, VERMILION
from search.records import State

NORMS = {True: (BLUE, "with batch norm"), False: (VERMILION, "without batch norm")}
PARTS: dict[str, tuple[str, Literal["-", "--"]]] = {
    "train": (BLUE, "--"),
    "validation": (ORANGE, "-"),
}
SPAN = 30.0
"""Losses that differ by a larger factor than this stand on a log axis."""


def norm_curves(history: pd.DataFrame, name: str, ax: Axes, *, cycles: Sequence[float]) -> Axes:
    """Draw a network's loss or cost with and without batch norm, training and validation.

    `history` is `history_frame` with the trials' `state` and `params_batch_norm`; `name` is `loss`
    or `cost`; `cycles` are the epochs at which learning-rate cycles end.
    """
    mark_cycles(ax, cycles)
    for batch_norm, (colour, _) in NORMS.items():
        group = history[history["params_batch_norm"] == batch_norm]
        for part, (_, style) in PARTS.items():
            draw_runs(group, f"{part}_{name}", ax, colour=colour, linestyle=style)
    finish_losses(history, [f"{part}_{name}" for part in PARTS], [ax])
    ax.set_xlabel("epoch")
    ax.set_ylabel(f"{name} (nats)")
    return ax


def norm_legend() -> list[Line2D]:
    """Return the keys of `norm_curves`: colours tell networks, dashes tell images."""
    keys = [Line2D([], [], color=colour, label=label) for colour, label in NORMS.values()]
    keys += [
        Line2D([], [], color=GREY, linestyle=style, label=part)
        for part, (_, style) in reversed(PARTS.items())
    ]
    return keys


def part_curves(history: pd.DataFrame, ax: Axes) -> Axes:
    """Draw one setting's training and validation loss; its axis is finished by `finish_losses`."""
    for part, (colour, style) in PARTS.items():
        draw_runs(history, f"{part}_loss", ax, colour=colour, linestyle=style)
    return ax


def part_legend() -> list[Line2D]:
    """Return the keys of `part_curves`."""
    return [
        Line2D([], [], color=colour, linestyle=style, label=part)
        for part, (colour, style) in PARTS.items()
    ]


def draw_runs(runs: pd.DataFrame, column: str, ax: Axes, *, colour: str, linestyle: str) -> None:
    """Draw replicates of one setting: one alone bold, of several each thin and their mean bold.

    The mean is that of the runs that completed. A run that diverged ends in a cross.
    """
    alone = len(set(runs["number"])) == 1
    for _, run in runs.groupby("number", sort=False):
        ax.plot(
            run["epoch"],
            run[column],
            color=colour,
            linestyle=linestyle,
            linewidth=1.4 if alone else 0.6,
            alpha=1.0 if alone else 0.55,
        )
        if run["state"].iloc[0] == State.DIVERGED:
            ax.plot(run["epoch"].iloc[-1:], run[column].iloc[-1:], "x", color=colour, zorder=4)
    completed = runs[runs["state"] == State.COMPLETED]
    if not alone and not completed.empty:
        mean = completed.groupby("epoch")[column].mean()
        ax.plot(mean.index, mean, color=colour, linestyle=linestyle, linewidth=1.7, zorder=3)


def mark_cycles(ax: Axes, ends: Sequence[float]) -> None:
    """Mark, lightly, where learning-rate cycles end."""
    for end in ends:
        ax.axvline(end, color="#B8B8B8", linewidth=0.8, linestyle=":", zorder=1)


def mark_chance(ax: Axes, classes: int, *, label: bool = True) -> None:
    """Mark the loss of a network that gives each of k classes the same probability, ln k."""
    level = math.log(classes)
    ax.axhline(level, color=GREY, linewidth=0.9, linestyle=(0, (1, 1)), zorder=1)
    if label:
        ax.annotate(
            f"ln {classes}",
            (1.0, level),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color="#5F5F5F",
            fontsize=7,
        )


def finish_losses(history: pd.DataFrame, columns: Sequence[str], axes: Sequence[Axes]) -> None:
    """Give axes of losses one scale: logarithmic where the losses differ by much."""
    values = history[list(columns)].to_numpy(float).ravel()
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size or values.max() <= SPAN * values.min():
        return
    for ax in axes:
        ax.set_yscale("log", nonpositive="clip")
        decades = math.log10(values.max() / values.min())
        if decades < 4:
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 3 else (1, 3)))
            ax.yaxis.set_major_formatter(ScalarFormatter())
            ax.yaxis.get_major_formatter().set_scientific(False)  # type: ignore[attr-defined]
        ax.yaxis.set_minor_formatter(NullFormatter())


def say_in(ax: Axes, text: str) -> None:
    """Write how a panel's runs ended into its middle."""
    ax.text(
        0.5,
        0.5,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        color=VERMILION,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2.0},
        zorder=5,
    )
