"""How well many cores are used: measured on sleeping trials, and beyond this machine by a model.

    python -m benchmarks.scale --slots 1,2,4,8,16,32 --rounds 3

Runs the real runner, pool and store with trials that sleep, calibrates `benchmarks.driver_model`
with what the driver took at the fewest slots, and shows its predictions beside the other
measurements and for as many as 10,000 cores.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from benchmarks.driver_model import Costs, Load, efficiency, wall
from benchmarks.metered import Run, asking, measured, pool_of
from benchmarks.performance import measurement_parser, publish
from benchmarks.scale_page import draw, section
from benchmarks.timing import machine
from search.running.runner import COMMIT_SECONDS

__all__ = ["draw", "section"]

CASES = ((0.05, 1), (0.2, 1), (1.0, 1), (3.0, 20))
"""Seconds and records of the trials that are measured."""
SECONDS_A_CASE = 4.0
STREAMS = (1, 100, 1_000, 3_000)
CORES = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000)
LENGTHS = (4.0, 60.0, 600.0)
"""Seconds of the trials that are predicted."""
TRIALS_A_CORE = 5


def trials_of(slots: int, seconds: float) -> int:
    """Return how many trials keep the slots at work for some seconds."""
    return slots * max(4, min(60, round(SECONDS_A_CASE / seconds)))


def measure(slots: Sequence[int], rounds: int, disk: Path, *, records: int) -> dict[str, Any]:
    """Run every case with every number of slots; calibrate and predict; return all of it."""
    runs: list[Run] = []
    for number in slots:
        with pool_of(number) as pool:
            for _ in range(rounds):
                for seconds, sent in CASES:
                    load = Load(number, trials_of(number, seconds), seconds, sent)
                    runs.append(measured(pool, load, disk))
                    print(f"{load}: efficiency {runs[-1].efficiency:.3f}", file=sys.stderr)
    costs = calibrated(runs, asking(STREAMS))
    return {
        "rounds": rounds,
        "records": records,
        "trials_a_core": TRIALS_A_CORE,
        "runs": [
            dataclasses.asdict(run)
            | {"efficiency": run.efficiency, "predicted": efficiency(costs, run.load)}
            for run in runs
        ],
        "costs": dataclasses.asdict(costs),
        "predicted": [
            {"seconds": seconds, "cores": cores, "efficiency": efficiency(costs, load)}
            for seconds in LENGTHS
            for cores in CORES
            for load in [Load(cores, TRIALS_A_CORE * cores, seconds, records)]
        ],
        "about": machine(),
    }


def calibrated(runs: Sequence[Run], asked: Mapping[int, float]) -> Costs:
    """Return the driver's costs: its core's time at the fewest slots, the disk's in all runs.

    `asked` are seconds a message by the number of streams. What is left of the wall time at the
    fewest slots is a trial's latency, and what each message holds it up.
    """
    few = [run for run in runs if run.load.slots == min(each.load.slots for each in runs)]
    scan, message = np.maximum(0.0, np.polyfit(list(asked), list(asked.values()), 1))
    A = np.array([(1, run.load.records + 1) for run in few], dtype=float)
    taken = [message * run.messages + scan * run.polls * run.load.slots for run in few]
    left = [(run.busy - each) / run.load.trials for run, each in zip(few, taken, strict=True)]
    trial, item = nnls(A, np.array(left))[0]
    costs = Costs(
        message=float(message),
        item=float(item),
        trial=float(trial),
        scan=float(scan),
        commit=statistics.median(run.committing / max(1, run.commits) for run in runs),
        window=COMMIT_SECONDS,
        together=any(run.together for run in runs),
    )
    # Latency hides some of the driver's work, so that what is left is found step by step.
    A, held = np.array([(1, len(run.load.messages)) for run in few], dtype=float), np.zeros(2)
    for _ in range(10):
        costs = dataclasses.replace(costs, latency=float(held[0]), sending=float(held[1]))
        left = [
            (run.wall - wall(costs, run.load)) * run.load.slots / run.load.trials for run in few
        ]
        held = np.maximum(0.0, held + np.linalg.lstsq(A, np.array(left), rcond=None)[0])
    return costs


def main() -> None:
    """Measure, print the section, and write the page if asked to."""
    parser = measurement_parser(__doc__, rounds=3)
    parser.add_argument("--slots", default="1,2,4,8,16,32", help="a worker of 100 MB each")
    parser.add_argument("--records", type=int, default=20, help="of the trials predicted")
    asked = parser.parse_args()
    slots = sorted({int(number) for number in asked.slots.split(",")})
    results = measure(slots, asked.rounds, asked.disk, records=asked.records)
    publish("scale", results, section(results), asked.page)


if __name__ == "__main__":
    main()
