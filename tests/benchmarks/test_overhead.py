"""The section on trials that do nothing, from made-up turns."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from benchmarks import overhead
from benchmarks.blocks import OURS, TWIN, Turn
from benchmarks.overhead import section
from tests.benchmarks.test_host import HOST


def turn(who: str, trials: int, block: int, *, ms: float, **what: float) -> Turn:
    """Return a turn as it is kept."""
    found = {"done": trials, "startup": 4.0, "peak": 160.0, "ms": ms}
    return {"case": f"{trials:,}", "block": block, "who": who, **found, **what}


def results(*, dearer: float, peak: float) -> dict[str, Any]:
    """Return two blocks; a trial of the larger study is dearer, and the driver's peak is larger."""
    turns = []
    for block in range(2):
        turns += [
            turn("Optuna, SQLite", 1_000, block, ms=4.0 + 4 * block, done=300),
            turn("Dask", 1_000, block, ms=10_000.0, done=0),
            turn(OURS, 1_000, block, ms=0.4 + 0.4 * block),
            turn(TWIN, 1_000, block, ms=0.4 + 0.4 * block),
            turn(OURS, 10_000, block, ms=dearer * (0.4 + 0.4 * block), peak=peak),
        ]
    missing = {"Ray Tune": "not installed", "Ray Tune, actors reused": "not installed"}
    about = {"jobs": 2, "limit": 12.0, "rounds": 2, "host": HOST}
    return {**about, "missing": missing, "turns": turns}


def test_the_section_compares_block_by_block_and_names_who_was_cut_off() -> None:
    """A ratio is of the same block; a peer that was cut off, and one that lacks, are named."""
    text = section(results(dearer=1.0, peak=200.0))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    cells = {row[0]: row[1:4] for row in rows if row}
    assert cells["Optuna, SQLite"] == [
        "1,000, cut off after 300",
        "6.00 (5.00 to 7.00)",
        "10.00 (10.00 to 10.00)",
    ]
    assert cells["Dask"] == ["1,000, cut off after 0", "–", "–"]
    assert "Absent: Ray Tune, Ray Tune, actors reused (not installed)." in text


def test_the_verdict_is_what_the_figures_say() -> None:
    """Goals are met or missed, and growth is called linear only where it is."""
    good = section(results(dearer=1.0, peak=200.0))
    assert "0.60 ms a trial of 1,000" in good
    assert "goal of 1 ms from 10,000 on is met" in good
    assert "the time grows linearly" in good
    assert "peak is 200 MB: the goal of 300 MB is met" in good
    bad = section(results(dearer=2.0, peak=400.0))
    assert "is missed. A trial of 10,000 costs 2.00" in bad
    assert "faster than the number of trials" in bad
    assert "the goal of 300 MB is missed" in bad


def test_those_who_are_cut_off_are_asked_for_the_smallest_study_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And the largest has one turn each of ours and of the peers that come that far."""
    asked_for: list[tuple[str, int]] = []

    def had(name: str, trials: int, _: argparse.Namespace) -> dict[str, float]:
        asked_for.append((name, trials))
        return {"ms": 1.0}

    monkeypatch.setattr(overhead, "turn", had)
    monkeypatch.setattr(overhead, "missing", dict)
    overhead.measure(overhead.parser().parse_args(["--trials=1000,100000", "--rounds=2"]))
    assert asked_for.count(("Ray Tune", 1_000)) == 2
    assert [name for name, trials in asked_for if trials == 100_000] == [
        *(OURS, "joblib", "Dask", "Optuna, in memory"),
    ]
