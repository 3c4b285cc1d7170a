"""The section of a loss evolution: networks with and without batch normalisation, over epochs."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from reports.drawing.album import Album
from reports.loss_evolution.figures import figure_name, picture
from reports.loss_evolution.findings import Findings, Network, findings, networks
from reports.parts.comparison import (
    TRAIN_LOSS,
    VALIDATION_ACCURACY,
    VALIDATION_COST,
    VALIDATION_LOSS,
    Spread,
    plus_minus,
)
from reports.parts.section import Section
from reports.parts.settings import settings_of, weights_text
from reports.parts.tables import markdown
from reports.parts.text import NONE, count, phrases, real, signed
from search.experiments.loss_evolution import LossEvolution, network_text, norm_text
from search.records import StudyRecord
from search.settings.values import number_text


def section(record: StudyRecord, album: Album) -> Section:
    """Write the figures, and return the section."""
    found = findings(record)
    return Section(
        name="loss evolution",
        title=f"Loss with and without batch normalisation on {record.data.title}",
        template="sections/loss_evolution.md.j2",
        context={
            "pictures": [
                picture(record, found, album, hidden, figure_name(hidden, position))
                for position, hidden in enumerate(networks(record), 1)
            ],
            "losses": markdown(losses_table(found)),
            "differences": markdown(differences_table(found)),
            "replicates": found.replicates,
            "cycle": found.whole_cycles,
        },
        summary=" ".join(summary(found)),
        verdict=verdict(found),
        findings=found,
        settings=own_settings(record),
    )


def own_settings(record: StudyRecord) -> dict[str, str]:
    """Return what a loss evolution says in the table of settings in its own way."""
    study = settings_of(record, LossEvolution)
    return {
        "network": (
            f"hidden layers {phrases([network_text(each) for each in study.architectures])}, "
            f"ReLU, softmax; initial weights {weights_text(study.init.sigma)}"
        ),
        "batch normalisation": (
            f"each network with it (moving averages with α = {number_text(study.alpha)}) and "
            "without"
        ),
        "λ": number_text(study.lam),
        "epochs": str(study.epochs),
        "runs of each network": (
            f"{study.replicates}; with and without batch norm from the same weights and "
            "on the same batches"
        ),
    }


# --- tables ---------------------------------------------------------------------------


def losses_table(found: Findings) -> pd.DataFrame:
    """Return one row a network: its figures at the end, and its lowest validation loss."""
    return pd.DataFrame([_row(found, each) for each in found.networks])


def _row(found: Findings, network: Network) -> dict[str, str]:
    row = {
        "architecture": network_text(network.hidden),
        "batch norm": "with" if network.batch_norm else "without",
        "parameters": f"{network.parameters:,}",
    }
    if found.replicates > 1:
        row["runs"] = str(network.completed)
    row[TRAIN_LOSS.name] = TRAIN_LOSS.text(network.train_loss)
    row[VALIDATION_LOSS.name] = VALIDATION_LOSS.text(network.validation_loss)
    row["lowest validation loss"] = VALIDATION_LOSS.text(network.lowest_validation_loss)
    row["in epoch"] = _range(network.lowest_in_epoch)
    if found.whole_cycles:
        row["change in the last cycle"] = _change(network.last_cycle)
    row[VALIDATION_COST.name] = VALIDATION_COST.text(network.validation_cost)
    row[VALIDATION_ACCURACY.name] = VALIDATION_ACCURACY.text(network.validation_accuracy)
    row["seconds a run"] = real(network.seconds, 1)
    row["state"] = "; ".join(network.states)
    return row


def _range(epochs: tuple[int, ...]) -> str:
    if not epochs:
        return NONE
    low, high = min(epochs), max(epochs)
    return str(low) if low == high else f"{low} to {high}"


def _change(spread: Spread | None) -> str:
    return plus_minus(spread, lambda value: signed(value, 3), 3)


def differences_table(found: Findings) -> pd.DataFrame:
    """Return one row an architecture: figures with batch norm minus those without."""
    return pd.DataFrame(
        [
            {
                "architecture": network_text(each.hidden),
                "runs compared": str(each.validation_loss.runs if each.validation_loss else 0),
                TRAIN_LOSS.name: TRAIN_LOSS.difference_text(each.train_loss),
                VALIDATION_LOSS.name: VALIDATION_LOSS.difference_text(each.validation_loss),
                VALIDATION_COST.name: VALIDATION_COST.difference_text(each.validation_cost),
                VALIDATION_ACCURACY.name: VALIDATION_ACCURACY.difference_text(
                    each.validation_accuracy
                ),
            }
            for each in found.effects
        ]
    )


# --- sentences ------------------------------------------------------------------------


def verdict(found: Findings) -> str:
    """Return what batch norm did to the loss, network by network, in one sentence."""
    changes = [
        f"{_change(each.validation_loss)} in {network_text(each.hidden)}"
        for each in found.effects
        if each.validation_loss
    ]
    if not changes:
        return "No network completed both with and without batch norm."
    epochs = count(found.epochs, "epoch")
    return f"Batch norm changed the validation loss after {epochs} by {phrases(changes)}."


def summary(found: Findings) -> Iterator[str]:
    """Yield a sentence an architecture."""
    for effect in found.effects:
        name, pair = network_text(effect.hidden), found.pairs()[effect.hidden]
        with_it, without = (each.validation_loss for each in pair)
        if with_it and without:
            yield (
                f"After {count(found.epochs, 'epoch')}, {name} has a validation "
                f"loss of **{real(with_it.mean)}** with batch norm and **{real(without.mean)}** "
                f"without{_difference(effect.validation_loss, runs=found.replicates)}."
            )
        for each in pair:
            if each.remarks:
                norm = norm_text(batch_norm=each.batch_norm)
                yield f"{name} {norm}: {', '.join(each.remarks)}."


def _difference(spread: Spread | None, *, runs: int) -> str:
    if spread is None:
        return ""
    if spread.runs == runs:
        return f": {_change(spread)} ({count(runs, 'run')} each)"
    return f"; {_change(spread)} where a run completed both ways ({count(spread.runs, 'run')})"
