"""What the matrix of σ × batch normalisation found: computed once, for all that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean

import numpy as np
import pandas as pd

from reports.parts import reference
from reports.parts.comparison import TEST_ACCURACY, VALIDATION_ACCURACY, Group, Spread, Trials
from reports.parts.settings import settings_of
from reports.parts.tables import NO_SEEDS, accuracies, by_lam, states, uncertainty
from reports.parts.tables import learned as is_learned
from search.evidence.marks import standard_error_of_share
from search.experiments.sigma_batchnorm import MATRIX, RETUNE, Cell, SigmaBatchNorm, cell_of
from search.records import State, StudyRecord

Cells = Mapping[Cell, Trials]
"""The replicates of each cell, row by row."""
MOST_SIGMAS, SHOWN_SIGMAS = 12, 8
"""Values of σ that tables and figures show at most, and where there would be more."""


@dataclass(frozen=True)
class CellFindings(Group):
    """A cell of the matrix; figures are of the runs that completed."""

    sigma: float
    batch_norm: bool
    lam: float
    test_accuracy: Spread | None
    standard_error: float | None
    """Of one run's test accuracy: that of a share of the test images."""
    reference: float | None
    """The reference report's test accuracy, where it trained the same."""
    to_reference: float | None
    """Mean test accuracy less the reference's."""

    @property
    def cell(self) -> Cell:
        """Its place in the matrix."""
        return Cell(self.sigma, self.batch_norm)


@dataclass(frozen=True)
class Effect:
    """What batch norm changes at one σ: test accuracy with it less without, run by run."""

    sigma: float
    test_accuracy: Spread | None


@dataclass(frozen=True)
class Tried:
    """A λ in a cell."""

    lam: float
    accuracy: float | None
    """Mean validation accuracy; None unless every run completed."""
    states: tuple[str, ...]


@dataclass(frozen=True)
class Retuned:
    """The search of λ in a cell."""

    sigma: float
    batch_norm: bool
    tried: tuple[Tried, ...]
    """λ ascending."""
    chosen: float | None
    validation_accuracy: Spread | None
    """Of the chosen λ."""
    standard_error: float | None
    learned: bool
    """False where some run completed, and none learned."""
    completed: bool
    """False where no λ completed in every replicate."""


@dataclass(frozen=True)
class Scales:
    """Standard deviations in a cell's hidden layers, first to last: medians over replicates.

    Those that are not finite are NaN.
    """

    sigma: float
    batch_norm: bool
    moment: str
    """The last batch of the `first` epoch, or of each run's `last`."""
    activations: tuple[float, ...]
    gradients: tuple[float, ...]
    """Of the gradients that reach the layers' affine outputs."""


@dataclass(frozen=True)
class Findings:
    """Everything that the section says."""

    replicates: int
    test_images: int
    cells: tuple[CellFindings, ...]
    effects: tuple[Effect, ...]
    retuned: tuple[Retuned, ...]
    """Nothing where λ is not searched."""
    scales: tuple[Scales, ...]

    @property
    def sigmas(self) -> tuple[float, ...]:
        """The values of σ."""
        found = [each.sigma for each in self.cells] or [each.sigma for each in self.retuned]
        return tuple(dict.fromkeys(found))


def findings(record: StudyRecord) -> Findings:
    """Return what the cells of a matrix came to."""
    matrix, searched = cells(record), cells(record, RETUNE)
    bare = {cell.sigma: trials for cell, trials in matrix.items() if not cell.batch_norm}
    return Findings(
        replicates=settings_of(record, SigmaBatchNorm).replicates,
        test_images=record.data.test_size,
        cells=tuple(_cell(record, cell, trials) for cell, trials in matrix.items()),
        effects=tuple(
            Effect(cell.sigma, TEST_ACCURACY.difference(trials, bare[cell.sigma]))
            for cell, trials in matrix.items()
            if cell.batch_norm
        ),
        retuned=tuple(
            _retuned(record, cell, trials, matrix.get(cell)) for cell, trials in searched.items()
        ),
        scales=layer_scales(record),
    )


def cells(record: StudyRecord, stage: str = MATRIX) -> Cells:
    """Return a stage's trials by cell, in plan order."""
    groups = groupby(record.stage(stage), lambda each: cell_of(each.trial))
    return {cell: tuple(trials) for cell, trials in groups}


def thinned(found: Findings) -> Findings:
    """Return what is shown of many values of σ: a few, spread over them, the ends included."""
    sigmas = found.sigmas
    if len(sigmas) <= MOST_SIGMAS:
        return found
    places = np.linspace(0, len(sigmas) - 1, SHOWN_SIGMAS).round().astype(int)
    kept = {sigmas[place] for place in places}
    return replace(
        found,
        cells=tuple(each for each in found.cells if each.sigma in kept),
        effects=tuple(each for each in found.effects if each.sigma in kept),
        retuned=tuple(each for each in found.retuned if each.sigma in kept),
        scales=tuple(each for each in found.scales if each.sigma in kept),
    )


def _cell(record: StudyRecord, cell: Cell, trials: Trials) -> CellFindings:
    right = list(TEST_ACCURACY.values(trials).values())
    value = published(record, trials)
    return CellFindings.of(
        record,
        trials,
        sigma=cell.sigma,
        batch_norm=cell.batch_norm,
        lam=trials[0].trial.lam,
        test_accuracy=Spread.of(right),
        standard_error=standard_error_of_share(right[0], record.data.test_size) if right else None,
        reference=value,
        to_reference=fmean(right) - value if right and value is not None else None,
    )


def published(record: StudyRecord, trials: Trials) -> float | None:
    """Return the reference's test accuracy of a cell that trained what the reference did."""
    numbers = {reference.matrix_accuracy(record.data, each.trial) for each in trials}
    return numbers.pop() if len(numbers) == 1 else None


def _retuned(record: StudyRecord, cell: Cell, trials: Trials, matrix: Trials | None) -> Retuned:
    groups, reached = by_lam(trials), accuracies(trials)
    chosen = matrix[0].trial.lam if matrix else None
    picked = () if chosen is None else groups.get(chosen, ())
    return Retuned(
        sigma=cell.sigma,
        batch_norm=cell.batch_norm,
        tried=tuple(_tried(record, lam, group) for lam, group in groups.items()),
        chosen=chosen,
        validation_accuracy=VALIDATION_ACCURACY.spread(picked),
        standard_error=uncertainty(picked, NO_SEEDS),
        learned=not reached or any(is_learned(value, record.data) for value in reached),
        completed=not all(
            any(each.state in {State.DIVERGED, State.FAILED} for each in group)
            for group in groups.values()
        ),
    )


def _tried(record: StudyRecord, lam: float, trials: Trials) -> Tried:
    values = accuracies(trials)
    whole = len(values) == len(trials)
    return Tried(lam, fmean(values) if whole else None, tuple(states(trials, record.data)))


def layer_scales(record: StudyRecord) -> tuple[Scales, ...]:
    """Return the scales of each cell that has an epoch, after the first one and the last."""
    return tuple(
        Scales(
            *(cell.sigma, cell.batch_norm, moment),
            activations=_medians([epoch.activation_std for epoch in epochs]),
            gradients=_medians([epoch.gradient_std for epoch in epochs]),
        )
        for moment, end in (("first", slice(1)), ("last", slice(-1, None)))
        for cell, trials in cells(record).items()
        if (epochs := [e for each in trials for e in each.history[end] if e.activation_std])
    )


def _medians(runs: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the median over runs in each layer, of what is finite."""
    return tuple(pd.DataFrame(runs).replace([np.inf, -np.inf], np.nan).median().tolist())


def scales_frame(found: Findings) -> pd.DataFrame:
    """Return one row a cell, moment and hidden layer, for figures.

    Columns are `sigma, batch_norm, moment, layer, activation_std, gradient_std`.
    """
    rows = [
        (each.sigma, each.batch_norm, each.moment, layer, *scales)
        for each in found.scales
        for layer, scales in enumerate(zip(each.activations, each.gradients, strict=True), 1)
    ]
    columns = ["sigma", "batch_norm", "moment", "layer", "activation_std", "gradient_std"]
    return pd.DataFrame(rows, columns=columns)
