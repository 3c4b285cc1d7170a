"""Several studies against each other: paired where they share their validation images.

A point of a study is a setup: a trial, whatever its replicate. Setups of studies that split the
same data alike have labelled the same images, and are compared as the points of one search are.
What is trained in several of them is one setup, with the runs of all. Studies of other images
share nothing, and only the noise of each tells how far they are apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri

from search.evidence.compare import LEVEL, Comparison, compare
from search.evidence.marks import Candidate
from search.evidence.outcomes import candidates
from search.records import Outcome
from search.space.points import Point
from search.trial import Purpose, Trial, stream

Setup = Trial
"""A trial of replicate 0, which stands for its replicates, too."""


class Images(NamedTuple):
    """What decides which images a trial is trained on, and which validate it."""

    fingerprint: str
    """Of the data."""
    train_size: int
    validation_size: int
    stratified: bool
    seed: int

    @classmethod
    def of(cls, trial: Trial) -> Images:
        """Return a trial's."""
        return cls(*(getattr(trial, name) for name in cls._fields))


def setup_of(trial: Trial) -> Setup:
    """Return the setup that a trial is a run of."""
    return replace(trial, replicate=0)


@dataclass(frozen=True)
class Tried:
    """What a study has tried to make its choice, or to compare: at least one trial."""

    outcomes: tuple[Outcome, ...]
    simplicity: Callable[[Trial], Any] = lambda _: 0
    """What is larger for the simpler of two setups, which is the best of equals."""

    @property
    def images(self) -> Images:
        """What all its trials are trained and validated on."""
        return Images.of(self.outcomes[0].trial)


@dataclass(frozen=True)
class Together:
    """Studies that share their validation images, and have a setup that completed."""

    studies: tuple[int, ...]
    """By the numbers that they were given."""
    setups: tuple[Setup, ...]
    """All that completed; the points of the comparison are their places here."""
    tried_by: tuple[tuple[int, ...], ...]
    """The studies that each setup is of."""
    candidates: tuple[Candidate, ...]
    """One a setup, in the same order."""
    best: Mapping[int, int]
    """Each study's best setup, of those that it trained most often."""
    known: Comparison
    """Every setup against the best of all."""

    @property
    def winner(self) -> int:
        """The best setup of all."""
        return _place(self.known.winner)

    @cached_property
    def ties(self) -> tuple[int, ...]:
        """The setups that cannot be told from it."""
        return tuple(map(_place, self.known.ties))

    def accuracy(self, setup: int) -> float:
        """Return a setup's mean validation accuracy."""
        return self.candidates[setup].accuracy

    def error(self, setup: int) -> float:
        """Return the standard error of that."""
        return self.known.errors[setup,]


def compare_studies(studies: Mapping[int, Tried]) -> tuple[Together, ...]:
    """Compare numbered studies, those that share their images together; see `compare`.

    A study of which no setup completed is in none of the groups. Equal outcomes give equal
    comparisons: the simulations draw on the studies' own seed.
    """
    groups: dict[Images, list[int]] = {}
    for number, study in studies.items():
        groups.setdefault(study.images, []).append(number)
    found = (_together({k: studies[k] for k in numbers}) for numbers in groups.values())
    return tuple(group for group in found if group)


def _together(studies: Mapping[int, Tried]) -> Together | None:
    known: dict[str, Outcome] = {}
    for study in studies.values():
        for outcome in study.outcomes:
            if known.get(outcome.trial.id, outcome).result is None or outcome.result:
                known[outcome.trial.id] = outcome
    numbered = _Numbered(tuple(dict.fromkeys(setup_of(each.trial) for each in known.values())))
    complete = candidates(known.values(), numbered)
    if not complete:
        return None
    setups = tuple(numbered.setups[_place(each.point)] for each in complete)
    tried = {number: _runs(study) for number, study in studies.items()}
    placed = tuple(replace(each, point=(k,)) for k, each in enumerate(complete))
    by_setup = dict(zip(setups, placed, strict=True))
    best = {
        number: setups.index(top)
        for number, study in studies.items()
        if (top := _best(study, tried[number], by_setup)) is not None
    }
    most = max(each.runs for each in placed)
    rivals = [k for k in best.values() if placed[k].runs == most] or list(best.values())
    winner = max(rivals, key=lambda k: (placed[k].accuracy, -k))
    rng = stream(setups[0].seed, 0, Purpose.COMPARISON)
    return Together(
        studies=tuple(best),
        setups=setups,
        tried_by=tuple(tuple(n for n in best if setup in tried[n]) for setup in setups),
        candidates=placed,
        best=best,
        known=compare(placed, (winner,), simplicity=lambda point: point, rng=rng),
    )


@dataclass(frozen=True)
class _Numbered:
    """Setups as points: each is its number."""

    setups: tuple[Setup, ...]

    @cached_property
    def _numbers(self) -> Mapping[Setup, int]:
        return {setup: k for k, setup in enumerate(self.setups)}

    def of(self, trial: Trial) -> Point:
        return (self._numbers[setup_of(trial)],)


def _place(point: Point) -> int:
    (number,) = point
    assert isinstance(number, int)
    return number


def _runs(study: Tried) -> Mapping[Setup, int]:
    """Return how often a study trained each of its setups."""
    trials: dict[Setup, set[str]] = {}
    for each in study.outcomes:
        trials.setdefault(setup_of(each.trial), set()).add(each.trial.id)
    return {setup: len(ids) for setup, ids in trials.items()}


def _best(
    study: Tried, runs: Mapping[Setup, int], complete: Mapping[Setup, Candidate]
) -> Setup | None:
    """Return a study's best complete setup by its own runs, as the study would choose it."""
    own = {setup: number for setup, number in runs.items() if setup in complete}
    most = max(own.values(), default=0)
    rank = {
        setup: (float(complete[setup].correct[:number].mean()), study.simplicity(setup))
        for setup, number in own.items()
        if number == most
    }
    return max(rank, key=lambda setup: rank[setup], default=None)


def apart(
    first: tuple[float, float], second: tuple[float, float], *, level: float = LEVEL
) -> tuple[float, float, float]:
    """Return how far a second score is from a first one that shares nothing with it.

    Each is an accuracy and its standard error. The result is the difference, and the ends of its
    interval, by the normal distribution. Of scores that go up and down together, as those of the
    same images do, the interval is wider than it need be.
    """
    difference = second[0] - first[0]
    reach = float(ndtri((1 + level) / 2) * np.hypot(first[1], second[1]))
    return difference, difference - reach, difference + reach
