"""Workers and nodes that go away, on a cluster of a head without CPUs and two nodes with one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster import Event, Kind, RayPool, TaskFailure
from cluster.retry import LEAST_LOSSES
from tests.cluster.collect import finish, items, kinds, read, runs, until
from tests.cluster.conftest import OURS, head, shared_data
from tests.cluster.tasks import Order, work

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Yield the cluster; tests may remove nodes if they put others in their place."""
    with head(cpus=0) as cluster:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        yield cluster


@pytest.fixture(scope="module")
def pool(nodes: Any) -> Iterator[RayPool]:
    """Yield a pool that forgives one exception, as is the default."""
    with RayPool(work, shared_data(), address=nodes.address, py_modules=OURS) as made:
        yield made


def lost(events: list[Event], key: str, attempt: int) -> TaskFailure:
    """Return the failure of an attempt whose worker or node went away."""
    (failure,) = [
        e.value
        for e in events
        if e.key == key and e.attempt == attempt and e.kind in (Kind.RETRY, Kind.FAILED)
    ]
    assert isinstance(failure, TaskFailure)
    assert failure.lost
    return failure


def test_a_killed_worker_costs_one_attempt(pool: RayPool, tmp_path: Path) -> None:
    """A worker that dies by SIGKILL in the middle is reported and its task tried again."""
    mark = tmp_path / "die"
    mark.touch()
    pool.submit("a", Order("die", mark))
    events = finish(pool, "a")
    assert not mark.exists()
    assert kinds(events, "a")[-3:] == [(Kind.RETRY, 1), (Kind.STARTED, 2), (Kind.DONE, 2)]
    failure = lost(events, "a", 1)
    assert failure.type == "WorkerCrashedError"
    assert failure.message


def test_attempts_do_not_mix(pool: RayPool, tmp_path: Path) -> None:
    """The second attempt's items are all of one worker and complete, from the first on.

    Of the lost attempt there is a beginning: what was on its way when the worker died is gone.
    """
    mark = tmp_path / "die"
    mark.touch()
    pool.submit("a", Order("die", mark))
    events = finish(pool, "a")
    before, after = items(events, "a", attempt=1), items(events, "a", attempt=2)
    assert [number for _, number in after] == list(range(6))
    assert [number for _, number in before] == list(range(len(before)))
    assert len(before) <= 3
    workers = {pid for pid, _ in after}
    assert len(workers) == 1
    assert workers.isdisjoint(pid for pid, _ in before)
    attempts = [e.attempt for e in events]
    assert attempts == sorted(attempts)


def test_a_killed_worker_harms_no_other_task(pool: RayPool, tmp_path: Path) -> None:
    """A task beside it, and those behind it in the queue, run once."""
    mark, hold = tmp_path / "die", tmp_path / "hold"
    mark.touch()
    hold.touch()
    pool.submit("beside", Order("hold", hold))
    events = read(pool, lambda events: items(events, "beside"))
    for key, order in {"a": Order("die", mark), "b": Order("count", 3)}.items():
        pool.submit(key, order)
    events += finish(pool, "a", "b")
    hold.unlink()
    events += finish(pool, "beside")
    assert kinds(events, "beside") == kinds(events, "b") == [(Kind.STARTED, 1), (Kind.DONE, 1)]
    assert [number for *_, number in items(events, "beside")] == list(range(4))
    assert items(events, "b") == [0, 1, 2]


def test_a_task_that_kills_every_worker_fails(
    pool: RayPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried until its time is up, and the pool serves others afterwards."""
    monkeypatch.setattr("cluster.retry.FIRST_DELAY", 0.01)
    monkeypatch.setattr("cluster.retry.LOST_SECONDS", 2.0)
    pool.submit("a", Order("die always"))
    events = finish(pool, "a")
    ends = [(kind, attempt) for kind, attempt in kinds(events, "a") if kind is not Kind.STARTED]
    assert len(ends) >= LEAST_LOSSES
    assert ends == [
        *((Kind.RETRY, attempt) for attempt in range(1, len(ends))),
        (Kind.FAILED, len(ends)),
    ]
    assert lost(events, "a", len(ends)).type == "WorkerCrashedError"
    pool.submit("b", Order("count", 3))
    assert items(finish(pool, "b"), "b") == [0, 1, 2]


def test_a_loss_uses_up_no_retry(pool: RayPool, tmp_path: Path) -> None:
    """A task may lose a worker and raise once, though one exception is all that is forgiven."""
    pool.submit("a", Order("stumble", tmp_path))
    events = finish(pool, "a")
    ends = [e for e in events if e.kind is Kind.RETRY]
    assert [(e.attempt, e.value.lost) for e in ends] == [(1, True), (2, False)]
    assert kinds(events, "a")[-2:] == [(Kind.STARTED, 3), (Kind.DONE, 3)]
    assert items(events, "a", attempt=3) == [0, 1, 2]


def test_a_removed_node_costs_one_attempt(nodes: Any, pool: RayPool, tmp_path: Path) -> None:
    """Its task is finished by the node that stays, whose own task does not notice.

    The number of slots follows: one while a node is missing, two when another has come.
    """
    marks = {key: tmp_path / key for key in "ab"}
    for key, mark in marks.items():
        mark.touch()
        pool.submit(key, Order("hold", mark))
    events = read(pool, lambda events: items(events, "a") and items(events, "b"))
    ((node_a, worker_a, _),), ((node_b, worker_b, _),) = items(events, "a"), items(events, "b")
    assert node_a != node_b

    (gone,) = [node for node in nodes.worker_nodes if node.node_id == node_a]
    nodes.remove_node(gone, allow_graceful=False)
    try:
        events += read(pool, lambda new: any(e.kind is Kind.RETRY for e in new))
        assert lost(events, "a", 1).message
        until(lambda: not runs(worker_a), what="the end of the lost node's worker")
        until(lambda: pool.slots == 1, what="one slot")
        for mark in marks.values():
            mark.unlink()
        events += finish(pool, "a", "b")
    finally:
        nodes.add_node(num_cpus=1)

    assert kinds(events, "a") == [
        (Kind.STARTED, 1),
        (Kind.RETRY, 1),
        (Kind.STARTED, 2),
        (Kind.DONE, 2),
    ]
    assert [number for *_, number in items(events, "a", attempt=1)] == [0]
    assert [number for *_, number in items(events, "a", attempt=2)] == list(range(4))
    assert {node for node, *_ in items(events, "a", attempt=2)} == {node_b}
    assert kinds(events, "b") == [(Kind.STARTED, 1), (Kind.DONE, 1)]
    assert items(events, "b") == [(node_b, worker_b, number) for number in range(4)]
    until(lambda: pool.slots == 2, what="two slots")


def test_a_node_that_falls_silent_costs_one_attempt(
    nodes: Any, pool: RayPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a network that drops everything: the head misses it, and its task goes elsewhere.

    Ray itself would wait for the task for seven minutes.
    """
    monkeypatch.setattr("cluster.watch.GONE_SECONDS", 2.0)
    mark = tmp_path / "hold"
    mark.touch()
    pool.submit("a", Order("hold", mark))
    events = read(pool, lambda events: items(events, "a"))
    ((silenced, worker, _),) = items(events, "a")
    (gone,) = [node for node in nodes.worker_nodes if node.node_id == silenced]
    stopped = [worker, *(each.process.pid for (each,) in gone.all_processes.values())]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        events += read(pool, lambda new: any(e.kind is Kind.RETRY for e in new))
        mark.unlink()
        events += finish(pool, "a")
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGKILL)
        nodes.remove_node(gone, allow_graceful=False)
        nodes.add_node(num_cpus=1)
    failure = lost(events, "a", 1)
    assert (failure.type, "has lost the node" in failure.message) == ("NodeDiedError", True)
    assert kinds(events, "a")[-2:] == [(Kind.STARTED, 2), (Kind.DONE, 2)]
    ((other, *_), *_) = items(events, "a", attempt=2)
    assert other != silenced
    until(lambda: pool.slots == 2, what="two slots")


def test_a_node_that_joins_is_used(nodes: Any, pool: RayPool, tmp_path: Path) -> None:
    """Three tasks that wait for each other run once a third node has come."""
    until(lambda: pool.slots == 2, what="two slots")
    keys = [f"t{n}" for n in range(3)]
    for key in keys:
        pool.submit(key, Order("meet", (tmp_path, len(keys))))
    events = read(pool, lambda events: sum(e.kind is Kind.STARTED for e in events) == 2)
    nodes.add_node(num_cpus=1)
    events += finish(pool, *keys)
    assert all(kinds(events, key) == [(Kind.STARTED, 1), (Kind.DONE, 1)] for key in keys)
