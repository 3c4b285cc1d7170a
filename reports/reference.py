"""The reference report's numbers for the λ search on CIFAR-10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from search.records import DataRecord
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
STAGES: Mapping[str, Mapping[float, float]] = {"coarse": COARSE, "fine": FINE}

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


def comparable(data: DataRecord, trial: Trial) -> bool:
    """Say whether a trial trains what the reference trained: data, network and schedule.

    Its epochs are compared apart, since the final model may end elsewhere on purpose.
    """
    return (
        data.name == "cifar10"
        and (trial.train_size, trial.validation_size) == (45_000, 5_000)
        and trial.hidden == HIDDEN
        and trial.batch_norm
        and trial.init == "he"
        and trial.schedule == "triangular"
        and (trial.eta_min, trial.eta_max, trial.cycle_steps) == (1e-5, 1e-1, 4_500)
        and trial.batch_size == 100
    )
