"""The figures of a λ search: which frames each one shows, and what its caption says."""

from __future__ import annotations

from statistics import fmean

import pandas as pd
from matplotlib.figure import Figure

from kbn.schedule import SCHEDULES
from reports import plots
from reports.album import Album, Picture
from reports.frames import history_frame
from reports.style import Draw, label_panels
from reports.tables import accuracies, by_lam, reference_values, uncertainty
from search.records import State, StudyRecord, TrialRecord

GRIDS = ("coarse", "fine")


def grid_points(record: StudyRecord, best: float | None) -> pd.DataFrame:
    """Return one row a grid and λ, as `plots.accuracy_against_lambda` takes them."""
    rows = []
    for stage in GRIDS:
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
                    "error": uncertainty(group) if values else float("nan"),
                    "reference": reference.get(lam, float("nan")),
                    "chosen": lam == best,
                }
            )
    columns = ["stage", "lam", "accuracy", "error", "reference", "chosen"]
    return pd.DataFrame(rows, columns=columns)


def lambda_figures(
    record: StudyRecord, album: Album, *, best: float | None, final: TrialRecord | None
) -> dict[str, Picture]:
    """Draw the figures of the search that a study has results for; return them by name."""
    pictures = {}
    points = grid_points(record, best)
    if not points.empty:
        pictures["lambda"] = album.draw(
            "lambda",
            _lambda(points),
            "Validation accuracy against λ, both grids. Bars: one standard error.",
            height=3.4,
        )
    history = history_frame(record)
    search = history[history["stage"].isin(GRIDS)]
    if not search.empty:
        pictures["learning"] = album.draw(
            "learning",
            _learning(search, best),
            "Every run of the search: (a) validation loss and (b) validation accuracy at each "
            "epoch's end, coloured by λ; black: the chosen λ.",
            height=2.9,
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
            height=2.9,
        )
    }
    if final.result is not None and "confusion" in final.result.arrays:
        pictures["confusion"] = album.draw(
            "confusion",
            _confusion(record, final),
            "Confusion matrix of the final model on the test set, in percent of each true class.",
            height=5.0,
        )
    return pictures


def _lambda(points: pd.DataFrame) -> Draw:
    return lambda figure: plots.accuracy_against_lambda(points, figure.subplots())


def _learning(history: pd.DataFrame, best: float | None) -> Draw:
    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plots.learning_curves(history, "validation_loss", left, chosen=best)
        plots.learning_curves(history, "validation_accuracy", right, chosen=best)
        colours = plots.lambda_colours(history["params_lam"])
        bar = figure.colorbar(colours, ax=[left, right], aspect=30)
        bar.ax.set_title("λ")
        label_panels((left, right))

    return draw


def _eta(record: StudyRecord) -> Draw:
    trial = record.trials[0].trial
    per_epoch = trial.train_size // trial.batch_size
    lengths = {"search": trial.epochs, "final model": int(record.spec["final_epochs"])}
    ends = [(f"{name}: {epochs} epochs", epochs * per_epoch) for name, epochs in lengths.items()]
    schedule = SCHEDULES[trial.schedule](trial.eta_min, trial.eta_max, trial.cycle_steps)
    return lambda figure: plots.learning_rate(schedule, ends, per_epoch, figure.subplots())


def _final(curve: pd.DataFrame, final: TrialRecord) -> Draw:
    test = final.result.test if final.result else None

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plots.final_losses(curve, left)
        plots.final_accuracies(curve, test.accuracy if test else None, right)
        label_panels((left, right))

    return draw


def _confusion(record: StudyRecord, final: TrialRecord) -> Draw:
    assert final.result is not None
    counts = final.result.arrays["confusion"]
    return lambda figure: plots.confusion(counts, record.data.classes, figure.subplots())
