"""Runs in an MLflow store, a SQLite file: the study as a parent run, its trials nested in it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kbn.errors import InputError
from search.export.contents import METRICS, Contents, library
from search.records import State, StudyRecord, TrialRecord

DEFAULT = "mlflow.db"
FILES = ("report.html", "report.json", "model.npz")
"""What is kept with the parent run, where the study has it."""
STATES = {
    State.COMPLETED: "FINISHED",
    State.DIVERGED: "FAILED",
    State.FAILED: "FAILED",
    State.RUNNING: "SCHEDULED",
    State.WAITING: "SCHEDULED",
}


def to_mlflow(record: StudyRecord, path: Path) -> None:
    """Add a study to an MLflow store as an experiment of its name; its files lie beside the store.

    The parent run has the final model's figures; a trial's metrics have a value an epoch.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing is told to any host
    client_of = library("mlflow.tracking", "mlflow").MlflowClient
    library("sqlalchemy", "mlflow")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    contents = Contents(record)
    client = client_of(tracking_uri=f"sqlite:///{path.absolute()}")
    if client.get_experiment_by_name(record.name) is not None:
        raise InputError(
            f"{path} holds an experiment {record.name} already; name another file with --into"
        )
    files = path.absolute().with_name(f"{path.stem}-files") / record.name
    experiment = client.create_experiment(record.name, artifact_location=files.as_uri())
    parent = client.create_run(
        experiment, run_name=record.name, tags=_texts(contents.about()), start_time=_started(record)
    ).info.run_id
    state = "FAILED"
    try:
        for each in record.trials:
            _trial(client, experiment, parent, contents, each)
        if final := record.final:
            client.log_batch(
                parent,
                metrics=list(_last(contents, final)),
                params=_params(contents.params(final)),
            )
        for name in FILES:
            if (record.folder / name).is_file():
                client.log_artifact(parent, str(record.folder / name))
        state = "FINISHED" if record.finished else "RUNNING"
    finally:
        client.set_terminated(parent, status=state)


def _trial(
    client: Any, experiment: str, parent: str, contents: Contents, each: TrialRecord
) -> None:
    known = contents.attributes(each)
    settings = {name: value for name, value in known.items() if name not in contents.figures(each)}
    start = round(1000 * each.attempts[-1].started) if each.attempts else 0
    run = client.create_run(
        experiment,
        start_time=start,
        run_name=f"{each.number} {each.stage} {each.label}",
        tags={"mlflow.parentRunId": parent, **_texts(settings)},
    ).info.run_id
    metrics = [*_epochs(each, start), *_last(contents, each)]
    for first in range(0, len(metrics), 1000):  # MLflow takes no more at a time
        client.log_batch(run, metrics=metrics[first : first + 1000])
    client.log_batch(run, params=_params(contents.params(each)))
    seconds = each.result.seconds if each.result else 0.0
    end = start + round(1000 * seconds)
    client.set_terminated(run, status=STATES[each.state], end_time=end)


def _started(record: StudyRecord) -> int:
    return round(1000 * record.sessions[0].started) if record.sessions else 0


def _epochs(each: TrialRecord, start: int) -> Iterator[Any]:
    metric = library("mlflow.entities", "mlflow").Metric
    for epoch in each.history:
        for name in METRICS:
            yield metric(name, getattr(epoch, name), start, epoch.epoch)


def _last(contents: Contents, each: TrialRecord) -> Iterator[Any]:
    """Yield what a trial has beyond its epochs: the figures of the test set."""
    metric = library("mlflow.entities", "mlflow").Metric
    for name, value in contents.figures(each).items():
        if name not in METRICS or not each.history:
            yield metric(name, value, 0, each.trial.epochs)


def _params(values: dict[str, Any]) -> list[Any]:
    param = library("mlflow.entities", "mlflow").Param
    return [param(name, str(value)) for name, value in values.items()]


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
