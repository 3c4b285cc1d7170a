"""What the nodes of a cluster run: asked of each by a task, before the first real one."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from typing import Any

from cluster.errors import ClusterError

Versions = Callable[[], Mapping[str, str]]
"""Returns what has to be the same everywhere: names and versions. Workers can import it."""

PROBE_SECONDS = 60.0
"""How long nodes may take to answer: a worker starts there, and is sent the packages first."""
ASKED = ("ray", "numpy", "scipy", "threadpoolctl")
"""Distributions whose versions `installed` tells, beside Python's."""
TRIES_AGAIN = 1
"""How often a node is asked again whose worker died: one may have been ended for its memory."""
STAY_SECONDS = 3.0
"""How long a node has to be there after its workers died, before that is held against it."""
SHOWN = 3
"""Nodes that one message names."""


def check_nodes(ray: Any, versions: Versions, *, say: Callable[[str], None]) -> None:
    """Raise `ClusterError` unless all nodes that run tasks have the versions of this process.

    A node that goes away meanwhile, or does not answer in time, is left to its tasks. One whose
    workers die of the question is not: they would die of every task.

    Raises
    ------
    ClusterError
        Naming the nodes and what differs there.
    """
    ours = versions()
    answers, silent = ask_nodes(ray, versions)
    wrong = [(name, said) for name, answer in answers if (said := _difference(ours, answer))]
    if wrong:
        told = "; ".join(f"{name}: {said}" for name, said in wrong[:SHOWN])
        more = f"; and {len(wrong) - SHOWN} more nodes" if len(wrong) > SHOWN else ""
        raise ClusterError(
            f"the cluster's nodes differ from this driver's environment ({told}{more}); install "
            "the same versions everywhere, as cluster/requirements.txt lists them"
        )
    if silent:
        say(
            f"{', '.join(silent)}: no answer within {PROBE_SECONDS:.0f} s about the versions "
            "there; going on, each result says with what it was made"
        )


Answer = Mapping[str, str] | str
"""Versions, or why there are none."""


def ask_nodes(ray: Any, versions: Versions) -> tuple[list[tuple[str, Answer]], list[str]]:
    """Return each node's address and answer, and the addresses of those that gave none.

    Several nodes may share an address.
    """
    affinity = import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
    remote = ray.remote(num_cpus=0, max_retries=TRIES_AGAIN)(_ask)
    asked = {
        remote.options(scheduling_strategy=affinity(node["NodeID"], soft=False)).remote(
            versions.__module__, versions.__qualname__
        ): node
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("CPU", 0.0) > 0
    }
    answers: list[tuple[str, Answer]] = []
    broken: list[tuple[Mapping[str, Any], str]] = []
    pending, deadline = list(asked), time.monotonic() + PROBE_SECONDS
    while pending and (left := deadline - time.monotonic()) > 0:
        ready, pending = ray.wait(pending, timeout=left)
        for reference in ready:
            node = asked[reference]
            try:
                answers.append((_name(node), ray.get(reference)))
            except (ray.exceptions.NodeDiedError, ray.exceptions.TaskUnschedulableError):
                continue  # it went away
            except ray.exceptions.RayError as error:
                broken.append((node, _complaint(error)))
    for reference in pending:
        ray.cancel(reference, force=True)
    until = time.monotonic() + STAY_SECONDS
    answers += [(_name(node), said) for node, said in broken if _stays(node, until)]
    return answers, [_name(asked[reference]) for reference in pending]


def _name(node: Mapping[str, Any]) -> str:
    address, host = node["NodeManagerAddress"], node["NodeManagerHostname"]
    return str(address) if host in ("", address) else f"{address} ({host})"


def _complaint(error: Exception) -> str:
    """Return why a node cannot say anything."""
    if type(error).__name__ == "WorkerCrashedError":
        return (
            "workers die of their first task, and their logs there, python-core-worker-*, say why"
        )
    words = str(error).strip().splitlines() or [""]
    return f"cannot run a task ({type(error).__name__}: {words[-1].strip()})"


def _stays(node: Mapping[str, Any], until: float) -> bool:
    """Say whether a node is there up to a time: where one ends, its workers may end first."""
    door = node["NodeManagerAddress"], node["NodeManagerPort"]
    while (left := until - time.monotonic()) > 0:
        try:
            socket.create_connection(door, timeout=left).close()
        except OSError:
            return False
        time.sleep(STAY_SECONDS / 20)
    return True


def _ask(module: str, name: str) -> Answer:
    """Return a node's versions; run in a worker there."""
    try:
        found: Answer = import_module(module).__dict__[name]()
    except ImportError as error:
        return f"{error}"
    return found


def _difference(ours: Mapping[str, str], answer: Answer) -> str:
    if isinstance(answer, str):
        return answer
    return ", ".join(
        f"{name} {answer.get(name, 'missing')} there and {version} here"
        for name, version in ours.items()
        if answer.get(name) != version
    )


def installed() -> Mapping[str, str]:
    """Return the versions of what is installed where this runs."""
    versions = {"Python": ".".join(map(str, sys.version_info[:3]))}
    for name in ASKED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return versions
