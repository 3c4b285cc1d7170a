"""The figure of all of a search's runs, epoch by epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.coarse_fine import crowd
from reports.coarse_fine.facts import CLOSE, Findings
from reports.coarse_fine.searched import lone_ordered
from reports.drawing import plots
from reports.drawing.album import Album, Picture
from reports.drawing.rulers import Ruler, rulers
from reports.drawing.style import GREY, VERMILION, Draw, label_panels, legend_below
from search.space.points import Space


def learning_figure(album: Album, space: Space, found: Findings, history: pd.DataFrame) -> Picture:
    """Draw the search's runs, epoch by epoch: one by one or, where they are many, summed up."""
    close, lone = history["point"].nunique() > CLOSE, lone_ordered(space)
    name = space.name if len(space.axes) == 1 else "point"
    if lone and close:
        draw, shown, height = _map(history, space, found), f"by epoch and {name}", 3.4
        marked = f"dashed: the chosen {name}"
    elif lone:
        draw, shown, height = _by_value(history, space, found), f"coloured by {name}", 2.9
        if rulers(space, history["point"].tolist())[0].has_baseline:
            shown += f", {name} = 0 in grey"
        marked = f"thick: the chosen {name}"
    else:
        draw = _by_rank(history, found)
        shown = (
            "the share of runs between two bounds"
            if found.learning
            else "orange: of a point that cannot be told from the best"
        )
        height, marked = 2.9, f"thick: the chosen {name}"
    return album.draw(
        "learning",
        draw,
        "Every run of the search: (a) validation loss and (b) validation accuracy at each "
        f"epoch's end, {shown}; {marked}.",
        height=height,
    )


def _chosen_value(found: Findings) -> float | None:
    return None if found.chosen is None else found.chosen[0]  # type: ignore[return-value]


def _by_value(history: pd.DataFrame, space: Space, found: Findings) -> Draw:
    (ruler,) = rulers(space, history["point"].tolist())
    colours = plots.value_colours(ruler.placed or (1.0,), log=ruler.logarithmic)
    on_scale = Ruler(ruler.axis, ruler.placed)

    chosen = _chosen_value(found)

    def colour(value: float) -> str | tuple[float, ...]:
        if value == ruler.axis.baseline:
            return GREY
        return tuple(colours.to_rgba(np.array([value]))[0])

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2)
        for ax, quantity in zip(panels, ("loss", "accuracy"), strict=True):
            plots.learning_curves(
                history,
                f"validation_{quantity}",
                ax,
                by="value",
                colours=colour,
                chosen=chosen,
            )
        bar = figure.colorbar(colours, ax=list(panels), aspect=30)
        bar.ax.set_title(space.name)
        on_scale.mark(bar.ax.yaxis, *bar.ax.get_ylim())
        label_panels(tuple(panels))

    return draw


def _map(history: pd.DataFrame, space: Space, found: Findings) -> Draw:
    (ruler,) = rulers(space, history["point"].tolist())
    chosen = None if found.chosen is None else ruler.at(found.chosen[0])

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2, sharey=True)
        for ax, name, beyond in zip(panels, ("loss", "accuracy"), ("max", "neither"), strict=True):
            mesh = crowd.learning_map(history, f"validation_{name}", ruler, ax, chosen=chosen)
            figure.colorbar(mesh, ax=ax, extend=beyond)
        panels[1].set_ylabel("")
        label_panels(tuple(panels))

    return draw


def _by_rank(history: pd.DataFrame, found: Findings) -> Draw:
    """Draw runs by how their points did; of many where most of them lay, and the chosen ones."""
    alike, chosen, learning = set(found.alike), found.chosen, found.learning

    def colour(point: Any) -> str:
        return VERMILION if point in alike else GREY

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2)
        drawn = history[history["point"] == chosen] if learning else history
        for ax, name in zip(panels, ("loss", "accuracy"), strict=True):
            quantity = f"validation_{name}"
            if learning:
                crowd.learning_bands(learning, name, ax)
            plots.learning_curves(drawn, quantity, ax, by="point", colours=colour, chosen=chosen)
        # A few runs that went astray are not to flatten all others.
        most = history["validation_loss"].quantile(1 - crowd.UNUSUAL)
        low = history["validation_loss"].min()
        panels[0].set_ylim(low - 0.05 * (most - low), most + 0.05 * (most - low))
        label_panels(tuple(panels))
        if learning:
            legend_below(figure, panels[0].get_legend_handles_labels()[0])

    return draw
