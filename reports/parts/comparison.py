"""Runs with and without batch normalisation, side by side: figures of a group and differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.parts.tables import state_text
from reports.parts.text import plus_minus, real, share, signed
from search.records import Result, State, StudyRecord, TrialRecord

Trials = tuple[TrialRecord, ...]


@dataclass(frozen=True)
class Quantity:
    """A figure of a run that completed."""

    name: str
    """What a table calls it."""
    of: Callable[[Result], float | None]
    show: Callable[[float | None], str]
    digits: int

    def values(self, trials: Sequence[TrialRecord]) -> dict[int, float]:
        """Return the figure of each replicate that completed."""
        results = {
            record.trial.replicate: record.result
            for record in trials
            if record.state is State.COMPLETED and record.result
        }
        found = {replicate: self.of(result) for replicate, result in results.items()}
        return {replicate: value for replicate, value in found.items() if value is not None}

    def text(self, trials: Sequence[TrialRecord]) -> str:
        """Return the mean over replicates, ± their standard deviation where there are several."""
        return plus_minus(list(self.values(trials).values()), self.show, self.digits)

    def differences(self, first: Trials, second: Trials) -> list[float]:
        """Return first − second of each replicate that completed in both."""
        left, right = self.values(first), self.values(second)
        return [left[replicate] - right[replicate] for replicate in left if replicate in right]

    def difference_text(self, first: Trials, second: Trials) -> str:
        """Return the mean of the paired differences, ± their standard deviation."""
        return plus_minus(
            self.differences(first, second),
            lambda value: signed(value, self.digits),
            self.digits,
        )


def figure(part: str, name: str) -> Quantity:
    """Return a quantity that is one of a result's `Figures`."""

    def of(result: Result) -> float | None:
        figures = getattr(result, part)
        return None if figures is None else float(getattr(figures, name))

    show, digits = (share, 4) if name == "accuracy" else (real, 3)
    return Quantity(f"{part} {name}", of, show, digits)


TEST_ACCURACY = figure("test", "accuracy")
VALIDATION_ACCURACY = figure("validation", "accuracy")
VALIDATION_LOSS = figure("validation", "loss")
VALIDATION_COST = figure("validation", "cost")
TRAIN_LOSS = figure("train", "loss")


def remarks(record: StudyRecord, trials: Sequence[TrialRecord]) -> list[str]:
    """Return how runs of one setting ended, those left out that completed and learned."""
    plain = State.COMPLETED.value
    words = [state_text(each, record.data).removeprefix(f"{plain}, ") for each in trials]
    return [
        word if words.count(word) == len(words) else f"{words.count(word)} of {len(words)} {word}"
        for word in dict.fromkeys(words)
        if word != plain
    ]
