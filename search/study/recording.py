"""From a store to what reports read: the plan replayed over what is known."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from kbn.data.load import NAMES, TABLES
from search.plan import Progress, Stage, replay
from search.records import (
    DataRecord,
    ExperimentRecord,
    Outcome,
    StageRecord,
    State,
    StudyRecord,
    TrialRecord,
)
from search.settings.cycle_end import mid_cycle_warnings
from search.settings.spec import Experiment, StudySpec
from search.store.folder import STORE
from search.store.store import Store
from search.training.problem import plan_of
from search.training.versions import project_version
from search.trial import Trial


def build_record(
    spec: StudySpec,
    data: DataRecord,
    store: Store,
    *,
    name: str,
    folder: Path,
    open_trials: Mapping[str, State] = MappingProxyType({}),
) -> StudyRecord:
    """Return a study as it stands in its store.

    `open_trials` are those that a driver is at: each is in the state that is given, by id,
    whatever came of its earlier attempts.
    """
    known = _Known(store, open_trials)
    first = store.first_trial()
    parts = [
        (part, replay(plan_of(part, data, first), known.outcome)) for part in spec.experiments()
    ]
    return StudyRecord(
        kind=spec.kind,
        name=name,
        folder=folder,
        command=_command(spec, data, name),
        scale=spec.scale,
        data=data,
        experiments=tuple(_experiment(part, progress, known) for part, progress in parts),
        trials=tuple(known.records((part.kind, progress.stages) for part, progress in parts)),
        sessions=store.sessions(),
        version=project_version(),
    )


def _command(spec: StudySpec, data: DataRecord, name: str) -> str:
    """Return the command that repeats a study.

    `auto` may find another data set elsewhere, so the command names the one it found; data that
    were given in Python have no name, and are taken from a file of arrays.
    """
    kind = data.name.partition(":")[0]
    named = data.name if kind in NAMES else f"npz:{data.name}.npz"
    target = spec.target if kind in TABLES else None
    command = replace(spec, data=named, target=target).command()
    return command if name == spec.study_name(named) else f"{command} --name {shlex.quote(name)}"


def kept_record(spec: StudySpec, data: DataRecord, *, name: str, folder: Path) -> StudyRecord:
    """Return a study as it stands in its folder, which stays as it is."""
    with Store(folder / STORE, read_only=True) as store:
        return build_record(spec, data, store, name=name, folder=folder)


def _experiment(spec: Experiment, progress: Progress, known: _Known) -> ExperimentRecord:
    chosen = progress.choice.trial if progress.choice else None
    trials = {trial for stage in progress.stages for trial in stage.trials}
    return ExperimentRecord(
        kind=spec.kind,
        settings=spec,
        stages=tuple(
            StageRecord(
                stage.name, tuple(trial.id for trial in stage.trials), stage.reason, stage.role
            )
            for stage in progress.stages
        ),
        chosen=chosen.id if chosen else None,
        warnings=_warnings(progress),
        finished=progress.choice is not None and not any(map(known.failed, trials)),
    )


class _Known:
    """What a store holds, each trial read once."""

    def __init__(self, store: Store, open_trials: Mapping[str, State]) -> None:
        self._store = store
        self._open = open_trials
        self._outcomes: dict[str, Outcome | None] = {}

    def outcome(self, trial: Trial) -> Outcome | None:
        """Return a trial's outcome; one whose last attempt failed counts as without a result."""
        if trial.id not in self._outcomes:
            self._outcomes[trial.id] = self._read(trial)
        return self._outcomes[trial.id]

    def _read(self, trial: Trial) -> Outcome | None:
        result = self._store.result(trial.id)
        if result is not None:
            return Outcome(trial, result)
        if trial.id in self._open:
            return None
        attempts = self._store.attempts(trial.id)
        failed = bool(attempts) and attempts[-1].failure is not None
        return Outcome(trial, None) if failed else None

    def failed(self, trial: Trial) -> bool:
        """Say whether a trial's last attempt failed."""
        outcome = self.outcome(trial)
        return outcome is not None and outcome.result is None

    def records(self, parts: Iterable[tuple[str, Sequence[Stage]]]) -> Iterable[TrialRecord]:
        """Yield each trial once, under the first experiment and stage that ask for it."""
        asked: dict[Trial, tuple[str, Stage]] = {}
        for experiment, stages in parts:
            for stage in stages:
                for trial in stage.trials:
                    asked.setdefault(trial, (experiment, stage))
        for number, (trial, (experiment, stage)) in enumerate(asked.items()):
            outcome = self.outcome(trial)
            result = outcome.result if outcome else None
            if result is not None:
                state = result.state
            else:
                state = State.FAILED if outcome else self._open.get(trial.id, State.WAITING)
            yield TrialRecord(
                number=number,
                experiment=experiment,
                stage=stage.name,
                label=stage.label(trial),
                trial=trial,
                state=state,
                result=result,
                history=self._store.history(trial.id),
                attempts=self._store.attempts(trial.id),
            )


def _warnings(progress: Progress) -> tuple[str, ...]:
    """Return each decision's warnings, and those of runs that end in mid-cycle."""
    decisions = [warning for stage in progress.stages for warning in stage.warnings]
    trials = (trial for stage in progress.stages for trial in stage.trials)
    return tuple(dict.fromkeys([*decisions, *mid_cycle_warnings(trials)]))
