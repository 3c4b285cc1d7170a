"""The figures of many cores: from measured studies to the driver's costs, and to the page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks import scale
from benchmarks.blocks import OURS
from benchmarks.driver_model import WRITES, Costs, Load, efficiency, limits, traffic, wall
from benchmarks.metered import Run
from search.running.runner import COMMIT_SECONDS
from tests.benchmarks.test_host import HOST

COSTS = Costs(
    message=8e-4,
    item=1e-4,
    trial=2e-3,
    bundle=1e-3,
    scan=3e-6,
    commit=8e-3,
    window=COMMIT_SECONDS,
    latency=4e-3,
    sending=1e-3,
)
STREAMS = {number: COSTS.message + number * COSTS.scan for number in (1, 100, 1_000)}


def run(load: Load) -> Run:
    """Return what would be measured of a driver with these costs."""
    bundles, polls, records = traffic(load)
    commits = WRITES * load.trials
    return Run(
        load=load,
        wall=wall(COSTS, load),
        busy=polls * (COSTS.message + load.slots * COSTS.scan)
        + records * COSTS.item
        + load.trials * COSTS.trial
        + bundles * COSTS.bundle,
        commits=commits,
        committing=commits * COSTS.commit,
        polls=polls,
        together=load.slots > 1,
    )


def runs() -> list[Run]:
    """Return a run of every case with one slot and with eight."""
    return [
        run(Load(slots, scale.trials_of(slots, seconds), seconds, records))
        for slots in (1, 8)
        for seconds, records in scale.CASES
    ]


def results() -> dict[str, Any]:
    """Return what a measurement keeps."""
    return {
        "rounds": 1,
        "records": 20,
        "trials_a_core": [scale.trials_a_core(seconds) for seconds in scale.LENGTHS],
        "turns": [
            dataclasses.asdict(each)
            | {"case": f"{each.load}", "block": 0, "who": OURS}
            | {"efficiency": each.efficiency, "predicted": efficiency(COSTS, each.load)}
            for each in runs()
        ],
        "costs": dataclasses.asdict(COSTS),
        "predicted": [
            {"seconds": seconds, "cores": cores, "efficiency": 1 / (1 + cores / seconds)}
            for seconds in scale.LENGTHS
            for cores in scale.CORES
        ],
        "host": HOST,
    }


def test_calibration_finds_the_costs_of_a_driver() -> None:
    """From studies of a driver whose costs are known, these very costs are found."""
    busy = [run(Load(1, scale.BUSY, 0.0, 20))]
    sent = scale.BUSY * 20
    chatty = [dataclasses.replace(each, busy=each.busy + sent * COSTS.item) for each in busy]
    found = scale.calibrated(runs(), busy, chatty, STREAMS, COSTS.bundle)
    for name, value in dataclasses.asdict(COSTS).items():
        assert getattr(found, name) == pytest.approx(value, rel=0.02), name


def test_the_section_names_the_first_bottleneck(tmp_path: Path) -> None:
    """Predictions stand beside measurements, the driver's largest term is named, and drawn."""
    text = scale.section(results())
    assert "The first bottleneck is taking in messages" in text
    alone = limits(COSTS, seconds=4.0, records=20)["messages"]
    assert f"all the driver's time at {alone:,.0f} cores" in text
    assert "0.000 at the median and 0.000 at most" in text
    assert "10,000" in text
    scale.draw(results(), tmp_path)
    (name,) = {path.stem for path in tmp_path.iterdir()}
    assert f"({name}.svg)" in text
