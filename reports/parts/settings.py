"""What a study ran, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import TypeVar

import pandas as pd

from reports.parts.text import cell, count, phrases
from search.records import DataRecord, StudyRecord
from search.settings.values import number_text
from search.trial import Trial

Followed = TypeVar("Followed")

VARIED = "varied"
"""What stands in the place of a setting that has no one value."""


def settings_of(record: StudyRecord, kind: type[Followed]) -> Followed:
    """Return the specification that a study's one experiment followed, which is of a kind."""
    settings = record.experiments[0].settings
    assert isinstance(settings, kind)
    return settings


def settings_table(record: StudyRecord, own: Mapping[str, str]) -> pd.DataFrame:
    """Return one row a group of settings; those of `own`, an experiment's, come last."""
    rows = {**settings_rows(record), **own}
    return pd.DataFrame({"": list(rows), "setting": [cell(text) for text in rows.values()]})


def settings_rows(record: StudyRecord, varied: Collection[str] = ()) -> dict[str, str]:
    """Return the settings that all experiments have; those `varied`, by field, have no value."""
    trial = record.trials[0].trial
    return {
        "data": _data(record.data),
        "split": _split(record.data, trial),
        "data fingerprint": record.data.fingerprint,
        "network": f"{_network(trial, varied)}; {_parameters(record.data, trial, varied)}",
        "batch normalisation": _batch_norm(trial, varied),
        "cost": "mean cross-entropy + λ·Σ‖W‖²",
        "optimiser": (
            f"mini-batch gradient descent, batch size {VARIED}"
            if "batch_size" in varied
            else f"mini-batch gradient descent, {trial.batch_size} images a batch"
        ),
        "learning rate": _learning_rate(trial, varied),
    }


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


def _network(trial: Trial, varied: Collection[str]) -> str:
    init = f"N(0, σ²), σ {VARIED}" if "sigma" in varied else weights_text(trial.sigma)
    widths = phrases([str(width) for width in trial.hidden])
    layers = (
        f"hidden layers {VARIED}"
        if "hidden" in varied
        else f"{count(len(trial.hidden), 'hidden layer')} of {widths} units"
    )
    return f"{layers}, ReLU, softmax; initial weights {init}"


def weights_text(sigma: float | None) -> str:
    """Return how weights start: as He's, or normal with a standard deviation."""
    return "He" if sigma is None else f"N(0, σ²) with σ = {number_text(sigma)}"


def _parameters(data: DataRecord, trial: Trial, varied: Collection[str]) -> str:
    if {"hidden", "batch_norm"} & set(varied):
        return "as many parameters as that gives"
    return count(parameters(data, trial), "parameter")


def parameters(data: DataRecord, trial: Trial) -> int:
    """Return how many numbers a trial's network is trained by: W, b, and γ and β.

    With batch normalisation the hidden layers' b have no effect, and γ and β are in their place.
    """
    widths = (data.inputs, *trial.hidden, len(data.classes))
    shifts = sum(trial.hidden) * (2 if trial.batch_norm else 1) + len(data.classes)
    return sum(d * m for d, m in pairwise(widths)) + shifts


def _batch_norm(trial: Trial, varied: Collection[str]) -> str:
    averages = f"moving averages with α {_equals('alpha', trial.alpha, varied)}"
    if "batch_norm" in varied:
        return f"{VARIED}: on, {averages}, and off"
    return f"on; {averages}" if trial.batch_norm else "off"


def _equals(name: str, value: float, varied: Collection[str]) -> str:
    return VARIED if name in varied else f"= {number_text(value)}"


def _learning_rate(trial: Trial, varied: Collection[str]) -> str:
    if trial.schedule == "constant" and "schedule" not in varied:
        return f"constant, η {_equals('eta_max', trial.eta_max, varied)}"
    low, high = (
        f"η_{end} ({VARIED})" if f"eta_{end}" in varied else number_text(value)
        for end, value in (("min", trial.eta_min), ("max", trial.eta_max))
    )
    schedule = f"schedule {VARIED}" if "schedule" in varied else trial.schedule
    return f"{schedule}, η from {low} to {high}; {_cycle(trial, varied)}"


def _cycle(trial: Trial, varied: Collection[str]) -> str:
    if "cycle" in varied:
        return f"the cycle's epochs {VARIED}"
    epochs = trial.cycle_steps / (trial.train_size // trial.batch_size)
    length = f"{epochs:.4g} epoch{'' if epochs == 1 else 's'}"
    if "batch_size" in varied:
        return f"a cycle is {length}"
    return f"a cycle is {trial.cycle_steps:,} steps ({length})"
