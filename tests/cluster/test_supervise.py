"""A parent that outlives what Ray does to its child: exit codes, signals, and no process left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.collect import runs, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is supervised")

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def started(end: str) -> Iterator[subprocess.Popen[str]]:
    """Run the script that ends so, for a block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.supervised", end],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def pids(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Return parent and child, once they run."""
    assert process.stdout is not None
    assert process.stdout.readline() == "before\n"
    parent, child = map(int, process.stdout.readline().split())
    assert process.stdout.readline() == "ready\n"
    assert parent == process.pid != child
    return parent, child


@pytest.mark.parametrize(
    ("end", "code", "last", "error"),
    [
        ("return", 5, "ended with 5", ""),
        ("exit", 6, "ended with 6", ""),
        ("raise", 1, "ended with 1", "ValueError: an error of ours"),
        ("vanish", 3, "ended with None", ""),
        ("kill", -signal.SIGKILL, None, ""),
    ],
)
def test_how_a_program_ends(end: str, code: int, last: str | None, error: str) -> None:
    """Its exit code is the command's; one that vanishes is known from one that ended by itself."""
    with started(end) as process:
        out, err = process.communicate(timeout=60)
    before, _, *rest = out.splitlines()
    assert (process.returncode, before, rest) == (code, "before", [last] if last else [])
    assert (err.splitlines() or [""])[-1] == error


@pytest.mark.parametrize("send", [os.kill, os.killpg])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_handed_on_once(number: int, send: Callable[[int, int], None]) -> None:
    """Also one that goes to the whole process group, as that of a terminal or a batch system."""
    with started("wait") as process:
        pids(process)
        send(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (7, f"{number}\nended with 7\n", "")


def test_a_killed_parent_leaves_nobody() -> None:
    """Its child is killed, whatever it does."""
    with started("sleep") as process:
        _, child = pids(process)
        process.kill()
        process.wait(60)
        until(lambda: not runs(child), what="the child's end")


def state(pid: int) -> str:
    """Return the letter that the system has for what a process does."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def test_both_stop_and_both_go_on() -> None:
    """As after Ctrl-Z, and after `fg`."""
    with started("sleep") as process:
        parent, child = pids(process)
        os.kill(parent, signal.SIGTSTP)
        until(lambda: state(parent) == state(child) == "T", what="two stopped processes")
        os.kill(parent, signal.SIGCONT)
        until(lambda: state(parent) == state(child) == "S", what="two that go on")
