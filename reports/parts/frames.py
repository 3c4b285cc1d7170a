"""Records as data frames: one row a trial, an epoch, or a layer.

Columns follow Optuna's habits (`number, state, value, params_…, duration`). What differs from
run to run, times and hosts, stands in the last columns.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pandas as pd

from search.records import StudyRecord, TrialRecord

_WHOLE = {
    *("number", "params_epochs", "params_batch_size", "replicate", "seed", "epochs", "attempts"),
    *("epoch", "step", "layer"),
}
_WORDS = {
    *("state", "params_hidden", "params_batch_norm", "params_schedule"),
    *("experiment", "stage", "trial_id", "host"),
}
_NAMED = ("number", "trial_id", "experiment", "stage")
"""What begins the rows of a trial's epochs and layers."""
_EPOCH = (
    *("epoch", "step", "eta", "train_cost", "train_loss", "train_accuracy"),
    *("validation_cost", "validation_loss", "validation_accuracy", "seconds"),
)


def trials_frame(record: StudyRecord) -> pd.DataFrame:
    """Return one row a trial, in plan order.

    `value` is the validation accuracy; a trial without a result has missing values there.
    There is a `params_` column for everything that can be varied; `params_cycle` is in epochs, and
    `params_sigma` is missing where weights start as He's. `duration` is the training task's time
    in seconds.
    """
    return _typed(pd.DataFrame([_trial_row(trial) for trial in record.trials]))


def _trial_row(record: TrialRecord) -> dict[str, Any]:
    trial, result = record.trial, record.result
    validation = record.figures("validation")
    return {
        "number": record.number,
        "state": record.state.value,
        "value": validation.accuracy if validation else None,
        "params_lam": trial.lam,
        "params_epochs": trial.epochs,
        "params_alpha": trial.alpha,
        "params_hidden": "-".join(map(str, trial.hidden)),
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
        **{
            f"{part}_{name}": getattr(record.figures(part), name, None)
            for part in ("train", "validation", "test")
            for name in ("accuracy", "loss", "cost")
        },
        "attempts": len(record.attempts),
        "duration": result.seconds if result else None,
        "host": result.environment.host if result else None,
    }


def history_frame(record: StudyRecord) -> pd.DataFrame:
    """Return one row a trial and epoch, in plan order; `seconds` is the epoch's wall time."""
    measured = attrgetter(*_EPOCH)
    rows = [
        (*_named(trial), trial.trial.lam, trial.trial.replicate, *measured(epoch))
        for trial in record.trials
        for epoch in trial.history
    ]
    return _typed(pd.DataFrame(rows, columns=[*_NAMED, "params_lam", "replicate", *_EPOCH]))


def layers_frame(record: StudyRecord) -> pd.DataFrame:
    """Return one row a trial, epoch and hidden layer, in plan order; layer 1 is next to the inputs.

    Scales are those of `EpochRecord`; epochs recorded without them have no rows.
    """
    rows = [
        (*_named(trial), epoch.epoch, layer, *scales)
        for trial in record.trials
        for epoch in trial.history
        for layer, scales in enumerate(
            zip(epoch.activation_std, epoch.gradient_std, strict=True), start=1
        )
    ]
    columns = [*_NAMED, "epoch", "layer", "activation_std", "gradient_std"]
    return _typed(pd.DataFrame(rows, columns=columns))


def _named(trial: TrialRecord) -> tuple[int, str, str, str]:
    return trial.number, trial.trial.id, trial.experiment, trial.stage


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose numbers are numbers, in columns without any value too."""
    return frame.astype(
        {name: "int64" for name in frame if name in _WHOLE}
        | {name: "float64" for name in frame if name not in _WHOLE | _WORDS}
    )
