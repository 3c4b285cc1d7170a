"""Measured numbers beside the reference's: how far apart, in standard errors of both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from reports.coarse_fine.searched import trials_of
from reports.paper.discussion import accuracy
from reports.parts import reference
from reports.parts.tables import by_lam, reference_values
from reports.parts.text import share, signed
from reports.sigma_batchnorm.findings import cells, published
from search.evidence.marks import standard_error_of_share
from search.records import Role, StudyRecord, TrialRecord
from search.settings.values import number_text

LARGE = 2.0
"""Standard errors from which a difference asks for an explanation."""
BY_CHANCE = 0.0455
"""Share of differences that the noise of images alone puts beyond that."""


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Pair:
    """A number of the reference report and what was measured in its place."""

    what: str
    measured: Estimate
    published: float
    n: int
    """Images that both were measured on, or as many."""

    difference: float
    """Measured less published."""
    errors: float
    """The difference in standard errors of the two; a run of each, other weights apart."""


def search_pairs(record: StudyRecord) -> Iterator[Pair]:
    """Yield both grids of a λ search, and its final models that ended as the reference's did."""
    for role in reference.GRIDS:
        grid = trials_of(record, role)
        values = reference_values(record, grid, role)
        for lam, trials in by_lam(grid).items():
            if lam in values:
                what = f"{role} grid, λ = {number_text(lam)}, validation accuracy"
                yield from _pair(what, trials, "validation", values[lam])
    for each in trials_of(record, Role.FINAL):
        if reference.comparable(record.data, each.trial):
            what = f"final model, {each.trial.epochs} epochs, test accuracy"
            yield from _pair(what, (each,), "test", reference.FINAL.test_accuracy)


def _pair(what: str, trials: tuple[TrialRecord, ...], part: str, value: float) -> Iterator[Pair]:
    measured = accuracy(trials, part)
    if measured is not None:
        n, difference = getattr(trials[0].result, part).n, measured.value - value
        error = math.hypot(measured.error, standard_error_of_share(value, n))
        found = Estimate(measured.value, measured.error)
        yield Pair(what, found, value, n, difference, difference / error)


def matrix_pairs(record: StudyRecord) -> Iterator[Pair]:
    """Yield the cells of the matrix of σ × batch normalisation."""
    for cell, trials in cells(record).items():
        value = published(record, trials)
        if value is not None:
            yield from _pair(f"matrix, {cell}, test accuracy", trials, "test", value)


def large_differences(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return those further apart than `LARGE` standard errors, furthest first."""
    far = sorted((p for p in pairs if abs(p.errors) > LARGE), key=lambda p: -abs(p.errors))
    return pd.DataFrame(
        [
            {
                "value": pair.what,
                "measured": share(pair.measured.value),
                "reference": share(pair.published),
                "difference": signed(pair.difference),
                "in standard errors": signed(pair.errors, 1),
            }
            for pair in far
        ]
    )
