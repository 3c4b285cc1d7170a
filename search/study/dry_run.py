"""What a study would do: its trials, their memory and time, with nothing trained or written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from tabulate import tabulate

from kbn.data import Split
from search.settings.cycle_end import mid_cycle_warning
from search.settings.spec import Execution, StageOutline, StudySpec
from search.store.folder import check_specification, check_writable
from search.study.run import check_memory, identity_of, slots_here
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
    if outlook is None:
        check_memory(spec, how, problem)
    parts = [part.outline() for part in spec.experiments()]
    outline = [stage for part in parts for stage in part]
    seconds = seconds_per_epoch(problem)
    size = megabytes(problem.shared.split)
    slots, there = outlook(round(size * 1e6)) if outlook else (slots_here(how), [])
    table = tabulate(
        [
            (stage.name, stage.trials, stage.epochs, stage.trials * stage.epochs, stage.what)
            for stage in outline
        ],
        headers=("stage", "trials", "epochs each", "epochs", "what"),
    )
    epochs = sum(stage.trials * stage.epochs for stage in outline)
    wall = wall_epochs(parts, slots) * seconds
    lengths = sorted({stage.epochs for stage in outline})
    warnings = [mid_cycle_warning(replace(problem.base, epochs=length)) for length in lengths]
    lines = [
        _headline(how.out / name, problem),
        "",
        table,
        "",
        f"trials: {sum(stage.trials for stage in outline)}, epochs: {epochs}",
        _memory(size, slots, how.memory_per_trial),
        _time(wall, seconds, slots),
        *there,
        *(f"warning: {warning}" for warning in warnings if warning),
    ]
    return "\n".join(lines)


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


def _time(wall: float, seconds: float, slots: int) -> str:
    return (
        f"time: about {timedelta(seconds=round(wall))} with {slots} at once ({seconds:.2f} s an "
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
