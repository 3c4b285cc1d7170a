"""The figures of the matrix of σ × batch normalisation: what each shows, and its caption."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.drawing.album import Album, Picture
from reports.drawing.style import Draw, label_panels, legend_below
from reports.loss_evolution import plots as loss_plots
from reports.loss_evolution.figures import cycle_ends, with_settings
from reports.parts.comparison import TEST_ACCURACY
from reports.sigma_batchnorm import plots as sigma_plots
from reports.sigma_batchnorm.findings import CellFindings, Findings, cells, scales_frame
from search.experiments.sigma_batchnorm import MATRIX
from search.records import StudyRecord, TrialRecord


def sigma_figures(record: StudyRecord, found: Findings, album: Album) -> dict[str, Picture]:
    """Draw the figures that a matrix has results for, of what was found; return them by name."""
    trials = [each for each in record.stage(MATRIX) if each.trial.sigma in found.sigmas]
    if not any(each.result or each.attempts for each in trials):
        return {}
    rows, _ = sigma_plots.shape(found.sigmas)
    pictures = {
        "matrix": album.draw(
            "sigma-matrix",
            _matrix(found),
            "Test accuracy by σ of the initial weights, with and without batch norm. Cells "
            "that did not learn, diverged or failed are hatched and say so.",
            height=0.5 + 0.65 * rows,
        )
    }
    history = with_settings(record)
    history = history[history["number"].isin([each.number for each in trials])]
    if not history.empty:
        view = loss_plots.view_of(history, "loss", len(record.data.classes))
        pictures["losses"] = album.draw(
            "sigma-losses",
            _losses(record, found, history, view),
            _losses_caption(record, found, trials[0]) + loss_plots.cut_text(view),
            height=0.8 + 1.4 * rows,
        )
    if found.scales:
        pictures["scales"] = album.draw(
            "sigma-scales",
            _scales(scales_frame(found), found.sigmas),
            _scales_caption(found),
            height=4.6,
        )
    return pictures


# --- the matrix -----------------------------------------------------------------------


def _matrix(found: Findings) -> Draw:
    squares = {each.cell: _square(each) for each in found.cells}
    return lambda figure: sigma_plots.matrix(squares, figure.subplots())


def _square(cell: CellFindings) -> sigma_plots.Square:
    reached, words = cell.test_accuracy, cell.remarks
    lines = [TEST_ACCURACY.text(reached)] if reached else []
    return sigma_plots.Square(
        accuracy=reached.mean if reached else None,
        text="\n".join((*lines, *words)),
        state=next((key for key in sigma_plots.HATCHES if any(key in word for word in words)), ""),
    )


# --- losses ---------------------------------------------------------------------------


def _losses(
    record: StudyRecord, found: Findings, history: pd.DataFrame, view: loss_plots.View | None
) -> Draw:
    rows, columns = sigma_plots.shape(found.sigmas)
    matrix, remarks = cells(record), {each.cell: each.remarks for each in found.cells}

    def draw(figure: Figure) -> None:
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for cell, (row, column) in sigma_plots.positions(found.sigmas).items():
            ax, trials = axes[row, column], matrix[cell]
            loss_plots.mark_cycles(ax, cycle_ends(trials[0]))
            loss_plots.mark_chance(ax, len(record.data.classes))
            numbers = [each.number for each in trials]
            loss_plots.part_curves(history[history["number"].isin(numbers)], ax, view=view)
            if words := remarks[cell]:
                loss_plots.say_in(ax, "\n".join(words))
            ax.margins(y=0.12)
        sigma_plots.name_panels(axes, found.sigmas)
        for ax in axes[-1]:
            ax.set_xlabel("epoch")
            ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes[0, 0].set_xlim(0, max(each.trial.epochs for each in record.stage(MATRIX)) + 0.5)
        loss_plots.cut_off(axes[0, 0], view)
        legend_below(figure, loss_plots.part_legend())

    return draw


def _losses_caption(record: StudyRecord, found: Findings, first: TrialRecord) -> str:
    text = (
        "Loss at each epoch's end in every cell, on common axes; dotted across: the loss of a "
        f"network at chance, ln {len(record.data.classes)}."
    )
    if cycle_ends(first):
        text += " Dotted upright: ends of learning-rate cycles."
    if found.replicates > 1:
        text += " Thin: each run; bold: the mean of those that completed."
    if any("diverged" in word for each in found.cells for word in each.remarks):
        text += " Cross: the last epoch before a run diverged."
    if all(each.reference is not None for each in found.cells):
        text += " The reference report's figure 4 shows these networks."
    return text


# --- scales ---------------------------------------------------------------------------


def _scales(layers: pd.DataFrame, sigmas: tuple[float, ...]) -> Draw:
    names = {
        "activation_std": "activations,\nstandard deviation",
        "gradient_std": "gradients,\nstandard deviation",
    }

    def draw(figure: Figure) -> None:
        axes = figure.subplots(2, 2, sharex=True, sharey="row")
        for (quantity, name), row in zip(names.items(), axes, strict=True):
            floor = _floor(layers[quantity])
            ticks = sigma_plots.scale_ticks(layers[quantity], floor)
            for norm, ax in zip((True, False), row, strict=True):
                chosen = layers[layers["batch_norm"] == norm]
                sigma_plots.scales(chosen, quantity, ax, floor=floor)
                if 0.0 in set(layers[quantity]):
                    sigma_plots.mark_zero(ax, floor)
            row[0].set_yticks(*ticks)
            row[0].set_ylabel(name)
        label_panels(tuple(axes.ravel()))
        for norm, ax in zip((True, False), axes[0], strict=True):
            ax.set_title(sigma_plots.NORM_NAMES[norm])
        for ax in axes[1]:
            ax.set_xlabel("hidden layer, from the inputs")
        legend_below(figure, sigma_plots.scales_legend(sigmas), columns=6)

    return draw


def _floor(values: pd.Series[float]) -> float:
    """Return where zeros stand on a log axis: a decade below everything else."""
    positive = values[values > 0]
    return float(10.0 ** (np.floor(np.log10(positive.min())) - 1)) if len(positive) else 1.0


def _scales_caption(found: Findings) -> str:
    median = " Medians over replicates." if found.replicates > 1 else ""
    return (
        "Standard deviation of the hidden layers' activations (a, b) and of the gradients that "
        "reach their affine outputs (c, d) in the last batch of the first epoch and of the last, "
        f"with (a, c) and without batch norm (b, d).{median}"
    )
