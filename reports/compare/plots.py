"""Plots of studies side by side: functions that draw findings on axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.compare.facts import Compared, Side
from reports.drawing.rulers import Ruler
from reports.drawing.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    legend_below,
)
from reports.drawing.ticks import along_epochs
from reports.parts.text import cut
from search.space.axis import AXES

_STYLES = (
    *((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D")),
    *((ORANGE, "v"), (SKY, "P"), (BLACK, "X")),
)
NAME_LENGTH = 40
"""Characters of a study's name in a legend."""

Styles = Mapping[str, tuple[str, str]]


def styles(studies: Sequence[Side]) -> Styles:
    """Return each study's colour and marker."""
    return {side.name: style for side, style in zip(studies, cycle(_STYLES), strict=False)}


def shared_axes(found: Compared) -> tuple[str, ...]:
    """Return the axes to draw: those of several studies; where there are none, each one's first."""
    named = [along.axis for side in found.studies for along in side.along]
    shared = [name for name in dict.fromkeys(named) if named.count(name) > 1]
    first = [side.along[0].axis for side in found.studies if side.along]
    return tuple(shared or dict.fromkeys(first))


def accuracy_along(studies: Sequence[Side], axis: str, ax: Axes) -> list[Artist]:
    """Draw each study's highest validation accuracy along an axis; return the keys."""
    curves = {side.name: each for side in studies for each in side.along if each.axis == axis}
    values = sorted({value for each in curves.values() for value in each.values})
    ruler = Ruler(AXES[axis], tuple(values))
    ruler.lie_along_x(ax)
    keys = [
        ax.errorbar(
            places,
            accuracies,
            yerr=errors,
            fmt=f"{marker}-" if AXES[axis].ordered else marker,
            color=colour,
            markersize=4.5,
            capsize=2.5,
            elinewidth=1,
            label=cut(name, NAME_LENGTH),
        )
        for name, each in curves.items()
        for colour, marker in [styles(studies)[name]]
        for places, accuracies, errors in [
            ruler.parted(each.values, ruler.places(each.values), each.accuracies, each.errors)
        ]
    ]
    ax.set_ylabel("validation accuracy")
    return keys  # type: ignore[return-value] # a container of bars is a key, too


def learning(studies: Sequence[Side], ax: Axes) -> list[Artist]:
    """Draw each final model's validation accuracy against the epoch; return the keys."""
    keys: list[Artist] = []
    for side in studies:
        if side.final:
            colour, _ = styles(studies)[side.name]
            epochs = range(1, len(side.final.curve) + 1)
            label = cut(side.name, NAME_LENGTH)
            keys += ax.plot(epochs, side.final.curve, color=colour, label=label)
    ax.set_ylabel("validation accuracy")
    along_epochs(ax)
    return keys


def draw_along(found: Compared, figure: Figure) -> None:
    """Draw a panel an axis that the studies vary, one below the other."""
    names = shared_axes(found)
    panels = figure.subplots(len(names), 1, squeeze=False)[:, 0]
    keys = [accuracy_along(found.studies, name, ax) for name, ax in zip(names, panels, strict=True)]
    legend_below(figure, max(keys, key=len), columns=2)


def draw_learning(found: Compared, figure: Figure) -> None:
    """Draw the final models' trainings."""
    legend_below(figure, learning(found.studies, figure.subplots()), columns=2)
