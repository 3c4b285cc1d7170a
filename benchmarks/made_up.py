"""Made-up trials, records and results, for benchmarks of the machinery and for tests of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kbn.epoch import EpochRecord
from search.records import Environment, Figures, Result, State
from search.trial import Trial

BASE = Trial(
    data="made-up",
    fingerprint="0123456789abcdef",
    train_size=900,
    validation_size=100,
    stratified=False,
    hidden=(5,),
    batch_norm=True,
    alpha=0.9,
    init="he",
    sigma=None,
    schedule="triangular",
    eta_min=1e-5,
    eta_max=1e-1,
    cycle_steps=18,
    batch_size=100,
    epochs=4,
    lam=0.0,
    seed=0,
)

HERE = Environment(
    host="here", cpu="a CPU", python="3.11", numpy="2.0", blas="a BLAS", blas_threads=1, ray=None
)


def trial(lam: float = 1e-2, **changes: Any) -> Trial:
    """Return a trial that differs from the base as asked."""
    return replace(BASE, lam=lam, **changes)


def result(of: Trial, accuracy: float, *, state: State = State.COMPLETED) -> Result:
    """Return a made-up result; equal trials and accuracies give equal results."""
    figures = Figures(cost=1.5, loss=1.4, accuracy=accuracy, n=of.validation_size)
    return Result(
        trial_id=of.id,
        state=state,
        epochs=of.epochs,
        train=figures,
        validation=figures,
        test=figures if of.with_test else None,
        seconds=1.0,
        environment=HERE,
        arrays={"validation_correct": labelled_right(accuracy, of.validation_size)},
    )


def labelled_right(accuracy: float, n: int) -> np.ndarray:
    """Return packed bits of which images a run labels right: the first ones, as many as it says.

    A run of lower accuracy is right on a part of the images of one of higher accuracy, so even
    small differences between two runs are certain.
    """
    return np.packbits(np.arange(n) < round(accuracy * n))


def epoch(number: int, accuracy: float = 0.5) -> EpochRecord:
    """Return a made-up epoch record."""
    return EpochRecord(
        epoch=number,
        step=9 * number,
        eta=1e-3,
        train_cost=1.5,
        train_loss=1.4,
        train_accuracy=accuracy,
        validation_cost=1.5,
        validation_loss=1.4,
        validation_accuracy=accuracy,
        seconds=0.5,
        activation_std=(0.6, 0.1 + 0.2),
        gradient_std=(1e-3, 0.0),
    )
