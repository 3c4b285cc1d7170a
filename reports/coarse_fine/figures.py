"""The figures of a search: which frames each one shows, and what its caption says."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from kbn.schedule import SCHEDULES
from reports.coarse_fine import crowd, several
from reports.coarse_fine import plots as search_plots
from reports.coarse_fine.facts import Findings
from reports.coarse_fine.model import model_figures
from reports.coarse_fine.searched import search_stages, title_of
from reports.coarse_fine.words import named
from reports.drawing import plots
from reports.drawing.album import Album, Picture
from reports.drawing.rulers import Ruler
from reports.drawing.style import GREY, VERMILION, Draw, label_panels, legend_below
from reports.parts.frames import history_frame
from reports.parts.text import count, share
from search.evidence.compare import LEVEL
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import StageRecord, StudyRecord, TrialRecord
from search.space.axis import BATCH_SIZE, CYCLE, EPOCHS, ETA_MAX, ETA_MIN, LAM, SCHEDULE
from search.space.points import Point, Space

RATE = {BATCH_SIZE, CYCLE, EPOCHS, ETA_MAX, ETA_MIN, SCHEDULE}
"""Axes that the learning rate over training depends on."""
COLUMNS = 3
"""Panels side by side, at most."""


def figures(
    record: StudyRecord, album: Album, search: SearchSettings, found: Findings
) -> dict[str, Picture]:
    """Draw the figures of the search that a study has results for; return them by name."""
    space = search.space
    pictures = {}
    points = search_points(found)
    if not points.empty:
        if len(space.axes) == 1:
            pictures["accuracy"] = _accuracy(album, space, points)
        else:
            pictures |= _several(album, space, found)
        pictures["order"] = _order(record, album, search, found)
    if found.best and found.best.others:
        pictures["differences"] = _differences(album, space, found)
    history = search_history(record, search)
    if not history.empty:
        pictures["learning"] = _learning(album, space, found, history)
    final = next((each for each in record.trials if each.trial.id == record.chosen), None)
    if final is not None or not RATE & set(space.axes):
        pictures["eta"] = _eta(record, album, search, final)
    if final is not None and final.result is not None and final.history:
        pictures |= final_figures(record, album, final)
    return pictures


def search_points(found: Findings) -> pd.DataFrame:
    """Return one row a stage and point, as `search_plots.accuracy_along` takes them."""
    alike = set(found.alike)
    rows = [
        {
            "stage": look.title,
            "role": look.role,
            "point": each.point,
            "value": each.point[0],
            "accuracy": _number(each.accuracy),
            "error": _number(each.error),
            "reference": _number(each.reference),
            "chosen": each.point == found.chosen,
            "tied": each.point in alike,
        }
        for look in found.looks
        for each in look.points
        if each.runs or not each.waits
    ]
    columns = ["stage", "role", "point", "value", "accuracy", "error", "reference"]
    return pd.DataFrame(rows, columns=[*columns, "chosen", "tied"])


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def every_point(found: Findings) -> pd.DataFrame:
    """Return one row a point, its values in columns 0, 1, …, as plots of several axes take them."""
    points = search_points(found).drop_duplicates("point", keep="last").reset_index(drop=True)
    for at in range(len(found.axes)):
        points[at] = [point[at] for point in points["point"]]
    return points


def search_history(record: StudyRecord, search: SearchSettings) -> pd.DataFrame:
    """Return `history_frame` of the search's runs, each with its `point` and first `value`."""
    space = search.space
    at = {each.number: space.of(each.trial) for each in record.trials}
    history = history_frame(record)
    history = history[history["stage"].isin(search_stages(record))]
    points = pd.Series([at[number] for number in history["number"]], history.index, dtype=object)
    return history.assign(point=points, value=points.map(itemgetter(0)))


def rulers(space: Space, points: list[Point]) -> tuple[Ruler, ...]:
    """Return the rulers of a space's axes, for some points."""
    return tuple(Ruler(axis, space.values(axis, points)) for axis in space.axes)


def _accuracy(album: Album, space: Space, points: pd.DataFrame) -> Picture:
    (axis,), (ruler,) = space.axes, rulers(space, points["point"].tolist())

    def draw(figure: Figure) -> None:
        ax = search_plots.accuracy_along(points, ruler, figure.subplots())
        legend_below(figure, search_plots.accuracy_keys(ax))

    return album.draw(
        "lambda" if axis is LAM else "accuracy",
        draw,
        f"Validation accuracy against {axis.symbol}, each stage of the search. {_bars(points)}",
        height=3.6,
    )


def _bars(points: pd.DataFrame) -> str:
    """Say what bars mean, and how long those are that would hide each other."""
    close = points.groupby("stage")["accuracy"].transform("count") > search_plots.CLOSE
    if not close.any():
        return "Bars: one standard error."
    return (
        "Bars: one standard error; it is "
        f"{share(points.loc[close, 'error'].median())} at the median of those that stand too "
        "close for bars."
    )


def _several(album: Album, space: Space, found: Findings) -> dict[str, Picture]:
    points = every_point(found)
    if points["accuracy"].isna().all():
        return {}
    every = rulers(space, points["point"].tolist())
    pictures = {"margins": _margins(album, found, points, every)}
    if len(every) == 2:
        pictures["map"] = _map(album, points, every)
    else:
        pictures["parallel"] = _parallel(album, points, every)
    return pictures


def _map(album: Album, points: pd.DataFrame, every: tuple[Ruler, ...]) -> Picture:
    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        mesh = several.accuracy_map(points, (every[0], every[1]), ax)
        figure.colorbar(mesh, ax=ax, extend="min", label="validation accuracy")
        legend_below(figure, ax.get_legend_handles_labels()[0])

    return album.draw(
        "map",
        draw,
        "Validation accuracy of every point; each place has the colour of the point nearest to "
        "it. The lowest tenth share a colour.",
        height=4.2,
    )


def _parallel(album: Album, points: pd.DataFrame, every: tuple[Ruler, ...]) -> Picture:
    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        lines = several.parallel(points, every, ax)
        figure.colorbar(lines, ax=ax, extend="min", label="validation accuracy")
        legend_below(figure, ax.get_legend_handles_labels()[0])

    number = int(points["accuracy"].notna().sum())
    which = (
        "Every point"
        if number <= several.LINES
        else f"{several.LINES} of the {number:,} points, even by rank, each"
    )
    return album.draw(
        "parallel",
        draw,
        f"{which} as a line through its values, coloured by validation accuracy; the lowest "
        "tenth share a colour.",
        height=3.6,
    )


def _margins(
    album: Album, found: Findings, points: pd.DataFrame, every: tuple[Ruler, ...]
) -> Picture:
    margins = {each.axis: each for each in found.margins}
    columns = min(len(every), COLUMNS)
    rows = -(-len(every) // columns)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for at, (ruler, ax) in enumerate(zip(every, panels, strict=False)):
            several.accuracy_margin(points, at, ruler, margins.get(ruler.axis.name), ax)
            if at % columns:
                ax.set_ylabel("")
            if columns == COLUMNS:
                ax.set_xlabel(ruler.short_label)
        for ax in panels[len(every) :]:
            ax.set_visible(False)
        label_panels(tuple(panels[: len(every)]))
        keys = {
            name: key
            for ax in panels
            for key, name in zip(*ax.get_legend_handles_labels(), strict=True)
        }
        legend_below(figure, list(keys.values()))

    return album.draw(
        "margins",
        draw,
        "Validation accuracy against each setting: every point, and the mean of the first grid's "
        f"or sample's at each value or part of the axis, with its {LEVEL:.0%} interval.",
        height=0.6 + 2.6 * rows,
    )


def _differences(album: Album, space: Space, found: Findings) -> Picture:
    best = found.best
    assert best is not None
    rows = pd.DataFrame(
        [
            {
                "point": row.point,
                "name": ", ".join(
                    axis.show(value) for axis, value in zip(space.axes, row.point, strict=True)
                ),
                "difference": row.difference,
                "low": row.low,
                "high": row.high,
                "tied": row.tied,
            }
            for row in best.others
        ]
    )
    close = len(rows) > search_plots.CLOSE
    of = ", ".join(axis.symbol for axis in space.axes)

    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        if not close:
            search_plots.difference_to_winner(rows, ax, of=of, noun=space.noun)
        elif len(space.axes) == 1 and space.axes[0].ordered:
            (ruler,) = rulers(space, [best.point, *rows["point"]])
            places = ruler.places([point[0] for point in rows["point"]])
            ruler.lie_along_x(crowd.differences_along(rows, places.tolist(), ax))
        else:
            ranked = rows.sort_values("difference", ascending=False)
            crowd.differences_along(ranked, range(2, len(rows) + 2), ax, noun=space.noun)
            ax.set_xlabel("rank by validation accuracy")
        legend_below(figure, ax.get_legend_handles_labels()[0])

    return album.draw(
        "differences",
        draw,
        f"Each {space.noun} against the best one, {named(space, best.point)}. Bars: intervals "
        f"that cover the true difference in {LEVEL:.0%} of searches.",
        height=3.6 if close else 1.2 + 0.2 * len(rows),
    )


def order_frame(record: StudyRecord, search: SearchSettings) -> pd.DataFrame:
    """Return one row a trial, in plan order, as `search_plots.search_order` takes them."""
    stages: dict[str, StageRecord] = {}
    for stage in record.stages:
        stages.setdefault(stage.name, stage)
    return pd.DataFrame(
        {
            "number": each.number,
            "stage": title_of(stages[each.stage], search),
            "role": stages[each.stage].role,
            "point": (point := search.space.of(each.trial)),
            "value": point[0],
        }
        for each in record.trials
    )


def _order(record: StudyRecord, album: Album, search: SearchSettings, found: Findings) -> Picture:
    space, trials = search.space, order_frame(record, search)
    every = rulers(space, trials["point"].tolist())

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(every), 1, sharex=True, squeeze=False).ravel()
        for at, (ruler, ax) in enumerate(zip(every, panels, strict=True)):
            values = [point[at] for point in trials["point"]]
            chosen = None if found.chosen is None else ruler.at(found.chosen[at])
            search_plots.search_order(trials.assign(value=values), ruler, ax, chosen=chosen)
            if len(every) > 1:
                ax.set_ylabel(ruler.axis.symbol)
        for ax in panels[:-1]:
            ax.set_xlabel("")
        panels[0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return album.draw(
        "order",
        draw,
        f"The order of the search: the {space.name} of each trial; dashed: the chosen one.",
        height=2.6 if len(every) == 1 else 0.7 + 1.2 * len(every),
    )


def _learning(album: Album, space: Space, found: Findings, history: pd.DataFrame) -> Picture:
    close = history["point"].nunique() > search_plots.CLOSE
    lone = len(space.axes) == 1 and space.axes[0].ordered
    name = space.name if len(space.axes) == 1 else "point"
    if lone and close:
        draw, shown, height = _learning_map(history, space, found), f"by epoch and {name}", 3.4
        marked = f"dashed: the chosen {name}"
    elif lone:
        draw, shown, height = _learning_by_value(history, space, found), f"coloured by {name}", 2.9
        marked = f"thick: the chosen {name}"
    else:
        draw = _learning_by_rank(history, found, close=close)
        shown = "orange: of a point that cannot be told from the best"
        if close:
            shown = "the share of runs between two bounds"
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


def _learning_by_value(history: pd.DataFrame, space: Space, found: Findings) -> Draw:
    (ruler,) = rulers(space, history["point"].tolist())
    places = ruler.places(ruler.values).tolist()
    colours = plots.value_colours(places, log=ruler.logarithmic)

    def colour(value: float) -> tuple[float, ...]:
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
                chosen=_chosen_value(found),
            )
        bar = figure.colorbar(colours, ax=list(panels), aspect=30)
        bar.ax.set_title(space.name)
        ruler.mark(bar.ax.yaxis, *bar.ax.get_ylim())
        label_panels(tuple(panels))

    return draw


def _learning_map(history: pd.DataFrame, space: Space, found: Findings) -> Draw:
    (ruler,) = rulers(space, history["point"].tolist())
    chosen = _chosen_value(found)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2, sharey=True)
        for ax, name, beyond in zip(panels, ("loss", "accuracy"), ("max", "neither"), strict=True):
            mesh = crowd.learning_map(history, f"validation_{name}", ruler, ax, chosen=chosen)
            figure.colorbar(mesh, ax=ax, extend=beyond)
        panels[1].set_ylabel("")
        label_panels(tuple(panels))

    return draw


def _learning_by_rank(history: pd.DataFrame, found: Findings, *, close: bool) -> Draw:
    """Draw runs by how their points did; of many where most of them lay, and the chosen ones."""
    alike = set(found.alike)

    def colour(point: Any) -> str:
        return VERMILION if point in alike else GREY

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2)
        drawn = history[history["point"] == found.chosen] if close else history
        for ax, name in zip(panels, ("loss", "accuracy"), strict=True):
            quantity = f"validation_{name}"
            if close:
                crowd.learning_bands(history, quantity, ax)
            plots.learning_curves(
                drawn, quantity, ax, by="point", colours=colour, chosen=found.chosen
            )
        # A few runs that went astray are not to flatten all others.
        most = history["validation_loss"].quantile(1 - crowd.UNUSUAL)
        low = history["validation_loss"].min()
        panels[0].set_ylim(low - 0.05 * (most - low), most + 0.05 * (most - low))
        label_panels(tuple(panels))
        if close:
            legend_below(figure, panels[0].get_legend_handles_labels()[0])

    return draw


def final_figures(record: StudyRecord, album: Album, final: TrialRecord) -> dict[str, Picture]:
    """Draw the curves of a final model and, where it has one, its confusion matrix."""
    history = history_frame(record)
    curve = history[history["number"] == final.number]
    pictures = {
        "final": album.draw(
            "final",
            _final(curve, final),
            "The final model: (a) cost and loss, (b) accuracy, at each epoch's end.",
            height=3.1,
        )
    }
    if final.result is not None and "confusion" in final.result.arrays:
        pictures["confusion"] = album.draw(
            "confusion",
            _confusion(record, final),
            "Confusion matrix of the final model on the test set, as shares of each true class.",
            height=5.0,
        )
    return pictures | model_figures(record, album, final)


def _eta(
    record: StudyRecord, album: Album, search: SearchSettings, final: TrialRecord | None
) -> Picture:
    varied = bool(RATE & set(search.space.axes))
    shown = final.trial if varied and final is not None else record.trials[0].trial
    per_epoch = shown.train_size // shown.batch_size
    lengths = {"final model": shown.epochs if varied else search.final_epochs}
    if not varied or EPOCHS not in search.space.axes:
        lengths = {"search": search.epochs if varied else shown.epochs, **lengths}
    ends = [
        (f"{name}: {count(epochs, 'epoch')}", epochs * per_epoch)
        for name, epochs in lengths.items()
    ]
    schedule = SCHEDULES[shown.schedule](shown.eta_min, shown.eta_max, shown.cycle_steps)
    of = (
        " of the chosen point"
        if len(search.space.axes) > 1
        else f" of the chosen {search.space.name}"
    )
    return album.draw(
        "eta",
        lambda figure: plots.learning_rate(schedule, ends, per_epoch, figure.subplots()),
        f"Learning rate over training{of if varied else ''}; dashed lines mark where runs end.",
        height=2.4,
    )


def _final(curve: pd.DataFrame, final: TrialRecord) -> Draw:
    test = final.result.test if final.result else None

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plots.final_losses(curve, left)
        plots.final_accuracies(curve, test.accuracy if test else None, right)
        label_panels((left, right))
        legend_below(figure, plots.final_keys(right), columns=5)

    return draw


def _confusion(record: StudyRecord, final: TrialRecord) -> Draw:
    assert final.result is not None
    counts, classes = final.result.arrays["confusion"], record.data.classes

    def draw(figure: Figure) -> None:
        ax = plots.confusion(counts, classes, figure.subplots())
        if len(classes) > plots.NUMBERED_CLASSES:
            figure.colorbar(ax.images[0])

    return draw
