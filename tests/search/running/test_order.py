"""In which order tasks start that wait."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.events import Event, Kind
from search.experiments.paper import Paper
from search.running.order import FEW, Order, ends, together
from search.running.runner import run_plans
from search.store.sealed import seal
from search.store.store import IN_MEMORY, Store
from search.training.checkpoint import Start
from search.training.packing import packs
from search.training.problem import plan_of
from search.trial import Trial
from tests.reports.records import CIFAR10
from tests.search.builders import BASE, result

NINE = replace(BASE, hidden=(50, 50, 30, 20, 20, 10, 10, 10, 10))
lengths = st.lists(st.integers(1, 50), min_size=1, max_size=6)


class Clock:
    """Shows the time that a test says it is."""

    now = 0.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that tasks are timed by."""
    shown = Clock()
    monkeypatch.setattr("search.running.order.monotonic", shown)
    return shown


@given(lengths, st.lists(st.integers(0, 50), min_size=1, max_size=3))
def test_few_tasks_end_nearly_as_early_as_they_can(asked: list[int], free: list[int]) -> None:
    """No order of all ends earlier by more than a tenth, and the longest first never does."""
    seconds = {str(number): float(each) for number, each in enumerate(asked)}
    longest = sorted(seconds, key=seconds.__getitem__, reverse=True)
    slots = list(map(float, free))
    found = together(longest, seconds, slots)
    assert sorted(found) == sorted(seconds)
    end = ends((seconds[key] for key in found), slots)[0]
    assert end <= ends((seconds[key] for key in longest), slots)[0]
    best = min(ends(each, slots)[0] for each in permutations(seconds.values()))
    assert end <= 1.1 * best


def test_of_many_tasks_the_longest_come_first() -> None:
    """To try out orders of many would take longer than it spares."""
    seconds = {str(number): float(number) for number in range(FEW + 1)}
    longest = sorted(seconds, key=seconds.__getitem__, reverse=True)
    assert together(longest, seconds, [0.0, 100.0]) == longest


def test_what_an_epoch_takes_is_learnt(clock: Clock) -> None:
    """Of each kind of network; one not seen yet is taken for what those seen are on average."""
    order = Order(lambda _: False)
    order.wait("a", (BASE,))
    order.wait("b", (NINE,))
    assert order.seconds((NINE,)) == BASE.epochs
    order.begin("a")
    order.begin("b")
    clock.now = 2.0 * BASE.epochs
    order.end("a", well=True)
    assert order.seconds((replace(NINE, epochs=10),)) == pytest.approx(20.0)
    clock.now = 5.0 * BASE.epochs
    order.end("b", well=False)  # says nothing of how long one takes
    assert order.seconds((NINE,)) == pytest.approx(2.0 * NINE.epochs)
    order.wait("c", (NINE,))
    order.begin("c")
    order.spend("c", 7.0 * NINE.epochs)
    order.end("c", well=True)  # in one message with its begin
    assert order.seconds((NINE,)) == pytest.approx(7.0 * NINE.epochs)


def test_a_task_that_is_tried_again_waits(clock: Clock) -> None:
    """What it took before it was lost is not what it takes."""
    order = Order(lambda _: False)
    order.wait("a", (BASE,))
    order.begin("a")
    clock.now = 1000.0
    order.wait("a", (BASE,))
    assert order.keys(1) == ["a"]
    order.begin("a")
    clock.now += BASE.epochs
    order.end("a", well=True)
    assert order.seconds((BASE,)) == pytest.approx(BASE.epochs)


def test_what_leads_comes_first_then_what_is_not_known(clock: Clock) -> None:
    """Plans go on meanwhile, and in time to order the last tasks each kind has been seen."""
    order = Order(lambda task: task[0].lam == 1.0)
    order.wait("long", (replace(BASE, epochs=90),))
    order.wait("leads", (replace(BASE, epochs=5, lam=1.0),))
    order.wait("unknown", (replace(NINE, epochs=20),))
    order.wait("unknown, longer", (replace(NINE, epochs=30),))
    assert order.keys(2) == ["leads", "unknown, longer", "long", "unknown"]
    order.begin("leads")
    order.begin("long")
    assert order.keys(2) == ["unknown, longer", "unknown"]


class VirtualPool:
    """Slots in which a task takes what it is said to, in no time."""

    busy = True

    def __init__(self, slots: int, clock: Clock) -> None:
        self.slots, self.worked = slots, 0.0
        self._clock = clock
        self._waiting: deque[tuple[str, tuple[Start, ...]]] = deque()
        self._running: list[tuple[float, str, list[Trial]]] = []

    def submit(
        self, key: str, payload: tuple[Start, ...], *, once: bool = False, ahead: bool = False
    ) -> None:
        """Queue a task."""
        (self._waiting.appendleft if ahead else self._waiting.append)((key, payload))

    def order(self, keys: Sequence[str]) -> None:
        """Put what waits in order."""
        self._waiting = deque(sorted(self._waiting, key=lambda task: keys.index(task[0])))

    def poll(self, timeout: float) -> list[Event]:
        """Start what fits; else go on to the next task's end."""
        begun = []
        while self._waiting and len(self._running) < self.slots:
            key, starts = self._waiting.popleft()
            trials = [start.trial for start in starts]
            self.worked += (took := seconds(trials))
            heapq.heappush(self._running, (self._clock.now + took, key, trials))
            begun.append(Event(Kind.STARTED, key, 1, "here", None))
        if begun:
            return begun
        self._clock.now, key, trials = heapq.heappop(self._running)
        results = [result(of, 0.5 - 0.1 * abs(log10(of.lam / 5e-3))) for of in trials]
        items = [(each.trial_id, seal(each, ())) for each in results]
        return [
            *(Event(Kind.ITEM, key, 1, "here", item) for item in items),
            Event(Kind.DONE, key, 1, "here", None),
        ]

    def replace(self, key: str, payload: object) -> None:
        """Nothing is tried again."""

    def withdraw(self) -> None:
        """Nothing is stopped."""


def seconds(trials: Sequence[Trial]) -> float:
    """Return what a pack takes, by what the benchmark of a step measured of these networks."""
    deep = len(trials[0].hidden) > 2
    step = {(False, True): 1617, (False, False): 1515, (True, True): 2126, (True, False): 1804}
    epoch = 450 * step[deep, trials[0].batch_norm] * 1e-6
    return trials[0].epochs * epoch * (1 + 0.9 * (len(trials) - 1))


def test_paper_keeps_two_cores_busy(clock: Clock) -> None:
    """Every experiment of the reference report: two cores end together, busy to 0.97 at least."""
    pool = VirtualPool(2, clock)
    parts = Paper(data="cifar10").experiments()
    longest_first = [parts[1], parts[0], parts[2]]
    with Store(IN_MEMORY) as store:
        progress = run_plans(
            {part.kind: plan_of(part, CIFAR10, None) for part in longest_first},
            pool=lambda: pool,
            store=store,
            packing=lambda new: packs(new, size="auto", slots=pool.slots),
            slots=lambda: pool.slots,
        )
    assert all(each.choice for each in progress.values())
    assert pool.worked / (pool.slots * clock.now) >= 0.97
