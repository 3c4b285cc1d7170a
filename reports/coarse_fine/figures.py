"""The figures of a λ search: which frames each one shows, and what its caption says."""

from __future__ import annotations

from statistics import fmean

import pandas as pd
from matplotlib.figure import Figure

from kbn.schedule import SCHEDULES
from reports.coarse_fine import crowd
from reports.coarse_fine import plots as search_plots
from reports.coarse_fine.model import model_figures
from reports.coarse_fine.searched import search_stages
from reports.drawing import plots
from reports.drawing.album import Album, Picture
from reports.drawing.style import Draw, label_panels, legend_below
from reports.drawing.ticks import log_ticks
from reports.parts.frames import history_frame, trials_frame
from reports.parts.tables import NO_SEEDS, accuracies, by_lam, reference_values, uncertainty
from reports.parts.text import count, share
from search.evidence.compare import LEVEL, Comparison
from search.records import State, StudyRecord, TrialRecord
from search.settings.values import number_text
from search.space.points import only


def search_points(
    record: StudyRecord, best: float | None, found: Comparison | None
) -> pd.DataFrame:
    """Return one row a stage and λ, as `search_plots.accuracy_against_lambda` takes them."""
    rows = []
    seeds = found.seeds if found else NO_SEEDS
    alike = [only(point) for point in (found.winner, *found.ties)] if found else []
    for stage in search_stages(record):
        trials = record.stage(stage)
        reference = reference_values(record, trials, stage)
        for lam, group in by_lam(trials).items():
            values = accuracies(group)
            if not values and any(each.state is State.WAITING for each in group):
                continue
            rows.append(
                {
                    "stage": stage,
                    "lam": lam,
                    "accuracy": fmean(values) if values else float("nan"),
                    "error": uncertainty(group, seeds) if values else float("nan"),
                    "reference": reference.get(lam, float("nan")),
                    "chosen": lam == best,
                    "tied": lam in alike,
                }
            )
    columns = ["stage", "lam", "accuracy", "error", "reference", "chosen", "tied"]
    return pd.DataFrame(rows, columns=columns)


def lambda_figures(
    record: StudyRecord,
    album: Album,
    *,
    best: float | None,
    found: Comparison | None,
    final: TrialRecord | None,
) -> dict[str, Picture]:
    """Draw the figures of the search that a study has results for; return them by name."""
    pictures = {}
    points = search_points(record, best, found)
    if not points.empty:
        pictures["lambda"] = album.draw(
            "lambda",
            _lambda(points),
            f"Validation accuracy against λ, each stage of the search. {_bars(points)}",
            height=3.6,
        )
        pictures["order"] = album.draw(
            "order",
            _order(record, best),
            "The order of the search: the λ of each trial; dashed: the chosen one.",
            height=2.6,
        )
    if found and found.rows:
        close = len(found.rows) > search_plots.CLOSE
        pictures["differences"] = album.draw(
            "differences",
            _differences(found, close=close),
            f"Each value against the best one, {number_text(only(found.winner))}. Bars: intervals "
            f"that cover the true difference in {LEVEL:.0%} of searches.",
            height=3.6 if close else 1.2 + 0.2 * len(found.rows),
        )
    history = history_frame(record)
    search = history[history["stage"].isin(search_stages(record))]
    if not search.empty:
        close = search["params_lam"].nunique() > search_plots.CLOSE
        shown = "by epoch and λ; dashed" if close else "coloured by λ; thick"
        pictures["learning"] = album.draw(
            "learning",
            _learning_map(search, best) if close else _learning(search, best),
            "Every run of the search: (a) validation loss and (b) validation accuracy at each "
            f"epoch's end, {shown}: the chosen λ.",
            height=3.4 if close else 2.9,
        )
    pictures["eta"] = album.draw(
        "eta",
        _eta(record),
        "Learning rate over training; dashed lines mark where runs end.",
        height=2.4,
    )
    if final is not None and final.result is not None and final.history:
        pictures |= final_figures(record, album, final)
    return pictures


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


def _lambda(points: pd.DataFrame) -> Draw:
    def draw(figure: Figure) -> None:
        ax = search_plots.accuracy_against_lambda(points, figure.subplots())
        legend_below(figure, search_plots.accuracy_keys(ax))

    return draw


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


def _differences(found: Comparison, *, close: bool) -> Draw:
    rows = pd.DataFrame(
        [
            {
                "lam": only(row.point),
                "difference": row.difference,
                "low": row.low,
                "high": row.high,
                "tied": row.tied,
            }
            for row in found.rows
        ]
    )
    plot = crowd.differences_along_lambda if close else search_plots.difference_to_winner

    def draw(figure: Figure) -> None:
        ax = plot(rows, figure.subplots())
        legend_below(figure, ax.get_legend_handles_labels()[0])

    return draw


def _order(record: StudyRecord, best: float | None) -> Draw:
    trials = trials_frame(record)
    return lambda figure: search_plots.search_order(trials, figure.subplots(), chosen=best)


def _learning(history: pd.DataFrame, best: float | None) -> Draw:
    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plots.learning_curves(history, "validation_loss", left, chosen=best)
        plots.learning_curves(history, "validation_accuracy", right, chosen=best)
        colours = plots.lambda_colours(history["params_lam"])
        bar = figure.colorbar(colours, ax=[left, right], aspect=30)
        bar.ax.set_title("λ")
        log_ticks(bar.ax.yaxis, *bar.ax.get_ylim())
        label_panels((left, right))

    return draw


def _learning_map(history: pd.DataFrame, best: float | None) -> Draw:
    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2, sharey=True)
        for ax, name, beyond in zip(panels, ("loss", "accuracy"), ("max", "neither"), strict=True):
            mesh = crowd.learning_map(history, f"validation_{name}", ax, chosen=best)
            figure.colorbar(mesh, ax=ax, extend=beyond)
        panels[1].set_ylabel("")
        label_panels(tuple(panels))

    return draw


def _eta(record: StudyRecord) -> Draw:
    trial = record.trials[0].trial
    per_epoch = trial.train_size // trial.batch_size
    lengths = {"search": trial.epochs, "final model": int(record.spec["final_epochs"])}
    ends = [
        (f"{name}: {count(epochs, 'epoch')}", epochs * per_epoch)
        for name, epochs in lengths.items()
    ]
    schedule = SCHEDULES[trial.schedule](trial.eta_min, trial.eta_max, trial.cycle_steps)
    return lambda figure: plots.learning_rate(schedule, ends, per_epoch, figure.subplots())


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
