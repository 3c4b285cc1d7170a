"""Room for tasks on a cluster: how many fit, and saying that a program waits for it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cluster.survey import Survey

PATIENCE = 10.0
"""Seconds without a start after which a program says that it waits; a worker starts in two."""
MEGABYTE = 10**6
CGROUP = Path("/sys/fs/cgroup")
"""Where a container finds what it may use."""

Resources = Mapping[str, float]
"""Of one node, as Ray names them: `CPU`, `memory` in bytes, `object_store_memory`, …"""


class Needs(NamedTuple):
    """What Ray sets aside for a task."""

    cpus: float = 1.0
    memory: int = 0
    """Bytes; 0 for no claim."""

    def __str__(self) -> str:
        cores = f"{self.cpus:g} core{'s' if self.cpus != 1 else ''}"
        return f"{cores} and {megabytes(self.memory)}" if self.memory else cores


def megabytes(size: float) -> str:
    """Return a number of bytes in MB, as text."""
    return f"{size / MEGABYTE:,.0f} MB"


def cores_here() -> int:
    """Return the cores that this process may use: of the machine, its CPU mask, its container."""
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(mask, _quota(CGROUP))))


def _quota(cgroup: Path) -> float:
    """Return for how many cores' time at once a container may run; infinite without a bound."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # versions 2, 1
        with suppress(OSError, ValueError):  # not there; `max`
            quota, period = " ".join((cgroup / name).read_text("ascii") for name in names).split()
            if int(quota) > 0:
                return int(quota) / int(period)
    return math.inf


def fitting(nodes: Iterable[Resources], needs: Needs) -> int:
    """Return how many tasks fit at once; one task never spans nodes."""
    return sum(_on_one(node, needs) for node in nodes)


def _on_one(node: Resources, needs: Needs) -> int:
    bounds = [node.get("CPU", 0.0) / needs.cpus]
    if needs.memory:
        bounds.append(node.get("memory", 0.0) / needs.memory)
    return int(min(bounds) + 1e-9)


def outlook(
    cluster: Survey, needs: Needs, *, shared: int = 0, max_concurrent: int | None = None
) -> tuple[int, list[str]]:
    """Return how many tasks run at once on a cluster, at least 1, and lines that say so.

    `shared` is the data that each node holds once in its object store, in bytes.
    """
    room = fitting((node.total for node in cluster.nodes), needs)
    free = fitting((node.free for node in cluster.nodes), needs)
    slots = min(room, max_concurrent or room)
    lines = [
        f"room: {room} at once of {needs} each on {len(cluster.nodes)} nodes; now free: {free}"
        + (f"; at most {max_concurrent} asked for" if max_concurrent else "")
    ]
    if not room:
        lines.append(
            f"warning: none fits; {_largest(node.total for node in cluster.nodes)}: it would wait "
            "for another node to join"
        )
    lines += [
        f"warning: {node}: its object store of {megabytes(store)} is smaller than the "
        f"{megabytes(shared)} of shared data, which would go to disk; start it with "
        "--object-store-memory"
        for node in cluster.nodes
        if _on_one(node.total, needs)
        and (store := node.total.get("object_store_memory", 0.0)) < shared
    ]
    return max(1, slots), lines


class Waiting:
    """Says once that no task can start, and once that tasks run again.

    Parameters
    ----------
    needs
        Of one task.
    nodes, free
        Return the nodes' resources, in all and not taken.
    say
        Called with a line for the user.
    """

    def __init__(
        self,
        needs: Needs,
        *,
        nodes: Callable[[], Iterable[Resources]],
        free: Callable[[], Resources],
        say: Callable[[str], None],
    ) -> None:
        self._needs, self._nodes, self._free, self._say = needs, nodes, free, say
        self._since: float | None = None
        self._said = False

    def look(self, *, submitted: bool, started: bool) -> None:
        """Take note of whether tasks were handed to Ray, and whether any of them runs."""
        if started or not submitted:
            if self._said and started:
                self._say("there is room: going on")
                self._said = False
            self._since = None
            return
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if not self._said and now - self._since >= PATIENCE:
            self._said = True
            self._say(self._sentence())

    def _sentence(self) -> str:
        nodes = list(self._nodes())
        if not fitting(nodes, self._needs):
            return (
                f"waiting for a node: a task asks for {self._needs}, and {_largest(nodes)}; it "
                "starts when one joins"
            )
        free = self._free()
        if len(nodes) == 1 and _on_one(free, self._needs):
            return (
                f"waiting for a worker: {free.get('CPU', 0.0):g} cores are free, and none has "
                f"started within {PATIENCE:.0f} s; the machine may be busy with other work"
            )
        cores = sum(node.get("CPU", 0.0) for node in nodes)
        memory = sum(node.get("memory", 0.0) for node in nodes)
        return (
            f"waiting for room: a task asks for {self._needs}; of the cluster's {cores:g} cores "
            f"{free.get('CPU', 0.0):g} are free, of {megabytes(memory)} "
            f"{megabytes(free.get('memory', 0.0))}"
        )


def _largest(nodes: Iterable[Resources]) -> str:
    sizes = [(node.get("CPU", 0.0), node.get("memory", 0.0)) for node in nodes]
    if not sizes:
        return "the cluster has no node"
    cores, memory = max(sizes)
    return f"the largest of {len(sizes)} nodes has {cores:g} cores and {megabytes(memory)}"
