"""How long a study takes, before it is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from search.experiments.lambda_coarse_fine import LambdaSearch
from search.study.estimate import FEW, MORE, TIMED, kinds, seconds_per_epoch
from search.training.problem import prepare
from search.training.trainer import Shared
from search.trial import Trial
from tests.search.builders import BASE


def test_the_time_estimate_is_of_the_right_order() -> None:
    """Cost of an epoch grows with the images, and is no guess from the first batches alone."""
    small, large = (
        prepare(LambdaSearch(data=f"synthetic:{n}"), data_dir=None, say=print)
        for n in (2_000, 20_000)
    )
    assert 0 < seconds_per_epoch(small, small.base) < seconds_per_epoch(large, large.base)


def test_a_network_is_timed_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a trial is that of its own widths and batches, whatever the defaults are."""
    problem = prepare(LambdaSearch(data="synthetic:2000"), data_dir=None, say=print)
    timed: list[Trial] = []

    def train(shared: Shared, trial: Trial) -> Iterator[object]:
        timed.append(trial)
        assert len(shared.split.X_train) == trial.train_size
        return iter(())

    monkeypatch.setattr("search.study.estimate.train_trial", train)
    seconds_per_epoch(problem, replace(problem.base, hidden=(7, 6), batch_size=20, epochs=9))
    assert {(trial.hidden, trial.batch_size, trial.epochs) for trial in timed} == {((7, 6), 20, 1)}
    assert [trial.train_size for trial in timed] == [20 * FEW, 20 * FEW, 20 * MORE]


def test_each_kind_of_network_is_timed_with_its_share() -> None:
    """Trials that differ in λ or length alone cost the same an epoch: one of them is timed."""
    other = replace(BASE, hidden=(7, 7), epochs=40)
    trials = [BASE, replace(BASE, lam=0.5), other, replace(BASE, batch_size=2)]
    found = {(trial.hidden, trial.batch_size): epochs for trial, epochs in kinds(trials)}
    assert found == {
        (BASE.hidden, BASE.batch_size): 2 * BASE.epochs,
        (BASE.hidden, 2): BASE.epochs,
        ((7, 7), BASE.batch_size): 40,
    }


def test_of_many_kinds_a_few_are_timed() -> None:
    """Those spread over all of them, the smallest and the largest network among them."""
    trials = [replace(BASE, hidden=(width,)) for width in range(1, 101)]
    widths = [trial.hidden[0] for trial, _ in kinds(trials)]
    assert len(widths) == TIMED
    assert (widths[0], widths[-1]) == (1, 100)
