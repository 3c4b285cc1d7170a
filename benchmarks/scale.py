"""How well many cores are used: measured on sleeping trials, and beyond this machine by a model.

    python -m benchmarks.scale --slots 1,2,4,8,16,32 --rounds 3

Runs the real runner, pool and store with trials that sleep, calibrates `benchmarks.driver_model`
with what the driver took at the fewest slots, and shows its predictions beside the other
measurements and for as many as 10,000 cores.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import nnls
from tabulate import tabulate

import search.runner
from benchmarks.driver_model import Costs, Load, efficiency, limits, wall
from benchmarks.keeping import keep
from benchmarks.metered import Run, asking, measured, pool_of
from benchmarks.timing import machine, quartiles
from reports.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, write_figure

NAME = "scale"
FIGURE = "performance-scale"
CASES = ((0.05, 1), (0.2, 1), (1.0, 1), (1.0, 20))
"""Seconds and records of the trials that are measured."""
SECONDS_A_CASE = 4.0
STREAMS = (1, 100, 1_000, 3_000)
CORES = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000)
LENGTHS = (4.0, 60.0, 600.0)
"""Seconds of the trials that are predicted."""
TRIALS_A_CORE = 5
GOOD = 0.95
"""Efficiency below which cores are called wasted."""
NAMES = {
    "messages": "taking in messages",
    "submissions": "submitting trials",
    "asking": "asking which streams have something",
    "commits": "committing each write by itself",
}
LIFTS = {
    "messages": "fewer records a trial, or several trials in a task (`--pack`): one stream for all",
    "submissions": "several trials in a task (`--pack`): one submission for all",
    "asking": "a pool that is told which streams have something, instead of asking about each",
    "commits": "committing what came in together, in groups",
}

TEXT = """## Many cores

Trials that sleep need no core, so that one machine can run many at once: real runner, Ray and
store, rounds: {rounds}. Efficiency is the trials' length times their number, divided by slots and
wall time. The model knows the driver's costs at {fewest} and little of the other rows (what a
commit takes): what it predicts stands beside what was measured (median, quartiles in brackets).

{measured}

{agreement} It was calibrated with, in milliseconds:

{costs}

![Efficiency by cores]({figure}.svg)

Beyond this machine it predicts, for {trials} trials a core of equal length that send {records}
records each:

{predicted}

{bottlenecks}

The model holds the driver alone: Ray, network and nodes are a latency that does not grow. The
logs of Ray's own release tests (`many_tasks`, 2.8 and 2.20) show 10,000 tasks started at about 440
to 580 a second: trials of 4 s on more than about 2,000 cores ask for more, whatever the driver
does. Trials of unequal length end less evenly than these.

{about}.
"""


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

    What is left of the wall time at the fewest slots is a trial's latency, and what each record
    holds it up. `asked` are seconds a message by
    the number of streams.
    """
    few = [run for run in runs if run.load.slots == min(each.load.slots for each in runs)]
    scan = max(0.0, float(np.polyfit(list(asked), list(asked.values()), 1)[0]))
    A = np.array([(run.load.trials, run.messages) for run in few], dtype=float)
    b = np.array([run.busy - scan * run.polls * run.load.slots for run in few])
    weights = 1 / A[:, :1]  # each run counts by what it says of a trial
    trial, message = nnls(A * weights, b * weights[:, 0])[0]
    costs = Costs(
        message=float(message),
        trial=float(trial),
        scan=scan,
        commit=statistics.median(run.committing / max(1, run.commits) for run in runs),
        window=float(getattr(search.runner, "COMMIT_SECONDS", 0.0)),
        together=any(run.together for run in runs),
    )
    gaps = [(run.wall - wall(costs, run.load)) * run.load.slots / run.load.trials for run in few]
    A = np.array([(1, run.load.records) for run in few], dtype=float)
    latency, sending = nnls(A, np.maximum(gaps, 0.0))[0]
    return dataclasses.replace(costs, latency=float(latency), sending=float(sending))


def section(results: Mapping[str, Any]) -> str:
    """Return the section of the page, as Markdown."""
    fewest = min(run["load"]["slots"] for run in results["runs"])
    costs = Costs(**results["costs"])
    return TEXT.format(
        rounds=results["rounds"],
        fewest="one slot" if fewest == 1 else f"{fewest} slots",
        measured=_measured(results["runs"]),
        agreement=_agreement(results["runs"], fewest),
        costs=_costs(costs),
        figure=FIGURE,
        trials=TRIALS_A_CORE,
        records=results["records"],
        predicted=_predicted(results["predicted"]),
        bottlenecks="\n".join(_bottleneck(results, costs, seconds) for seconds in LENGTHS),
        about=results["about"],
    )


def _table(rows: Sequence[Sequence[Any]], heads: Sequence[str]) -> str:
    return tabulate(rows, heads, tablefmt="github", disable_numparse=True)


def _measured(runs: Sequence[Mapping[str, Any]]) -> str:
    cases: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for run in runs:
        cases.setdefault(tuple(run["load"].values()), []).append(run)
    rows = [
        (
            f"{Load(*case).slots}",
            f"{Load(*case).seconds:g}",
            f"{Load(*case).records}",
            f"{Load(*case).trials:,}",
            quartiles(np.array([run["efficiency"] for run in each]), ".3f"),
            f"{each[0]['predicted']:.3f}",
        )
        for case, each in cases.items()
    ]
    return _table(rows, ("slots", "seconds", "records", "trials", "measured", "predicted"))


def _agreement(runs: Sequence[Mapping[str, Any]], fewest: int) -> str:
    """Say how far the predictions are from what was measured where it was not calibrated."""
    off = [
        abs(run["efficiency"] - run["predicted"]) for run in runs if run["load"]["slots"] > fewest
    ]
    if not off:
        return "The model was calibrated with all of these rows."
    return (
        f"Beyond {fewest} the predictions differ from single measurements by "
        f"{statistics.median(off):.3f} at the median and {max(off):.3f} at most."
    )


def _costs(costs: Costs) -> str:
    grouped = f"a group, {1e3 * costs.window:.0f} ms after its first write"
    rows = [
        ("a message taken in", f"{1e3 * costs.message:.3f}"),
        ("a trial submitted", f"{1e3 * costs.trial:.3f}"),
        ("asking which streams have something, for each of them", f"{1e3 * costs.scan:.5f}"),
        (f"a commit, of {grouped if costs.window else 'each write'}", f"{1e3 * costs.commit:.2f}"),
        ("latency from a trial's end to the next one's start", f"{1e3 * costs.latency:.2f}"),
        ("a record sent, to the trial that sends it", f"{1e3 * costs.sending:.2f}"),
    ]
    return _table(rows, ("", "ms"))


def _predicted(points: Sequence[Mapping[str, Any]]) -> str:
    cores = list(dict.fromkeys(point["cores"] for point in points))
    found = {(point["seconds"], point["cores"]): point["efficiency"] for point in points}
    lengths = list(dict.fromkeys(point["seconds"] for point in points))
    rows = [
        (f"{number:,}", *(f"{found[seconds, number]:.3f}" for seconds in lengths))
        for number in cores
    ]
    return _table(rows, ("cores", *(f"trials of {seconds:g} s" for seconds in lengths)))


def _bottleneck(results: Mapping[str, Any], costs: Costs, seconds: float) -> str:
    """Name what fills the driver first, and where."""
    found = limits(costs, seconds=seconds, records=results["records"])
    term = min(found, key=lambda name: found[name])
    good = [
        point["cores"]
        for point in results["predicted"]
        if point["seconds"] == seconds and point["efficiency"] >= GOOD
    ]
    others = ", ".join(
        f"{name} {cores:,.0f}" for name, cores in found.items() if name != term and cores < 1e9
    )
    return (
        f"- Trials of {seconds:g} s: an efficiency of {GOOD} or more up to "
        f"{max(good, default=0):,} of the cores tried. The first bottleneck is {NAMES[term]}, "
        f"which alone would take all the driver's time at {found[term]:,.0f} cores (of the others: "
        f"{others}); it is lifted by {LIFTS[term]}."
    )


def draw(results: Mapping[str, Any], folder: Path) -> Path:
    """Write the figure of efficiency by cores; return its path."""

    def lines(figure: Figure) -> None:
        axes = figure.subplots()
        for seconds, colour in zip(LENGTHS, (VERMILION, ORANGE, GREEN), strict=True):
            points = [p for p in results["predicted"] if p["seconds"] == seconds]
            axes.plot(
                [p["cores"] for p in points],
                [p["efficiency"] for p in points],
                color=colour,
                label=f"{seconds:g} s, model",
            )
        for (seconds, sent), colour in zip(CASES, (GREY, SKY, BLUE, PURPLE), strict=True):
            wanted = (seconds, sent)
            runs = [
                run
                for run in results["runs"]
                if (run["load"]["seconds"], run["load"]["records"]) == wanted
            ]
            slots = sorted({run["load"]["slots"] for run in runs})
            for kind, style in (("efficiency", "o"), ("predicted", "--")):
                medians = [
                    statistics.median(run[kind] for run in runs if run["load"]["slots"] == number)
                    for number in slots
                ]
                label = f"{seconds:g} s, {sent} records: measured" if style == "o" else None
                axes.plot(slots, medians, style, color=colour, markersize=4, label=label)
        axes.set_xscale("log")
        axes.set_ylim(0, 1.03)
        axes.set_xlabel(
            "cores, or slots of sleeping trials; dashed: the model where it is measured"
        )
        axes.set_ylabel("efficiency")
        axes.legend(loc="lower left")

    return write_figure(folder, FIGURE, lines, height=3.4)[0]


def main() -> None:
    """Measure, print the section, keep the results and draw the figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--slots", default="1,2,4,8,16,32", help="a worker of 100 MB each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--records", type=int, default=20, help="of the trials predicted")
    parser.add_argument("--disk", type=Path, default=Path(), help="folder whose disk is written to")
    parser.add_argument("--figures", type=Path, default=Path("docs"), help="folder of the figure")
    asked = parser.parse_args()
    slots = sorted({int(number) for number in asked.slots.split(",")})
    results = measure(slots, asked.rounds, asked.disk, records=asked.records)
    print(section(results))
    keep(NAME, results)
    draw(results, asked.figures)


if __name__ == "__main__":
    main()
