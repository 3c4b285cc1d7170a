from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster import TaskFailure
from cluster.retry import (
    FIRST_DELAY,
    LEAST_LOSSES,
    LONGEST_DELAY,
    LOST_SECONDS,
    MEMORY_RETRIES,
    Tries,
    delay,
    may_retry,
)

RAISED = TaskFailure(type="ValueError", message="no", traceback="", lost=False)
LOST = TaskFailure(type="WorkerCrashedError", message="gone", traceback="", lost=True)
STARVED = TaskFailure(type="OutOfMemoryError", message="killed", traceback="", lost=True)


def attempts(failure: TaskFailure, *, every: float, retries: int = 1, items: int = 0) -> int:
    """Return how many attempts a task gets that yields `items` and then fails, every so often."""
    tries = Tries()
    for number in range(1, 10_000):
        tries.begin()
        for _ in range(items):
            tries.got()
        tries.add(failure, now=number * every)
        if not may_retry(tries, retries=retries, now=number * every):
            return number
    raise AssertionError("the task would be tried for ever")


@pytest.mark.parametrize("retries", [0, 1, 2, 7])
def test_exceptions_are_forgiven_as_often_as_asked(retries: int) -> None:
    """`retries` further attempts follow the first, and no more."""
    assert attempts(RAISED, every=1.0, retries=retries) == 1 + retries


@pytest.mark.parametrize("items", [0, 5])
@pytest.mark.parametrize("retries", [0, 7])
def test_lost_workers_are_forgiven_for_a_time(retries: int, items: int) -> None:
    """A task that loses its workers at the same place is given up ten minutes after the first."""
    assert attempts(LOST, every=10.0, retries=retries, items=items) == 1 + LOST_SECONDS / 10


@pytest.mark.parametrize("every", [LOST_SECONDS, 100 * LOST_SECONDS])
def test_a_long_attempt_does_not_use_up_the_time(every: float) -> None:
    """However long an attempt takes, it takes three losses to give a task up."""
    assert attempts(LOST, every=every) == LEAST_LOSSES


def test_getting_further_starts_the_clock_again() -> None:
    """A task that comes to one more item with every attempt is never given up."""
    tries = Tries()
    for number in range(1, 1000):
        tries.begin()
        for _ in range(number):
            tries.got()
        now = number * LOST_SECONDS
        tries.add(LOST, now=now)
        assert may_retry(tries, retries=0, now=now)
        assert delay(tries, LOST) == FIRST_DELAY


@pytest.mark.parametrize("every", [1.0, 10 * LOST_SECONDS])
def test_a_task_that_eats_all_memory_is_given_up(every: float) -> None:
    """Kills for memory are counted, however fast they come."""
    assert attempts(STARVED, every=every, items=2) == 1 + MEMORY_RETRIES


@given(st.lists(st.sampled_from([RAISED, LOST, STARVED]), max_size=20), st.integers(0, 4))
def test_each_kind_of_failure_has_an_account_of_its_own(
    failures: list[TaskFailure], retries: int
) -> None:
    """Another attempt is due until one of the accounts is overdrawn, in whatever order."""
    tries = Tries()
    for number, failure in enumerate(failures):
        tries.begin()
        tries.add(failure, now=float(number))
    enough = failures.count(RAISED) <= retries and failures.count(STARVED) <= MEMORY_RETRIES
    assert may_retry(tries, retries=retries, now=20.0) == enough


def test_a_task_that_was_not_tried_may_be() -> None:
    """Nothing went wrong yet."""
    assert may_retry(Tries(), retries=0, now=0.0)


def test_the_delay_doubles_from_loss_to_loss() -> None:
    """Half a second, one, two, … up to half a minute."""
    delays = [delay(Tries(lost=lost), LOST) for lost in range(1, 10)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_the_delay_stays_in_its_bounds(lost: int, starved: int) -> None:
    """The first delay is the shortest, and none is longer than the longest."""
    assert FIRST_DELAY <= delay(Tries(lost=lost, starved=starved), STARVED) <= LONGEST_DELAY


@given(st.integers(1, 9), st.integers(0, 9))
def test_an_exception_is_retried_at_once(raised: int, lost: int) -> None:
    """Waiting helps a cluster that lost a node, not code that raised, losses before or not."""
    assert delay(Tries(raised=raised, lost=lost), RAISED) == 0.0


def test_items_count_from_where_further_attempts_start() -> None:
    """An attempt that begins further on gets further with its first item."""
    tries = Tries()
    tries.begin()
    for _ in range(10):
        tries.got()
    tries.advance()
    for now in (1.0, 2.0):
        tries.add(LOST, now=now)
        tries.begin()
    assert tries.lost == 2
    tries.got()
    assert tries.lost == 0
