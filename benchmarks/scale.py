"""How well many cores are used: measured on sleeping trials, and beyond this machine by a model.

    python -m benchmarks.scale --slots 1,4,16 --rounds 1

Runs the real runner, pool and store with trials that sleep, calibrates `benchmarks.driver_model`
with what the driver took at the fewest slots, and shows its predictions beside the other
measurements and for as many as 10,000 cores.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.blocks import OURS, TWIN, Turn, in_blocks
from benchmarks.driver_model import Costs, Load, efficiency, traffic, wall
from benchmarks.metered import Run, asking, measured, pool_of
from benchmarks.performance import command, flags, numbers, positive, say
from benchmarks.scale_page import draw, section
from cluster import RayPool
from cluster.messages import unstamped
from search.running.runner import COMMIT_SECONDS

__all__ = ["draw", "section"]

CASES = ((0.05, 1), (0.2, 1), (1.0, 1), (3.0, 20))
"""Seconds and records of the trials that are measured."""
BUSY = 4_000
"""Trials that take no time, of so many records as those that are predicted: they keep the driver at
work. What it takes while it is idle is no measure: it finds nothing of its own in the caches."""
SECONDS_A_CASE = 4.0
STREAMS = (1, 100, 1_000, 3_000)
CORES = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000)
LENGTHS = (4.0, 60.0, 600.0)
"""Seconds of the trials that are predicted."""
TRIALS_A_CORE = 5
STUDY_SECONDS = 600.0
"""Of a study that is predicted, at least: many short trials are what needs many cores."""


def trials_of(slots: int, seconds: float) -> int:
    """Return how many trials keep the slots at work for some seconds."""
    return slots * max(4, min(60, round(SECONDS_A_CASE / seconds)))


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    found = flags(__doc__, rounds=1)
    found.add_argument("--slots", type=numbers, default=(1, 4, 16), help="1,4,16; 100 MB each")
    found.add_argument("--records", type=positive, default=20, help="of the trials predicted")
    return found


def trials_a_core(seconds: float) -> int:
    """Return how many trials a core has in a study that is predicted."""
    return max(TRIALS_A_CORE, round(STUDY_SECONDS / seconds))


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run every case with every number of slots; calibrate and predict; return all of it."""
    runs: list[Run] = []
    turns: list[Turn] = []
    busy: list[Run] = []
    chatty: list[Run] = []
    for slots in asked.slots:
        with pool_of(slots) as pool:
            if slots == min(asked.slots):
                load = Load(slots, BUSY, 0.0, asked.records)
                busy = [measured(pool, load, asked.disk) for _ in range(2 * asked.rounds)]
                with patch.object(pool, "_stamp", unstamped):  # each record is sent
                    chatty = [measured(pool, load, asked.disk) for _ in busy]
            for seconds, records in CASES:
                load = Load(slots, trials_of(slots, seconds), seconds, records)

                def turn(pool: RayPool = pool, load: Load = load) -> dict[str, Any]:
                    runs.append(measured(pool, load, asked.disk))
                    return dataclasses.asdict(runs[-1]) | {"efficiency": runs[-1].efficiency}

                name = f"slots: {slots}, {seconds:g} s"
                turns += in_blocks({OURS: turn, TWIN: turn}, asked.rounds, case=name, say=say)
    costs = calibrated(runs, busy, chatty, *asking(STREAMS))
    return {
        "rounds": asked.rounds,
        "records": asked.records,
        "trials_a_core": [trials_a_core(seconds) for seconds in LENGTHS],
        "turns": [{**turn, "predicted": efficiency(costs, Load(**turn["load"]))} for turn in turns],
        "costs": dataclasses.asdict(costs),
        "predicted": [
            {"seconds": seconds, "cores": cores, "efficiency": efficiency(costs, load)}
            for seconds in LENGTHS
            for cores in CORES
            for load in [Load(cores, trials_a_core(seconds) * cores, seconds, asked.records)]
        ],
    }


def calibrated(
    runs: Sequence[Run],
    busy: Sequence[Run],
    chatty: Sequence[Run],
    asked: Mapping[int, float],
    bundle: float,
) -> Costs:
    """Return the driver's costs: of trials when it is busy, of the disk in all runs.

    `chatty` are runs as `busy` ones in which each record is sent, `asked` seconds a message by the
    number of streams, `bundle` those of a submission. What is left of the wall time at the fewest
    slots is a trial's latency, and what each message holds it up.
    """
    few = [run for run in runs if run.load.slots == min(each.load.slots for each in runs)]
    weights = 1 / np.array(list(asked.values()))  # errors are shares of what is measured
    fitted = np.polyfit(list(asked), list(asked.values()), 1, w=weights)
    scan, message = (float(each) for each in np.maximum(0.0, fitted))

    def a_trial(run: Run) -> float:
        known = message * run.messages + scan * run.polls * run.load.slots
        return (run.busy - known - bundle * traffic(run.load).bundles) / run.load.trials

    sent = [traffic(run.load) for run in few]
    records = [
        (more.busy - run.busy) / (run.load.trials * run.load.records)
        for more, run in zip(chatty, busy, strict=True)
    ]
    costs = Costs(
        message=message,
        item=max(0.0, statistics.median(records)),
        trial=max(0.0, statistics.median(a_trial(run) for run in busy)),
        bundle=bundle,
        scan=scan,
        commit=statistics.median(run.committing / max(1, run.commits) for run in runs),
        window=COMMIT_SECONDS,
        together=any(run.together for run in runs),
    )
    # Latency hides some of the driver's work, so that what is left is found step by step.
    A, held = np.array([each[:2] for each in sent], dtype=float), np.zeros(2)
    for _ in range(10):
        costs = dataclasses.replace(costs, latency=float(held[0]), sending=float(held[1]))
        late = [(run.wall - wall(costs, run.load)) * run.load.slots for run in few]
        held = np.maximum(0.0, held + np.linalg.lstsq(A, np.array(late), rcond=None)[0])
    return costs


if __name__ == "__main__":
    command("scale")
