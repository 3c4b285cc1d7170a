"""Records as data frames: one row a trial, an epoch, or a layer.

Columns follow Optuna's habits (`number, state, value, params_…, duration`). What differs from
run to run, times and hosts, stands in the last columns.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from search.records import Figures, StudyRecord, TrialRecord

TRIAL_TIMES = ("attempts", "duration", "host")
"""Columns of `trials_frame` that an equal study may fill otherwise."""
HISTORY_TIMES = ("seconds",)
"""The same of `history_frame`."""

_FIGURES = ("accuracy", "loss", "cost")


def trials_frame(record: StudyRecord) -> pd.DataFrame:
    """Return one row a trial, in plan order.

    `value` is the validation accuracy; a trial without a result has missing values there.
    There is a `params_` column for everything that can be varied; `params_cycle` is in epochs, and
    `params_sigma` is missing where weights start as He's. `duration` is the training task's time
    in seconds.
    """
    rows = [_trial_row(trial) for trial in record.trials]
    return _typed(pd.DataFrame.from_records(rows, columns=_TRIAL))


def _trial_row(record: TrialRecord) -> dict[str, Any]:
    trial, result = record.trial, record.result
    row: dict[str, Any] = {
        "number": record.number,
        "state": record.state.value,
        "value": result.validation.accuracy if result and result.validation else None,
        "params_lam": trial.lam,
        "params_epochs": trial.epochs,
        "params_alpha": trial.alpha,
        "params_hidden": "-".join(str(width) for width in trial.hidden),
        "params_batch_norm": trial.batch_norm,
        "params_sigma": trial.sigma,
        "params_eta_min": trial.eta_min,
        "params_eta_max": trial.eta_max,
        "params_cycle": trial.cycle_steps / (trial.train_size // trial.batch_size),
        "params_batch_size": trial.batch_size,
        "params_schedule": trial.schedule,
        "experiment": record.experiment,
        "stage": record.stage,
        "replicate": trial.replicate,
        "seed": trial.seed,
        "trial_id": trial.id,
        "epochs": result.epochs if result else 0,
        "attempts": len(record.attempts),
        "duration": result.seconds if result else None,
        "host": result.environment.host if result else None,
    }
    for part in ("train", "validation", "test"):
        figures: Figures | None = getattr(result, part) if result else None
        for name in _FIGURES:
            row[f"{part}_{name}"] = getattr(figures, name) if figures else None
    return row


_TRIAL = (
    "number",
    "state",
    "value",
    "params_lam",
    "params_epochs",
    "params_alpha",
    "params_hidden",
    "params_batch_norm",
    "params_sigma",
    "params_eta_min",
    "params_eta_max",
    "params_cycle",
    "params_batch_size",
    "params_schedule",
    "experiment",
    "stage",
    "replicate",
    "seed",
    "trial_id",
    "epochs",
    *(f"{part}_{name}" for part in ("train", "validation", "test") for name in _FIGURES),
    *TRIAL_TIMES,
)

_WHOLE = {
    *("number", "params_epochs", "params_batch_size", "replicate", "seed", "epochs", "attempts"),
    *("epoch", "step", "layer"),
}
_WORDS = {
    *("state", "params_hidden", "params_batch_norm", "params_schedule"),
    *("experiment", "stage", "trial_id", "host"),
}

_EPOCH = (
    "epoch",
    "step",
    "eta",
    "train_cost",
    "train_loss",
    "train_accuracy",
    "validation_cost",
    "validation_loss",
    "validation_accuracy",
    "seconds",
)

_SCALES = ("activation_std", "gradient_std")


def history_frame(record: StudyRecord) -> pd.DataFrame:
    """Return one row a trial and epoch, in plan order; `seconds` is the epoch's wall time."""
    rows = [
        {
            "number": trial.number,
            "trial_id": trial.trial.id,
            "experiment": trial.experiment,
            "stage": trial.stage,
            "params_lam": trial.trial.lam,
            "replicate": trial.trial.replicate,
            **{name: getattr(epoch, name) for name in _EPOCH},
        }
        for trial in record.trials
        for epoch in trial.history
    ]
    columns = ("number", "trial_id", "experiment", "stage", "params_lam", "replicate", *_EPOCH)
    return _typed(pd.DataFrame.from_records(rows, columns=columns))


def layers_frame(record: StudyRecord) -> pd.DataFrame:
    """Return one row a trial, epoch and hidden layer, in plan order; layer 1 is next to the inputs.

    Scales are those of `EpochRecord`; epochs recorded without them have no rows.
    """
    rows = [
        {
            "number": trial.number,
            "trial_id": trial.trial.id,
            "experiment": trial.experiment,
            "stage": trial.stage,
            "epoch": epoch.epoch,
            "layer": layer,
            "activation_std": activation,
            "gradient_std": gradient,
        }
        for trial in record.trials
        for epoch in trial.history
        for layer, (activation, gradient) in enumerate(
            zip(epoch.activation_std, epoch.gradient_std, strict=True), start=1
        )
    ]
    columns = ("number", "trial_id", "experiment", "stage", "epoch", "layer", *_SCALES)
    return _typed(pd.DataFrame.from_records(rows, columns=columns))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose numbers are numbers, in columns without any value too."""
    return frame.astype(
        {name: "int64" for name in frame if name in _WHOLE}
        | {name: "float64" for name in frame if name not in _WHOLE | _WORDS}
    )
