"""What is said of the host of a measurement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.blocks import OURS, TWIN, Turn
from benchmarks.host import absent, machine, state, watched

HOST = {
    "when": "2026-01-02",
    "commit": "abc1234",
    "machine": "a processor",
    "others": [0.01, 0.02],
    "stolen": 0.0,
    "minutes": 3.2,
}


def turns(*twin: float) -> list[Turn]:
    """Return blocks in which the twin took so many times what ours took."""
    return [
        {"case": "", "block": block, "who": who, "ms": value}
        for block, ratio in enumerate(twin)
        for who, value in ((OURS, 2.0), (TWIN, 2.0 * ratio))
    ]


@pytest.mark.parametrize(
    ("host", "twin", "noisy"),
    [
        ({}, (0.99, 1.0, 1.01), False),
        ({}, (), False),
        ({}, (0.8, 1.0, 1.3), True),
        ({"others": [0.02, 0.5]}, (1.0, 1.0), True),
        ({"stolen": 0.1}, (1.0, 1.0), True),
    ],
)
def test_a_host_is_called_noisy_by_the_rule(
    host: dict[str, Any], twin: tuple[float, ...], *, noisy: bool
) -> None:
    """Others' share, stolen time and the twin's ratio each suffice; when and where is said."""
    text = state(HOST | host, turns(*twin), "ms")
    assert text.startswith("**Noisy host**" if noisy else "Quiet host")
    assert "Made 2026-01-02 at commit abc1234, in 3.2 minutes: a processor." in text


def test_what_a_measurement_takes_is_not_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are watched before and after, when the measurement does nothing itself."""
    monkeypatch.setattr("benchmarks.host.IDLE_SECONDS", 0.01)
    with watched() as host:
        assert len(host["others"]) == 1
    assert len(host["others"]) == 2
    assert all(0 <= share <= 1 for share in (*host["others"], host["stolen"]))
    assert host["machine"] == machine()
    assert np.isfinite(host["minutes"])


def test_who_is_absent_is_said_with_the_reason() -> None:
    """Those with the same reason are named together; nothing is said where all took part."""
    assert absent({}) == ""
    text = absent({"Dask": "not installed", "Optuna": "no disk", "Ray Tune": "not installed"})
    assert "Dask, Ray Tune (not installed)" in text
    assert "Optuna (no disk)" in text
