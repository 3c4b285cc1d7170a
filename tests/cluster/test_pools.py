"""What both pools promise: one suite over the serial one and an embedded Ray."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster import Event, Kind, RayPool, SerialPool, TaskFailure
from tests.cluster.collect import Pool, finish, items, kinds, read
from tests.cluster.conftest import shared_data
from tests.cluster.tasks import Order, work


@pytest.fixture(scope="module", params=["serial", pytest.param("ray", marks=pytest.mark.ray)])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Yield a pool of each kind, with the retries that are the default: one."""
    with (SerialPool if request.param == "serial" else RayPool)(work, shared_data()) as made:
        yield made


def one(events: list[Event], kind: Kind, attempt: int) -> TaskFailure:
    """Return the failure that the only event of a kind carries."""
    (event,) = [e for e in events if e.kind is kind]
    assert event.attempt == attempt
    assert isinstance(event.value, TaskFailure)
    return event.value


def test_a_result_arrives(pool: Pool) -> None:
    """A task starts, yields and ends; each event names the task, the attempt and the host."""
    pool.submit("a", Order("echo", 5))
    node = socket.gethostname()
    assert finish(pool, "a") == [
        Event(Kind.STARTED, "a", 1, node, None),
        Event(Kind.ITEM, "a", 1, node, ("shared", 5)),
        Event(Kind.DONE, "a", 1, node, None),
    ]


@pytest.mark.parametrize("n", [0, 1, 300])
def test_items_stream_in_order_before_the_end(pool: Pool, n: int) -> None:
    """What a task yields arrives in its order, all of it between the start and the end."""
    pool.submit("a", Order("count", n))
    events = finish(pool, "a")
    assert [e.kind for e in events] == [Kind.STARTED, *[Kind.ITEM] * n, Kind.DONE]
    assert items(events, "a") == list(range(n))


def test_an_item_arrives_while_its_task_runs(pool: Pool, tmp_path: Path) -> None:
    """The first item is there although the task waits for us before its second."""
    mark = tmp_path / "go on"
    pool.submit("a", Order("gate", mark))
    before = read(pool, lambda events: items(events, "a"))
    mark.touch()
    after = finish(pool, "a")
    assert items(before + after, "a") == [0, 1]
    assert kinds(before, "a") == [(Kind.STARTED, 1)]
    assert kinds(after, "a") == [(Kind.DONE, 1)]


def test_further_attempts_are_given_what_replaced_the_payload(pool: Pool, tmp_path: Path) -> None:
    """The attempt under way goes on with what it was given."""
    mark = tmp_path / "go on"
    pool.submit("a", Order("gate_and_raise", mark))
    before = read(pool, lambda events: items(events, "a"))
    pool.replace("a", Order("count", 2))
    mark.touch()
    after = finish(pool, "a")
    assert items(before, "a") == ["waits"]
    assert kinds(after, "a") == [(Kind.RETRY, 1), (Kind.STARTED, 2), (Kind.DONE, 2)]
    assert items(after, "a", attempt=2) == [0, 1]


def test_a_task_may_delegate_to_any_iterator(pool: Pool) -> None:
    """`yield from range(3)` works: a task is iterated over, which asks for no generator."""
    pool.submit("a", Order("delegate", 3))
    events = finish(pool, "a")
    assert kinds(events, "a") == [(Kind.STARTED, 1), (Kind.DONE, 1)]
    assert items(events, "a") == [0, 1, 2]


@pytest.mark.parametrize("n", [0, 2])
def test_what_a_task_returns_is_its_last_item(pool: Pool, n: int) -> None:
    """The number returned comes after those yielded, and before the end."""
    pool.submit("a", Order("return", n))
    events = finish(pool, "a")
    assert items(events, "a") == list(range(n + 1))
    assert events[-1].kind is Kind.DONE


def test_nothing_is_sent_into_a_task(pool: Pool) -> None:
    """A `yield` is worth None, as it is in a `for` loop."""
    pool.submit("a", Order("sent", 3))
    assert items(finish(pool, "a"), "a") == ["None"] * 3


@pytest.mark.parametrize(
    "value",
    [None, 0, False, "", b"", (), {}, {"loss": float("inf")}, Order("count", 1), Kind.DONE],
    ids=repr,
)
def test_an_item_may_be_any_value(pool: Pool, value: object) -> None:
    """Empty values, and those that look like the pool's own, are items as others are."""
    pool.submit("a", Order("echo", value))
    (item,) = items(finish(pool, "a"), "a")
    assert item == ("shared", value)
    assert type(item[1]) is type(value)


@pytest.mark.parametrize("size", [3, 10**6])
def test_arrays_travel_both_ways(pool: Pool, size: int) -> None:
    """An array of a payload and of an item keeps its bytes, small or larger than a message."""
    sent = np.random.default_rng(0).normal(size=size)
    pool.submit("a", Order("echo", sent))
    ((_, received),) = items(finish(pool, "a"), "a")
    assert received.dtype == sent.dtype
    assert received.tobytes() == sent.tobytes()


@pytest.mark.parametrize("n", [0, 3])
def test_an_exception_is_retried_and_then_reported(pool: Pool, n: int) -> None:
    """One more attempt follows, from the start; then the task has failed, with the reason."""
    pool.submit("a", Order("raise", n))
    events = finish(pool, "a")
    assert kinds(events, "a") == [
        (Kind.STARTED, 1),
        (Kind.RETRY, 1),
        (Kind.STARTED, 2),
        (Kind.FAILED, 2),
    ]
    assert items(events, "a", attempt=1) == items(events, "a", attempt=2) == list(range(n))
    for failure in (one(events, Kind.RETRY, 1), one(events, Kind.FAILED, 2)):
        assert (failure.type, failure.message) == ("ValueError", f"gave up after {n}")
        assert not failure.lost
        assert "in _raise" in failure.traceback
        assert failure.traceback.rstrip().endswith(f"ValueError: gave up after {n}")


def test_a_task_submitted_once_is_not_tried_again(pool: Pool) -> None:
    """Its first failure is final; a task beside it has its retries."""
    pool.submit("a", Order("raise", 1), once=True)
    assert kinds(finish(pool, "a"), "a") == [(Kind.STARTED, 1), (Kind.FAILED, 1)]
    pool.submit("b", Order("raise", 1))
    assert kinds(finish(pool, "b"), "b")[-1] == (Kind.FAILED, 2)


def test_a_task_submitted_ahead_does_not_wait_for_the_others(pool: Pool) -> None:
    """It is among the first that run, though more than fit were submitted before it."""
    others = [f"task {k}" for k in range(pool.slots + 4)]
    for key in others:
        pool.submit(key, Order("echo", 1))
    pool.submit("urgent", Order("echo", 1), ahead=True)
    events = finish(pool, "urgent", *others)
    started = [event.key for event in events if event.kind is Kind.STARTED]
    assert "urgent" in started[: pool.slots]


def test_an_exception_that_cannot_be_pickled_is_reported(pool: Pool) -> None:
    """A failure is text, so that every exception survives the way to us."""
    pool.submit("a", Order("raise awkward"))
    failure = one(finish(pool, "a"), Kind.FAILED, 2)
    assert (failure.type, failure.message) == ("AwkwardError", "this and that")
    assert not failure.lost


def test_a_task_may_succeed_at_its_second_attempt(pool: Pool, tmp_path: Path) -> None:
    """The second attempt's items are complete, and the first one's stay apart from them."""
    pool.submit("a", Order("raise once", tmp_path / "raised"))
    events = finish(pool, "a")
    assert kinds(events, "a") == [
        (Kind.STARTED, 1),
        (Kind.RETRY, 1),
        (Kind.STARTED, 2),
        (Kind.DONE, 2),
    ]
    assert one(events, Kind.RETRY, 1).message == "the first time"
    assert items(events, "a", attempt=1) == [0, 1]
    assert items(events, "a", attempt=2) == [0, 1, 2, 3]


def test_more_tasks_than_slots(pool: Pool) -> None:
    """Each of many tasks runs once, its own items in order, and the failing ones stop none."""
    counts = {f"t{n}": n for n in range(3 * pool.slots + 4)}
    for key, n in counts.items():
        pool.submit(key, Order("count", n))
    pool.submit("bad", Order("raise", 1))
    events = finish(pool, *counts, "bad")
    for key, n in counts.items():
        assert kinds(events, key) == [(Kind.STARTED, 1), (Kind.DONE, 1)]
        assert items(events, key) == list(range(n))
    assert one(events, Kind.FAILED, 2).message == "gave up after 1"


def test_no_more_tasks_than_slots_run_at_once(pool: Pool, tmp_path: Path) -> None:
    """`slots` is an upper bound of what runs side by side."""
    keys = [f"t{n}" for n in range(2 * pool.slots + 1)]
    for key in keys:
        pool.submit(key, Order("overlap", tmp_path))
    events = finish(pool, *keys)
    running = [n for key in keys for n in items(events, key)]
    assert len(running) == len(keys)
    assert 1 <= min(running) <= max(running) <= pool.slots


def test_a_task_may_be_submitted_while_another_runs(pool: Pool, tmp_path: Path) -> None:
    """A queue is never closed to further tasks."""
    mark = tmp_path / "go on"
    pool.submit("a", Order("gate", mark))
    events = read(pool, lambda events: items(events, "a"))
    pool.submit("b", Order("count", 2))
    mark.touch()
    events += finish(pool, "a", "b")
    assert items(events, "a") == items(events, "b") == [0, 1]


def test_an_idle_pool_has_nothing_to_report(pool: Pool) -> None:
    """Polling with nothing submitted returns at once, and nothing."""
    assert pool.poll(0.0) == []


@pytest.mark.ray
@pytest.mark.parametrize("pool", ["ray"], indirect=True)
def test_workers_share_one_read_only_copy(pool: Pool) -> None:
    """The shared arrays arrive as they are, and a task that writes to them fails."""
    pool.submit("a", Order("write"))
    events = finish(pool, "a")
    assert items(events, "a") == [999 * 1000 / 2, False]
    failure = one(events, Kind.FAILED, 2)
    assert (failure.type, failure.message) == ("ValueError", "assignment destination is read-only")


@pytest.mark.ray
@pytest.mark.parametrize("pool", ["ray"], indirect=True)
def test_an_item_that_cannot_be_pickled_is_the_tasks_fault(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts as an exception of the task, not as a lost worker, so it is tried twice."""
    monkeypatch.setattr("cluster.retry.FIRST_DELAY", 0.0)  # were it taken for lost
    pool.submit("a", Order("unpicklable"))
    failure = one(finish(pool, "a"), Kind.FAILED, 2)
    assert not failure.lost
    assert "TypeError" in failure.type
    assert "lock" in failure.message


class TestSerial:
    """What is true of the serial pool alone, or cheap to try there."""

    @staticmethod
    def test_tasks_run_in_the_order_of_submission() -> None:
        """One ends before the next begins."""
        with SerialPool(work, shared_data()) as pool:
            for key in "cab":
                pool.submit(key, Order("count", 1))
            assert [e.key for e in finish(pool, *"cab")] == [*"ccc", *"aaa", *"bbb"]

    @staticmethod
    @pytest.mark.parametrize("retries", [0, 2])
    def test_retries_are_as_many_as_asked(retries: int) -> None:
        """A task that always raises runs once more than there are retries."""
        with SerialPool(work, shared_data(), retries=retries) as pool:
            pool.submit("a", Order("raise", 0))
            assert one(finish(pool, "a"), Kind.FAILED, retries + 1).type == "ValueError"

    @staticmethod
    def test_closing_ends_the_task_that_runs() -> None:
        """Its generator is closed, so its own clean-up runs; what waits never starts."""
        log: list[str] = []

        def task(_: Any, name: str) -> Iterator[int]:
            log.append(f"{name} begins")
            try:
                yield from (0, 1, 2)
            finally:
                log.append(f"{name} ends")

        pool = SerialPool(task, None)
        pool.submit("a", "a")
        pool.submit("b", "b")
        read(pool, lambda events: items(events, "a"))
        pool.close()
        assert log == ["a begins", "a ends"]
        assert pool.poll(0.0) == []
        pool.close()


def test_what_has_not_started_is_withdrawn(pool: Pool, tmp_path: Path) -> None:
    """What runs comes to its end, its further attempt included; the pool takes more afterwards."""
    mark = tmp_path / "go on"
    running = [f"running {number}" for number in range(pool.slots)]
    for key in running:
        pool.submit(key, Order("gate_and_raise", mark))
    before = read(pool, lambda events: all(items(events, key) for key in running))
    for number in range(20):
        pool.submit(f"waits {number}", Order("count", 1))
    pool.withdraw()
    mark.touch()
    after = read(pool, lambda _: not pool.busy)
    assert {event.key for event in before + after} == set(running)
    assert {event.kind for event in after} >= {Kind.RETRY, Kind.FAILED}
    pool.submit("next", Order("count", 1))
    assert items(finish(pool, "next"), "next") == [0]
