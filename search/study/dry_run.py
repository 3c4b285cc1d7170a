"""What a study would do: its trials, their memory and time, with nothing trained or written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from tabulate import tabulate

from kbn.data import Split
from kbn.paths import kind_of
from search.records import ExperimentRecord, StudyRecord, TrialRecord
from search.running.tally import time_text, to_come
from search.settings.cycle_end import mid_cycle_warnings
from search.settings.spec import Execution, StageOutline, StudySpec
from search.settings.values import show
from search.store.folder import STORE, check_specification, check_writable
from search.study.estimate import kinds, seconds_per_epoch, wall_epochs
from search.study.recording import kept_record
from search.study.run import check_memory, check_reports, identity_of, slots_here
from search.training.memory import BYTES_A_WEIGHT, weights
from search.training.problem import Problem, base_of, prepare
from search.trial import Trial

Outlook = Callable[[int], tuple[int, list[str]]]
"""Says of a cluster, given the bytes of the shared arrays: the trials at once there, and lines."""


def describe(
    spec: StudySpec,
    how: Execution,
    *,
    say: Callable[[str], None],
    outlook: Outlook | None = None,
) -> str:
    """Return a text on a study's trials, epochs, memory and time; write nothing.

    With an `outlook` it is about the cluster that this looks at, else about this machine.
    Raises what `search.study.run` would raise before its first trial.
    """
    check_writable(how.out)
    problem = prepare(spec, data_dir=how.data_dir, say=say)
    name = how.name or spec.study_name(problem.record.name)
    check_writable(how.out / name)
    check_specification(how.out / name, identity_of(spec, problem), overwrite=how.overwrite)
    check_reports()
    if outlook is None:
        check_memory(spec, how, problem)
    parts = _expected(spec, problem, how, name)
    stages = [stage for part in parts for stage in part]
    size = megabytes(problem.shared.split)
    slots, there = outlook(round(size * 1e6)) if outlook else (slots_here(how), [])
    foreseen = [
        trial
        for part in spec.experiments()
        for trial in part.foreseen(base_of(part, problem.record, ()))
    ]
    lines = [
        _headline(how.out / name, problem),
        "",
        _table(stages),
        "",
        _counts(stages),
        _memory(size, slots, how.memory_per_trial) + _largest(problem, foreseen),
        _time(problem, parts, slots, foreseen),
        *there,
        *(f"warning: {warning}" for warning in mid_cycle_warnings(foreseen)),
    ]
    return "\n".join(lines)


def _expected(
    spec: StudySpec, problem: Problem, how: Execution, name: str
) -> Sequence[Sequence[StageOutline]]:
    """Return each experiment's stages: those asked for as they were, then the rest as outlined."""
    folder = how.out / name
    if how.overwrite or kind_of(folder / STORE) is None:
        return [part.outline() for part in spec.experiments()]
    record = kept_record(spec, problem.record, name=name, folder=folder)
    return [
        _as_asked(record, experiment, part.outline())
        for part, experiment in zip(spec.experiments(), record.experiments, strict=True)
    ]


def _as_asked(
    record: StudyRecord, experiment: ExperimentRecord, outline: Sequence[StageOutline]
) -> Sequence[StageOutline]:
    what = {stage.name: stage.what for stage in outline}
    trials: dict[tuple[str, int], list[TrialRecord]] = {}
    for each in record.trials:
        if each.experiment == experiment.kind:
            trials.setdefault((each.stage, each.trial.epochs), []).append(each)
    asked = [
        StageOutline(
            stage,
            len(of),
            epochs,
            what.get(stage, ""),
            done=sum(each.result is not None for each in of),
        )
        for (stage, epochs), of in trials.items()
    ]
    names = {stage.name for stage in experiment.stages}
    return [*asked, *to_come(outline, names)]


def _table(stages: Sequence[StageOutline]) -> str:
    begun = any(stage.done for stage in stages)
    return tabulate(
        [
            (
                *(stage.name, stage.trials, stage.epochs, stage.trials * stage.epochs),
                *([stage.done] if begun else []),
                stage.what,
            )
            for stage in stages
        ],
        headers=("stage", "trials", "epochs each", "epochs", *(["done"] if begun else []), "what"),
    )


def _counts(stages: Sequence[StageOutline]) -> str:
    trials = sum(stage.trials for stage in stages), sum(stage.done for stage in stages)
    epochs = (
        sum(stage.trials * stage.epochs for stage in stages),
        sum(stage.done * stage.epochs for stage in stages),
    )
    return f"trials: {_with_done(*trials)}, epochs: {_with_done(*epochs)}"


def _with_done(number: int, done: int) -> str:
    return f"{number} ({done} done)" if done else str(number)


def _headline(folder: Path, problem: Problem) -> str:
    data = problem.record
    return (
        f"study {folder} on {data.title}: {data.train_size} training, "
        f"{data.validation_size} validation, {data.test_size} test images"
    )


def _memory(shared: float, slots: int, each: float) -> str:
    return (
        f"memory: {shared:.0f} MB of arrays, shared by all trials of a machine, and about "
        f"{each:.0f} MB for each of {slots} at once"
    )


def _largest(problem: Problem, foreseen: Sequence[Trial]) -> str:
    """Say what the largest of several networks takes of a trial's memory."""
    every = {trial.hidden for trial in foreseen}
    if len(every) == 1:
        return ""
    largest = max(every, key=partial(_weights, problem))
    size = BYTES_A_WEIGHT * _weights(problem, largest) / 1e6
    return f"; of that the weights of the largest network, {show(largest)}, take {size:.0f} MB"


def _weights(problem: Problem, hidden: tuple[int, ...]) -> int:
    return weights(problem.record.inputs, hidden, len(problem.record.classes))


def _time(
    problem: Problem,
    parts: Sequence[Sequence[StageOutline]],
    slots: int,
    foreseen: Sequence[Trial],
) -> str:
    left = [[replace(stage, trials=stage.trials - stage.done) for stage in part] for part in parts]
    epochs = wall_epochs(left, slots)
    if not epochs:
        return "time: nothing is left to train; the same command writes the report again"
    timed = [(seconds_per_epoch(problem, trial), of) for trial, of in kinds(foreseen)]
    each = [seconds for seconds, _ in timed]
    mean = sum(map(math.prod, timed)) / sum(of for _, of in timed)
    span = f"{mean:.2f} s" if len(each) == 1 else f"{min(each):.2f} to {max(each):.2f} s"
    network = "a throw-away network" if len(each) == 1 else f"{len(each)} throw-away networks"
    return (
        f"time: about {time_text(epochs * mean)} with {slots} at once ({span} an epoch, timed here "
        f"on a few steps of {network})"
    )


def megabytes(split: Split) -> float:
    """Return the size of a split's arrays in MB."""
    arrays = vars(split).values()
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray)) / 1e6
