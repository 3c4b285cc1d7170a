"""Plots of losses against the epoch: runs of one setting thin, their mean bold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.drawing.style import BLUE, GREY, MUTED, ORANGE, RULE, VERMILION, WHITE
from reports.drawing.ticks import along_epochs
from search.records import State

NORMS = {True: (BLUE, "with batch norm"), False: (VERMILION, "without batch norm")}
PARTS: dict[str, tuple[str, Literal["-", "--"]]] = {
    "train": (BLUE, "--"),
    "validation": (ORANGE, "-"),
}
View = tuple[float, float]
"""Bottom and top of an axis."""
Views = Mapping[str, View | None]
"""Those of an axis of losses, and of one of costs: see `view_of`."""
TOPS = {"loss": 2.0, "cost": 5.0}
"""Where axes of losses end at the latest, in multiples of ln k: what is above is cut off."""


def norm_curves(
    history: pd.DataFrame,
    name: str,
    ax: Axes,
    *,
    cycles: Sequence[float],
    view: View | None = None,
) -> Axes:
    """Draw a network's loss or cost with and without batch norm, training and validation.

    `history` is `history_frame` with the trials' `state` and `params_batch_norm`; `name` is `loss`
    or `cost`; `cycles` are the epochs at which learning-rate cycles end; `view`
    is that of `view_of`.
    """
    mark_cycles(ax, cycles)
    for batch_norm, (colour, _) in NORMS.items():
        group = history[history["params_batch_norm"] == batch_norm]
        for part, (_, style) in PARTS.items():
            draw_runs(group, f"{part}_{name}", ax, colour=colour, linestyle=style, view=view)
    cut_off(ax, view)
    ax.set_ylabel(f"{name} (nats)")
    along_epochs(ax)
    return ax


def norm_legend() -> list[Line2D]:
    """Return the keys of `norm_curves`: colours tell networks, dashes tell images."""
    keys = [Line2D([], [], color=colour, label=label) for colour, label in NORMS.values()]
    keys += [
        Line2D([], [], color=GREY, linestyle=style, label=part)
        for part, (_, style) in reversed(PARTS.items())
    ]
    return keys


def part_curves(history: pd.DataFrame, ax: Axes, *, view: View | None = None) -> Axes:
    """Draw one setting's training and validation loss."""
    for part, (colour, style) in PARTS.items():
        draw_runs(history, f"{part}_loss", ax, colour=colour, linestyle=style, view=view)
    return ax


def part_legend() -> list[Line2D]:
    """Return the keys of `part_curves`."""
    return [
        Line2D([], [], color=colour, linestyle=style, label=part)
        for part, (colour, style) in PARTS.items()
    ]


def draw_runs(
    runs: pd.DataFrame,
    column: str,
    ax: Axes,
    *,
    colour: str,
    linestyle: str,
    view: View | None = None,
) -> None:
    """Draw replicates of one setting: one alone bold, of several each thin and their mean bold.

    The mean is that of the runs that completed. A run that diverged ends in a cross,
    at the top where its last value is cut off there.
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
            end = run[column].iloc[-1:].clip(upper=view[1] if view else None)
            ax.plot(run["epoch"].iloc[-1:], end, "x", color=colour, zorder=4, clip_on=False)
    completed = runs[runs["state"] == State.COMPLETED]
    if not alone and not completed.empty:
        mean = completed.groupby("epoch")[column].mean()
        ax.plot(mean.index, mean, color=colour, linestyle=linestyle, linewidth=1.7, zorder=3)


def mark_cycles(ax: Axes, ends: Sequence[float]) -> None:
    """Mark, lightly, where learning-rate cycles end."""
    for end in ends:
        ax.axvline(end, color=RULE, linewidth=0.8, linestyle=":", zorder=1)


def mark_chance(ax: Axes, classes: int) -> None:
    """Mark the loss of a network that gives each of k classes the same probability, ln k."""
    level = math.log(classes)
    ax.axhline(level, color=GREY, linewidth=0.9, linestyle=(0, (1, 1)), zorder=1)
    ax.annotate(
        f"ln {classes}",
        (1.0, level),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=MUTED,
        fontsize=7,
    )


def view_of(history: pd.DataFrame, name: str, classes: int) -> View | None:
    """Return the part of an axis of losses or costs that is shown; None for all of it.

    Spikes are cut off, so that they do not flatten all else; some completed run's end is in view.
    """
    columns = [f"{part}_{name}" for part in PARTS]
    top = TOPS[name] * math.log(classes)
    completed = history[history["state"] == State.COMPLETED]
    if not completed.empty:
        ends = completed.groupby("number")[columns].last()
        top = max(top, 1.5 * float(ends.min().max()))
    low, high = float(history[columns].min().min()), float(history[columns].max().max())
    return (max(0.0, min(low, top) - 0.06 * top), top) if high > top else None


def cut_off(ax: Axes, view: View | None) -> None:
    """Show an axis's view alone, if there is one."""
    if view is not None:
        ax.set_ylim(*view)


def cut_text(view: View | None) -> str:
    """Return what a caption says of values that are cut off."""
    return "" if view is None else f" Values above {view[1]:.1f} are cut off."


def say_in(ax: Axes, text: str) -> None:
    """Write how a panel's runs ended into its lower half."""
    ax.text(
        0.5,
        0.25,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        color=VERMILION,
        bbox={"facecolor": WHITE, "edgecolor": "none", "alpha": 0.8, "pad": 2.0},
        zorder=5,
    )
