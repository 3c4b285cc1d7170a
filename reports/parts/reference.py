"""The reference report's numbers, all of CIFAR-10, and what they can be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from search.records import DataRecord, Role
from search.trial import Trial

COARSE: Mapping[float, float] = {
    1e-5: 0.5264,
    1e-4: 0.5002,
    1e-3: 0.5128,
    1e-2: 0.5401,
    1e-1: 0.3834,
}
FINE: Mapping[float, float] = {
    4e-3: 0.5150,
    8e-3: 0.5413,
    1e-2: 0.5381,
    2e-2: 0.5239,
    4e-2: 0.4135,
    8e-2: 0.3653,
}
"""Validation accuracy after the last of 20 epochs, one run a value."""
GRIDS: Mapping[Role, Mapping[float, float]] = {Role.COARSE: COARSE, Role.FINE: FINE}

SEARCH_EPOCHS = 20
HIDDEN = (50, 50)


@dataclass(frozen=True)
class FinalModel:
    """The reference report's final model."""

    lam: float = 8e-3
    epochs: int = 32
    alpha: float = 0.7
    test_accuracy: float = 0.5308


FINAL = FinalModel()

OTHERS = "the reference's number is of its own network, runs and images, all of CIFAR-10"
"""Why a number is not held against what was trained on other data, or otherwise."""


MATRIX: Mapping[tuple[float, bool], float] = {
    (1e-1, True): 0.5239,
    (1e-1, False): 0.1966,
    (1e-3, True): 0.5234,
    (1e-3, False): 0.1000,
    (1e-4, True): 0.5282,
    (1e-4, False): 0.1000,
}
"""Test accuracy by σ of the initial weights and whether there is batch norm, one run each."""
FLOOR = 0.52
"""The least of them with batch norm, rounded down."""
SMALL = 1e-3
"""The σ up to which networks without batch norm do not learn."""
FIXED_LAM = 5e-3
"""λ where it was not searched."""
LOSS_EPOCHS = 40
LOSS_FIGURES: Mapping[tuple[int, ...], int] = {
    HIDDEN: 1,
    (50, 50, 30, 20, 20, 10, 10, 10, 10): 2,
}
"""The reference report's figures of loss with and without batch norm, by architecture."""


def comparable(
    data: DataRecord,
    trial: Trial,
    *,
    hidden: tuple[int, ...] = HIDDEN,
    batch_norm: bool = True,
    sigma: float | None = None,
) -> bool:
    """Say whether a trial trains what the reference trained: data, network and schedule.

    `sigma` is that of normal initial weights, None for He's. The trial's epochs are compared
    apart, since the final model may end elsewhere on purpose; so is λ, which is searched.
    """
    return (
        data.name == "cifar10"
        and (trial.train_size, trial.validation_size) == (45_000, 5_000)
        and trial.hidden == hidden
        and trial.batch_norm == batch_norm
        and trial.init == ("he" if sigma is None else "normal")
        and trial.sigma == sigma
        and trial.schedule == "triangular"
        and (trial.eta_min, trial.eta_max, trial.cycle_steps) == (1e-5, 1e-1, 4_500)
        and trial.batch_size == 100
    )


def searched(data: DataRecord, trial: Trial) -> bool:
    """Say whether a trial is one of a search like the reference's, whatever its λ."""
    return comparable(data, trial) and trial.epochs == SEARCH_EPOCHS


def matrix_accuracy(data: DataRecord, trial: Trial) -> float | None:
    """Return the reference's test accuracy of a cell of its matrix; None for any other trial."""
    if trial.sigma is None or (trial.lam, trial.epochs) != (FIXED_LAM, SEARCH_EPOCHS):
        return None
    if not comparable(data, trial, batch_norm=trial.batch_norm, sigma=trial.sigma):
        return None
    return MATRIX.get((trial.sigma, trial.batch_norm))


def loss_figure(data: DataRecord, trial: Trial) -> int | None:
    """Return the number of the reference's figure that shows a trial's loss; None for others."""
    same = (trial.lam, trial.epochs) == (FIXED_LAM, LOSS_EPOCHS) and comparable(
        data, trial, hidden=trial.hidden, batch_norm=trial.batch_norm
    )
    return LOSS_FIGURES.get(trial.hidden) if same else None
