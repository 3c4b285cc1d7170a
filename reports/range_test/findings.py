"""What a range test found: computed once, for the figure, the table and the sentences."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from search.evidence.learning_rates import Measured, Suggestion, suggest
from search.records import State, StudyRecord


@dataclass(frozen=True)
class Findings:
    """Everything that the section says."""

    measured: tuple[Measured, ...]
    """A learning rate an epoch, ascending, as far as a run got."""
    images: int
    """Validation images of each measurement."""
    runs: int
    diverged: int
    """Runs whose cost was no longer finite before the highest learning rate."""
    suggestion: Suggestion | None
    """None while nothing is measured, and where the network learned nowhere."""


def findings(record: StudyRecord) -> Findings:
    """Return what the runs of a study's range test found."""
    epochs: dict[int, list[tuple[float, float, float]]] = {}
    for trial in record.trials:
        for each in trial.history:
            found = (each.eta, each.validation_accuracy, each.validation_loss)
            epochs.setdefault(each.epoch, []).append(found)
    measured = tuple(
        Measured(
            eta=found[0][0],
            accuracy=fmean(accuracy for _, accuracy, _ in found),
            loss=fmean(loss for *_, loss in found),
            runs=len(found),
        )
        for _, found in sorted(epochs.items())
    )
    return Findings(
        measured=measured,
        images=record.data.validation_size,
        runs=len(record.trials),
        diverged=sum(trial.state is State.DIVERGED for trial in record.trials),
        suggestion=suggest(measured, record.data.validation_size),
    )
