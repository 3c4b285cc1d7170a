"""A folder for TensorBoard: a run a trial, with its curves, and a row in the table of settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kbn.errors import InputError
from kbn.paths import kind_of
from search.export.contents import METRICS, Contents, library
from search.records import StudyRecord, TrialRecord

DEFAULT = "tensorboard"
SCALARS = ("eta", *METRICS)
_UNSAFE = re.compile(r"[^\w.=-]+")


def to_tensorboard(record: StudyRecord, path: Path) -> None:
    """Write TensorBoard's event files into a new folder, one run a trial.

    Scalars are of each epoch; the tab HPARAMS shows what was varied beside the last figures.
    """
    if kind_of(path) is not None:
        raise InputError(f"{path} exists; name a new folder with --into")
    writer_of = library("tensorboard.summary.writer.event_file_writer", "tensorboard")
    contents = Contents(record)
    for each in record.trials:
        label = _UNSAFE.sub("-", each.label)
        writer = writer_of.EventFileWriter(str(path / f"{each.number:03d}-{each.stage}-{label}"))
        for event in _events(contents, each):
            writer.add_event(event)
        writer.close()


def _events(contents: Contents, each: TrialRecord) -> Iterator[Any]:
    protos = "tensorboard.compat.proto"
    event = library(f"{protos}.event_pb2", "tensorboard").Event
    summary = library(f"{protos}.summary_pb2", "tensorboard").Summary
    settings = library("tensorboard.plugins.hparams.summary_v2", "tensorboard").hparams_pb
    time = each.attempts[-1].started if each.attempts else 0.0
    made = settings(contents.params(each), trial_id=each.trial.id, start_time_secs=time)
    yield event(wall_time=time, summary=summary.FromString(made.SerializeToString()))
    for epoch in each.history:
        time += epoch.seconds
        values = [summary.Value(tag=name, simple_value=getattr(epoch, name)) for name in SCALARS]
        yield event(wall_time=time, step=epoch.epoch, summary=summary(value=values))
    last = [
        summary.Value(tag=f"last/{name}", simple_value=value)
        for name, value in contents.figures(each).items()
    ]
    if last:
        yield event(wall_time=time, step=each.trial.epochs, summary=summary(value=last))
