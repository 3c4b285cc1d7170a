"""What a study would do, in numbers: its trials, their memory and time; nothing is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from kbn.data import Split
from kbn.paths import kind_of
from search.records import DataRecord, ExperimentRecord, StudyRecord, TrialRecord
from search.running.tally import to_come
from search.settings.cycle_end import mid_cycle_warnings
from search.settings.execution import Execution
from search.settings.spec import StageOutline, StudySpec
from search.store.folder import STORE, begun_with, check_specification, check_writable
from search.study.estimate import kinds, seconds_per_epoch, wall_epochs
from search.study.recording import kept_record
from search.study.reporting import check_reports
from search.study.run import check_memory, identity_of, slots_here
from search.training.memory import BYTES_A_WEIGHT, weights
from search.training.problem import Problem, base_trial, prepare
from search.trial import Trial

Outlook = Callable[[int], tuple[int, list[str]]]
"""Says of a cluster, given the bytes of the shared arrays: the trials at once there, and lines."""


@dataclass(frozen=True)
class Forecast:
    """What a study would do."""

    folder: Path
    data: DataRecord
    stages: tuple[StageOutline, ...]
    """Those asked for so far, and those to come."""
    shared_mb: float
    """Arrays that all trials of a machine share."""
    trial_mb: float
    """Of each trial beside them, about."""
    largest: tuple[tuple[int, ...], float] | None
    """Widths of the largest of several networks, and the MB of its weights."""
    slots: int
    """Trials at once."""
    seconds: float
    """Estimated, to the end; 0 when nothing is left to train."""
    seconds_per_epoch: tuple[float, ...]
    """On one core, of each kind of trial; none when nothing is left to train."""
    there: tuple[str, ...]
    """Lines on the cluster."""
    warnings: tuple[str, ...]

    @property
    def trials(self) -> tuple[int, int]:
        """All trials, and those that are done."""
        return _sums((stage.trials, stage.done) for stage in self.stages)

    @property
    def bounds(self) -> tuple[int, int]:
        """Trials at least and at most, where those of some stages are not known."""
        return _sums(
            (
                stage.trials if stage.least is None else stage.least,
                stage.trials if stage.most is None else stage.most,
            )
            for stage in self.stages
        )

    @property
    def epochs(self) -> tuple[int, int]:
        """The epochs of all trials, and of those that are done."""
        return _sums((s.trials * s.epochs, s.done * s.epochs) for s in self.stages)


def _sums(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    all_of, done = zip(*pairs, strict=True)
    return sum(all_of), sum(done)


def forecast(
    spec: StudySpec,
    how: Execution,
    *,
    say: Callable[[str], None],
    outlook: Outlook | None = None,
) -> Forecast:
    """Return a study's trials, epochs, memory and time; write nothing.

    With an `outlook` it is about the cluster that this looks at, else about this machine.
    Raises what `search.study.run` would raise before its first trial.
    """
    check_writable(how.out)
    problem = prepare(spec, data_dir=how.data_dir, say=say)
    name = how.name or spec.study_name(problem.record.name)
    check_writable(how.out / name)
    spec = spec.as_begun(begun_with(how.out / name, overwrite=how.overwrite))
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
        for trial in part.foreseen(base_trial(part, problem.record))
    ]
    seconds, each = _seconds(problem, parts, slots, foreseen)
    return Forecast(
        folder=how.out / name,
        data=problem.record,
        stages=tuple(stages),
        shared_mb=size,
        trial_mb=how.memory_per_trial,
        largest=_largest(problem, foreseen),
        slots=slots,
        seconds=seconds,
        seconds_per_epoch=each,
        there=tuple(there),
        warnings=tuple(mid_cycle_warnings(foreseen)),
    )


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


def _largest(problem: Problem, foreseen: Sequence[Trial]) -> tuple[tuple[int, ...], float] | None:
    """Return the largest of several networks, and what its weights take of a trial's memory."""
    every = {trial.hidden for trial in foreseen}
    if len(every) == 1:
        return None
    largest = max(every, key=partial(_weights, problem))
    return largest, BYTES_A_WEIGHT * _weights(problem, largest) / 1e6


def _weights(problem: Problem, hidden: tuple[int, ...]) -> int:
    return weights(problem.record.inputs, hidden, len(problem.record.classes))


def _seconds(
    problem: Problem,
    parts: Sequence[Sequence[StageOutline]],
    slots: int,
    foreseen: Sequence[Trial],
) -> tuple[float, tuple[float, ...]]:
    """Return the time to the end, and that of an epoch of each kind of trial, in seconds."""
    left = [[replace(stage, trials=stage.trials - stage.done) for stage in part] for part in parts]
    epochs = wall_epochs(left, slots)
    if not epochs:
        return 0.0, ()
    timed = [(seconds_per_epoch(problem, trial), of) for trial, of in kinds(foreseen)]
    mean = sum(map(math.prod, timed)) / sum(of for _, of in timed)
    return epochs * mean, tuple(seconds for seconds, _ in timed)


def megabytes(split: Split) -> float:
    """Return the size of a split's arrays in MB."""
    arrays = vars(split).values()
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray)) / 1e6
