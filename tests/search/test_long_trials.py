"""Trials that take minutes, on a cluster that runs with Ray's own settings: none is lost."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import head
from tests.search.drivers import ATTEMPTS, NAME, PATIENCE, count, misbehaving

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def plain() -> Iterator[Any]:
    """Yield a cluster of a head without CPUs and two nodes with one, whose settings are Ray's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.cluster.conftest.SOON", {})
        with head(cpus=0) as cluster:
            for _ in range(2):
                cluster.add_node(num_cpus=1)
            yield cluster


def finish(kind: str, cluster: Any, out: Path, *flags: str) -> Path:
    """Run a study on the cluster to its end; return its folder."""
    names = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")
    joining = {name: os.environ[name] for name in names}
    flags = ("--fine=1", "--address", cluster.address, *flags)  # without a stage in between
    with misbehaving(kind, out, *flags, **joining) as driver:
        _, err = driver.communicate(timeout=4 * PATIENCE)
    assert driver.returncode == 0, err
    assert "trying again" not in err
    return out / NAME


def failures(folder: Path) -> list[str]:
    """Return what went wrong with attempts."""
    with closing(sqlite3.connect(folder / "study.db")) as db:
        rows = db.execute("SELECT failure FROM attempts WHERE failure IS NOT NULL").fetchall()
    return [failure for (failure,) in rows]


def test_a_trial_of_two_minutes(plain: Any, tmp_path: Path) -> None:
    """Each of a study's three trials is silent for two minutes, and takes one attempt.

    Keepalive pings that the cluster was not told of would lose every one of them.
    """
    folder = finish("silent", plain, tmp_path)
    assert failures(folder) == []
    assert count(folder, ATTEMPTS) == 3


def test_packs_and_checkpoints_for_minutes(plain: Any, tmp_path: Path) -> None:
    """Two packs send records and checkpoints every two seconds for two minutes."""
    flags = ("--coarse=1e-4,1e-3,1e-2,1e-1", "--epochs=16", "--pack=2", "--checkpoint-cycles=1")
    folder = finish("slow", plain, tmp_path, *flags, "--final-epochs=1")
    assert failures(folder) == []
    assert count(folder, ATTEMPTS) == count(folder, "SELECT count(*) FROM trials")
