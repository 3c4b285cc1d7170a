"""Plots of a search: functions that draw frames on axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reports.coarse_fine.facts import CLOSE
from reports.drawing.rulers import Ruler
from reports.drawing.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, WHITE
from search.records import Role

Style = tuple[str, str, str]
"""A stage's colour, marker and the colour that fills it."""
_STAGES: Mapping[Role, Style] = {
    Role.COARSE: (BLUE, "o", BLUE),
    Role.EXTEND: (BLUE, "<", WHITE),
    Role.FINE: (ORANGE, "s", WHITE),
    Role.REPLICATES: (BLACK, "D", BLACK),
    Role.RACE: (BLACK, "D", BLACK),
    Role.FRESH: (GREY, "P", WHITE),
    Role.FINAL: (VERMILION, "*", VERMILION),
}
_ROUNDS: Sequence[Style] = ((GREEN, "^", WHITE), (PURPLE, "v", WHITE), (SKY, "p", WHITE))
TIED, INCOMPLETE = "cannot be told from the best", "did not complete"
_MARKS = ("reference report", TIED, INCOMPLETE)
"""What is in a legend beside stages."""
SAID = 5
"""Values of which words beside them say that they did not complete, at most."""


def stage_styles(points: pd.DataFrame) -> Mapping[str, Style]:
    """Return the style of each stage of a frame of `stage, role`; rounds differ."""
    stages = points[["stage", "role"]].drop_duplicates("stage")
    rounds = cycle(_ROUNDS)
    return {
        str(stage): next(rounds) if role == Role.ROUND else _STAGES[role]
        for stage, role in zip(stages["stage"], stages["role"], strict=True)
    }


def accuracy_along(points: pd.DataFrame, ruler: Ruler, ax: Axes) -> Axes:
    """Draw validation accuracy against an axis, all stages of the search in one plot.

    `points` has a row a stage and value: `stage, role, value, accuracy, error, reference, chosen,
    tied`, accuracies as shares; a NaN accuracy is drawn at the bottom as a value that did not
    complete. A stage of more than `CLOSE` values has no bars.
    """
    ruler.lie_along_x(ax)
    again = points["value"].duplicated(keep="last")  # a bar where it says most: at the last stage
    points = points.assign(
        error=points["error"].mask(again), place=ruler.places(points["value"].tolist())
    )
    styles = stage_styles(points)
    for layer, (stage, group) in enumerate(points.groupby("stage", sort=False)):
        colour, marker, fill = styles[str(stage)]
        done = group.dropna(subset="accuracy")
        close = len(done) > CLOSE
        ax.errorbar(
            done["place"],
            done["accuracy"],
            yerr=None if close else done["error"],
            fmt=marker,
            color=colour,
            markersize=2 if close else 5,
            capsize=2.5,
            elinewidth=1,
            label=str(stage),
            zorder=5 if group["role"].iloc[0] in (Role.REPLICATES, Role.RACE) else 4 - layer / 100,
            markerfacecolor=fill,
        )
    published = points.dropna(subset="reference")
    if not published.empty:
        ax.plot(
            published["place"],
            published["reference"],
            "x",
            color=GREY,
            markersize=6,
            label=_MARKS[0],
            zorder=2,
        )
    ax.margins(y=0.12)
    _mark_ties(points, ax)
    _mark_chosen(points, ruler, ax)
    _mark_incomplete(points, ax)
    ax.set_ylabel("validation accuracy")
    return ax


def accuracy_keys(ax: Axes) -> list[Artist]:
    """Return the keys of `accuracy_along`, those of stages first."""
    handles, names = ax.get_legend_handles_labels()
    keys = dict(zip(names, handles, strict=True))
    return [keys[name] for name in sorted(names, key=_MARKS.__contains__)]


def _mark_ties(points: pd.DataFrame, ax: Axes) -> None:
    """Draw a tick above the axis at each value that is among the best."""
    tied = points.loc[points["tied"], "place"].drop_duplicates()
    if not tied.empty:
        width = 0.5 if len(tied) > CLOSE else 1.8
        _above_axis(tied, 0.015, "|", ax, markersize=9, markeredgewidth=width, label=TIED, zorder=3)


def _above_axis(
    places: pd.Series[float], height: float, marker: str, ax: Axes, **style: Any
) -> None:
    """Draw marks at a share of the axes' height."""
    across = ax.get_xaxis_transform()
    ax.plot(places, [height] * len(places), marker, transform=across, color=VERMILION, **style)


def _mark_chosen(points: pd.DataFrame, ruler: Ruler, ax: Axes) -> None:
    """Draw a line at the chosen value, its label on the side that has more room."""
    for value, place in points.loc[points["chosen"], ["value", "place"]].head(1).itertuples(False):
        across, _ = (ax.transData + ax.transAxes.inverted()).transform((place, 0))
        on_left = across > 1 / 2
        ax.axvline(place, color=VERMILION, linewidth=1, linestyle="--")
        ax.annotate(
            f"chosen: {ruler.axis.symbol} = {ruler.axis.show(value)}",
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-5 if on_left else 5, -3),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="top",
            color=VERMILION,
        )


def _mark_incomplete(points: pd.DataFrame, ax: Axes) -> None:
    """Say at the bottom which values did not complete; of many, in the legend what a mark means."""
    places = points.loc[points["accuracy"].isna(), "place"].drop_duplicates()
    if len(places) > SAID:
        _above_axis(places, 0.05, "x", ax, markersize=3, label=INCOMPLETE)
        return
    for place in places:
        ax.annotate(
            INCOMPLETE.replace(" complete", "\ncomplete"),
            (place, 0.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            color=VERMILION,
            fontsize=8,
        )


def difference_to_winner(rows: pd.DataFrame, ax: Axes, *, of: str, noun: str = "value") -> Axes:
    """Draw each point's difference to the winner with its interval, the winner as a line.

    `rows` has a row a point, ascending: `name, difference, low, high, tied`, as shares; `of` says
    what they are points of, and `noun` what one of them is called.
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
    ax.axvline(0.0, color=BLACK, linewidth=1, label=f"the best {noun}")
    ax.set_yticks(places, rows["name"])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_ylabel(of)
    ax.set_xlabel(f"difference of validation accuracy to the best {noun}")
    return ax


def search_order(
    trials: pd.DataFrame, ruler: Ruler, ax: Axes, *, chosen: float | None = None
) -> Axes:
    """Draw which value was trained when: trials in plan order against an axis, coloured by stage.

    `trials` has a row a trial: `number, stage, role, value`; `chosen` is a coordinate.
    """
    ruler.lie_along_y(ax)
    styles = stage_styles(trials)
    for stage, group in trials.groupby("stage", sort=False):
        colour, marker, fill = styles[str(stage)]
        final = group["role"].iloc[0] == Role.FINAL
        ax.plot(
            group["number"],
            ruler.places(group["value"].tolist()),
            marker,
            color=colour,
            markerfacecolor=fill,
            markersize=9 if final else 2 if len(group) > CLOSE else 5,
            label=str(stage),
            zorder=4 if final else 3,
        )
    if chosen is not None:
        ax.axhline(chosen, color=VERMILION, linewidth=1, linestyle="--", zorder=1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("trial, in the plan's order")
    return ax
