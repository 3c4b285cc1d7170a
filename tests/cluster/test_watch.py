"""The watch over the cluster, with real sockets and a head that is a function."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cluster import ClusterLostError
from cluster.survey import Node
from cluster.watch import Door, Watch
from tests.cluster.collect import until


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the watch impatient."""
    monkeypatch.setattr("cluster.watch.PERIOD", 0.02)
    monkeypatch.setattr("cluster.watch.SILENT_SECONDS", 1.5)


@pytest.fixture
def head() -> Iterator[socket.socket]:
    """Yield a socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def node(number: int, cpus: float = 1.0) -> Node:
    """Return a node with half of its cores free."""
    name = f"10.0.0.{number}"
    free = {"CPU": cpus / 2}
    return Node(f"id{number}", name, name, number == 0, False, {"CPU": cpus}, free)


Nodes = tuple[Node, ...]
ONE: Nodes = (node(0),)


def watching(head: socket.socket, ask: Callable[[], Nodes]) -> Watch:
    """Return a watch over one door."""
    host, port = head.getsockname()
    return Watch({"the head": Door(host, port, 0.5)}, ask)


def lost(watch: Watch) -> str:
    """Check until the cluster is lost; return why."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            watch.check()
        except ClusterLostError as error:
            watch.close()
            return str(error)
        time.sleep(0.02)
    raise AssertionError("not noticed within 30 s")


def test_resources_follow_the_cluster(head: socket.socket) -> None:
    """They are known at once, and again whenever they change."""
    nodes = list(ONE)
    watch = watching(head, lambda: tuple(nodes))
    assert watch.resources == [{"CPU": 1.0}]
    nodes.append(node(1, 2.0))
    until(lambda: watch.resources == [{"CPU": 1.0}, {"CPU": 2.0}], what="the second node")
    assert watch.free == {"CPU": 1.5}
    watch.check()
    watch.close()


def test_a_node_that_is_lost_is_gone_after_a_while(
    head: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at once, since Ray says it sooner where the node has ended; nor one never heard of."""
    monkeypatch.setattr("cluster.watch.GONE_SECONDS", 1.0)
    nodes = [node(0), node(1)]
    watch = watching(head, lambda: tuple(nodes))
    nodes.pop()
    until(lambda: len(watch.resources) == 1, what="one node")
    assert not watch.gone("id1")
    until(lambda: watch.gone("id1"), what="its end")
    assert not watch.gone("id0")
    assert not watch.gone("never seen")
    watch.close()


def test_a_head_that_ended_is_noticed(head: socket.socket) -> None:
    """The line names it and its address."""
    watch = watching(head, lambda: ONE)
    host, port = head.getsockname()
    head.close()
    assert f"the head at {host}:{port} has ended (connection refused)" in lost(watch)


def test_a_head_that_hangs_is_noticed(head: socket.socket) -> None:
    """It accepts connections, as the system does for a stopped process, but answers nothing."""
    asked: list[int] = []

    def ask() -> Nodes:
        asked.append(1)
        if len(asked) > 1:
            time.sleep(0.2)
            raise TimeoutError
        return ONE

    assert "accepts connections, but does not answer" in lost(watching(head, ask))


def test_nothing_is_asked_after_the_end(head: socket.socket) -> None:
    """A question that is under way is waited for: Ray would end a process that asks too long."""
    asking = threading.Event()

    def ask() -> Nodes:
        if threading.current_thread() is not threading.main_thread():
            asking.set()
            time.sleep(0.2)
        return ONE

    watch = watching(head, ask)
    assert asking.wait(30)
    watch.close()
    assert not watch._thread.is_alive()


def test_a_head_that_answers_with_errors_is_noticed(head: socket.socket) -> None:
    """Whatever the question raises ends the cluster, not the thread."""
    asked: list[int] = []

    def ask() -> Nodes:
        asked.append(1)
        if len(asked) > 1:
            raise RuntimeError("no")
        return ONE

    assert "RuntimeError" in lost(watching(head, ask))


def test_a_driver_that_was_stopped_blames_nobody(
    head: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time in which the driver did not look counts little, as after a laptop's sleep."""
    monkeypatch.setattr("cluster.watch.LONGEST_LOOK", 0.1)
    watch = watching(head, lambda: ONE)
    watch._looked -= 3600.0
    watch._trouble, watch._patience = "of before", 0.5
    watch.check()
    watch.close()
