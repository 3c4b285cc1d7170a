"""What writes reports loads late, and by as many as the machine has room for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from search.study.reporting import artists_here


def test_artists_fit_the_machine() -> None:
    """At least one draws."""
    assert artists_here() >= 1


LOADED = {
    # Commands start before anything is drawn, and before Ray; workers train.
    "search.lambda_coarse_fine": "pandas matplotlib PIL sklearn jinja2 fastapi uvicorn ray reports",
    "search.study.command": "pandas matplotlib PIL sklearn jinja2 fastapi uvicorn ray reports",
    "search.training.trainer": "pandas matplotlib sklearn rich click ray reports tabulate",
}
"""Modules that are imported first, and what they load none of."""


@pytest.mark.parametrize("module", LOADED)
def test_what_is_not_waited_for(module: str) -> None:
    """A command loads what it needs before the first step, a worker what trains; no more."""
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not set(LOADED[module].split()) & set(loaded)
