"""The figure of a race: who was left at each look, how far behind, and where the boundary was."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.coarse_fine.raced import Raced, RaceLook
from reports.drawing.album import Album, Picture
from reports.drawing.style import BLUE, MUTED, RULE, VERMILION, WHITE, legend_below
from reports.parts.text import count
from search.evidence.look import LOST
from search.space.points import Point, Space

CLOSE = 40
"""Points from which on they stand too close for names and for words beside them."""
FAR = 2.5
"""Boundaries; what is further behind is drawn at this distance, as an arrow."""
OUT, LEFT, EDGE = "out", "left", "boundary"


def race_figure(album: Album, space: Space, race: Raced) -> Picture:
    """Draw a panel a look, a row a point."""
    rows = len({each.point for look in race.looks for each in look.standings})
    return album.draw(
        "race",
        lambda figure: draw_race(figure, space, race),
        _caption(race, space),
        height=min(6.5, 1.7 + 0.2 * rows),
    )


def draw_race(figure: Figure, space: Space, race: Raced) -> None:
    """Draw a race on an empty figure."""
    standings = [each for look in race.looks for each in look.standings]
    points = sorted({each.point for each in standings})
    edge = max(each.boundary for each in standings)
    widest = min(FAR * edge, max(edge, *(each.lead for each in standings)))
    panels = figure.subplots(1, len(race.looks), sharex=True, sharey=True, squeeze=False)[0]
    before = race.looks[0].runs
    for look, ax in zip(race.looks, panels, strict=True):
        _draw_look(look, points, ax, widest=widest, more=look.runs - before)
        before = look.runs
    panels[0].set_yticks(range(len(points)) if len(points) <= CLOSE else [])
    if len(points) <= CLOSE:
        panels[0].set_yticklabels([space.short(point) for point in points])
    panels[0].set_ylabel(space.name)
    panels[0].set_ylim(-0.7, len(points) - 0.3)
    middle = panels[(len(panels) - 1) // 2]
    middle.set_xlabel("largest lead of another one, in standard errors")
    handles: dict[str, Artist] = {}
    for ax in panels:
        found, keys = ax.get_legend_handles_labels()
        handles |= dict(zip(keys, found, strict=True))
    legend_below(figure, [handles[key] for key in (LEFT, OUT, EDGE) if key in handles])


def _caption(race: Raced, space: Space) -> str:
    saved = race.most - race.spent
    last = f" {count(saved, 'run')} of {race.most} were saved." if saved and race.ending else ""
    return (
        f"The race: at each look a {space.noun} is out when another one leads over it by more than "
        f"its boundary; the best one is dropped in {LOST:.0%} of races at most.{last}"
    )


def _draw_look(
    look: RaceLook, points: Sequence[Point], ax: Axes, *, widest: float, more: int
) -> None:
    """Draw who was left before a look, and how many runs were not spent on the others."""
    place = {point: number for number, point in enumerate(points)}
    size = 5 if len(points) <= CLOSE else 2
    for dropped, colour, name in ((False, BLUE, LEFT), (True, VERMILION, OUT)):
        part = [each for each in look.standings if each.dropped is dropped]
        for far, marker in ((False, "o"), (True, ">")):
            shown = [each for each in part if (each.lead > widest) is far]
            if not shown:
                continue
            ax.plot(
                [min(each.lead, widest) for each in shown],
                [place[each.point] for each in shown],
                marker,
                color=colour,
                markersize=size,
                label=name if not far or len(shown) == len(part) else None,
                zorder=3,
            )
    rows = [place[each.point] for each in look.standings]
    ax.plot(
        [each.boundary for each in look.standings],
        rows,
        "|",
        color=MUTED,
        markersize=max(3, size + 4),
        markeredgewidth=1.4,
        label=EDGE,
        zorder=2,
    )
    ax.set_xlim(-0.04 * widest, 1.06 * widest)
    ax.set_title(f"{look.runs} runs each")
    ax.grid(visible=False, axis="y")
    here = {each.point for each in look.standings}
    for point in points:
        if point not in here and len(points) <= CLOSE:
            ax.axhline(place[point], color=RULE, linewidth=0.8, linestyle=":", zorder=1)
            ax.annotate(
                f"{count(more, 'run')} saved",
                (0.5, place[point]),
                xycoords=("axes fraction", "data"),
                ha="center",
                va="center",
                color=MUTED,
                fontsize=7,
                bbox={"facecolor": WHITE, "edgecolor": "none", "pad": 1.0},
            )
