"""A head that hangs: it is said, and who caught the error goes on living."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.conftest import head

pytestmark = [pytest.mark.slow, pytest.mark.ray]

ROOT = Path(__file__).resolve().parents[2]
SAID = "the cluster is lost: the head accepts connections, but does not answer"


def outlive(*arguments: str | Path) -> list[str]:
    """Run the script to its end; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.outlives", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_head_of_a_cluster(tmp_path: Path) -> None:
    """The pool is closed without its answer, and nothing of Ray's ends the process later."""
    with head(cpus=1) as cluster:
        (process,) = cluster.head_node.all_processes["gcs_server"]
        pid = process.process.pid
        try:
            assert outlive(tmp_path / "hold", cluster.address, str(pid)) == [SAID, "still there"]
        finally:
            os.kill(pid, signal.SIGCONT)


def test_the_head_of_an_embedded_ray(tmp_path: Path) -> None:
    """The same, and the head ends with the pool."""
    assert outlive(tmp_path / "hold") == [SAID, "still there"]
