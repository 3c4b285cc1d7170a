"""What a loss evolution found: computed once, for its tables, captions and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from reports.parts.comparison import (
    TRAIN_LOSS,
    VALIDATION_ACCURACY,
    VALIDATION_COST,
    VALIDATION_LOSS,
    Group,
    Spread,
    Trials,
)
from reports.parts.settings import parameters, settings_of
from search.experiments.loss_evolution import STAGE, LossEvolution
from search.records import State, StudyRecord, TrialRecord

Widths = tuple[int, ...]


@dataclass(frozen=True)
class Network(Group):
    """An architecture with or without batch norm; figures are of the runs that completed."""

    hidden: Widths
    batch_norm: bool
    parameters: int
    completed: int
    lowest_validation_loss: Spread | None
    lowest_in_epoch: tuple[int, ...]
    """The epoch of each run's lowest validation loss."""
    last_cycle: Spread | None
    """How validation loss changed from the end of the last cycle but one to that of the last."""
    validation_cost: Spread | None
    diverged_in: tuple[int, ...]
    """The epoch of each run that diverged."""


@dataclass(frozen=True)
class Effect:
    """What batch norm changes in an architecture: with it less without, run by run."""

    hidden: Widths
    train_loss: Spread | None
    validation_loss: Spread | None
    validation_cost: Spread | None
    validation_accuracy: Spread | None


@dataclass(frozen=True)
class Findings:
    """Everything that the section says."""

    epochs: int
    replicates: int
    whole_cycles: bool
    """Whether each run is made of two whole cycles or more, so that the last one can be told."""
    networks: tuple[Network, ...]
    effects: tuple[Effect, ...]
    """One an architecture."""

    def pairs(self) -> Mapping[Widths, tuple[Network, Network]]:
        """Return each architecture's networks: with batch norm, and without."""
        by = {(each.hidden, each.batch_norm): each for each in self.networks}
        return {
            each.hidden: (by[each.hidden, True], by[each.hidden, False]) for each in self.effects
        }


def findings(record: StudyRecord) -> Findings:
    """Return what the networks of a loss evolution came to."""
    groups, study = networks(record), settings_of(record, LossEvolution)
    return Findings(
        epochs=study.epochs,
        replicates=study.replicates,
        whole_cycles=_whole_cycles(record.trials[0]),
        networks=tuple(
            _network(record, trials) for group in groups.values() for trials in group.values()
        ),
        effects=tuple(_effect(hidden, group) for hidden, group in groups.items()),
    )


def networks(record: StudyRecord) -> Mapping[Widths, Mapping[bool, Trials]]:
    """Return the replicates by architecture and batch norm, in plan order."""
    groups: dict[Widths, dict[bool, Trials]] = {}
    trials = record.stage(STAGE)
    for (hidden, batch_norm), runs in groupby(
        trials, lambda each: (each.trial.hidden, each.trial.batch_norm)
    ):
        groups.setdefault(hidden, {})[batch_norm] = tuple(runs)
    return groups


def _network(record: StudyRecord, trials: Trials) -> Network:
    completed = [each for each in trials if each.state is State.COMPLETED]
    lowest = [min(each.history, key=lambda epoch: epoch.validation_loss) for each in completed]
    changes = [change for each in completed if (change := last_cycle(each)) is not None]
    return Network.of(
        record,
        trials,
        hidden=trials[0].trial.hidden,
        batch_norm=trials[0].trial.batch_norm,
        parameters=parameters(record.data, trials[0].trial),
        completed=len(completed),
        lowest_validation_loss=Spread.of([epoch.validation_loss for epoch in lowest]),
        lowest_in_epoch=tuple(epoch.epoch for epoch in lowest),
        last_cycle=Spread.of(changes),
        validation_cost=VALIDATION_COST.spread(trials),
        diverged_in=tuple(
            each.result.epochs + 1
            for each in trials
            if each.state is State.DIVERGED and each.result
        ),
    )


def _effect(hidden: Widths, group: Mapping[bool, Trials]) -> Effect:
    pair = group[True], group[False]
    return Effect(
        hidden,
        train_loss=TRAIN_LOSS.difference(*pair),
        validation_loss=VALIDATION_LOSS.difference(*pair),
        validation_cost=VALIDATION_COST.difference(*pair),
        validation_accuracy=VALIDATION_ACCURACY.difference(*pair),
    )


def last_cycle(record: TrialRecord) -> float | None:
    """Return by how much validation loss changed in a run's last cycle, from end to end.

    None where the run is not made of two whole cycles or more, each of whole epochs, and where it
    has not been trained to its end.
    """
    if not _whole_cycles(record) or len(record.history) < record.trial.epochs:
        return None
    before = record.history[record.trial.epochs - int(cycle_epochs(record)) - 1]
    return record.history[-1].validation_loss - before.validation_loss


def _whole_cycles(record: TrialRecord) -> bool:
    length, epochs = cycle_epochs(record), record.trial.epochs
    return length.is_integer() and epochs >= 2 * length and epochs % length == 0


def cycle_epochs(record: TrialRecord) -> float:
    """Return the length of a learning-rate cycle in epochs; infinite where there is none."""
    trial = record.trial
    if trial.schedule == "constant":
        return math.inf
    return trial.cycle_steps / (trial.train_size // trial.batch_size)
