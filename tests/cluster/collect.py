"""Reading a pool's events and waiting for conditions, each with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster import Event, Kind, RayPool, SerialPool

Pool = SerialPool | RayPool
DEADLINE = 60.0
"""Seconds after which a test gives up; no test is meant to come near it."""


def until(condition: Callable[[], object], *, what: str, seconds: float = DEADLINE) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.02)


def read(pool: Pool, enough: Callable[[list[Event]], object]) -> list[Event]:
    """Poll until there are enough events; return them."""
    events: list[Event] = []
    end = time.monotonic() + DEADLINE
    while not enough(events):
        assert time.monotonic() < end, f"not enough within {DEADLINE:.0f} s: {events}"
        events += pool.poll(1.0)
    return events


def finish(pool: Pool, *keys: str) -> list[Event]:
    """Poll until each of the tasks has ended, well or badly; return all events on the way."""

    def ended(events: list[Event]) -> bool:
        return {e.key for e in events if e.kind in (Kind.DONE, Kind.FAILED)} >= set(keys)

    return read(pool, ended)


def items(events: list[Event], key: str, attempt: int = 1) -> list[Any]:
    """Return what an attempt yielded."""
    return [e.value for e in events if (e.kind, e.key, e.attempt) == (Kind.ITEM, key, attempt)]


def kinds(events: list[Event], key: str) -> list[tuple[Kind, int]]:
    """Return what happened to a task apart from its items, with the attempts' numbers."""
    return [(e.kind, e.attempt) for e in events if e.key == key and e.kind is not Kind.ITEM]


def runs(pid: int) -> bool:
    """Say whether a process exists and is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"
