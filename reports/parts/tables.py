"""Tables of a report: frames of text, ready to print."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean

import numpy as np
import pandas as pd

from reports.parts import reference
from reports.parts.excerpt import Excerpt, excerpt
from reports.parts.text import NONE, real, share, signed
from search.evidence.marks import Seeds, standard_error, standard_error_of_share
from search.evidence.outcomes import labelled_right
from search.records import DataRecord, State, StudyRecord, TrialRecord
from search.settings.values import number_text

NO_SEEDS = Seeds()
CHANCE_ERRORS = 3.0
"""A network has learned when its accuracy is more standard errors than this above chance."""
UNLEARNED = "did not learn"


WORDS = {
    *("", "λ", "σ", "architecture", "batch norm", "setting", "value", "state", "images"),
    *("trial", "node", "error", "then", "parameter", "verdict", "here", "figures"),
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


def markdown(frame: pd.DataFrame) -> str:
    """Return a frame of text as a Markdown table."""
    align = tuple("left" if name in WORDS else "right" for name in frame.columns)
    return frame.to_markdown(index=False, colalign=align, disable_numparse=True)


def by_lam(trials: Sequence[TrialRecord]) -> Mapping[float, tuple[TrialRecord, ...]]:
    """Return the replicates of each λ, λ ascending."""
    groups: dict[float, list[TrialRecord]] = {}
    for record in trials:
        groups.setdefault(record.trial.lam, []).append(record)
    return {lam: tuple(groups[lam]) for lam in sorted(groups)}


def accuracies(trials: Sequence[TrialRecord]) -> list[float]:
    """Return the validation accuracies of those that completed."""
    return [
        record.result.validation.accuracy
        for record in trials
        if record.state is State.COMPLETED and record.result and record.result.validation
    ]


def uncertainty(trials: Sequence[TrialRecord], seeds: Seeds) -> float | None:
    """Return the standard error of a λ's mean accuracy over its completed runs.

    It holds the noise of the validation images, which the runs share, and that of seeds as far
    as the study's replicates tell of it.
    """
    right = [labelled_right(each.result) for each in trials if each.result]
    complete = [each for each in right if each is not None]
    return standard_error(np.stack(complete), seeds) if complete else None


def learned(accuracy: float, data: DataRecord) -> bool:
    """Say whether a validation accuracy is above that of always naming one class."""
    error = standard_error_of_share(data.chance, data.validation_size)
    return accuracy > data.chance + CHANCE_ERRORS * error


def grid_table(
    record: StudyRecord, stage: str, *, best: float | None, seeds: Seeds = NO_SEEDS
) -> pd.DataFrame:
    """Return a stage's values of λ with their accuracies; the study's best one is marked.

    `seeds` is what the study's replicates tell of the noise of seeds, for the standard errors. Of
    many values the table holds the best ones, that one, and those of the reference.
    """
    trials = record.stage(stage)
    published = reference_values(record, trials, stage)
    replicated = any(each.trial.replicate for each in trials)
    groups = by_lam(trials)
    return pd.DataFrame(
        [
            _grid_row(record, lam, groups[lam], published, seeds, best=best, replicated=replicated)
            for lam in _grid_excerpt(groups, keep=(best, *published)).shown
        ]
    )


def grid_remainder(record: StudyRecord, stage: str, *, best: float | None) -> str:
    """Say what `grid_table` leaves out; nothing where it leaves out nothing."""
    trials = record.stage(stage)
    groups = by_lam(trials)
    found = _grid_excerpt(groups, keep=(best, *reference_values(record, trials, stage)))
    if not found.left_out:
        return ""
    means = [_accuracy(groups[lam]) for lam in found.left_out]
    known = [mean for mean in means if not math.isnan(mean)]
    parts = [f"These are {len(found.shown)} of {len(groups):,} values, the best ones among them"]
    if known:
        parts.append(f"{len(known):,} others have {share(min(known))} to {share(max(known))}")
    if len(known) < len(means):
        parts.append(f"{len(means) - len(known):,} have no accuracy")
    return f"{'; '.join(parts)}. All are in `trials.csv`."


def _grid_excerpt(
    groups: Mapping[float, Sequence[TrialRecord]], *, keep: Collection[float | None]
) -> Excerpt:
    return excerpt({lam: _accuracy(group) for lam, group in groups.items()}, keep=keep)


def _accuracy(trials: Sequence[TrialRecord]) -> float:
    """Return the mean validation accuracy of those that completed; NaN where none did."""
    values = accuracies(trials)
    return fmean(values) if values else math.nan


def reference_values(
    record: StudyRecord, trials: Sequence[TrialRecord], stage: str
) -> Mapping[float, float]:
    """Return the reference's accuracies where this stage trained what it trained."""
    same = bool(trials) and all(reference.searched(record.data, each.trial) for each in trials)
    return reference.STAGES.get(stage, {}) if same else {}


def _grid_row(
    record: StudyRecord,
    lam: float,
    trials: Sequence[TrialRecord],
    published: Mapping[float, float],
    seeds: Seeds,
    *,
    best: float | None,
    replicated: bool,
) -> dict[str, str]:
    values = accuracies(trials)
    mean = fmean(values) if values else None
    bold = "**" if lam == best else ""
    row = {
        "λ": f"{bold}{number_text(lam)}{bold}",
        "validation accuracy": f"{bold}{share(mean)}{bold}",
        "standard error": share(uncertainty(trials, seeds)),
    }
    if replicated:
        row["replicates"] = str(len(values))
        row["lowest to highest"] = (
            f"{share(min(values))} to {share(max(values))}" if values else NONE
        )
    if published:
        row["reference"] = share(published.get(lam))
        known = mean is not None and lam in published
        row["difference"] = signed(mean - published[lam]) if known and mean is not None else NONE
    row["train accuracy"] = share(_mean(trials, "train", "accuracy"))
    row["validation loss"] = real(_mean(trials, "validation", "loss"))
    row["seconds a run"] = seconds_a_run(trials)
    row["state"] = "; ".join(states(trials, record.data))
    return row


def _mean(trials: Sequence[TrialRecord], part: str, name: str) -> float | None:
    figures = [getattr(each.result, part) for each in trials if each.state is State.COMPLETED]
    return fmean(getattr(figure, name) for figure in figures) if figures else None


def seconds_a_run(trials: Sequence[TrialRecord]) -> str:
    """Return how long a run took on its core, on average over those that completed."""
    completed = [each.result for each in trials if each.state is State.COMPLETED]
    seconds = [result.seconds for result in completed if result]
    return real(fmean(seconds) if seconds else None, 1)


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


def final_table(record: StudyRecord, final: TrialRecord) -> pd.DataFrame:
    """Return the final model's figures on the three parts of the data."""
    assert final.result is not None
    parts = {
        "train": final.result.train,
        "validation": final.result.validation,
        "test": final.result.test,
    }
    comparable = reference.comparable(record.data, final.trial)
    rows = []
    for name, figures in parts.items():
        if figures is None:
            continue
        row = {
            "images": f"{name} ({figures.n:,})",
            "accuracy": share(figures.accuracy),
            "standard error": share(standard_error_of_share(figures.accuracy, figures.n)),
            "loss": real(figures.loss),
            "cost": real(figures.cost),
        }
        if comparable:
            published = reference.FINAL.test_accuracy if name == "test" else None
            row["reference accuracy"] = share(published)
            row["difference"] = signed(figures.accuracy - published if published else None)
        rows.append(row)
    return pd.DataFrame(rows)
