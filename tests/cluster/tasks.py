"""Tasks that the pools' tests run; workers of an embedded Ray import them from here."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cluster import Task


class Order(NamedTuple):
    """What a test asks `work` to do: the name of a step below and its argument."""

    step: str
    argument: Any = None


class AwkwardError(Exception):
    """An exception that pickle cannot build again: its `__init__` wants two arguments."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right}")


def work(shared: Any, order: Order) -> Iterator[Any]:
    """Do what an order says: one task function serves every test that shares a pool."""
    return _STEPS[order.step](shared, order.argument)


def _range(start: int, stop: int) -> Iterator[int]:
    """Count in a generator, which `yield from` may hand to whoever runs the task."""
    number = start
    while number < stop:
        yield number
        number += 1


def _count(_: Any, n: int) -> Iterator[int]:
    yield from _range(0, n)


def _return(_: Any, n: int) -> Generator[int, None, int]:
    """Count, and return the next number."""
    yield from _range(0, n)
    return n


def _delegate(_: Any, n: int) -> Iterator[int]:
    """Count in an iterator that is no generator: it has no `send`."""
    yield from range(n)


def _sent(_: Any, n: int) -> Iterator[str]:
    """Yield what the `yield` before was worth: None, when the task is merely iterated over."""
    value: object = None
    for _number in range(n):
        value = yield repr(value)


def _raise(_: Any, n: int) -> Iterator[int]:
    yield from _range(0, n)
    raise ValueError(f"gave up after {n}")


def _raise_awkward(_: Any, __: Any) -> Iterator[int]:
    yield 0
    raise AwkwardError("this", "that")


def _raise_once(_: Any, mark: Path) -> Iterator[int]:
    """Yield two items and raise, unless `mark` exists; then yield four."""
    yield from _range(0, 2)
    if not mark.exists():
        mark.touch()
        raise RuntimeError("the first time")
    yield from _range(2, 4)


def _gate(_: Any, mark: Path) -> Iterator[int]:
    """Yield one item, wait until `mark` exists, and yield another."""
    yield 0
    while not mark.exists():
        time.sleep(0.01)
    yield 1


def _gate_and_raise(_: Any, mark: Path) -> Iterator[str]:
    yield "waits"
    while not mark.exists():
        time.sleep(0.01)
    raise RuntimeError("the mark is there")


def _unpicklable(_: Any, __: Any) -> Iterator[Any]:
    yield threading.Lock()


def _echo(shared: Any, value: Any) -> Iterator[Any]:
    yield shared["name"], value


def _overlap(_: Any, folder: Path) -> Iterator[int]:
    """Yield how many tasks of the folder run now, this one included."""
    mine = folder / f"{os.getpid()}-{time.monotonic_ns()}"
    mine.touch()
    time.sleep(0.1)
    running = len(list(folder.iterdir()))
    mine.unlink()
    yield running


def _write(shared: Any, _: Any) -> Iterator[Any]:
    """Yield the shared array's sum and flag, then write to it."""
    array: np.ndarray[Any, np.dtype[np.float64]] = shared["numbers"]
    yield float(array.sum())
    yield array.flags.writeable
    array[0] = 1.0


def _meet(_: Any, where: tuple[Path, int]) -> Iterator[int]:
    """Wait until as many tasks as given have come to the folder."""
    folder, guests = where
    (folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
    while len(list(folder.iterdir())) < guests:
        time.sleep(0.01)
    yield guests


def _hold(_: Any, mark: Path) -> Iterator[tuple[str, int, int]]:
    """Yield node, process and a number: 0 at once, 1 to 3 when `mark` no longer exists."""
    import ray  # noqa: PLC0415 - only a worker needs it

    me = ray.get_runtime_context().get_node_id(), os.getpid()
    yield *me, 0
    while mark.exists():
        time.sleep(0.02)
    for number in range(1, 4):
        yield *me, number


def _hang(_: Any, folder: Path) -> Iterator[int]:
    """Leave the process's number in the folder, yield one item, and yield no other."""
    (folder / str(os.getpid())).touch()
    yield 0
    time.sleep(600)


def _tick(_: Any, times: tuple[int, float]) -> Iterator[int]:
    """Count, with a pause before each number."""
    for number in range(times[0]):
        time.sleep(times[1])
        yield number


def _die(_: Any, mark: Path) -> Iterator[tuple[int, int]]:
    """Yield process and a number, 0 to 5; after the third kill the worker while `mark` exists."""
    for number in range(6):
        if number == 3 and mark.exists():
            mark.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        yield os.getpid(), number


def _die_always(_: Any, __: Any) -> Iterator[int]:
    yield 0
    os.kill(os.getpid(), signal.SIGKILL)


def _stumble(_: Any, folder: Path) -> Iterator[int]:
    """Kill the worker at the first attempt, raise at the second and count at the third."""
    attempt = len(list(folder.iterdir()))
    (folder / str(attempt)).touch()
    if attempt == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if attempt == 1:
        raise ValueError("not yet")
    yield from _range(0, 3)


def _import(_: Any, name: str) -> Iterator[Any]:
    """Yield `VALUE` of a module that the worker has to find."""
    yield importlib.import_module(name).VALUE


def _sum_where(shared: Any, seconds: float) -> Iterator[tuple[float, str]]:
    """Yield the shared array's sum and the node, after some time."""
    import ray  # noqa: PLC0415 - only a worker needs it

    total = float(shared["numbers"].sum())
    time.sleep(seconds)
    yield total, ray.get_runtime_context().get_node_id()


_STEPS: dict[str, Task] = {
    "count": _count,
    "delegate": _delegate,
    "return": _return,
    "sent": _sent,
    "raise": _raise,
    "raise awkward": _raise_awkward,
    "raise once": _raise_once,
    "gate": _gate,
    "gate_and_raise": _gate_and_raise,
    "unpicklable": _unpicklable,
    "echo": _echo,
    "overlap": _overlap,
    "write": _write,
    "meet": _meet,
    "hold": _hold,
    "hang": _hang,
    "tick": _tick,
    "die": _die,
    "die always": _die_always,
    "stumble": _stumble,
    "import": _import,
    "sum where": _sum_where,
}
