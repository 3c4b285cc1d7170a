"""What a study ran, in words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pandas as pd

from reports.parts.text import cell, count, phrases
from search.records import DataRecord, StudyRecord
from search.settings.values import number_text
from search.trial import Trial


def settings_table(record: StudyRecord, own: Mapping[str, str]) -> pd.DataFrame:
    """Return one row a group of settings; those of `own`, an experiment's, come last."""
    trial = record.trials[0].trial
    rows = {
        "data": _data(record.data),
        "split": _split(record.data, trial),
        "data fingerprint": record.data.fingerprint,
        "network": f"{_network(trial)}; {count(parameters(record.data, trial), 'parameter')}",
        "batch normalisation": _batch_norm(trial),
        "cost": "mean cross-entropy + λ·Σ‖W‖²",
        "optimiser": f"mini-batch gradient descent, {trial.batch_size} images a batch",
        "learning rate": _learning_rate(trial),
        **own,
    }
    return pd.DataFrame({"": list(rows), "setting": [cell(text) for text in rows.values()]})


def _data(data: DataRecord) -> str:
    return (
        f"{data.title}, {data.inputs:,} inputs, {len(data.classes)} classes; each input "
        "standardised with the training images' mean and standard deviation"
    )


def _split(data: DataRecord, trial: Trial) -> str:
    how = "stratified" if data.stratified else "random"
    return (
        f"{data.train_size:,} training, {data.validation_size:,} validation, "
        f"{data.test_size:,} test images; {how}, seed {trial.seed}"
    )


def _network(trial: Trial) -> str:
    init = "He" if trial.sigma is None else f"N(0, σ²) with σ = {number_text(trial.sigma)}"
    widths = phrases([str(width) for width in trial.hidden])
    return (
        f"{count(len(trial.hidden), 'hidden layer')} of {widths} units, ReLU, "
        f"softmax; initial weights {init}"
    )


def parameters(data: DataRecord, trial: Trial) -> int:
    """Return how many numbers a trial's network is trained by: W, b, and γ and β.

    With batch normalisation the hidden layers' b have no effect, and γ and β are in their place.
    """
    widths = (data.inputs, *trial.hidden, len(data.classes))
    shifts = sum(trial.hidden) * (2 if trial.batch_norm else 1) + len(data.classes)
    return sum(d * m for d, m in pairwise(widths)) + shifts


def _batch_norm(trial: Trial) -> str:
    if not trial.batch_norm:
        return "off"
    return f"on; moving averages with α = {number_text(trial.alpha)}"


def _learning_rate(trial: Trial) -> str:
    if trial.schedule == "constant":
        return f"constant, η = {number_text(trial.eta_max)}"
    epochs = trial.cycle_steps / (trial.train_size // trial.batch_size)
    return (
        f"{trial.schedule}, η from {number_text(trial.eta_min)} to {number_text(trial.eta_max)}; "
        f"a cycle is {trial.cycle_steps:,} steps ({epochs:.4g} epoch{'' if epochs == 1 else 's'})"
    )
