"""The figures of a search: which frames each one shows, and what its caption says."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from kbn.schedule import SCHEDULES
from reports.coarse_fine import crowd, several
from reports.coarse_fine import plots as search_plots
from reports.coarse_fine.facts import CLOSE, Findings
from reports.coarse_fine.frames import every_point, order_frame, search_history, search_points
from reports.coarse_fine.learning import learning_figure
from reports.coarse_fine.model import final_figures
from reports.coarse_fine.race_figure import race_figure
from reports.coarse_fine.words import named
from reports.drawing import plots
from reports.drawing.album import Album, Picture
from reports.drawing.rulers import Ruler, rulers
from reports.drawing.style import label_panels, legend_below
from reports.parts.text import count, phrases, share
from search.evidence.compare import LEVEL
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import StudyRecord, TrialRecord
from search.space.axis import BATCH_SIZE, CYCLE, EPOCHS, ETA_MAX, ETA_MIN, LAM, SCHEDULE
from search.space.points import Space

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
            pictures["accuracy"] = _accuracy(album, space, found, points)
        else:
            pictures |= _several(album, space, found)
        pictures["order"] = _order(record, album, search, found)
    if found.race and found.race.looks:
        pictures["race"] = race_figure(album, space, found.race)
    if found.best and found.best.others:
        pictures["differences"] = _differences(album, space, found)
    history = search_history(record, search)
    if not history.empty:
        pictures["learning"] = learning_figure(album, space, found, history)
    final = next((each for each in record.trials if each.trial.id == record.chosen), None)
    if final is not None or not RATE & set(space.axes):
        pictures["eta"] = _eta(record, album, search, final)
    if final is not None and final.result is not None and final.history:
        pictures |= final_figures(record, album, final)
    return pictures


def _accuracy(album: Album, space: Space, found: Findings, points: pd.DataFrame) -> Picture:
    (axis,), (ruler,) = space.axes, rulers(space, points["point"].tolist())

    def draw(figure: Figure) -> None:
        ax = search_plots.accuracy_along(points, ruler, figure.subplots())
        legend_below(figure, search_plots.accuracy_keys(ax))

    return album.draw(
        "lambda" if axis is LAM else "accuracy",
        draw,
        f"Validation accuracy against {axis.symbol}, each stage of the search. {_bars(found)}",
        height=3.6,
    )


def _bars(found: Findings) -> str:
    """Say what bars mean, and how long those are that would hide each other."""
    close = [look for look in found.looks if len(look.reached) > CLOSE]
    if not close:
        return "Bars: one standard error."
    errors = phrases([share(look.typical_error) for look in close])
    return (
        f"Bars: one standard error; it is {errors} at the median of those that stand too close for "
        "bars."
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
    close = len(rows) > CLOSE
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


def _order(record: StudyRecord, album: Album, search: SearchSettings, found: Findings) -> Picture:
    space, trials = search.space, order_frame(record, search)
    every, best = rulers(space, trials["point"].tolist()), found.chosen

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(every), 1, sharex=True, squeeze=False).ravel()
        for at, (ruler, ax) in enumerate(zip(every, panels, strict=True)):
            values = [point[at] for point in trials["point"]]
            chosen = None if best is None else ruler.at(best[at])
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
