"""A pool over Ray: one remote task a submission, its items streamed to the driver by the second.

Ray's own retries stay off: a retried generator continues the stream of the attempt before it,
so that items of two attempts mix without a sign. Attempts are made here instead, each with a
stream of its own.
"""

from __future__ import annotations

import gc
import math
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from cluster.connect import connection
from cluster.errors import ClusterError
from cluster.events import Event, Kind, Task, TaskFailure
from cluster.probe import Versions, check_nodes
from cluster.process import frames_emptied
from cluster.retry import Tries, delay, may_retry
from cluster.room import Needs, Waiting, fitting, megabytes
from cluster.serial import failure_of, stalled
from cluster.signals import signals_deferred
from cluster.watch import Watch, asking, doors

STORE_SLACK = 64 * 2**20
"""Bytes of an embedded object store beyond the shared data, for payloads and items."""

AHEAD = 2
"""Tasks that Ray is given beyond those that can run, so that a worker need not wait for the driver
when one ends. Where their number is limited by us rather than by resources, none are."""
AHEAD_SECONDS = 1.0
"""How short tasks have to be for that: ahead of longer ones, for which a few milliseconds are
nothing, a task that is submitted later could not be placed."""

FETCH_SECONDS = 1.0
"""How often the cluster is looked after while an item is on its way."""

MESSAGE_SECONDS = 0.0011
"""What the driver takes to take in a message: measured by `benchmarks/overhead.py`."""
DRIVER_SHARE = 1 / 3
"""How much of its time it may take for that."""
LEAST_SECONDS = 1.0
"""From one message of a task to its next, at least: often enough for whoever watches."""


class Later(NamedTuple):
    """Shared data that is still being made: Ray starts meanwhile."""

    get: Callable[[], Any]
    """Waits for it, and returns it."""
    nbytes: int


AtOnce = Callable[[Any], bool]
"""Tells an item that is sent as soon as it is there."""


class _Started(NamedTuple):
    """First message of every attempt."""

    node: str
    """The machine's name."""
    node_id: str
    """Ray's own."""


class _Ended(NamedTuple):
    """Last message of every attempt that was not lost."""

    failure: TaskFailure | None
    items: tuple[Any, ...] = ()
    """What the task yielded since the message before, and what it returned."""


def never(_: Any) -> bool:
    """Let an item wait for others."""
    return False


def _attempt(
    task: Task, shared: Any, payload: Any, seconds: float, at_once: AtOnce = never
) -> Iterator[Any]:
    """Run a task in a worker: where it runs, then its messages."""
    import ray  # noqa: PLC0415 - this runs in a worker of Ray's

    yield _Started(socket.gethostname(), ray.get_runtime_context().get_node_id())
    yield from messages(lambda: task(shared, payload), seconds, at_once)


def messages(
    task: Callable[[], Iterator[Any]], seconds: float, at_once: AtOnce = never
) -> Iterator[list[Any] | _Ended]:
    """Yield a task's items together, one message in so many seconds, and last how it ended.

    The first goes out at once, and so does each of a task that is slower than that: what it has
    would wait for as long as it takes to its next. With what `at_once` holds for go those before
    it. What the task raises is told as well, so that
    nothing of its own needs pickling.
    """
    held: list[Any] = []
    sent, last, slow = -math.inf, time.monotonic(), False
    try:
        items = iter(task())
        while True:  # not `yield from`: Ray sends statistics into its generators
            try:
                held.append(next(items))
            except StopIteration as end:
                ended = _Ended(None, (*held, end.value) if end.value is not None else (*held,))
                break
            now = time.monotonic()
            slow, last = slow or now - last >= seconds, now
            if slow or now - sent >= seconds or at_once(held[-1]):
                yield held
                held, sent = [], now
    except Exception as error:  # noqa: BLE001 - whatever a task raises is reported
        ended = _Ended(failure_of(error), (*held,))
    yield ended


def seconds_between_messages(slots: int) -> float:
    """Return how often a task may send, so that the driver of so many keeps up with them."""
    return max(LEAST_SECONDS, slots * MESSAGE_SECONDS / DRIVER_SHARE)


def _woken(task: Task) -> None:
    """Do nothing: by now the task, and with it its modules, are imported."""


@dataclass
class _Work:
    """A task that was submitted and has not ended."""

    key: str
    payload: Any
    once: bool = False
    tries: Tries = field(default_factory=Tries)
    node: str = ""
    node_id: str = ""
    not_before: float = 0.0
    """Monotonic time before which it is not tried again."""
    heard: float = math.inf
    """Monotonic time of the attempt's last message; infinite while it waits for a worker."""
    started: float = 0.0
    """Monotonic time of the attempt's first message."""


class RayPool:
    """Runs tasks on Ray; use as a context manager, or call `close`.

    Parameters
    ----------
    task
        `task(shared, payload)` yields items, as `cluster.events.Task` says; a function that workers
        can import.
    shared
        What all tasks read, or `Later`: put into Ray's object store once, read-only in every
        worker.
    address
        `host:port` or `auto` of a cluster; None for an embedded Ray.
    cpus_per_task, memory_per_task
        Cores, and bytes beside the shared data, that Ray sets aside for a task.
    max_concurrent
        Tasks at once, at most; None for as many as the cores allow.
    retries
        Further attempts at a task that raises or stalls. Those whose worker is lost are retried
        anyway: see `cluster.retry`.
    stall_seconds
        How long a running task may yield nothing before its worker is ended; None for ever.
    py_modules
        Packages that an existing cluster's workers need.
    versions
        Returns what has to be the same on all nodes of an existing cluster; None checks nothing.
    at_once
        Tells items that a lost worker is gone on from, which are sent as soon as they are there; a
        function that workers can import. Others go out together: see `messages`.
    say
        Called with a line for the user.

    Raises
    ------
    ClusterError
        When there is no Ray at the address, it cannot start, its nodes' versions differ, or an
        embedded one has no room for a single task.
    """

    def __init__(
        self,
        task: Task,
        shared: Any,
        *,
        address: str | None = None,
        cpus_per_task: float = 1.0,
        memory_per_task: int = 0,
        max_concurrent: int | None = None,
        retries: int = 1,
        stall_seconds: float | None = None,
        py_modules: tuple[Path, ...] = (),
        versions: Versions | None = None,
        at_once: AtOnce = never,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._say = say
        self._at_once = at_once
        self._retries = retries
        self._stall_seconds = math.inf if stall_seconds is None else stall_seconds
        self._needs = Needs(cpus_per_task, memory_per_task)
        self._max_concurrent = max_concurrent
        self._waiting: deque[_Work] = deque()
        self._running: dict[Any, _Work] = {}
        self._took = math.inf
        """Seconds of the task that ended last."""
        self.describe = f"Ray at {address}" if address else "Ray, embedded"
        with ExitStack() as stack:
            self._ray = stack.enter_context(
                connection(
                    address=address,
                    object_store_bytes=_size(shared) + STORE_SLACK,
                    py_modules=py_modules,
                )
            )
            stack.callback(self._forget)
            self._watch = watch = Watch(doors(self._ray), asking(self._ray))
            stack.callback(watch.close)
            self._waiting_for_room = Waiting(
                self._needs,
                nodes=lambda: watch.resources,
                free=lambda: watch.free,
                say=say,
            )
            with frames_emptied():
                if address is None:
                    self._check_room()
                elif versions is not None:
                    check_nodes(self._ray, versions, say=say)
                self._task = self._ray.put(task)
                if address is None:
                    self._wake()
            self._shared = self._ray.put(shared.get() if isinstance(shared, Later) else shared)
            # Ray calls a task with the items of its arguments: references become their values.
            self._remote = self._ray.remote(
                num_cpus=cpus_per_task,
                memory=memory_per_task or None,
                max_retries=0,
                num_returns="streaming",
                enable_task_events=address is not None,  # nobody looks into an embedded Ray
            )(_attempt)
            self._stack = stack.pop_all()

    def _wake(self) -> None:
        """Have the workers import what the task needs; the shared data may take as long."""
        wake = self._ray.remote(num_cpus=self._needs.cpus, max_retries=0, enable_task_events=False)(
            _woken
        )
        for _ in range(self.slots):
            wake.remote(self._task)

    @property
    def slots(self) -> int:
        """Tasks that can run at once; within seconds it follows nodes that join or leave."""
        room = max(1, fitting(self._watch.resources, self._needs))
        return min(room, self._max_concurrent or room)

    def _check_room(self) -> None:
        (here,) = self._watch.resources
        if not fitting([here], self._needs):
            raise ClusterError(
                f"a task asks for {self._needs}, and Ray has {here.get('CPU', 0):g} cores and "
                f"{megabytes(here.get('memory', 0))} on this machine; ask for less"
            )

    def submit(self, key: str, payload: Any, *, once: bool = False, ahead: bool = False) -> None:
        """Queue a task, `ahead` of those that wait or behind them.

        One submitted `once` is not tried again, however it ends.
        """
        queue = self._waiting.appendleft if ahead else self._waiting.append
        queue(_Work(key, payload, once))

    def replace(self, key: str, payload: Any) -> None:
        """Give further attempts at a running task another payload: they start further on."""
        for work in self._running.values():
            if work.key == key:
                work.payload = payload
                work.tries.advance()

    def order(self, keys: Sequence[str]) -> None:
        """Let the tasks that wait start in the order of their keys; those not named come first."""
        place = {key: number for number, key in enumerate(keys)}
        self._waiting = deque(sorted(self._waiting, key=lambda work: place.get(work.key, -1)))

    def withdraw(self) -> None:
        """Forget the tasks that have not started; those that Ray holds already it may start."""
        self._waiting.clear()

    @property
    def busy(self) -> bool:
        """Whether a task runs, or is to be tried again."""
        return bool(self._waiting) or any(work.node for work in self._running.values())

    def poll(self, timeout: float) -> list[Event]:
        """Return what happened, waiting up to `timeout` seconds for something to happen.

        Raises
        ------
        ClusterLostError
            When the cluster has gone away. What was submitted is forgotten with it.
        """
        with frames_emptied():
            return self._poll(timeout)

    def _poll(self, timeout: float) -> list[Event]:
        self._watch.check()
        self._start_what_fits()
        self._waiting_for_room.look(
            submitted=bool(self._running), started=any(w.node for w in self._running.values())
        )
        if not self._running:
            if self._waiting:  # all of it waits for its back-off to pass
                wake = min(work.not_before for work in self._waiting)
                time.sleep(max(0.0, min(timeout, wake - time.monotonic())))
            return []
        ready = self._ready(timeout)
        events = [event for stream in ready for event in self._next(stream)]
        events += [self._give_up(stream) for stream in self._stalled()]
        return events + [self._write_off(stream) for stream in self._unreachable()]

    def _ready(self, timeout: float) -> list[Any]:
        """Return all streams that have an item; wait for one where none has."""
        ready: list[Any] = []
        streams = list(self._running)
        for enough, seconds in ((len(streams), 0.0), (1, timeout)):
            if not ready:
                ready, _ = self._ray.wait(
                    streams, num_returns=enough, timeout=seconds, fetch_local=False
                )
        return ready

    def _stalled(self) -> list[Any]:
        """Return the streams that have yielded nothing for too long."""
        latest = time.monotonic() - self._stall_seconds - seconds_between_messages(self.slots)
        return self._empty(stream for stream, work in self._running.items() if work.heard < latest)

    def _unreachable(self) -> list[Any]:
        """Return the streams from nodes that the head has lost, and Ray has not given up."""
        return self._empty(
            stream for stream, work in self._running.items() if self._watch.gone(work.node_id)
        )

    def _empty(self, streams: Iterable[Any]) -> list[Any]:
        """Return those in which nothing waits: a driver that was held up may be behind."""
        late = list(streams)
        if late:
            ready, _ = self._ray.wait(late, num_returns=len(late), timeout=0, fetch_local=False)
            late = [stream for stream in late if stream not in ready]
        return late

    def _give_up(self, stream: Any) -> Event:
        """End the worker of a stream that has stalled."""
        self._ray.cancel(stream, force=True)
        return self._end(self._running.pop(stream), stalled(self._stall_seconds))

    def _write_off(self, stream: Any) -> Event:
        """Forget a stream whose node has fallen silent: nobody there would hear of an end."""
        work = self._running.pop(stream)
        message = f"the head of the cluster has lost the node of {work.node}"
        return self._end(work, _lost("NodeDiedError", message))

    def _start_what_fits(self) -> None:
        ahead = AHEAD if self._took < AHEAD_SECONDS and not self._max_concurrent else 0
        now, slots = time.monotonic(), self.slots
        room, seconds = slots + ahead - len(self._running), seconds_between_messages(slots)
        for _ in range(len(self._waiting)):
            if room <= 0:
                return
            work = self._waiting.popleft()
            if work.not_before > now:
                self._waiting.append(work)
                continue
            work.tries.begin()
            work.node = work.node_id = ""
            work.heard = math.inf
            stream = self._remote.remote(
                self._task, self._shared, work.payload, seconds, self._at_once
            )
            self._running[stream] = work
            room -= 1

    def _next(self, stream: Any) -> Iterator[Event]:
        """Yield the events of a stream's next message."""
        work = self._running[stream]
        try:
            message = self._fetch(next(stream))
        except StopIteration:
            message = _Ended(_lost("WorkerCrashedError", "its stream ended before the task did"))
        except self._ray.exceptions.RayTaskError as error:  # an item that cannot be pickled
            message = _Ended(failure_of(error))
        except self._ray.exceptions.RayError as error:
            message = _Ended(_lost(type(error).__name__, str(error)))
        work.heard = time.monotonic()
        match message:
            case _Started(node, node_id):
                work.node, work.node_id, work.started = node, node_id, work.heard
                yield self._event(Kind.STARTED, work, None)
            case _Ended(failure, items):
                del self._running[stream]
                if failure is None:
                    self._took = work.heard - work.started
                yield from self._items(work, items)
                yield self._end(work, failure)
            case items:
                yield from self._items(work, items)

    def _items(self, work: _Work, items: Iterable[Any]) -> Iterator[Event]:
        for item in items:
            work.tries.got()
            yield self._event(Kind.ITEM, work, item)

    def _fetch(self, reference: Any) -> Any:
        """Return an item's value, which may have to come from another node."""
        while True:
            try:
                return self._ray.get(reference, timeout=FETCH_SECONDS)
            except self._ray.exceptions.GetTimeoutError:
                self._watch.check()

    def _end(self, work: _Work, failure: TaskFailure | None) -> Event:
        if failure is None:
            return self._event(Kind.DONE, work, None)
        now = time.monotonic()
        work.tries.add(failure, now=now)
        if work.once or not may_retry(work.tries, retries=self._retries, now=now):
            return self._event(Kind.FAILED, work, failure)
        event = self._event(Kind.RETRY, work, failure)
        work.not_before = now + delay(work.tries, failure)
        self._waiting.append(work)
        return event

    def _event(self, kind: Kind, work: _Work, value: Any) -> Event:
        return Event(kind, work.key, work.tries.attempt, work.node, value)

    def close(self) -> None:
        """Disconnect, which ends what runs; an embedded Ray ends. Calling it again does nothing.

        Nothing is cancelled: Ray 2.60 aborts the process when a task that is cancelled comes to its
        end at the same moment, as the last ones of a study do.
        """
        with signals_deferred():
            self._stack.close()

    def _forget(self) -> None:
        """Let go of all of Ray's objects, and of garbage that holds one, while Ray still runs.

        One that dies later does so in another Ray, or ends the process: see `frames_emptied`.
        """
        self._waiting.clear()
        self._running.clear()
        self._task = self._shared = self._remote = None
        gc.collect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lost(kind: str, message: str) -> TaskFailure:
    return TaskFailure(type=kind, message=message, traceback="", lost=True)


def _size(shared: Any) -> int:
    """Return the bytes of the arrays in an object: its attributes, to any depth."""
    if hasattr(shared, "nbytes"):
        return int(shared.nbytes)
    if isinstance(shared, list | tuple):
        return sum(_size(item) for item in shared)
    if isinstance(shared, dict):
        return sum(_size(item) for item in shared.values())
    return sum(_size(item) for item in vars(shared).values()) if hasattr(shared, "__dict__") else 0
