"""An Optuna study in a SQLite file: for `optuna.load_study`, its plots and its dashboard."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kbn.errors import InputError
from search.export.contents import Contents, library
from search.records import State, StudyRecord, TrialRecord
from search.space.axis import AXES, Axis, Scale

DEFAULT = "optuna.db"


def to_optuna(record: StudyRecord, path: Path) -> None:
    """Add a study to an Optuna storage: its trials under their numbers, a value an epoch.

    What diverged or failed is FAIL there, as Optuna has it for trials without a value; what waits
    is WAITING, and is what `study.ask()` would hand out next. The direction is to maximise
    validation accuracy. A range on a log scale holds no λ = 0: a trial of that has no such
    parameter, and λ among its user attributes.
    """
    optuna = library("optuna", "optuna")
    library("sqlalchemy", "optuna")
    said = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage, contents = f"sqlite:///{path}", Contents(record)
    try:
        study = optuna.create_study(storage=storage, study_name=record.name, direction="maximize")
        for name, value in contents.about().items():
            study.set_user_attr(name, value)
        study.add_trials(_trials(optuna, contents))
    except optuna.exceptions.DuplicatedStudyError as error:
        raise InputError(
            f"{path} holds a study {record.name} already; name another file with --into"
        ) from error
    except BaseException:
        optuna.delete_study(storage=storage, study_name=record.name)
        raise
    finally:
        optuna.logging.set_verbosity(said)


def _trials(optuna: Any, contents: Contents) -> list[Any]:
    ranges = {
        axis.name: _distribution(optuna, contents, axis)
        for axis in contents.axes
        if axis.placed(contents.known(axis))
    }
    return [_trial(optuna, contents, ranges, each) for each in contents.record.trials]


def _distribution(optuna: Any, contents: Contents, axis: Axis) -> Any:
    """Return the range of an axis as Optuna has it; one that is not ordered is a choice."""
    kinds = optuna.distributions
    if not axis.ordered:
        return kinds.CategoricalDistribution(contents.known(axis))
    low, high = contents.range(axis)
    log = axis.scale is Scale.LOG
    if axis.whole:
        return kinds.IntDistribution(int(low), int(high), log=log)
    return kinds.FloatDistribution(low, high, log=log)


def _trial(optuna: Any, contents: Contents, ranges: dict[str, Any], each: TrialRecord) -> Any:
    states, held = optuna.trial.TrialState, contents.params(each)
    apart = {name: value for name, value in held.items() if value == AXES[name].baseline}
    params = {name: value for name, value in held.items() if name not in apart}
    waits = each.state in (State.WAITING, State.RUNNING)
    done = each.state is State.COMPLETED and each.result and each.result.validation
    trial = optuna.trial.create_trial(
        state=states.WAITING if waits else states.COMPLETE if done else states.FAIL,
        value=done.accuracy if done else None,
        params={} if waits else params,
        distributions={} if waits else {name: ranges[name] for name in params},
        user_attrs=contents.attributes(each) | apart,
        system_attrs={"fixed_params": params} if waits else None,
        intermediate_values={epoch.epoch: epoch.validation_accuracy for epoch in each.history},
    )
    if each.attempts and not waits:
        seconds = each.result.seconds if each.result else 0.0
        # Optuna keeps times of this machine's zone, without naming it.
        trial.datetime_start = datetime.fromtimestamp(each.attempts[-1].started)  # noqa: DTZ006
        trial.datetime_complete = trial.datetime_start + timedelta(seconds=seconds)
    return trial
