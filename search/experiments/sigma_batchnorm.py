"""Sensitivity to initial weights: the matrix of σ × {batch normalisation, none}."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from kbn.errors import InputError
from search.evidence.scores import best
from search.experiments.loss_evolution import norm_text
from search.plan import Choice, Outcomes, Plan, Stage
from search.settings import values
from search.settings.setting import setting
from search.settings.spec import FixedLambda, StageOutline
from search.settings.values import Init, listed, number_text, some
from search.space.axis import BATCH_NORM, LAM, SIGMA
from search.space.points import Space, only
from search.trial import Trial

MATRIX, RETUNE = "matrix", "retune"


class Cell(NamedTuple):
    """One cell of the matrix."""

    sigma: float
    """Standard deviation of the initial weights."""
    batch_norm: bool

    def __str__(self) -> str:
        return f"σ={number_text(self.sigma)} {norm_text(batch_norm=self.batch_norm)}"


@dataclass(frozen=True, kw_only=True)
class SigmaBatchNorm(FixedLambda):
    """A study of how much training depends on the initial weights' spread.

    Raises
    ------
    InputError
        When a setting is out of bounds.
    """

    kind: ClassVar[str] = "sigma_batchnorm"
    title: ClassVar[str] = "Measure sensitivity to initial weights, with and without batch norm"
    about: ClassVar[str] = (
        "Trains a network from weights of N(0, σ²) for each σ, with and without batch "
        "normalisation, and reports test accuracy, loss curves, and how the scale of activations "
        "and gradients changes with depth. Run the same command again to resume; a finished study "
        "only writes its report again."
    )
    refused: ClassVar[tuple[str, ...]] = ("batch_norm", "init")

    sigmas: tuple[float, ...] = setting(
        (1e-1, 1e-3, 1e-4), values.sigmas, "Standard deviations of the initial weights.", "σ,σ,…"
    )
    retune: bool = setting(
        False,
        values.boolean,
        "Search λ in each cell first, so that no cell is held to another one's λ.",
    )
    lambdas: tuple[float, ...] = setting(
        (1e-5, 1e-4, 1e-3, 1e-2, 1e-1), values.lambdas, "Values of λ for --retune.", "λ,λ,…"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.batch_norm:
            raise InputError(
                "--no-batch-norm: each σ is trained both ways in any case; leave it out"
            )
        if self.init != Init("he"):
            raise InputError(f"--init {self.init}: --sigmas says how weights start; leave it out")

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The matrix, row by row."""
        return tuple(Cell(sigma, norm) for sigma in self.sigmas for norm in (True, False))

    def outline(self) -> tuple[StageOutline, ...]:
        """Return the matrix, and before it the search of λ where there is one."""
        runs = len(self.cells) * self.replicates
        cells = f"{len(self.sigmas)} values of σ, with and without batch norm"
        retune = StageOutline(
            RETUNE, runs * len(self.lambdas), self.epochs, f"λ in each cell of {cells}"
        )
        matrix = StageOutline(MATRIX, runs, self.epochs, f"{cells}; opens the test set")
        return (retune, matrix) if self.retune else (matrix,)

    def trials(
        self, base: Trial, cell: Cell, lam: float, *, with_test: bool = False
    ) -> tuple[Trial, ...]:
        """Return a cell's trials with one λ, a trial a replicate."""
        fixed = replace(base, lam=lam, epochs=self.epochs, with_test=with_test)
        space = Space((SIGMA, BATCH_NORM), self.cycle)
        return space.runs(fixed, (cell,), range(self.replicates))

    def plan(self, base: Trial) -> Plan:
        """Fill the matrix; with `retune`, each cell with the λ that does best in it.

        Test accuracy is what the matrix shows by definition; no choice depends on it.
        """
        strengths = dict.fromkeys(self.cells, self.lam)
        reason = f"Every cell with λ = {number_text(self.lam)}, as specified."
        if self.retune:
            trials = tuple(
                trial
                for cell in self.cells
                for lam in self.lambdas
                for trial in self.trials(base, cell, lam)
            )
            outcomes = yield Stage(
                RETUNE,
                trials,
                f"λ in each cell from {listed(self.lambdas)}, as specified.",
                label=_label_with_lam,
            )
            strengths |= self._best_of_cells(outcomes)
            chosen = some([f"{cell}: {number_text(lam)}" for cell, lam in strengths.items()])
            reason = f"Each cell with the λ of the best validation accuracy in it: {chosen}."
        trials = tuple(
            trial
            for cell, lam in strengths.items()
            for trial in self.trials(base, cell, lam, with_test=True)
        )
        yield Stage(MATRIX, trials, reason, decides=False, label=lambda trial: str(cell_of(trial)))
        return Choice(None, "Nothing is chosen: the experiment compares.")

    def _best_of_cells(self, outcomes: Outcomes) -> Mapping[Cell, float]:
        """Return each cell's best λ; a cell in which nothing completed has none."""
        space = Space((LAM,), self.cycle)
        winners = {
            cell: best((each for each in outcomes if cell_of(each.trial) == cell), space)
            for cell in self.cells
        }
        return {cell: only(winner.point) for cell, winner in winners.items() if winner is not None}


def cell_of(trial: Trial) -> Cell:
    """Return the cell that a trial belongs to."""
    assert trial.sigma is not None
    return Cell(trial.sigma, trial.batch_norm)


def _label_with_lam(trial: Trial) -> str:
    return f"{cell_of(trial)} λ={number_text(trial.lam)}"
