"""Plots of a search for λ: functions that draw frames on axes."""

from __future__ import annotations

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reports.drawing.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WHITE
from reports.drawing.ticks import log_ticks
from search.settings.values import number_text

_STAGES = {
    "coarse": (BLUE, "o", BLUE),
    "extend": (BLUE, "<", WHITE),
    "fine": (ORANGE, "s", WHITE),
    "replicates": (BLACK, "D", BLACK),
    "fresh": (GREY, "P", WHITE),
    "final": (VERMILION, "*", VERMILION),
}
_ROUNDS = ((GREEN, "^", WHITE), (PURPLE, "v", WHITE), (SKY, "p", WHITE))
_NAMES = {"extend": "beyond the edge", "coarse": "coarse grid", "fine": "fine grid"}
_NAMES |= {"fresh": "fresh seeds", "final": "final model"}
TIED, INCOMPLETE = "cannot be told from the best", "did not complete"
_MARKS = ("reference report", TIED, INCOMPLETE)
"""What is in a legend beside stages."""
SAID = 5
"""Values of which words beside them say that they did not complete, at most."""
CLOSE = 40
"""Points from which on they stand so close that each is small, and has no bar."""


def stage_style(stage: str) -> tuple[str, str, str]:
    """Return a stage's colour, marker and the colour that fills it."""
    if stage in _STAGES:
        return _STAGES[stage]
    number = stage.removeprefix("round ")
    return _ROUNDS[int(number) % len(_ROUNDS) if number.isdecimal() else 0]


def accuracy_against_lambda(points: pd.DataFrame, ax: Axes) -> Axes:
    """Draw validation accuracy against log λ, all stages of the search in one plot.

    `points` has a row a stage and λ: `stage, lam, accuracy, error, reference, chosen, tied`,
    accuracies as shares; a NaN accuracy is drawn at the bottom as a value that did not complete.
    A stage of more than `CLOSE` values has no bars.
    """
    log_axis(points["lam"], ax)
    again = points["lam"].duplicated(keep="last")  # a bar where it says most: at the last stage
    points = points.assign(error=points["error"].mask(again))
    for layer, (stage, group) in enumerate(points.groupby("stage", sort=False)):
        colour, marker, fill = stage_style(str(stage))
        done = group.dropna(subset="accuracy")
        close = len(done) > CLOSE
        ax.errorbar(
            done["lam"],
            done["accuracy"],
            yerr=None if close else done["error"],
            fmt=marker,
            color=colour,
            markersize=2 if close else 5,
            capsize=2.5,
            elinewidth=1,
            label=_NAMES.get(str(stage), str(stage)),
            zorder=5 if stage == "replicates" else 4 - layer / 100,
            markerfacecolor=fill,
        )
    published = points.dropna(subset="reference")
    if not published.empty:
        ax.plot(
            published["lam"],
            published["reference"],
            "x",
            color=GREY,
            markersize=6,
            label=_MARKS[0],
            zorder=2,
        )
    ax.margins(y=0.12)
    _mark_ties(points, ax)
    _mark_chosen(points, ax)
    _mark_incomplete(points, ax)
    ax.set_ylabel("validation accuracy")
    return ax


def accuracy_keys(ax: Axes) -> list[Artist]:
    """Return the keys of `accuracy_against_lambda`, those of stages first."""
    handles, names = ax.get_legend_handles_labels()
    keys = dict(zip(names, handles, strict=True))
    return [keys[name] for name in sorted(names, key=_MARKS.__contains__)]


def log_axis(lams: pd.Series[float], ax: Axes) -> None:
    """Make the x axis one of log λ that shows all values."""
    ax.set_xscale("log")
    low, high = lams.min(), lams.max()
    edge = max(1.5, (high / low) ** 0.06)
    ax.set_xlim(low / edge, high * edge)
    ax.set_xlabel("L2 strength λ (log scale)")
    log_ticks(ax.xaxis, *ax.get_xlim())


def _mark_ties(points: pd.DataFrame, ax: Axes) -> None:
    """Draw a tick above the axis at each value that is among the best."""
    tied = points.loc[points["tied"], "lam"].drop_duplicates()
    if not tied.empty:
        ax.plot(
            tied,
            [0.015] * len(tied),
            "|",
            transform=ax.get_xaxis_transform(),
            color=VERMILION,
            markersize=9,
            markeredgewidth=0.5 if len(tied) > CLOSE else 1.8,
            label=TIED,
            zorder=3,
        )


def _mark_chosen(points: pd.DataFrame, ax: Axes) -> None:
    """Draw a line at the chosen λ, its label on the side that has more room."""
    for lam in points.loc[points["chosen"], "lam"].head(1):
        left, right = ax.get_xlim()
        on_left = lam / left > right / lam
        ax.axvline(lam, color=VERMILION, linewidth=1, linestyle="--")
        ax.annotate(
            f"chosen: λ = {number_text(lam)}",
            (lam, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-5 if on_left else 5, -3),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="top",
            color=VERMILION,
        )


def _mark_incomplete(points: pd.DataFrame, ax: Axes) -> None:
    """Say at the bottom which values did not complete; of many, in the legend what a mark means."""
    lams = points.loc[points["accuracy"].isna(), "lam"].drop_duplicates()
    if len(lams) > SAID:
        ax.plot(
            lams,
            [0.05] * len(lams),
            "x",
            transform=ax.get_xaxis_transform(),
            color=VERMILION,
            markersize=3,
            label=INCOMPLETE,
        )
        return
    for lam in lams:
        ax.annotate(
            INCOMPLETE.replace(" complete", "\ncomplete"),
            (lam, 0.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            color=VERMILION,
            fontsize=8,
        )


def difference_to_winner(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Draw each value's difference to the winner with its interval, the winner as a line.

    `rows` has a row a value, λ ascending: `lam, difference, low, high, tied`, as shares.
    """
    places = pd.Series(range(len(rows)), index=rows.index)
    for tied, colour, name in (
        (True, VERMILION, "cannot be told from it"),
        (False, BLUE, "worse"),
    ):
        part = rows[rows["tied"] == tied]
        if part.empty:
            continue
        middle = part["difference"]
        ax.errorbar(
            middle,
            places[part.index],
            xerr=[middle - part["low"], part["high"] - middle],
            fmt="o",
            color=colour,
            markersize=5,
            capsize=2.5,
            elinewidth=1.2,
            markerfacecolor=WHITE if tied else colour,
            label=name,
        )
    ax.axvline(0.0, color=BLACK, linewidth=1, label="the best value")
    ax.set_yticks(places, [number_text(lam) for lam in rows["lam"]])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_ylabel("λ")
    ax.set_xlabel("difference of validation accuracy to the best value")
    return ax


def search_order(trials: pd.DataFrame, ax: Axes, *, chosen: float | None = None) -> Axes:
    """Draw which λ was trained when: trials in plan order against log λ, coloured by stage.

    `trials` is `trials_frame`, as far as a search for λ asked for them.
    """
    ax.set_yscale("log")
    for stage, group in trials.groupby("stage", sort=False):
        colour, marker, fill = stage_style(str(stage))
        ax.plot(
            group["number"],
            group["params_lam"],
            marker,
            color=colour,
            markerfacecolor=fill,
            markersize=9 if stage == "final" else 2 if len(group) > CLOSE else 5,
            label=_NAMES.get(str(stage), str(stage)),
            zorder=4 if stage == "final" else 3,
        )
    if chosen is not None:
        ax.axhline(chosen, color=VERMILION, linewidth=1, linestyle="--", zorder=1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("trial, in the plan's order")
    ax.set_ylabel("L2 strength λ (log scale)")
    log_ticks(ax.yaxis, *ax.get_ylim())
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax
