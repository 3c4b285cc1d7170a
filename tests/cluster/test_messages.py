"""A task's items go out together, so many seconds apart; nothing of it needs Ray."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.ray_pool import LEAST_SECONDS, messages, never, seconds_between_messages


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
    fails: bool = False,
    at_once: Callable[[int], bool] = never,
) -> Any:
    """Return the messages of a task of the items 0, 1, …, which takes `gaps` to come to each."""

    def task() -> Iterator[int]:
        for number, gap in enumerate(gaps):
            clock.now += gap
            yield number
        if fails:
            raise ValueError("gone wrong")

    *during, ended = messages(task, every, at_once)
    return [list(each) for each in during], ended


def test_items_of_a_quick_task_go_out_together(clock: Clock) -> None:
    """The first at once, so that whoever watches sees it begin; then one message a second."""
    during, ended = sent(clock, [0.25] * 12, every=1.0)
    assert during == [[0], [1, 2, 3, 4], [5, 6, 7, 8]]
    assert (ended.failure, ended.items) == (None, (9, 10, 11))


def test_a_slow_task_holds_nothing_back(clock: Clock) -> None:
    """What comes with a long epoch, such as a checkpoint, does not wait for the next."""
    during, ended = sent(clock, [5.0, 0.0, 5.0, 0.0], every=1.0)
    assert during == [[0], [1], [2], [3]]
    assert ended.items == ()


def test_what_must_not_be_lost_does_not_wait(clock: Clock) -> None:
    """A checkpoint is there for the next attempt as soon as it is made, and what came before it."""
    during, ended = sent(clock, [0.1] * 6, every=1.0, at_once=lambda number: number == 3)
    assert during == [[0], [1, 2, 3]]
    assert ended.items == (4, 5)


def test_what_was_held_is_told_with_a_failure(clock: Clock) -> None:
    """An exception costs no item that was yielded before it."""
    during, ended = sent(clock, [0.1] * 3, every=1.0, fails=True)
    assert during == [[0]]
    assert ended.items == (1, 2)
    assert (ended.failure.type, ended.failure.message) == ("ValueError", "gone wrong")


@pytest.mark.parametrize(
    ("slots", "seconds"), [(1, LEAST_SECONDS), (100, LEAST_SECONDS), (10_000, 33.0)]
)
def test_the_driver_keeps_up_with_all_slots(slots: int, seconds: float) -> None:
    """A second on a laptop; on a large cluster so long that messages take a third of the driver."""
    assert seconds_between_messages(slots) == pytest.approx(seconds)
