"""Bundles on Ray: whatever happens to one task of a bundle is told of that task alone.

On one core and with so many tasks that they are bundled; a first task says how short they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster import Event, Kind, RayPool
from tests.cluster.collect import finish, items, kinds, read
from tests.cluster.conftest import shared_data
from tests.cluster.tasks import Order, work

pytestmark = pytest.mark.ray

MANY = 20


@pytest.fixture(scope="module")
def ray() -> Iterator[RayPool]:
    """Yield a pool of one slot, whose worker is up."""
    with RayPool(work, shared_data(), max_concurrent=1, stall_seconds=2.0) as made:
        yield made


@pytest.fixture
def pool(ray: RayPool) -> RayPool:
    """Yield the pool when it knows that tasks are short."""
    ray.submit("first", Order("count", 1))
    finish(ray, "first")
    ray._seconds = 0.01
    return ray


def bundled(pool: RayPool, orders: dict[str, Order], *, once: bool = False) -> list[Event]:
    """Run tasks with others behind them; make sure that they were a bundle."""
    others = {f"other {number}": Order("count", 2) for number in range(MANY)}
    for key, order in (orders | others).items():
        pool.submit(key, order, once=once)
    pool._start_what_fits()
    (bundle,) = pool._running.values()
    assert [work.key for work in bundle.works[: len(orders)]] == list(orders)
    assert len(bundle.works) > len(orders)
    events = finish(pool, *orders, *others)
    for key in others:
        assert kinds(events, key) == [(Kind.STARTED, 1), (Kind.DONE, 1)]
        assert items(events, key) == [0, 1]
    return events


def test_tasks_of_a_bundle_are_told_apart(pool: RayPool) -> None:
    """Each begins, yields and ends as if it were alone, one after the other."""
    events = bundled(pool, {"a": Order("count", 3), "b": Order("return", 1)})
    assert (items(events, "a"), items(events, "b")) == ([0, 1, 2], [0, 1])
    ends = [event.key for event in events if event.kind is not Kind.ITEM]
    assert ends == [key for key in dict.fromkeys(ends) for _ in range(2)]


def test_a_task_that_raises_is_tried_again_by_itself(pool: RayPool, tmp_path: Path) -> None:
    """Those around it run once, in the bundle that they were in."""
    events = bundled(pool, {"a": Order("raise", 1), "b": Order("raise once", tmp_path / "mark")})
    assert [kind for kind, _ in kinds(events, "a")] == [
        *(Kind.STARTED, Kind.RETRY),
        *(Kind.STARTED, Kind.FAILED),
    ]
    assert kinds(events, "b")[1:] == [(Kind.RETRY, 1), (Kind.STARTED, 2), (Kind.DONE, 2)]
    assert items(events, "b", attempt=2) == [0, 1, 2, 3]


def test_a_lost_worker_costs_the_task_that_ran(pool: RayPool, tmp_path: Path) -> None:
    """Those behind it wait for another worker; what had ended and been sent stays."""
    mark = tmp_path / "die"
    mark.touch()
    events = bundled(pool, {"a": Order("die", mark)})
    assert kinds(events, "a")[-3:] == [(Kind.RETRY, 1), (Kind.STARTED, 2), (Kind.DONE, 2)]
    assert [number for _, number in items(events, "a", attempt=2)] == list(range(6))


def test_a_task_that_hangs_is_ended_alone(pool: RayPool, tmp_path: Path) -> None:
    """The clock is the task's: the one before it has ended, though nothing came after that."""
    events = bundled(pool, {"a": Order("count", 1), "b": Order("hang", tmp_path)}, once=True)
    assert kinds(events, "a") == [(Kind.STARTED, 1), (Kind.DONE, 1)]
    ends = [event.value for event in events if event.key == "b" and event.kind is Kind.FAILED]
    assert [(end.type, end.lost) for end in ends] == [("Stalled", False)]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_payload_is_replaced_after_the_message_that_told_of_the_failure(
    pool: RayPool, tmp_path: Path
) -> None:
    """A checkpoint and what went wrong after it may come together: the next attempt has it."""
    pool.submit("a", Order("raise once", tmp_path / "mark"))
    events = read(pool, lambda events: any(event.kind is Kind.RETRY for event in events))
    pool.replace("a", Order("count", 1))
    events += finish(pool, "a")
    assert items(events, "a") == [0, 1]
    assert items(events, "a", attempt=2) == [0]


def test_who_kills_its_workers_at_once_is_found(
    pool: RayPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known by nothing but the end of its bundles: they get smaller, until it is alone.

    Of the others, few lose an attempt meanwhile, and none is given up.
    """
    monkeypatch.setattr("cluster.retry.FIRST_DELAY", 0.01)
    monkeypatch.setattr("cluster.retry.LOST_SECONDS", 0.0)
    others = [f"other {number}" for number in range(MANY)]
    for key in [*others[:5], "bad", *others[5:]]:
        pool.submit(key, Order("die always" if key == "bad" else "count", 1))
    events = finish(pool, "bad", *others)
    assert kinds(events, "bad")[-1][0] is Kind.FAILED
    assert all(kinds(events, key)[-1][0] is Kind.DONE for key in others)


def test_what_has_not_begun_can_be_withdrawn(pool: RayPool, tmp_path: Path) -> None:
    """What is in a bundle already may run; what waits in the pool does not."""
    hold = tmp_path / "hold"
    hold.touch()
    keys = [f"t{number}" for number in range(MANY)]
    for key in keys:
        pool.submit(key, Order("hold", hold))
    events = read(pool, lambda events: any(event.kind is Kind.ITEM for event in events))
    (bundle,) = pool._running.values()
    given = [work.key for work in bundle.works]
    pool.withdraw()
    hold.unlink()
    events += finish(pool, *given)
    assert not pool.busy
    ended: set[Any] = {event.key for event in events}
    assert ended == set(given) < set(keys)
