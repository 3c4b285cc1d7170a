"""How long a study takes: the cost of an epoch, timed here, and the epochs behind each other."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from search.settings.spec import StageOutline
from search.training.problem import Problem
from search.training.trainer import Shared, train_trial
from search.trial import Trial

FEW, MORE = 10, 60
"""Batches of the two short timed epochs; their difference is the cost of a step."""
TIMED = 4
"""Kinds of networks that are timed, at most."""


def wall_epochs(parts: Sequence[Sequence[StageOutline]], slots: int) -> float:
    """Return the length of a study in epochs: stages follow each other, experiments do not."""
    longest = max(sum(-(-stage.trials // slots) * stage.epochs for stage in part) for part in parts)
    work = sum(stage.trials * stage.epochs for part in parts for stage in part)
    return max(longest, work / slots)


def kinds(trials: Iterable[Trial]) -> list[tuple[Trial, int]]:
    """Return a trial of each network and batch size, with the epochs that are trained with it.

    Of many kinds there are `TIMED`, spread over them.
    """
    found: dict[tuple[Any, ...], tuple[Trial, int]] = {}
    for trial in trials:
        kind = sum(trial.hidden), trial.hidden, trial.batch_norm, trial.batch_size
        first, epochs = found.get(kind, (trial, 0))
        found[kind] = first, epochs + trial.epochs
    ordered = [found[kind] for kind in sorted(found)]
    places = np.linspace(0, len(ordered) - 1, min(TIMED, len(ordered))).round().astype(int)
    return [ordered[place] for place in places]


def seconds_per_epoch(problem: Problem, trial: Trial) -> float:
    """Return the estimated time of one epoch on one core, evaluation included, in seconds."""
    steps = trial.train_size // trial.batch_size
    few, more = (min(count, steps) for count in (FEW, MORE))
    _short_epoch(problem, trial, few)  # warms caches and the BLAS up
    short, long = _short_epoch(problem, trial, few), _short_epoch(problem, trial, more)
    step = max(0.0, long - short) / max(1, more - few)
    return long + step * (steps - more)


def _short_epoch(problem: Problem, trial: Trial, batches: int) -> float:
    """Return the time of an epoch of some batches and its evaluation, in seconds."""
    split = problem.shared.split
    images = batches * trial.batch_size
    part = replace(split, X_train=split.X_train[:images], y_train=split.y_train[:images])
    short = replace(trial, epochs=1, train_size=images, with_test=False)
    start = time.perf_counter()
    for _ in train_trial(Shared(part, classes=problem.shared.classes), short):
        pass
    return time.perf_counter() - start
