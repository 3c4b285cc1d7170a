"""The section of a loss evolution: networks with and without batch normalisation, over epochs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from statistics import fmean

import pandas as pd

from reports.drawing.album import Album
from reports.loss_evolution.figures import cycle_epochs, figure_name, picture
from reports.parts.comparison import (
    TRAIN_LOSS,
    VALIDATION_ACCURACY,
    VALIDATION_COST,
    VALIDATION_LOSS,
    Quantity,
    Trials,
    remarks,
)
from reports.parts.section import Section
from reports.parts.settings import parameters
from reports.parts.tables import markdown, seconds_a_run, states
from reports.parts.text import NONE, count, phrases, plus_minus, real, signed
from search.experiments.loss_evolution import STAGE, network_text, norm_text
from search.records import State, StudyRecord, TrialRecord
from search.settings.values import number_text

Widths = tuple[int, ...]
Networks = Mapping[Widths, Mapping[bool, Trials]]
"""The replicates of each architecture, with and without batch norm."""


def section(record: StudyRecord, album: Album) -> Section:
    """Write the figures, and return the section."""
    groups = networks(record)
    return Section(
        name="loss evolution",
        title=f"Loss with and without batch normalisation on {record.data.title}",
        template="sections/loss_evolution.md.j2",
        context={
            "record": record,
            "pictures": [
                picture(record, album, [*group[True], *group[False]], figure_name(hidden, position))
                for position, (hidden, group) in enumerate(groups.items(), 1)
            ],
            "losses": markdown(losses_table(record)),
            "differences": markdown(differences_table(record)),
            "replicates": int(record.spec["replicates"]),
            "cycle": last_cycle(record.trials[0]) is not None,
        },
        summary=" ".join(summary(record)),
        verdict=verdict(record),
        settings=own_settings(record),
    )


def own_settings(record: StudyRecord) -> dict[str, str]:
    """Return what a loss evolution says in the table of settings in its own way."""
    trial = record.trials[0].trial
    init = "He" if trial.sigma is None else f"N(0, σ²) with σ = {number_text(trial.sigma)}"
    return {
        "network": (
            f"hidden layers {phrases([network_text(hidden) for hidden in networks(record)])}, "
            f"ReLU, softmax; initial weights {init}"
        ),
        "batch normalisation": (
            f"each network with it (moving averages with α = {number_text(trial.alpha)}) and "
            "without"
        ),
        "λ": number_text(trial.lam),
        "epochs": str(trial.epochs),
        "runs of each network": (
            f"{record.spec['replicates']}; with and without batch norm from the same weights and "
            "on the same batches"
        ),
    }


def networks(record: StudyRecord) -> Networks:
    """Return the trials by architecture and batch norm, in plan order."""
    groups: dict[Widths, dict[bool, Trials]] = {}
    trials = record.stage(STAGE)
    for (hidden, batch_norm), runs in groupby(
        trials, lambda each: (each.trial.hidden, each.trial.batch_norm)
    ):
        groups.setdefault(hidden, {})[batch_norm] = tuple(runs)
    return groups


# --- tables ---------------------------------------------------------------------------


def losses_table(record: StudyRecord) -> pd.DataFrame:
    """Return one row a network: its figures at the end, and its lowest validation loss."""
    replicated = int(record.spec["replicates"]) > 1
    return pd.DataFrame(
        [
            _row(record, hidden, trials, batch_norm=batch_norm, replicated=replicated)
            for hidden, group in networks(record).items()
            for batch_norm, trials in group.items()
        ]
    )


def _row(
    record: StudyRecord, hidden: Widths, trials: Trials, *, batch_norm: bool, replicated: bool
) -> dict[str, str]:
    completed = [each for each in trials if each.state is State.COMPLETED]
    lowest = [min(each.history, key=lambda epoch: epoch.validation_loss) for each in completed]
    row = {"architecture": network_text(hidden), "batch norm": "with" if batch_norm else "without"}
    row["parameters"] = f"{parameters(record.data, trials[0].trial):,}"
    if replicated:
        row["runs"] = str(len(completed))
    row[TRAIN_LOSS.name] = TRAIN_LOSS.text(trials)
    row[VALIDATION_LOSS.name] = VALIDATION_LOSS.text(trials)
    row["lowest validation loss"] = plus_minus([epoch.validation_loss for epoch in lowest], real, 3)
    row["in epoch"] = _range([epoch.epoch for epoch in lowest])
    if last_cycle(trials[0]) is not None:
        changes = [change for each in completed if (change := last_cycle(each)) is not None]
        row["change in the last cycle"] = plus_minus(changes, lambda value: signed(value, 3), 3)
    row[VALIDATION_COST.name] = VALIDATION_COST.text(trials)
    row[VALIDATION_ACCURACY.name] = VALIDATION_ACCURACY.text(trials)
    row["seconds a run"] = seconds_a_run(trials)
    row["state"] = "; ".join(states(trials, record.data))
    return row


def _range(epochs: list[int]) -> str:
    if not epochs:
        return NONE
    low, high = min(epochs), max(epochs)
    return str(low) if low == high else f"{low} to {high}"


def last_cycle(record: TrialRecord) -> float | None:
    """Return by how much validation loss changed in a run's last cycle, from end to end.

    None where the run is not made of two whole cycles or more, each of whole epochs; NaN where it
    has not been trained to its end.
    """
    length, epochs = cycle_epochs(record), record.trial.epochs
    if not length.is_integer() or epochs < 2 * length or epochs % length:
        return None
    if len(record.history) < epochs:
        return float("nan")
    before = record.history[epochs - int(length) - 1]
    return record.history[epochs - 1].validation_loss - before.validation_loss


def differences_table(record: StudyRecord) -> pd.DataFrame:
    """Return one row an architecture: figures with batch norm minus those without."""
    quantities: tuple[Quantity, ...] = (
        TRAIN_LOSS,
        VALIDATION_LOSS,
        VALIDATION_COST,
        VALIDATION_ACCURACY,
    )
    return pd.DataFrame(
        [
            {
                "architecture": network_text(hidden),
                "runs compared": str(len(VALIDATION_LOSS.differences(group[True], group[False]))),
                **{
                    each.name: each.difference_text(group[True], group[False])
                    for each in quantities
                },
            }
            for hidden, group in networks(record).items()
        ]
    )


# --- sentences ------------------------------------------------------------------------


def verdict(record: StudyRecord) -> str:
    """Return what batch norm did to the loss, network by network, in one sentence."""
    changes = [
        f"{plus_minus(differences, lambda value: signed(value, 3), 3)} in {network_text(hidden)}"
        for hidden, group in networks(record).items()
        if (differences := VALIDATION_LOSS.differences(group[True], group[False]))
    ]
    if not changes:
        return "No network completed both with and without batch norm."
    epochs = count(record.trials[0].trial.epochs, "epoch")
    return f"Batch norm changed the validation loss after {epochs} by {phrases(changes)}."


def summary(record: StudyRecord) -> Iterator[str]:
    """Yield a sentence an architecture."""
    for hidden, group in networks(record).items():
        name = network_text(hidden)
        ends = {
            norm_text(batch_norm=norm): VALIDATION_LOSS.values(trials)
            for norm, trials in group.items()
        }
        if all(ends.values()):
            with_it, without = (fmean(values.values()) for values in ends.values())
            differences = VALIDATION_LOSS.differences(group[True], group[False])
            yield (
                f"After {count(group[True][0].trial.epochs, 'epoch')}, {name} has a validation "
                f"loss of **{real(with_it)}** with batch norm and **{real(without)}** without"
                f"{_difference(differences, runs=len(group[True]))}."
            )
        for norm, trials in group.items():
            if words := remarks(record, trials):
                yield f"{name} {norm_text(batch_norm=norm)}: {', '.join(words)}."


def _difference(differences: list[float], *, runs: int) -> str:
    if not differences:
        return ""
    text = plus_minus(differences, lambda value: signed(value, 3), 3)
    if len(differences) == runs:
        return f": {text} ({count(runs, 'run')} each)"
    return f"; {text} where a run completed both ways ({count(len(differences), 'run')})"
