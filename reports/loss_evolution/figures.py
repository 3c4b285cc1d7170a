"""The figures of a loss evolution, and what they share with others of losses by epoch."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from reports.drawing.album import Album, Picture
from reports.drawing.style import Draw, label_panels, legend_below
from reports.loss_evolution import plots as loss_plots
from reports.loss_evolution.findings import Findings, cycle_epochs
from reports.parts import reference
from reports.parts.frames import history_frame, trials_frame
from reports.parts.text import count, phrases
from search.experiments.loss_evolution import network_text, norm_text
from search.records import StudyRecord, TrialRecord


def picture(
    record: StudyRecord, found: Findings, album: Album, hidden: tuple[int, ...], name: str
) -> Picture | None:
    """Draw an architecture's losses; None where no run of it has an epoch to show."""
    trials = [each for each in record.trials if each.trial.hidden == hidden]
    history = with_settings(record)
    history = history[history["number"].isin([each.number for each in trials])]
    if history.empty:
        return None
    classes = len(record.data.classes)
    views = {each: loss_plots.view_of(history, each, classes) for each in ("loss", "cost")}
    return album.draw(
        name,
        _losses(history, views, cycle_ends(trials[0]), classes),
        _caption(record, found, trials, views),
        height=3.1,
    )


def figure_name(hidden: tuple[int, ...], position: int) -> str:
    """Return the name of an architecture's figure, short enough for a file's."""
    name = "-".join(("loss", *map(str, hidden)))
    return name if len(name) <= 60 else f"loss-{len(hidden)}-layers-{position}"


def with_settings(record: StudyRecord) -> pd.DataFrame:
    """Return `history_frame` with its trials' state, batch norm and σ in every row."""
    own = ["number", "state", "params_batch_norm", "params_sigma"]
    return history_frame(record).merge(trials_frame(record)[own], on="number")


def cycle_ends(record: TrialRecord) -> list[float]:
    """Return the epochs at which a run's cycles end, its own end left out."""
    length, epochs = cycle_epochs(record), record.trial.epochs
    number = int(epochs / length)
    return [k * length for k in range(1, number + 1) if k * length < epochs]


def _losses(
    history: pd.DataFrame, views: loss_plots.Views, cycles: Sequence[float], classes: int
) -> Draw:
    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        for (name, view), ax in zip(views.items(), (left, right), strict=True):
            loss_plots.norm_curves(history, name, ax, cycles=cycles, view=view)
        loss_plots.mark_chance(left, classes)
        label_panels((left, right))
        legend_below(figure, loss_plots.norm_legend())

    return draw


def _caption(
    record: StudyRecord, found: Findings, trials: Sequence[TrialRecord], views: loss_plots.Views
) -> str:
    """Return what a figure of losses shows, and which of the reference's it stands beside."""
    text = (
        f"{network_text(trials[0].trial.hidden)}: (a) loss and (b) cost, that is loss + λ·Σ‖W‖², "
        "at each epoch's end, with and without batch norm; dotted across in (a): the loss of a "
        f"network at chance, ln {len(record.data.classes)}."
    )
    if found.replicates > 1:
        text += " Thin: each run; bold: the mean of those that completed."
    if cycle_ends(trials[0]):
        text += " Dotted upright: ends of learning-rate cycles."
    for panel, view in zip("ab", views.values(), strict=True):
        text += loss_plots.cut_text(view).replace("Values", f"In ({panel}), values")
    for network in found.pairs()[trials[0].trial.hidden]:
        if network.diverged_in:
            runs = count(len(network.diverged_in), "run")
            norm = norm_text(batch_norm=network.batch_norm)
            epochs = phrases([str(epoch) for epoch in sorted(set(network.diverged_in))])
            text += f" Cross: {runs} {norm} diverged in epoch {epochs}."
    numbers = {reference.loss_figure(record.data, each.trial) for each in trials}
    if len(numbers) == 1 and (number := numbers.pop()):
        text += f" The reference report's figure {number} shows these networks."
    return text
