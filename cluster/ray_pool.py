"""A pool over Ray: a remote task works off a bundle of tasks, and streams what they yield.

Where tasks are as many as slots, or take long, each is a bundle of its own: see `cluster.bundles`.
Whatever happens is told of each task by itself.

Ray's own retries stay off: a retried generator continues the stream of the attempt before it,
so that items of two attempts mix without a sign. Attempts are made here instead, each with a
stream of its own.
"""

from __future__ import annotations

import gc
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cluster.bundles import bundle_size
from cluster.connect import connection
from cluster.errors import ClusterError
from cluster.events import Event, Kind, Task, TaskFailure
from cluster.later import Later, put
from cluster.messages import Part, Place, Stamp, attempt, seconds_between_messages, unstamped
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
"""Bundles that Ray is given beyond those that can run, so that a worker need not wait for the
driver when one ends. Where their number is limited by us rather than by resources, none are."""
AHEAD_SECONDS = 1.0
"""How short bundles have to be for that: ahead of longer ones, for which a few milliseconds are
nothing, a task that is submitted later could not be placed."""

FETCH_SECONDS = 1.0
"""How often the cluster is looked after while an item is on its way."""

LATEST = 0.2
"""Weight of the task that ended last in what a task is thought to take."""


def _woken(task: Task) -> None:
    """Do nothing: by now the task, and with it its modules, are imported."""


@dataclass(slots=True)
class _Work:
    """A task that was submitted and has not ended."""

    key: str
    payload: Any
    once: bool = False
    _tries: Tries | None = None
    not_before: float = 0.0
    """Monotonic time before which it is not tried again."""
    company: int = sys.maxsize
    """The largest bundle that it may be part of."""

    @property
    def tries(self) -> Tries:
        """Its attempts; made when the first begins: very many tasks may wait."""
        if self._tries is None:
            self._tries = Tries()
        return self._tries


@dataclass(slots=True)
class _Bundle:
    """Tasks that a worker works off, one after the other."""

    works: list[_Work]
    node: str = ""
    node_id: str = ""
    heard: float = math.inf
    """Monotonic time of the last message; infinite while it waits for a worker."""
    begun: int = 0
    """How many are known to have begun."""
    ended: int = 0
    """How many are known to have ended: all are before those that have not."""


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
    stamp
        Tells which items are sent as soon as they are there, such as those that a lost worker is
        gone on from, and which others replace: see `cluster.messages.Stamp`. A function that
        workers can import. Without it all are sent, together.
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
        stamp: Stamp = unstamped,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._say = say
        self._stamp = stamp
        self._retries = retries
        self._stall_seconds = math.inf if stall_seconds is None else stall_seconds
        self._needs = Needs(cpus_per_task, memory_per_task)
        self._max_concurrent = max_concurrent
        self._waiting: deque[_Work] = deque()
        self._running: dict[Any, _Bundle] = {}
        self._begun: dict[str, _Work] = {}
        """The tasks that have begun, by their keys, until no attempt of theirs follows."""
        self._withdrawn = False
        self._seconds = math.inf
        """What a task takes: a mean in which those that ended last count most."""
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
                if isinstance(shared, Later):
                    self._shared = put(self._ray, shared, in_place=address is None)
                else:
                    self._shared = self._ray.put(shared)
            # Ray calls a task with the items of its arguments: references become their values.
            self._remote = self._ray.remote(
                num_cpus=cpus_per_task,
                memory=memory_per_task or None,
                max_retries=0,
                num_returns="streaming",
                enable_task_events=address is not None,  # nobody looks into an embedded Ray
            )(attempt)
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
        """Give further attempts at a task that has begun another payload: they start further on."""
        if (work := self._begun.get(key)) is not None:
            work.payload = payload
            work.tries.advance()

    def order(self, keys: Sequence[str]) -> None:
        """Let the tasks that wait start in the order of their keys; those not named come first."""
        place = {key: number for number, key in enumerate(keys)}
        self._waiting = deque(sorted(self._waiting, key=lambda work: place.get(work.key, -1)))

    def withdraw(self) -> None:
        """Forget the tasks that have not started; those that Ray holds already it may start."""
        self._waiting.clear()
        self._withdrawn = True

    @property
    def busy(self) -> bool:
        """Whether a task runs, or is to be tried again."""
        return bool(self._waiting) or any(bundle.node for bundle in self._running.values())

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
            submitted=bool(self._running), started=any(b.node for b in self._running.values())
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
        return self._empty(
            stream for stream, bundle in self._running.items() if bundle.heard < latest
        )

    def _unreachable(self) -> list[Any]:
        """Return the streams from nodes that the head has lost, and Ray has not given up."""
        return self._empty(
            stream for stream, bundle in self._running.items() if self._watch.gone(bundle.node_id)
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
        return self._break(stream, stalled(self._stall_seconds))

    def _write_off(self, stream: Any) -> Event:
        """Forget a stream whose node has fallen silent: nobody there would hear of an end."""
        message = f"the head of the cluster has lost the node of {self._running[stream].node}"
        return self._break(stream, _lost("NodeDiedError", message))

    def _start_what_fits(self) -> None:
        slots = self.slots
        while self._waiting:
            size = bundle_size(waiting=len(self._waiting), slots=slots, seconds=self._seconds)
            short = self._seconds * size < AHEAD_SECONDS and not self._max_concurrent
            if len(self._running) >= slots + (AHEAD if short else 0):
                return
            works = self._taken(size)
            if not works:
                return
            stream = self._remote.remote(
                self._task,
                self._shared,
                [work.payload for work in works],
                seconds_between_messages(slots),
                self._stamp,
            )
            self._running[stream] = _Bundle(works)

    def _taken(self, size: int) -> list[_Work]:
        """Take so many tasks from the queue, fewer where one is to be in less company."""
        now, works = time.monotonic(), list[_Work]()
        for _ in range(len(self._waiting)):
            work = self._waiting.popleft()
            if work.not_before > now:
                self._waiting.append(work)
                continue
            size = min(size, work.company)
            if len(works) >= size:
                self._waiting.appendleft(work)
                break
            works.append(work)
        return works

    def _next(self, stream: Any) -> Iterator[Event]:
        """Yield the events of a stream's next message."""
        try:
            message = self._fetch(next(stream))
        except StopIteration:
            failure = _lost("WorkerCrashedError", "its stream ended before the task did")
            yield self._break(stream, failure)
        except self._ray.exceptions.RayTaskError as error:  # an item that cannot be pickled
            yield self._break(stream, failure_of(error))
        except self._ray.exceptions.RayError as error:
            yield self._break(stream, _lost(type(error).__name__, str(error)))
        else:
            bundle = self._running[stream]
            bundle.heard = time.monotonic()
            if isinstance(message, Place):
                bundle.node, bundle.node_id = message
                yield self._begin(bundle)
            else:
                for part in message:
                    yield from self._read(bundle, part)
            if bundle.ended == len(bundle.works):
                del self._running[stream]

    def _begin(self, bundle: _Bundle) -> Event:
        work = bundle.works[bundle.begun]
        bundle.begun += 1
        work.tries.begin()
        self._begun[work.key] = work
        return self._event(Kind.STARTED, bundle, work)

    def _read(self, bundle: _Bundle, part: Part) -> Iterator[Event]:
        """Yield the events of one task in a message."""
        if part.number == bundle.begun:
            yield self._begin(bundle)
        work = bundle.works[part.number]
        work.tries.got(len(part.items) + part.replaced)
        for item in part.items:
            yield self._event(Kind.ITEM, bundle, work, item)
        if part.ended is not None:
            failure, seconds = part.ended
            if failure is None:
                before = seconds if self._seconds == math.inf else self._seconds
                self._seconds = before + LATEST * (seconds - before)
            yield self._end(bundle, work, failure)

    def _fetch(self, reference: Any) -> Any:
        """Return an item's value, which may have to come from another node."""
        while True:
            try:
                return self._ray.get(reference, timeout=FETCH_SECONDS)
            except self._ray.exceptions.GetTimeoutError:
                self._watch.check()

    def _break(self, stream: Any, failure: TaskFailure) -> Event:
        """End a bundle whose stream came to a bad end: the task that ran is tried again alone.

        Those behind it wait as before. What was on its way from the worker is lost, so that it may
        have been one of them that ended it: in bundles of half the size they are sifted.
        """
        bundle = self._running.pop(stream)
        works = bundle.works[bundle.ended :]
        for work in works:
            work.company = max(1, len(works) // 2)
        if not self._withdrawn:
            self._waiting.extendleft(reversed(works[1:]))
        works[0].company = 1
        if bundle.begun == bundle.ended:  # it is not known to have begun
            works[0].tries.begin()
        return self._end(bundle, works[0], failure)

    def _end(self, bundle: _Bundle, work: _Work, failure: TaskFailure | None) -> Event:
        """Take note of the end of an attempt."""
        bundle.ended += 1
        if failure is None:
            del self._begun[work.key]
            return self._event(Kind.DONE, bundle, work)
        now = time.monotonic()
        work.tries.add(failure, now=now)
        if work.once or not may_retry(work.tries, retries=self._retries, now=now):
            self._begun.pop(work.key, None)
            return self._event(Kind.FAILED, bundle, work, failure)
        work.not_before = now + delay(work.tries, failure)
        self._waiting.append(work)
        return self._event(Kind.RETRY, bundle, work, failure)

    def _event(self, kind: Kind, bundle: _Bundle, work: _Work, value: Any = None) -> Event:
        return Event(kind, work.key, work.tries.attempt, bundle.node, value)

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
        self._begun.clear()
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
