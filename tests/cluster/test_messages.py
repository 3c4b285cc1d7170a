"""A bundle's items go out together, so many seconds apart; nothing of it needs Ray."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.messages import (
    LEAST_SECONDS,
    Ended,
    Outbox,
    Part,
    Stamp,
    messages,
    seconds_between_messages,
    unstamped,
)
from cluster.serial import failure_of

DONE = Ended(None, 0.0)


class Clock:
    """A clock that stands still but where it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Be `time.monotonic`."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put time into a test's hand."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


def sent(
    clock: Clock,
    gaps: list[float],
    *,
    every: float,
    stamp: Stamp = unstamped,
) -> list[tuple[float, list[Part]]]:
    """Return the messages of a task of the items 0, 1, …, which takes `gaps` to come to each.

    With each the time at which it goes, from the task's begin.
    """
    outbox, begun, found = Outbox(every, stamp), clock.now, []
    outbox.begin(0)

    def send_until(end: float) -> None:
        while clock.now + outbox.left(clock.now) <= end:
            clock.now += outbox.left(clock.now)
            found.append((clock.now - begun, outbox.wait()))
        clock.now = end

    for number, gap in enumerate(gaps):
        send_until(clock.now + gap)
        outbox.put(number)
    send_until(clock.now)
    outbox.end(DONE)
    outbox.close()
    return [*found, (clock.now - begun, outbox.wait())]


def test_items_of_a_quick_task_go_out_together(clock: Clock) -> None:
    """One message a second, from the bundle's own on, which says that it begins."""
    assert sent(clock, [0.375] * 7, every=1.0) == [
        (1.0, [Part(0, [0, 1])]),
        (2.0, [Part(0, [2, 3, 4])]),
        (2.625, [Part(0, [5, 6], DONE)]),
    ]


def test_what_is_out_of_date_is_not_sent(clock: Clock) -> None:
    """Of what waits, the last about a thing goes alone; how many it stands for is told."""
    found = sent(clock, [0.125] * 12, every=1.0, stamp=lambda number: (number % 2, False))
    assert found == [(1.0, [Part(0, [5, 6], replaced=5)]), (1.5, [Part(0, [10, 11], DONE, 3)])]
    outbox = Outbox(1.0, lambda item: (item, False))
    for number in range(2):
        outbox.begin(number)
        outbox.put("of its own task")
    outbox.close()
    assert [part.items for part in outbox.wait()] == 2 * [["of its own task"]]


def test_a_slow_task_holds_nothing_back_for_longer(clock: Clock) -> None:
    """What comes with a long epoch, such as a result, does not wait for what comes next."""
    found = sent(clock, [5.0, 0.5, 4.5], every=1.0)
    assert found[:3] == [(5.0, [Part(0, [0])]), (6.0, [Part(0, [1])]), (10.0, [Part(0, [2])])]


def test_what_must_not_be_lost_does_not_wait(clock: Clock) -> None:
    """A checkpoint is there for the next attempt as soon as it is made, and what came before it."""
    found = sent(clock, [0.125] * 6, every=1.0, stamp=lambda number: (None, number == 3))
    assert found == [(0.5, [Part(0, [0, 1, 2, 3])]), (0.75, [Part(0, [4, 5], DONE)])]


def test_tasks_of_a_bundle_share_messages(clock: Clock) -> None:
    """Each has a part of it; who has begun is told though it has nothing to tell yet."""
    outbox = Outbox(1.0)
    for number in range(3):
        outbox.begin(number)
        if number < 2:
            outbox.put("item")
            outbox.end(DONE)
    clock.now += 1.0
    assert outbox.wait() == [Part(0, ["item"], DONE), Part(1, ["item"], DONE), Part(2)]
    assert outbox.left(clock.now) == math.inf
    outbox.put("late")
    assert outbox.left(clock.now) == 1.0


def counting(shared: list[int], number: int) -> Iterator[int]:
    """Be a task: yield so many numbers; those below zero raise."""
    shared.append(number)
    yield from range(abs(number))
    if number < 0:
        raise ValueError("gone wrong")


def test_a_task_that_raises_harms_no_other_of_its_bundle() -> None:
    """An exception costs no item that was yielded before it, and the next task begins."""
    begun: list[int] = []
    found: dict[int, list[int]] = {}
    failures: dict[int, Any] = {}
    for message in messages(counting, begun, (2, -1, 3), 0.0):
        for part in message:
            found.setdefault(part.number, []).extend(part.items)
            if part.ended is not None:
                failures[part.number] = part.ended.failure
    assert begun == [2, -1, 3]
    assert found == {0: [0, 1], 1: [0], 2: [0, 1, 2]}
    assert (failures[0], failures[2]) == (None, None)
    assert (failures[1].type, failures[1].message) == ("ValueError", "gone wrong")
    assert failures[1].lost is failure_of(ValueError()).lost is False


def test_what_a_task_has_does_not_wait_for_what_it_does_next() -> None:
    """A result is sent though the task behind it is silent: it may hang, or kill its worker."""
    go_on = threading.Event()

    def task(_: Any, number: int) -> Iterator[int]:
        if number:
            go_on.wait()
        yield number

    stream = messages(task, None, (0, 1), 0.0)
    seen: list[Part] = []
    while not seen or seen[-1].number == 0:
        seen += next(stream)
    assert [part.items for part in seen if part.items] == [[0]]
    assert [part.ended is not None for part in seen if part.number == 0][-1]
    go_on.set()
    rest = [part for message in stream for part in message]
    assert [part.items for part in rest if part.items] == [[1]]


def test_tasks_end_when_nobody_listens() -> None:
    """A worker whose message cannot be sent does not go on beside its next task."""
    ended = threading.Event()

    def task(_: Any, __: Any) -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            ended.set()

    stream = messages(task, None, (0,), 0.0)
    next(stream)
    stream.close()  # type: ignore[attr-defined] # as Ray does when an item cannot be pickled
    assert ended.wait(60)


@pytest.mark.parametrize(
    ("slots", "seconds"), [(1, LEAST_SECONDS), (100, LEAST_SECONDS), (10_000, 33.0)]
)
def test_the_driver_keeps_up_with_all_slots(slots: int, seconds: float) -> None:
    """A second on a laptop; on a large cluster so long that messages take a third of the driver."""
    assert seconds_between_messages(slots) == pytest.approx(seconds)
