"""Packs: who trains with whom, and what becomes of a pack that fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn.epoch import EpochRecord
from kbn.errors import InputError
from search.plan import Choice, Plan, Stage
from search.records import Result
from search.running.runner import run_plans
from search.settings.execution import Execution
from search.store.store import Store
from search.training.packing import LARGEST, can_share, epochs, packs
from search.trial import Trial
from tests.search.builders import FakePool, epoch, result, trial


def trials(n: int, *, shapes: int = 1) -> list[Trial]:
    """Return trials of equal batches, in as many shapes as asked for."""
    return [trial(0.01 * (k + 1), hidden=(5 + k % shapes,)) for k in range(n)]


@pytest.mark.parametrize(
    ("n", "slots", "sizes"),
    [
        (11, 2, [2, 3, 3, 3]),
        (8, 2, [4, 4]),
        (9, 2, [2, 2, 2, 3]),
        (3, 2, [1, 2]),
        (2, 2, [1, 1]),
        (1, 2, [1]),
        (11, 11, [1] * 11),
        (11, 100, [1] * 11),
        (11, 8, [1, 1, 1, 1, 1, 2, 2, 2]),
        (100, 4, [3] * 12 + [4] * 16),
        (5, 1, [2, 3]),
        (0, 2, []),
    ],
)
def test_automatic_sizes(n: int, slots: int, sizes: list[int]) -> None:
    """Packs are made where trials outnumber cores, of even sizes, a multiple of the cores."""
    assert sorted(map(len, packs(trials(n), size="auto", slots=slots))) == sizes


def test_packs_are_divided_further_beside_a_longer_trial() -> None:
    """Two packs of two would end a good while after the trial that is alone on its core."""
    tasks = packs([*trials(4), trial(0.5, epochs=6, hidden=(9,))], size="auto", slots=2)
    assert [len(task) for task in tasks] == [1, 1, 2, 1]


@given(
    groups=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 40)), max_size=5),
    slots=st.integers(1, 9),
)
def test_packs_end_no_later_than_the_largest_would(
    groups: list[tuple[int, int]], slots: int
) -> None:
    """Whatever there is of trials of other shapes and lengths."""
    asked = [
        replace(one, hidden=(9 + k,), epochs=epochs)
        for k, (n, epochs) in enumerate(groups)
        for one in trials(n)
    ]
    ends = [last_end(packs(asked, size=size, slots=slots), slots) for size in ("auto", LARGEST)]
    assert ends[0] <= ends[1]


def last_end(tasks: Sequence[Sequence[Trial]], slots: int) -> float:
    """Return when the last slot ends, in epochs, each taking the longest task that is left."""
    ends = [0.0] * slots
    for length in sorted(map(epochs, tasks), reverse=True):
        ends[ends.index(min(ends))] += length
    return max(ends)


@given(
    n=st.integers(0, 60),
    shapes=st.integers(1, 4),
    size=st.integers(1, 9) | st.just("auto"),
    slots=st.integers(1, 40),
)
def test_every_trial_is_in_one_pack(n: int, shapes: int, size: int | str, slots: int) -> None:
    """No trial is lost or doubled, packs hold what can share, in order, and are not too large."""
    asked = trials(n, shapes=shapes)
    tasks = packs(asked, size=size, slots=slots)
    assert Counter(one.id for task in tasks for one in task) == Counter(one.id for one in asked)
    for task in tasks:
        assert 1 <= len(task) <= (size if isinstance(size, int) else LARGEST)
        assert all(can_share(task[0], other) for other in task)
        assert list(task) == sorted(task, key=asked.index)
    if size == "auto" and n <= slots:
        assert len(tasks) == n


def one_stage(asked: Sequence[Trial]) -> Plan:
    """Return a plan of one stage."""
    yield Stage("only", tuple(asked), reason="asked for")
    return Choice(None, reason="none was to be chosen")


class Broken:
    """A trainer that raises for one trial, as often as asked, after its first epoch."""

    def __init__(self, bad: Trial, times: int) -> None:
        self.bad, self.left = bad, times
        self.begun: list[str] = []

    def __call__(self, of: Trial) -> Iterator[EpochRecord | Result]:
        """Train a trial."""
        self.begun.append(of.id)
        yield epoch(1)
        if of == self.bad and self.left:
            self.left -= 1
            raise RuntimeError("out of luck")
        yield result(of, 0.5)


@pytest.mark.parametrize(("times", "ends"), [(1, True), (3, False)])
def test_a_failed_pack_is_tried_again_alone(tmp_path: Path, times: int, *, ends: bool) -> None:
    """Members without a result are trained alone; one alone has its retries; the rest stays."""
    asked = trials(4)
    train = Broken(asked[2], times)
    pool = FakePool(train, rng=np.random.default_rng(0))
    with Store(tmp_path / "study.db") as store:
        run_plans(
            {"one": one_stage(asked)},
            pool=lambda: pool,
            store=store,
            packing=lambda new: packs(new, size=4, slots=1),
        )
        kept = [store.result(one.id) is not None for one in asked]
        tries = [len(store.attempts(one.id)) for one in asked]
        history = [len(store.history(one.id)) for one in asked]
    assert kept == [True, True, ends, True]
    assert len(pool.submitted) == 1 + 2
    # The first two had their results when the pack failed; the last was alone from then on.
    assert tries == [1, 1, 2 if ends else 3, 2]
    assert history == [1, 1, int(ends), 1]
    assert train.begun.count(asked[0].id) == 1


@pytest.mark.parametrize("bad", [0, -1, "many", 1.5, True, None])
def test_sizes_that_are_none(bad: object) -> None:
    """A size is a whole number of at least 1, or `auto`."""
    with pytest.raises(InputError, match=r"--pack .*: must be a whole number, .*, or auto"):
        Execution(pack=bad)  # type: ignore[arg-type]


def test_sizes_that_can_be() -> None:
    """From the command line they are text."""
    assert [Execution(pack=value).pack for value in ("auto", "1", 4)] == ["auto", 1, 4]


def test_replicates_do_not_mix() -> None:
    """Each replicate has its own batches, hence its own packs."""
    asked = [replace(one, replicate=r) for one in trials(4) for r in range(2)]
    tasks = packs(asked, size="auto", slots=1)
    assert [{one.replicate for one in task} for task in tasks] == [{0}, {1}]
