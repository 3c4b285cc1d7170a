"""Tables of the matrix of σ × batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from statistics import fmean, stdev

import numpy as np
import pandas as pd

from reports.parts import reference
from reports.parts.comparison import (
    TEST_ACCURACY,
    TRAIN_LOSS,
    VALIDATION_ACCURACY,
    VALIDATION_LOSS,
    Trials,
    remarks,
)
from reports.parts.tables import (
    NO_SEEDS,
    accuracies,
    by_lam,
    learned,
    seconds_a_run,
    states,
    uncertainty,
)
from reports.parts.text import NONE, share, signed
from search.evidence.marks import standard_error_of_share
from search.experiments.sigma_batchnorm import MATRIX, RETUNE, Cell, cell_of
from search.records import State, StudyRecord
from search.settings.values import number_text

Cells = Mapping[Cell, Trials]
"""The replicates of each cell, row by row."""
MOST_SIGMAS, SHOWN_SIGMAS = 12, 8
"""Values of σ that tables and figures show at most, and where there would be more."""
MOST_LAMBDAS = 12
"""Values of λ that have a column each, at most."""


def cells(record: StudyRecord, stage: str = MATRIX) -> Cells:
    """Return a stage's trials by cell, in plan order."""
    groups = groupby(record.stage(stage), lambda each: cell_of(each.trial))
    return {cell: tuple(trials) for cell, trials in groups}


def thinned(record: StudyRecord) -> StudyRecord:
    """Return the record with a few of many values of σ: spread over them, the ends included."""
    sigmas = tuple(dict.fromkeys(each.trial.sigma for each in record.trials))
    if len(sigmas) <= MOST_SIGMAS:
        return record
    places = np.linspace(0, len(sigmas) - 1, SHOWN_SIGMAS).round().astype(int)
    kept = {sigmas[place] for place in places}
    trials = tuple(each for each in record.trials if each.trial.sigma in kept)
    ids = {each.trial.id for each in trials}
    experiments = tuple(
        replace(
            each,
            stages=tuple(
                replace(stage, trial_ids=tuple(i for i in stage.trial_ids if i in ids))
                for stage in each.stages
            ),
        )
        for each in record.experiments
    )
    return replace(record, trials=trials, experiments=experiments)


def test_accuracies(trials: Trials) -> list[float]:
    """Return the test accuracies of the runs that completed."""
    return list(TEST_ACCURACY.values(trials).values())


# --- tables ---------------------------------------------------------------------------


def matrix_table(record: StudyRecord) -> pd.DataFrame:
    """Return one row a σ: test accuracy with and without batch norm, and the difference."""
    matrix = cells(record)
    rows = []
    for sigma in dict.fromkeys(cell.sigma for cell in matrix):
        with_it, without = (matrix[Cell(sigma, norm)] for norm in (True, False))
        rows.append(
            {
                "σ": number_text(sigma),
                "with batch norm": _entry(record, with_it),
                "without batch norm": _entry(record, without),
                "difference": TEST_ACCURACY.difference_text(with_it, without),
            }
        )
    return pd.DataFrame(rows)


def _entry(record: StudyRecord, trials: Trials) -> str:
    values, words = test_accuracies(trials), remarks(record, trials)
    number = [TEST_ACCURACY.text(trials)] if values else []
    n = [f"n = {len(values)}"] if len(trials) > 1 and values else []
    return ", ".join((*number, *n, *words)) or NONE


def cells_table(record: StudyRecord) -> pd.DataFrame:
    """Return one row a cell: all that is known of it, beside the reference's number."""
    matrix = cells(record)
    replicated = int(record.spec["replicates"]) > 1
    compared = any(published(record, trials) is not None for trials in matrix.values())
    rows = []
    for cell, trials in matrix.items():
        values = test_accuracies(trials)
        row = {
            "σ": number_text(cell.sigma),
            "batch norm": "with" if cell.batch_norm else "without",
            "test accuracy": share(fmean(values) if values else None),
        }
        if replicated:
            row["standard deviation"] = share(stdev(values)) if len(values) > 1 else NONE
            row["runs"] = str(len(values))
        else:
            row["standard error"] = share(test_error(record, trials))
        if compared:
            row |= _compared(published(record, trials), values)
        if record.spec["retune"]:
            row["λ"] = number_text(trials[0].trial.lam)
        row[VALIDATION_ACCURACY.name] = VALIDATION_ACCURACY.text(trials)
        row[TRAIN_LOSS.name] = TRAIN_LOSS.text(trials)
        row[VALIDATION_LOSS.name] = VALIDATION_LOSS.text(trials)
        row["seconds a run"] = seconds_a_run(trials)
        row["state"] = "; ".join(states(trials, record.data))
        rows.append(row)
    return pd.DataFrame(rows)


def test_error(record: StudyRecord, trials: Trials) -> float | None:
    """Return the standard error of one run's test accuracy."""
    values = test_accuracies(trials)
    return standard_error_of_share(values[0], record.data.test_size) if values else None


def _compared(value: float | None, values: list[float]) -> dict[str, str]:
    known = value is not None and values
    return {
        "reference": share(value),
        "vs. reference": signed(fmean(values) - value) if known and value is not None else NONE,
    }


def published(record: StudyRecord, trials: Trials) -> float | None:
    """Return the reference's test accuracy of a cell that trained what the reference did."""
    numbers = {reference.matrix_accuracy(record.data, each.trial) for each in trials}
    return numbers.pop() if len(numbers) == 1 else None


# --- λ of each cell -------------------------------------------------------------------


def retune_table(record: StudyRecord) -> pd.DataFrame:
    """Return one row a cell: validation accuracy of every λ in it; the chosen one is bold.

    Many values of λ have no column each: there is that of the chosen one.
    """
    chosen = {cell: trials[0].trial.lam for cell, trials in cells(record).items()}
    rows = []
    for cell, trials in cells(record, RETUNE).items():
        groups, best = by_lam(trials), chosen.get(cell)
        picked = () if best is None else groups.get(best, ())
        row = {
            "σ": number_text(cell.sigma),
            "batch norm": "with" if cell.batch_norm else "without",
        }
        if len(groups) > MOST_LAMBDAS:
            row["values of λ"] = f"{len(groups):,}"
            row[VALIDATION_ACCURACY.name] = VALIDATION_ACCURACY.text(picked)
        else:
            for lam, group in groups.items():
                bold = "**" if lam == best else ""
                row[f"λ = {number_text(lam)}"] = f"{bold}{_retuned(record, group)}{bold}"
        row["chosen λ"] = NONE if best is None else number_text(best)
        row["standard error"] = share(uncertainty(picked, NO_SEEDS))
        rows.append(row)
    return pd.DataFrame(rows)


def _retuned(record: StudyRecord, trials: Trials) -> str:
    values = accuracies(trials)
    if len(values) == len(trials):
        return share(fmean(values))
    return "; ".join(states(trials, record.data))


def nothing_learned(record: StudyRecord) -> tuple[Cell, ...]:
    """Return the cells in which no λ gave a network that learned."""
    return tuple(
        cell
        for cell, trials in cells(record, RETUNE).items()
        if (values := accuracies(trials)) and not any(learned(v, record.data) for v in values)
    )


def nothing_completed(record: StudyRecord) -> tuple[Cell, ...]:
    """Return the cells in which no λ could win: none of them completed in every replicate."""
    return tuple(
        cell
        for cell, trials in cells(record, RETUNE).items()
        if all(
            any(each.state in {State.DIVERGED, State.FAILED} for each in group)
            for group in by_lam(trials).values()
        )
    )
