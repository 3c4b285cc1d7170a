"""The lines that end a run: what was found, what it lacks, where the report is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from search.evidence.judged import judged
from search.experiments.range_test import RangeTest
from search.records import ENSEMBLE_CORRECT, Outcome, State, StudyRecord, TrialRecord
from search.settings.spec import Experiment
from search.store.folder import TRACEBACK
from search.study.study import Study

SOME_FAILED, UNEXPECTED, DIVERGED = 1, 5, 6
"""Exit codes of studies that ended, but lack something."""


def summary(study: Study, *, quiet: bool) -> Iterator[str]:
    """Yield the lines that end a run: what was found, what to know, where the report is."""
    if not quiet:
        yield from _findings(study.record, study)
        yield from (f"note: {text}" for text in study.record.data.notes)
        yield from (f"warning: {text}" for text in study.record.warnings)
        yield f"page: {study.folder / 'report.html'}"
    yield f"report: {study.folder / 'report.md'}"


def _findings(record: StudyRecord, study: Study) -> Iterator[str]:
    trials = {each.trial.id: each for each in record.trials}
    for each in record.experiments:
        assert isinstance(each.settings, Experiment)
        tried = [
            judged(Outcome(trials[name].trial, trials[name].result), record.data)
            for stage in each.stages
            if stage.role.chooses
            for name in stage.trial_ids
        ]
        chosen = trials[each.chosen].trial if each.chosen else None
        if line := each.settings.ending(chosen, tried):
            yield line
    best = study.best
    if best and best.result and best.result.test:
        yield (
            f"final model: test accuracy {best.result.test.accuracy:.4f} on "
            f"{record.data.test_size} images after {best.result.epochs} epochs"
        )
        if ENSEMBLE_CORRECT in best.result.arrays:
            right = np.unpackbits(best.result.arrays[ENSEMBLE_CORRECT], count=best.result.test.n)
            yield f"its ensemble of cycle ends: test accuracy {right.mean():.4f}"


def shortcomings(study: Study) -> Iterator[tuple[int, str]]:
    """Yield what a study that ended lacks, the gravest first: an exit code, and a line."""
    for each in study.missing:
        yield (
            UNEXPECTED,
            f"{each.part} could not be made ({each.reason}); {study.folder / TRACEBACK} says where",
        )
    trials = study.record.trials
    if failed := sum(trial.state is State.FAILED for trial in trials):
        line = (
            f"{failed} of {len(trials)} trials failed; the report says why, and the same command "
        )
        yield SOME_FAILED, f"{line}tries them again"
    elif trials and all(map(_came_to_nothing, trials)):
        yield DIVERGED, f"no trial completed: {len(trials)} diverged; try a smaller --eta-max"
    elif study.best and study.best.state is State.DIVERGED:
        yield DIVERGED, "the final model diverged: there is no model.npz"


def closing(study: Study) -> Iterator[str]:
    """Yield all lines that end a run: what it lacks, what was found, where the report is."""
    yield from (line for _, line in shortcomings(study))
    yield from summary(study, quiet=False)


def _came_to_nothing(trial: TrialRecord) -> bool:
    """Say whether a trial diverged, which a range test is meant to do once it has something."""
    meant = trial.experiment == RangeTest.kind and trial.history
    return trial.state is State.DIVERGED and not meant
