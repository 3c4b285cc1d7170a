"""From a store to what reports read: the plan replayed over what is known."""

from __future__ import annotations

import importlib.metadata
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from kbn.network import Model, Network, save
from search.cycle_end import mid_cycle_warning
from search.narrow import Outcome
from search.plan import Progress, Stage, replay
from search.problem import Problem
from search.records import StageRecord, State, StudyRecord, TrialRecord
from search.spec import StudySpec
from search.store import Store
from search.trainer import NETWORK_PREFIX
from search.trial import Trial


def build_record(
    spec: StudySpec, problem: Problem, store: Store, *, name: str, folder: Path
) -> StudyRecord:
    """Return a study as it stands in its store."""
    known = _Known(store)
    progress = replay(spec.plan(problem.base), known.outcome)
    records = tuple(known.records(progress.stages))
    chosen = progress.choice.trial if progress.choice else None
    return StudyRecord(
        kind=spec.kind,
        name=name,
        folder=folder,
        # `auto` may find another data set elsewhere, so the command names the one it found.
        command=replace(spec, data=problem.record.name).command()
        + ("" if name == spec.study_name(problem.record.name) else f" --name {shlex.quote(name)}"),
        spec=spec.plain(),
        data=problem.record,
        stages=tuple(
            StageRecord(stage.name, tuple(trial.id for trial in stage.trials), stage.reason)
            for stage in progress.stages
        ),
        trials=records,
        chosen=chosen.id if chosen else None,
        warnings=_warnings(progress),
        sessions=store.sessions(),
        finished=progress.choice is not None
        and all(record.state is not State.FAILED for record in records),
        version=importlib.metadata.version("kbn-search"),
    )


class _Known:
    """What a store holds, each trial read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
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
        attempts = self._store.attempts(trial.id)
        failed = bool(attempts) and attempts[-1].failure is not None
        return Outcome(trial, None) if failed else None

    def records(self, stages: Iterable[Stage]) -> Iterable[TrialRecord]:
        """Yield each trial once, under the first stage that asks for it."""
        first_asked = {
            trial: stage.name for stage in reversed(list(stages)) for trial in stage.trials
        }
        ordered = dict.fromkeys(trial for stage in stages for trial in stage.trials)
        for number, trial in enumerate(ordered):
            outcome = self.outcome(trial)
            result = outcome.result if outcome else None
            if result is not None:
                state = result.state
            else:
                state = State.FAILED if outcome else State.WAITING
            yield TrialRecord(
                number=number,
                stage=first_asked[trial],
                trial=trial,
                state=state,
                result=result,
                history=self._store.history(trial.id),
                attempts=self._store.attempts(trial.id),
            )


def _warnings(progress: Progress) -> tuple[str, ...]:
    """Return each decision's warnings, and one for each length of run that ends in mid-cycle."""
    decisions = dict.fromkeys(warning for stage in progress.stages for warning in stage.warnings)
    lengths: dict[str, dict[str, None]] = {}
    for stage in progress.stages:
        for trial in stage.trials:
            warning = mid_cycle_warning(trial)
            if warning:
                lengths.setdefault(warning, {})[stage.name] = None
    return (
        *decisions,
        *(f"{' and '.join(stages)}: {warning}" for warning, stages in lengths.items()),
    )


def write_model(record: StudyRecord, problem: Problem) -> Path | None:
    """Write the final network as `model.npz`, with what it takes to feed it raw images.

    Returns its path, or None while there is no final network.
    """
    result = next((r.result for r in record.trials if r.trial.id == record.chosen), None)
    if result is None:
        return None
    arrays = {
        name.removeprefix(NETWORK_PREFIX): array
        for name, array in result.arrays.items()
        if name.startswith(NETWORK_PREFIX)
    }
    if not arrays:  # the final run diverged
        return None
    split = problem.shared.split
    path = record.folder / "model.npz"
    save(path, Model(Network.from_arrays(arrays), split.mean, split.std, problem.record.classes))
    return path
