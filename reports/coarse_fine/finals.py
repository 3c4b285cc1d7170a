"""The final models of a search: what each came to on the three parts of the data."""

from __future__ import annotations

import numpy as np

from kbn.model import members_of
from reports.coarse_fine.facts import Final, Measured, Together
from reports.coarse_fine.searched import trials_of
from reports.parts import reference
from search.evidence.marks import standard_error_of_share
from search.evidence.paired import paired
from search.records import (
    ENSEMBLE_CORRECT,
    TEST_CORRECT,
    Result,
    Role,
    StudyRecord,
    TrialRecord,
)


def _ended_finals(record: StudyRecord) -> list[TrialRecord]:
    """Return the final models whose training ended, the one that is kept first."""
    finals = [each for each in trials_of(record, Role.FINAL) if each.result]
    return sorted(finals, key=lambda each: each.trial.id != record.chosen)


def finals_of(record: StudyRecord) -> tuple[Final, ...]:
    """Return the final models whose training ended, the one that is kept first."""
    return tuple(_final(record, each) for each in _ended_finals(record))


def _final(record: StudyRecord, final: TrialRecord) -> Final:
    result, trial = final.result, final.trial
    assert result is not None
    comparable = reference.comparable(record.data, trial)
    parts = {"train": result.train, "validation": result.validation, "test": result.test}
    return Final(
        epochs=trial.epochs,
        trained=result.epochs,
        lam=trial.lam,
        alpha=trial.alpha,
        state=final.state,
        kept=trial.id == record.chosen,
        comparable=comparable,
        parts=tuple(
            Measured(
                part=name,
                images=figures.n,
                accuracy=figures.accuracy,
                error=standard_error_of_share(figures.accuracy, figures.n),
                loss=figures.loss,
                cost=figures.cost,
                reference=reference.FINAL.test_accuracy if comparable and name == "test" else None,
            )
            for name, figures in parts.items()
            if figures is not None
        ),
        train_size=trial.train_size,
        more=trial.train_size - record.data.train_size,
        ensemble=_together(result),
    )


def _together(result: Result) -> Together | None:
    """Return what an ensemble comes to; None where there is none."""
    if result.test is None or ENSEMBLE_CORRECT not in result.arrays:
        return None
    n = result.test.n
    together, alone = (
        np.unpackbits(result.arrays[name], count=n).astype(bool)
        for name in (ENSEMBLE_CORRECT, TEST_CORRECT)
    )
    accuracy, found = float(together.mean()), paired(together, alone)
    return Together(
        networks=1 + len(members_of(result.arrays)),
        accuracy=accuracy,
        error=standard_error_of_share(accuracy, n),
        difference=found.difference,
        low=found.low,
        high=found.high,
    )
