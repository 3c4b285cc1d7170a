from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster import TaskFailure
from cluster.retry import FIRST_DELAY, LONGEST_DELAY, LOST_RETRIES, Tries, delay, may_retry

RAISED = TaskFailure(type="ValueError", message="no", traceback="", lost=False)
LOST = TaskFailure(type="WorkerCrashedError", message="gone", traceback="", lost=True)


def attempts(*failures: TaskFailure, retries: int) -> int:
    """Return how many attempts a task gets that fails like this for as long as it is tried."""
    tries = Tries()
    for number, failure in enumerate(failures, start=1):
        tries.add(failure)
        if not may_retry(tries, retries=retries):
            return number
    raise AssertionError("the task would be tried again")


@pytest.mark.parametrize("retries", [0, 1, 2, 7])
def test_exceptions_are_forgiven_as_often_as_asked(retries: int) -> None:
    """`retries` further attempts follow the first, and no more."""
    assert attempts(*[RAISED] * 20, retries=retries) == 1 + retries


@pytest.mark.parametrize("retries", [0, 1, 7])
def test_lost_workers_are_forgiven_whatever_was_asked(retries: int) -> None:
    """A task that loses its workers gets its own number of attempts, whatever `retries` is."""
    assert attempts(*[LOST] * 20, retries=retries) == 1 + LOST_RETRIES


@given(st.lists(st.sampled_from([RAISED, LOST]), max_size=20), st.integers(0, 4))
def test_each_kind_of_failure_has_an_account_of_its_own(
    failures: list[TaskFailure], retries: int
) -> None:
    """Another attempt is due until one of the two accounts is overdrawn."""
    tries = Tries()
    for failure in failures:
        tries.add(failure)
    enough = failures.count(RAISED) < retries + 1 and failures.count(LOST) < LOST_RETRIES + 1
    assert may_retry(tries, retries=retries) == enough


@given(st.permutations([RAISED, RAISED, LOST, LOST, LOST]))
def test_the_order_of_failures_does_not_matter(failures: list[TaskFailure]) -> None:
    """What is counted is how often, not when."""
    tries = Tries()
    for failure in failures:
        tries.add(failure)
    assert (tries.raised, tries.lost) == (2, 3)


def test_a_task_that_was_not_tried_may_be() -> None:
    """Nothing went wrong yet."""
    assert may_retry(Tries(), retries=0)


def test_the_delay_doubles_from_loss_to_loss() -> None:
    """Half a second, one, two, … up to half a minute."""
    delays = [delay(Tries(lost=lost), LOST) for lost in range(1, 10)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@given(st.integers(1, 500))
def test_the_delay_stays_in_its_bounds(lost: int) -> None:
    """The first delay is the shortest, and none is longer than the longest."""
    assert FIRST_DELAY <= delay(Tries(lost=lost), LOST) <= LONGEST_DELAY


@given(st.integers(1, 9), st.integers(0, 9))
def test_an_exception_is_retried_at_once(raised: int, lost: int) -> None:
    """Waiting helps a cluster that lost a node, not code that raised, losses before or not."""
    assert delay(Tries(raised=raised, lost=lost), RAISED) == 0.0


@pytest.mark.parametrize("first", [0, 1, 3])
def test_an_exception_does_not_lengthen_the_delay(first: int) -> None:
    """The back-off after a loss counts losses alone."""
    tries = Tries()
    for failure in itertools.chain([RAISED] * first, [LOST]):
        tries.add(failure)
    assert delay(tries, LOST) == FIRST_DELAY
