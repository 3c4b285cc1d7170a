"""What is said of several drivers, from what was simulated."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks import beyond, performance
from benchmarks.beyond import CORES, DRIVERS, LENGTHS, STARTS, left_by_ray, section
from benchmarks.driver_model import Costs, Load, efficiency
from tests.benchmarks.test_host import HOST


def results() -> dict[str, Any]:
    """Return made-up efficiencies, the more drivers the better, but for short trials."""
    points = [
        {
            "cores": cores,
            "seconds": seconds,
            "drivers": drivers,
            "efficiency": (0.1 * drivers if seconds > 4 else 1.0 / drivers) / 2,
        }
        for cores in CORES
        for seconds in LENGTHS
        for drivers in DRIVERS
    ]
    costs = Costs(commit=5e-3, window=0.1)
    return {"turns": [], "costs": dataclasses.asdict(costs), "points": points, "host": HOST}


def test_the_section_names_the_best_number_of_drivers() -> None:
    """With what one has, Ray's own bound beside it, and how many drivers fill a store."""
    text = section(results())
    assert "- 10,000 cores, trials of 4 s: best with 1 of 1, 4, 16 drivers, at 0.500" in text
    assert "- 100,000 cores, trials of 60 s: best with 16" in text
    assert "21 of them fill it" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| 100,000 | 60 s")]
    assert row.split("|")[-2].strip() == f"{left_by_ray(100_000, 60.0, 3):.3f}"


@pytest.mark.parametrize("trials_a_core", [15, 60])
def test_ray_s_starts_leave_what_later_cores_cannot_make_up(trials_a_core: int) -> None:
    """With drivers that cost nothing and short trials the model comes to the same."""
    cores, seconds = 300, 0.01
    load = Load(cores, trials_a_core * cores, seconds, 0)
    free = efficiency(Costs(first=1 / STARTS, window=1e-9), load)
    assert free == pytest.approx(left_by_ray(cores, seconds, trials_a_core), rel=0.02)


def test_without_costs_it_says_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One line that names the command."""
    monkeypatch.setattr(beyond, "kept", lambda: performance.kept(tmp_path))
    with pytest.raises(SystemExit, match=r"python -m benchmarks\.scale --page"):
        beyond.measure(beyond.parser().parse_args([]))
