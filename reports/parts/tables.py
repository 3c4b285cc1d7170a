"""Tables of a report: frames of text, ready to print."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from statistics import fmean

import numpy as np
import pandas as pd

from reports.parts import reference
from search.evidence import chance
from search.evidence.marks import Seeds, standard_error
from search.evidence.outcomes import labelled_right
from search.records import DataRecord, Role, State, StudyRecord, TrialRecord
from search.space.axis import AXES

NO_SEEDS = Seeds()
UNLEARNED = "did not learn"


WORDS = {
    *(axis.symbol for axis in AXES.values()),
    *("", "architecture", "setting", "value", "state", "images"),
    *("trial", "run", "node", "error", "then", "parameter", "verdict", "here", "figures"),
    *(
        "the reference's claim",
        "class",
        "most often taken for",
        "seen",
        "score",
        "what it is worth",
        "experiment",
        "stage",
    ),
}
"""Columns that stand to the left; numbers stand to the right."""


def markdown(frame: pd.DataFrame, *, left: Collection[str] = WORDS) -> str:
    """Return a frame of text as a Markdown table; the columns that are not `left` stand right."""
    align = tuple("left" if name in left else "right" for name in frame.columns)
    return frame.to_markdown(index=False, colalign=align, disable_numparse=True)


def by_lam(trials: Sequence[TrialRecord]) -> Mapping[float, tuple[TrialRecord, ...]]:
    """Return the replicates of each λ, λ ascending."""
    lam = attrgetter("trial.lam")
    return {value: tuple(group) for value, group in groupby(sorted(trials, key=lam), lam)}


def accuracies(trials: Sequence[TrialRecord]) -> list[float]:
    """Return the validation accuracies of those that completed."""
    return [
        figures.accuracy
        for record in trials
        if record.state is State.COMPLETED and (figures := record.figures("validation"))
    ]


def uncertainty(trials: Sequence[TrialRecord], seeds: Seeds) -> float | None:
    """Return the standard error of a point's mean accuracy over its completed runs.

    It holds the noise of the validation images, which the runs share, and that of seeds as far
    as the study's replicates tell of it.
    """
    right = [labelled_right(each.result) for each in trials if each.result]
    complete = [each for each in right if each is not None]
    return standard_error(np.stack(complete), seeds) if complete else None


def learned(accuracy: float, data: DataRecord) -> bool:
    """Say whether a validation accuracy is above what knowing nothing gives on these images."""
    return chance.learned(accuracy, share=data.chance, n=data.validation_size)


def that_learned(trials: Sequence[TrialRecord], data: DataRecord) -> list[TrialRecord]:
    """Return the trials whose networks learned, or, where none did, those that completed."""
    completed = [each for each in trials if accuracies([each])]
    return [each for each in completed if learned(accuracies([each])[0], data)] or completed


def reference_values(
    record: StudyRecord, trials: Sequence[TrialRecord], role: Role
) -> Mapping[float, float]:
    """Return the reference's accuracies where a stage's trials are what it trained in that role."""
    same = bool(trials) and all(reference.searched(record.data, each.trial) for each in trials)
    return reference.GRIDS.get(role, {}) if same else {}


def mean_seconds(trials: Sequence[TrialRecord]) -> float | None:
    """Return how long a run took on its core, on average over those that completed."""
    completed = [each.result for each in trials if each.state is State.COMPLETED]
    seconds = [result.seconds for result in completed if result]
    return fmean(seconds) if seconds else None


def states(trials: Sequence[TrialRecord], data: DataRecord) -> list[str]:
    """Return how trials ended; the count where they differ."""
    words = [state_text(each, data) for each in trials]
    return [
        word if words.count(word) == len(words) else f"{words.count(word)} {word}"
        for word in dict.fromkeys(words)
    ]


def state_text(record: TrialRecord, data: DataRecord) -> str:
    """Return how a trial ended, as a table says it."""
    if record.state is State.DIVERGED and record.result:
        return f"diverged in epoch {record.result.epochs + 1}"
    values = accuracies([record])
    if values and not learned(values[0], data):
        return f"completed, {UNLEARNED}"
    return record.state.value
