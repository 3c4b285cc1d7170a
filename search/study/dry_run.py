"""What a study would do: its trials, their memory and time, with nothing trained or written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tabulate import tabulate

from kbn.data import Split
from kbn.paths import kind_of
from search.records import ExperimentRecord, StudyRecord, TrialRecord
from search.running.tally import time_text, to_come
from search.settings.cycle_end import mid_cycle_warning
from search.settings.spec import Execution, StageOutline, StudySpec
from search.store.folder import STORE, check_specification, check_writable
from search.study.recording import kept_record
from search.study.run import check_memory, check_reports, identity_of, slots_here
from search.training.problem import Problem, prepare
from search.training.trainer import Shared, train_trial

FEW, MORE = 10, 60
"""Batches of the two short timed epochs; their difference is the cost of a step."""


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
    lengths = sorted({stage.epochs for stage in stages})
    warnings = [mid_cycle_warning(replace(problem.base, epochs=length)) for length in lengths]
    lines = [
        _headline(how.out / name, problem),
        "",
        _table(stages),
        "",
        _counts(stages),
        _memory(size, slots, how.memory_per_trial),
        _time(problem, parts, slots),
        *there,
        *(f"warning: {warning}" for warning in warnings if warning),
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


def wall_epochs(parts: Sequence[Sequence[StageOutline]], slots: int) -> float:
    """Return the length of a study in epochs: stages follow each other, experiments do not."""
    longest = max(sum(-(-stage.trials // slots) * stage.epochs for stage in part) for part in parts)
    work = sum(stage.trials * stage.epochs for part in parts for stage in part)
    return max(longest, work / slots)


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


def _time(problem: Problem, parts: Sequence[Sequence[StageOutline]], slots: int) -> str:
    left = [[replace(stage, trials=stage.trials - stage.done) for stage in part] for part in parts]
    epochs = wall_epochs(left, slots)
    if not epochs:
        return "time: nothing is left to train; the same command writes the report again"
    seconds = seconds_per_epoch(problem)
    return (
        f"time: about {time_text(epochs * seconds)} with {slots} at once ({seconds:.2f} s an "
        "epoch, timed here on a few steps of a throw-away network)"
    )


def megabytes(split: Split) -> float:
    """Return the size of a split's arrays in MB."""
    arrays = vars(split).values()
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray)) / 1e6


def seconds_per_epoch(problem: Problem) -> float:
    """Return the estimated time of one epoch on one core, evaluation included, in seconds."""
    few, more = (min(count, problem.steps_per_epoch) for count in (FEW, MORE))
    _short_epoch(problem, few)  # warms caches and the BLAS up
    short, long = _short_epoch(problem, few), _short_epoch(problem, more)
    step = max(0.0, long - short) / max(1, more - few)
    return long + step * (problem.steps_per_epoch - more)


def _short_epoch(problem: Problem, batches: int) -> float:
    """Return the time of an epoch of some batches and its evaluation, in seconds."""
    split = problem.shared.split
    images = batches * problem.base.batch_size
    part = replace(split, X_train=split.X_train[:images], y_train=split.y_train[:images])
    trial = replace(problem.base, epochs=1, train_size=images)
    start = time.perf_counter()
    for _ in train_trial(Shared(part, classes=problem.shared.classes), trial):
        pass
    return time.perf_counter() - start
