"""A run of a study's command over a pool that changes while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cluster
from cluster import Event, SerialPool
from search import LambdaSearch, run
from search.space.narrow import Factors


class Growing(SerialPool):
    """A pool with room for one task, and for three once it works."""

    tasks: tuple[str, ...] = ()

    def submit(self, key: str, payload: Any, *, once: bool = False, ahead: bool = False) -> None:
        """Take note of the tasks, by their keys."""
        Growing.tasks += (key,)
        super().submit(key, payload, once=once, ahead=ahead)

    def poll(self, timeout: float) -> list[Event]:
        """Grow."""
        self.slots = 3
        return super().poll(timeout)


def test_packs_follow_the_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials are divided over the room that there is when they are asked for, not at the start.

    A cluster that was started with one node grows: trials packed for one core would leave the
    others idle. The run is noted with the most that it had.
    """
    monkeypatch.setattr(cluster, "SerialPool", Growing)
    monkeypatch.setattr(Growing, "tasks", ())
    study = run(
        LambdaSearch(
            data="digits",
            coarse=(1e-3, 1e-2, 1e-1),
            fine=Factors((0.5, 2.0, 3.0)),
            epochs=1,
            final_epochs=1,
            lambda_bounds="off",
            replicate_top="off",
            fresh=0,
        ),
        out=tmp_path,
        serial=True,
        pack="auto",
        quiet=True,
    )
    trials = [key.count("+") + 1 for key in Growing.tasks]
    assert trials == [3, 1, 1, 1, 1]  # the coarse grid, the fine one, the final model
    assert [session.slots for session in study.record.sessions] == [3]
