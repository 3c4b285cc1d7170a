"""All of a study: what its page and whoever asks for it by name are shown."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kbn.errors import InputError
from kbn.paths import kind_of
from search.records import StudyRecord
from search.service.folders import Folders
from search.service.requests import Request
from search.service.summary import StudyState, Summary
from search.store.folder import LOG, STORE
from search.study.kept import kept, specification
from search.study.study import Study

LOG_BYTES = 2**16
"""Of the end of a log that is shown."""


@dataclass(frozen=True)
class StageRow:
    """A stage that a study came to."""

    experiment: str
    name: str
    role: str
    reason: str
    trials: int
    ended: int
    """Trials that have a result."""


@dataclass(frozen=True)
class Details:
    """A study, with all that is known of it."""

    summary: Summary
    command: str
    """The shell command that goes on with it by hand, in the folder above the studies'."""
    specification: Mapping[str, Any]
    request: Request | None
    """What was asked for; None of a study that was run by hand."""
    report: Mapping[str, Any] | None
    """What its `report.json` holds."""
    running: Sequence[Mapping[str, Any]]
    """Trials under way: see `search.running.progress`."""
    stages: tuple[StageRow, ...]
    trials: Sequence[Mapping[str, Any]]
    """A row a trial, with the columns of `trials.csv`."""
    problem: str = ""
    """Why there are no stages and trials, where they cannot be read."""


def details(folders: Folders, name: str) -> Details:
    """Return all of a study. Raises `UnknownStudyError` where there is none.

    What cannot be read of a damaged one is missing, and `problem` says why.
    """
    row = folders.summary(name)
    files = folders.files(name)
    stages, trials, problem = files.of_store("stages and trials", _stored, soon=row.state.runs)
    if problem and not row.state.runs:
        folders.note_damage(name, problem)
        row = folders.summary(name)
    held: Mapping[str, Any] = {}
    command, report, running = "", None, ()
    if row.state is not StudyState.DAMAGED:
        held = files.specification()
        command = command_of(files.folder)
        report = files.report()
        running = files.progress().get("running", ()) if row.state.runs else ()
    return Details(
        summary=row,
        command=command,
        specification=held,
        request=None if row.state is StudyState.DAMAGED else files.request(),
        report=report,
        running=running,
        stages=stages,
        trials=trials,
        problem=problem,
    )


def command_of(folder: Path) -> str:
    """Return the command that goes on with a study by hand; "" of one that cannot be read."""
    try:
        spec, data = specification(folder)
    except InputError:
        return ""
    words = spec.command()
    if folder.name != spec.study_name(data.name):
        words += f" --name {shlex.quote(folder.name)}"
    return (
        words
        if folder.parent == Path("runs")
        else f"{words} --out {shlex.quote(str(folder.parent))}"
    )


def log_end(folder: Path) -> str:
    """Return the end of what a study's driver has printed; "" where there is none."""
    path = folder / LOG
    if kind_of(path) is None:
        return ""
    with path.open("rb") as log:
        size = log.seek(0, 2)
        log.seek(max(0, size - LOG_BYTES))
        return log.read().decode("utf-8", "replace")


Stored = tuple[tuple[StageRow, ...], Sequence[Mapping[str, Any]], str]
"""A study's stages and trials, and why they cannot be read."""


def _stored(folder: Path) -> Stored:
    """Return what a study's store holds: its plan is replayed for that, which takes a while."""
    if kind_of(folder / STORE) is None:
        return (), (), ""
    try:
        record = kept(folder)
    except InputError as error:
        return (), (), str(error)
    return _stages(record), _trials(record), ""


def _stages(record: StudyRecord) -> tuple[StageRow, ...]:
    done = {each.trial.id for each in record.trials if each.result is not None}
    return tuple(
        StageRow(
            part.kind,
            stage.name,
            stage.role.value,
            stage.reason,
            len(stage.trial_ids),
            sum(trial in done for trial in stage.trial_ids),
        )
        for part in record.experiments
        for stage in part.stages
    )


def _trials(record: StudyRecord) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(Study(record).trials().to_json(orient="records"))
    return rows
