"""Plots: functions that draw frames on axes. The frames are those of `reports.frames`."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogFormatterMathtext, LogLocator

from kbn.schedule import Schedule
from reports.style import BLACK, BLUE, GREY, ORANGE, SEQUENTIAL, VERMILION
from search.values import number_text

_STAGES = {"coarse": (BLUE, "o"), "fine": (ORANGE, "s")}


def accuracy_against_lambda(points: pd.DataFrame, ax: Axes) -> Axes:
    """Draw validation accuracy against log λ, both grids in one plot.

    `points` has a row a grid and λ: `stage, lam, accuracy, error, reference, chosen`, accuracies
    as shares; a NaN accuracy is drawn at the bottom as a value that did not complete.
    """
    ax.set_xscale("log")
    for stage, group in points.groupby("stage", sort=False):
        colour, marker = _STAGES.get(str(stage), (GREY, "^"))
        done = group.dropna(subset="accuracy")
        ax.errorbar(
            done["lam"],
            100 * done["accuracy"],
            yerr=100 * done["error"],
            fmt=marker,
            color=colour,
            markersize=5,
            capsize=2.5,
            elinewidth=1,
            label=f"{stage} grid",
            zorder=3 if stage == "fine" else 4,
            markerfacecolor="white" if stage == "fine" else colour,
        )
    published = points.dropna(subset="reference")
    if not published.empty:
        ax.plot(
            published["lam"],
            100 * published["reference"],
            "x",
            color=GREY,
            markersize=6,
            label="reference report",
            zorder=2,
        )
    chosen = points[points["chosen"]].head(1)
    if not chosen.empty:
        ax.axvline(float(chosen["lam"].iloc[0]), color=VERMILION, linewidth=1, linestyle="--")
        ax.annotate(
            f"chosen: λ = {number_text(float(chosen['lam'].iloc[0]))}",
            (float(chosen["lam"].iloc[0]), 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-5, -3),
            textcoords="offset points",
            ha="right",
            va="top",
            color=VERMILION,
        )
    _mark_incomplete(points, ax)
    ax.set_xlabel("L2 strength λ (log scale)")
    ax.set_ylabel("validation accuracy (%)")
    ax.xaxis.set_major_locator(LogLocator(numticks=12))
    ax.xaxis.set_major_formatter(LogFormatterMathtext())
    ax.margins(x=0.06, y=0.12)
    ax.legend(loc="lower left")
    return ax


def _mark_incomplete(points: pd.DataFrame, ax: Axes) -> None:
    for lam in points.loc[points["accuracy"].isna(), "lam"]:
        ax.annotate(
            "did not\ncomplete",
            (lam, 0.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            color=VERMILION,
            fontsize=8,
        )


def learning_curves(history: pd.DataFrame, quantity: str, ax: Axes) -> Axes:
    """Draw a quantity of every search trial against the epoch, coloured by log λ.

    `history` is `history_frame` without the final model; `quantity` one of its columns.
    """
    colours = lambda_colours(history["params_lam"])
    percent = quantity.endswith("accuracy")
    for (_, lam), curve in history.groupby(["number", "params_lam"], sort=False):
        ax.plot(
            curve["epoch"],
            curve[quantity] * (100 if percent else 1),
            color=colours.to_rgba(float(lam)),
            linewidth=1.2,
        )
    ax.set_xlabel("epoch")
    ax.set_ylabel(_label(quantity))
    return ax


def lambda_colours(lams: Sequence[float] | pd.Series[float]) -> ScalarMappable:
    """Return the colours of values of λ, even on the log axis."""
    low, high = float(min(lams)), float(max(lams))
    if low == high:
        low, high = low / 2, high * 2
    return ScalarMappable(LogNorm(low, high), mpl.colormaps[SEQUENTIAL])


def learning_rate(
    schedule: Schedule, ends: Sequence[tuple[str, int]], steps_per_epoch: int, ax: Axes
) -> Axes:
    """Draw η against the step, and mark where runs end.

    `ends` holds a run's name and its number of steps; the last step's η is marked.
    """
    last = max(steps for _, steps in ends)
    steps = np.unique(np.linspace(0, last, 2_000).astype(int))
    ax.plot(steps / steps_per_epoch, [schedule(int(step)) for step in steps], color=BLUE)
    for (name, end), height in zip(ends, (28, 46, 64), strict=False):
        ax.annotate(
            name,
            (end / steps_per_epoch, schedule(end - 1)),
            xytext=(-8, height),
            textcoords="offset points",
            ha="right",
            arrowprops={"arrowstyle": "->", "color": VERMILION},
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
            color=VERMILION,
            fontsize=8,
        )
        ax.plot([end / steps_per_epoch], [schedule(end - 1)], "o", color=VERMILION, markersize=4)
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
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss, cost (nats)")
    ax.legend(loc="upper right", ncols=2)
    return ax


def final_accuracies(history: pd.DataFrame, test: float | None, ax: Axes) -> Axes:
    """Draw accuracy of the final model against the epoch, and its test accuracy at the end."""
    for part, colour in (("train", BLUE), ("validation", ORANGE)):
        ax.plot(history["epoch"], 100 * history[f"{part}_accuracy"], color=colour, label=part)
    if test is not None:
        ax.plot(
            history["epoch"].iloc[-1:],
            [100 * test],
            "D",
            color=BLACK,
            markersize=4,
            label="test, at the end",
            zorder=4,
        )
    ax.set_xlabel("epoch")
    ax.set_ylabel("accuracy (%)")
    ax.legend(loc="lower right")
    return ax


def confusion(counts: np.ndarray, classes: Sequence[str], ax: Axes) -> Axes:
    """Draw a confusion matrix, in percent of each true class."""
    percent = 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    ax.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    if len(classes) <= 20:
        for (row, column), value in np.ndenumerate(percent):
            ax.text(
                column,
                row,
                f"{value:.0f}",
                ha="center",
                va="center",
                fontsize=8 if len(classes) <= 10 else 6,
                color="white" if value > 55 else BLACK,
            )
    ax.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    ax.set_yticks(range(len(classes)), classes)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def _label(quantity: str) -> str:
    part, name = quantity.split("_")
    return f"{part} {name} ({'%' if name == 'accuracy' else 'nats'})"
