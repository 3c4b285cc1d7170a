"""What `RayPool` is asked for beyond the common suite, on a cluster of one node with two CPUs."""

from __future__ import annotations

import gc
import signal
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from cluster import ClusterError, Kind, Later, RayPool, check_address
from cluster.ray_pool import AHEAD
from tests.cluster.collect import DEADLINE, finish, items, kinds, read, runs, until
from tests.cluster.conftest import OURS, head, shared_data
from tests.cluster.tasks import Order, work

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Yield the address of a node with two CPUs."""
    with head(cpus=2) as cluster:
        yield cluster.address


def join(address: str, **how: Any) -> RayPool:
    """Return a pool on a cluster that exists, whose workers find all packages by themselves."""
    return RayPool(work, shared_data(), **{"address": address} | how)


def test_a_cluster_needs_no_packages(address: str) -> None:
    """`py_modules` may be left out where workers find everything, as they do on this machine."""
    with RayPool(work, shared_data(), address=address, retries=0) as pool:
        pool.submit("a", Order("count", 2))
        events = read(pool, lambda events: any(e.kind is not Kind.ITEM for e in events))
        assert [e.kind for e in events] == [Kind.STARTED]
        assert items(finish(pool, "a"), "a") == [0, 1]


def test_packages_are_sent_to_the_workers(address: str, tmp_path: Path) -> None:
    """A package that no worker could find otherwise is imported there."""
    package = tmp_path / "only_sent_with_py_modules"
    package.mkdir()
    (package / "__init__.py").write_text("VALUE = 17\n", encoding="utf-8")
    with join(address, py_modules=(*OURS, package)) as pool:
        pool.submit("a", Order("import", package.name))
        assert items(finish(pool, "a"), "a") == [17]


@pytest.mark.parametrize(
    ("how", "slots"),
    [
        ({}, 2),
        ({"cpus_per_task": 2}, 1),
        ({"cpus_per_task": 1.5}, 1),
        ({"cpus_per_task": 0.5}, 4),
        ({"cpus_per_task": 0.1}, 20),
        ({"max_concurrent": 1}, 1),
        ({"max_concurrent": 9}, 2),
        ({"cpus_per_task": 0.5, "max_concurrent": 3}, 3),
    ],
    ids=str,
)
def test_slots_follow_from_cores_and_limits(
    address: str, how: dict[str, float], slots: int
) -> None:
    """As many as the cores hold, and no more than were asked for."""
    with join(address, **how) as pool:
        assert pool.slots == slots


@pytest.mark.parametrize("how", [{"max_concurrent": 1}, {"cpus_per_task": 2}], ids=str)
def test_tasks_run_one_at_a_time(address: str, tmp_path: Path, how: dict[str, Any]) -> None:
    """On two CPUs, when only one task may run or each takes both."""
    keys = [f"t{n}" for n in range(5)]
    with join(address, **how) as pool:
        for key in keys:
            pool.submit(key, Order("overlap", tmp_path))
        events = finish(pool, *keys)
    assert [n for key in keys for n in items(events, key)] == [1] * 5


def test_ray_itself_sets_the_cores_aside(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tasks of two CPUs do not overlap even when the pool hands Ray both at once."""
    monkeypatch.setattr(RayPool, "slots", 2)
    with join(address, cpus_per_task=2) as pool:
        pool.submit("a", Order("overlap", tmp_path))
        pool.submit("b", Order("overlap", tmp_path))
        events = finish(pool, "a", "b")
    assert items(events, "a") == items(events, "b") == [1]


@pytest.mark.parametrize(("how", "guests"), [({}, 2), ({"cpus_per_task": 0.5}, 4)], ids=str)
def test_tasks_run_at_the_same_time(
    address: str, tmp_path: Path, how: dict[str, Any], guests: int
) -> None:
    """All slots are used: tasks that wait for each other come to their end."""
    keys = [f"t{n}" for n in range(guests)]
    with join(address, **how) as pool:
        for key in keys:
            pool.submit(key, Order("meet", (tmp_path, guests)))
        events = finish(pool, *keys)
    assert all(kinds(events, key) == [(Kind.STARTED, 1), (Kind.DONE, 1)] for key in keys)


@pytest.mark.parametrize("retries", [0, 2])
def test_retries_are_as_many_as_asked(address: str, retries: int) -> None:
    """A task that always raises runs once more than there are retries."""
    with join(address, retries=retries) as pool:
        pool.submit("a", Order("raise", 1))
        ends = [e for e in finish(pool, "a") if e.kind in (Kind.RETRY, Kind.FAILED)]
    assert [e.kind for e in ends] == [Kind.RETRY] * retries + [Kind.FAILED]
    assert [e.attempt for e in ends] == list(range(1, retries + 2))


def test_a_task_that_stalls_is_ended(address: str, tmp_path: Path) -> None:
    """Its worker is killed, the attempt counts as one that raised, and others run on.

    The clock starts anew with every item: a task that takes longer in all is left alone.
    """
    with join(address, stall_seconds=3.0) as pool:
        pool.submit("hangs", Order("hang", tmp_path))
        pool.submit("slow", Order("tick", (10, 0.5)))
        events = finish(pool, "hangs", "slow")
    assert kinds(events, "hangs") == [
        (Kind.STARTED, 1),
        (Kind.RETRY, 1),
        (Kind.STARTED, 2),
        (Kind.FAILED, 2),
    ]
    (failure,) = [e.value for e in events if e.kind is Kind.FAILED]
    assert (failure.type, failure.lost) == ("Stalled", False)
    assert "3 s" in failure.message
    assert items(events, "hangs") == [0]
    assert items(events, "slow") == list(range(10))
    workers = [int(file.name) for file in tmp_path.iterdir()]
    assert len(workers) == 2
    until(lambda: not any(runs(pid) for pid in workers), what="the end of the workers")


def test_a_driver_that_was_held_up_ends_no_task(address: str) -> None:
    """What a task yielded meanwhile counts, though the driver has not read it."""
    with join(address, stall_seconds=1.0, retries=0) as pool:
        pool.submit("a", Order("count", 3))
        events = read(pool, lambda events: events)
        for work in pool._running.values():
            work.heard = 0.0
        events += finish(pool, "a")
    assert kinds(events, "a") == [(Kind.STARTED, 1), (Kind.DONE, 1)]
    assert items(events, "a") == [0, 1, 2]


def test_closing_ends_what_runs(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running tasks are killed and waiting ones never start; the cluster lives on.

    No task is cancelled for that: when one comes to its end at that moment, Ray 2.60 aborts the
    driver ("Tried to complete task that was not pending").
    """
    mark = tmp_path / "hold"
    mark.touch()
    pool = join(address)
    cancelled: list[object] = []
    monkeypatch.setattr(pool._ray, "cancel", lambda stream, **_: cancelled.append(stream))
    with suppress(KeyboardInterrupt), pool:
        for key in "abc":
            pool.submit(key, Order("hold", mark))
        events = read(pool, lambda events: items(events, "a") and items(events, "b"))
        workers = [item[1] for key in "ab" for item in items(events, key)]
        assert all(runs(pid) for pid in workers)
        assert kinds(events, "c") == []
        raise KeyboardInterrupt
    until(lambda: not any(runs(pid) for pid in workers), what="the workers' end")
    assert cancelled == []
    pool.close()
    with join(address) as after:
        after.submit("d", Order("count", 2))
        assert items(finish(after, "d"), "d") == [0, 1]


def local_references() -> dict[str, int]:
    """Return the references to Ray's objects that this process holds, by the objects."""
    worker: Any = import_module("ray._private.worker").global_worker
    counts = worker.core_worker.get_all_reference_counts()
    return {name: count["local"] for name, count in counts.items() if count["local"]}


def test_an_exception_that_is_kept_holds_no_reference(address: str, tmp_path: Path) -> None:
    """Nor does the pool: one that died after this Ray would end the process, or the next Ray's.

    A notebook keeps what was raised last, and with it the frames that it came through.
    """
    mark = tmp_path / "hold"
    mark.touch()
    with join(address) as pool:
        pool.submit("a", Order("hold", mark))
        read(pool, lambda events: items(events, "a"))
        assert local_references()
        threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt) as kept:
            read(pool, lambda _: False)
        pool._forget()
        assert local_references() == {}
    assert kept.tb.tb_frame.f_code.co_name == "test_an_exception_that_is_kept_holds_no_reference"


def test_a_closed_pool_is_no_garbage(address: str) -> None:
    """It is gone with its last reference: nothing is left to a collection at some later moment."""
    pool = join(address)
    pool.submit("a", Order("count", 2))
    finish(pool, "a")
    pool.close()
    gone = weakref.ref(pool)
    gc.disable()
    try:
        del pool
        assert gone() is None
    finally:
        gc.enable()


def test_errors_that_nobody_reads_are_not_printed(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C they are those of tasks that were ended, and Ray would print each at the end."""
    printed: list[Exception] = []
    worker: Any = import_module("ray._private.worker")
    monkeypatch.setattr(worker, "_unhandled_error_handler", printed.append)
    with join(address) as pool:
        pool.submit("a", Order("unpicklable"))
        pool._start_what_fits()
        (stream,) = pool._running
        pool._ray.wait([stream.completed()], timeout=DEADLINE)
        del stream
    assert printed == []


def test_auto_joins_the_cluster_of_the_environment(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Ray job is told its cluster in `RAY_ADDRESS`, and `auto` means that one."""
    monkeypatch.setenv("RAY_ADDRESS", address)
    check_address("auto")
    with join("auto") as pool:
        pool.submit("a", Order("count", 2))
        assert items(finish(pool, "a"), "a") == [0, 1]


def test_shared_data_may_come_later(address: str) -> None:
    """What is still being made is waited for when Ray has started; a failure ends that Ray."""
    import ray  # noqa: PLC0415 - after its settings

    started = []

    def fill(room: dict[str, Any]) -> None:
        started.append(ray.is_initialized())
        room["numbers"][...] = shared_data()["numbers"]

    def broken(room: dict[str, Any]) -> None:
        raise ValueError("cannot be made")

    with pytest.raises(ValueError, match="cannot be made"):
        RayPool(work, Later(shared_data, broken, 8000), address=address)
    assert not ray.is_initialized()
    with RayPool(work, Later(shared_data, fill, 8000), address=address) as pool:
        pool.submit("a", Order("echo", 1))
        assert items(finish(pool, "a"), "a") == [("shared", 1)]
    assert started == [True]


def test_one_process_joins_one_cluster(address: str) -> None:
    """A second pool while the first is open is refused in one line, and the first works on."""
    with join(address) as pool:
        with pytest.raises(ClusterError, match="another run of this process is on Ray") as caught:
            join(address)
        assert "\n" not in str(caught.value)
        pool.submit("a", Order("count", 2))
        assert items(finish(pool, "a"), "a") == [0, 1]


def test_a_pool_says_where_it_runs(address: str) -> None:
    """Its description names the cluster."""
    with join(address) as pool:
        assert pool.describe == f"Ray at {address}"


def test_where_tasks_are_long_a_later_one_can_go_ahead(address: str, tmp_path: Path) -> None:
    """While one runs, those that wait are not Ray's yet; so one that is submitted ahead is next."""
    hold = tmp_path / "hold"
    hold.touch()
    with join(address, cpus_per_task=2) as pool:
        pool.submit("long", Order("tick", (2, 0.6)))
        finish(pool, "long")
        pool.submit("running", Order("hold", hold))
        read(pool, lambda events: events)
        waiting = [f"waiting {k}" for k in range(AHEAD + 1)]
        for key in waiting:
            pool.submit(key, Order("count", 1))
        assert not pool.poll(0.2)
        pool.submit("urgent", Order("count", 1), ahead=True)
        hold.unlink()
        events = finish(pool, "urgent", *waiting)
        started = [event.key for event in events if event.kind is Kind.STARTED]
        assert started == ["urgent", *waiting]
