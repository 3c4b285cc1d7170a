"""Runs with and without batch normalisation, side by side: figures of a group and differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Self

from reports.parts.tables import mean_seconds, state_text, states
from reports.parts.text import real, share, signed
from search.records import Result, State, StudyRecord, TrialRecord

Trials = tuple[TrialRecord, ...]


@dataclass(frozen=True)
class Spread:
    """What several runs, or pairs of them, have of one quantity."""

    runs: int
    mean: float
    deviation: float | None
    """Standard deviation over runs; None of a single one."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """Return the spread of some values; None of no value."""
        if not values:
            return None
        return cls(len(values), fmean(values), stdev(values) if len(values) > 1 else None)


def plus_minus(spread: Spread | None, show: Callable[[float | None], str], digits: int) -> str:
    """Return the mean of runs and, where there are several, ± their standard deviation."""
    if spread is None or spread.deviation is None:
        return show(spread.mean if spread else None)
    return f"{show(spread.mean)} ± {real(spread.deviation, digits)}"


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

    def spread(self, trials: Sequence[TrialRecord]) -> Spread | None:
        """Return the mean over replicates, with their standard deviation."""
        return Spread.of(list(self.values(trials).values()))

    def difference(self, first: Trials, second: Trials) -> Spread | None:
        """Return first − second over the replicates that completed in both, pair by pair."""
        left, right = self.values(first), self.values(second)
        return Spread.of([left[each] - right[each] for each in left if each in right])

    def text(self, spread: Spread | None) -> str:
        """Return the mean over replicates, ± their standard deviation where there are several."""
        return plus_minus(spread, self.show, self.digits)

    def difference_text(self, spread: Spread | None) -> str:
        """Return the mean of differences, with its sign, ± their standard deviation."""
        return plus_minus(spread, lambda value: signed(value, self.digits), self.digits)


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


@dataclass(frozen=True)
class Group:
    """What the runs of one setting came to; figures are of those that completed."""

    asked: int
    """Runs that were asked for."""
    train_loss: Spread | None
    validation_loss: Spread | None
    validation_accuracy: Spread | None
    seconds: float | None
    """Time of a run on its core."""
    states: tuple[str, ...]
    """How the runs ended, in words."""
    remarks: tuple[str, ...]
    """The same of those that did not complete, or did not learn."""

    @classmethod
    def of(cls, record: StudyRecord, trials: Trials, **more: Any) -> Self:
        """Return the figures of some runs, and `more` of what a kind of group has beside them."""
        return cls(
            asked=len(trials),
            train_loss=TRAIN_LOSS.spread(trials),
            validation_loss=VALIDATION_LOSS.spread(trials),
            validation_accuracy=VALIDATION_ACCURACY.spread(trials),
            seconds=mean_seconds(trials),
            states=tuple(states(trials, record.data)),
            remarks=tuple(remarks(record, trials)),
            **more,
        )


def remarks(record: StudyRecord, trials: Sequence[TrialRecord]) -> list[str]:
    """Return how runs of one setting ended, those left out that completed and learned."""
    plain = State.COMPLETED.value
    words = [state_text(each, record.data).removeprefix(f"{plain}, ") for each in trials]
    return [
        word if words.count(word) == len(words) else f"{words.count(word)} of {len(words)} {word}"
        for word in dict.fromkeys(words)
        if word != plain
    ]
