"""What a program says while none of its tasks can start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cluster import room
from cluster.room import Needs, Resources, Waiting, cores_here

NODE = {"CPU": 2.0, "memory": 4e9}


def said_of(nodes: list[Resources], free: Resources, *, needs: Needs, looks: int = 2) -> list[str]:
    """Return the lines of a wait during which nothing changes."""
    said: list[str] = []
    waiting = Waiting(needs, nodes=lambda: nodes, free=lambda: free, say=said.append)
    for _ in range(looks):
        waiting.look(submitted=True, started=False)
    return said


@pytest.mark.parametrize(
    ("nodes", "free", "needs", "line"),
    [
        ([NODE], {"CPU": 0.0, "memory": 4e9}, Needs(), "waiting for room: a task asks for 1 core;"),
        ([NODE], {"CPU": 1.0, "memory": 4e9}, Needs(), "waiting for a worker: 1 cores are free"),
        ([NODE], {"CPU": 1.0, "memory": 1e9}, Needs(1, 2 * 10**9), "waiting for room: a task"),
        ([NODE], {"CPU": 2.0}, Needs(4), "waiting for a node: a task asks for 4 cores"),
        # Two cores are free, perhaps one on each.
        ([NODE, NODE], {"CPU": 2.0}, Needs(2), "waiting for room: a task asks for 2 cores"),
        ([], {}, Needs(), "waiting for a node"),
    ],
)
def test_what_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    nodes: list[Resources],
    free: Resources,
    needs: Needs,
    line: str,
) -> None:
    """Room where it is taken, a node where there is none, a worker where there is room."""
    monkeypatch.setattr("cluster.room.PATIENCE", 0.0)
    (said,) = said_of(nodes, free, needs=needs)
    assert said.startswith(line)


def test_patience() -> None:
    """A wait of a moment is not worth a line."""
    assert said_of([NODE], {}, needs=Needs()) == []


def test_the_end_of_a_wait_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, and only where there was a line before."""
    said: list[str] = []
    waiting = Waiting(Needs(), nodes=lambda: [NODE], free=dict, say=said.append)
    waiting.look(submitted=True, started=False)
    waiting.look(submitted=True, started=True)
    assert said == []
    monkeypatch.setattr("cluster.room.PATIENCE", 0.0)
    waiting.look(submitted=True, started=False)
    for _ in range(2):
        waiting.look(submitted=True, started=True)
    assert [line.partition(":")[0] for line in said] == ["waiting for room", "there is room"]


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "100000000 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n"}, None),
    ],
    ids=str,
)
def test_cores_are_those_of_the_container(
    files: dict[str, str], cores: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quota of time is a number of cores, at least one; without one all that the mask allows."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    monkeypatch.setattr(room, "CGROUP", tmp_path)
    assert cores_here() == (cores or len(os.sched_getaffinity(0)))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU masks here")
def test_cores_are_those_of_the_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was started with `taskset`, or in a cpuset, may not use the others."""
    monkeypatch.setattr(room, "CGROUP", tmp_path)
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(everywhere)})
    try:
        assert cores_here() == 1
    finally:
        os.sched_setaffinity(0, everywhere)
