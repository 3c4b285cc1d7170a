"""The page's section on many cores: tables, the bottlenecks by name, and the figure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tabulate import tabulate

from benchmarks.blocks import quartiles
from benchmarks.driver_model import Costs, Load, limits
from benchmarks.host import state
from reports.drawing.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, write_figure
from reports.drawing.ticks import log_ticks

FIGURE = "performance-scale"
GOOD = 0.95
"""Efficiency below which cores are called wasted."""
FREE = 0.3
"""Share of a machine that may be taken before its cores are what trials wait for."""
NAMES = {
    "messages": "taking in messages",
    "records": "taking in the records in them",
    "results": "keeping what came of trials",
    "submissions": "submitting bundles of trials",
    "asking": "asking which streams have something",
    "commits": "committing each write by itself",
}
LIFTS = {
    "messages": "fewer messages a second",
    "records": "fewer records a trial",
    "results": "more than one driver",
    "submissions": "more trials in a bundle",
    "asking": "a pool that is told which streams have something, instead of asking about each",
    "commits": "committing what came in together, in groups",
}

TEXT = """## Many cores

Trials that sleep need no core, so that one machine can run many at once: real runner, Ray and
store, {runs}. Efficiency is the trials' length times their number, divided by slots and
wall time. The model knows the driver's costs at {fewest}, where trials that take no time keep it
busy, and little of the other rows (what a commit takes): what it predicts stands beside what was
measured (median, quartiles in brackets).
"taken" is the share of this machine's cores that driver, Ray and workers took: on a cluster the
workers have their own.

{measured}

{agreement} It was calibrated with, in milliseconds:

{costs}

![Efficiency by cores]({figure}.svg)

Beyond this machine it predicts, with trials of equal length that send {records} records each, of
which a core gets {trials}:

{predicted}

{bottlenecks}

The model holds the driver alone: Ray, network and nodes are a latency that does not grow, and that
slots share this machine's cores with the driver is not in it, so that many short trials fall below
it here. The logs of Ray's own release tests (`many_tasks`, 2.8 and 2.20) show 10,000 tasks started
at about 440 to 580 a second: the first ones of 10,000 cores take some 20 s, which the section below
has. From then on the bundles of these trials are fewer than 200 a second. Trials of unequal length
end less evenly than these.

{state}
"""


def section(results: Mapping[str, Any]) -> str:
    """Return the section of the page, as Markdown."""
    fewest = min(run["load"]["slots"] for run in results["turns"])
    costs = Costs(**results["costs"])
    return TEXT.format(
        runs=f"{2 * results['rounds']} runs of each",
        fewest="one slot" if fewest == 1 else f"{fewest} slots",
        measured=_measured(results["turns"]),
        agreement=_agreement(results["turns"], fewest),
        costs=_costs(costs),
        figure=FIGURE,
        trials=" and ".join(
            f"{number} trials of {seconds:g} s"
            for number, seconds in zip(results["trials_a_core"], _lengths(results), strict=True)
        ),
        records=results["records"],
        predicted=_predicted(results["predicted"]),
        bottlenecks="\n".join(
            _bottleneck(results, costs, seconds) for seconds in _lengths(results)
        ),
        state=state(results["host"], results["turns"], "efficiency"),
    )


def _lengths(results: Mapping[str, Any]) -> list[float]:
    """Return the trials' lengths that were predicted, in seconds."""
    return list(dict.fromkeys(point["seconds"] for point in results["predicted"]))


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
            f"{statistics.median(run['taken'] for run in each):.2f}",
        )
        for case, each in cases.items()
    ]
    return _table(rows, ("slots", "seconds", "records", "trials", "measured", "predicted", "taken"))


def _agreement(runs: Sequence[Mapping[str, Any]], fewest: int) -> str:
    """Say how far the predictions are from what was measured where it was not calibrated."""
    others = [run for run in runs if run["load"]["slots"] > fewest]
    texts = []
    for where, chosen in (
        (f"Beyond {fewest}", others),
        (f"where less than {FREE:.0%} of this machine was taken", _with_room(others)),
    ):
        if off := [abs(run["efficiency"] - run["predicted"]) for run in chosen]:
            texts.append(
                f"{where} the predictions differ from single measurements by "
                f"{statistics.median(off):.3f} at the median and {max(off):.3f} at most"
            )
    return f"{'; '.join(texts) or 'The model was calibrated with all of these rows'}."


def _with_room(runs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [run for run in runs if run["taken"] < FREE]


def _costs(costs: Costs) -> str:
    grouped = f"a group, {1e3 * costs.window:.0f} ms after its first write"
    rows = [
        ("a message taken in", f"{1e3 * costs.message:.3f}"),
        ("a record in it", f"{1e3 * costs.item:.3f}"),
        ("a trial taken in and kept", f"{1e3 * costs.trial:.3f}"),
        ("a bundle of trials submitted", f"{1e3 * costs.bundle:.3f}"),
        ("asking which streams have something, for each of them", f"{1e3 * costs.scan:.5f}"),
        (f"a commit, of {grouped if costs.window else 'each write'}", f"{1e3 * costs.commit:.2f}"),
        ("latency from a bundle's end to the next one's start", f"{1e3 * costs.latency:.2f}"),
        ("a message sent, to the bundle that sends it", f"{1e3 * costs.sending:.2f}"),
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
        colours = (VERMILION, ORANGE, GREEN)
        for seconds, colour in zip(_lengths(results), colours, strict=True):
            points = [p for p in results["predicted"] if p["seconds"] == seconds]
            axes.plot(
                [p["cores"] for p in points],
                [p["efficiency"] for p in points],
                color=colour,
                label=f"{seconds:g} s, model",
            )
        cases: dict[tuple[float, int], list[Mapping[str, Any]]] = {}
        for run in results["turns"]:
            cases.setdefault((run["load"]["seconds"], run["load"]["records"]), []).append(run)
        for ((seconds, sent), runs), colour in zip(
            cases.items(), (GREY, SKY, BLUE, PURPLE), strict=True
        ):
            slots = sorted({run["load"]["slots"] for run in runs})
            for kind, style in (("efficiency", "o"), ("predicted", "--")):
                medians = [
                    statistics.median(run[kind] for run in runs if run["load"]["slots"] == number)
                    for number in slots
                ]
                label = f"{seconds:g} s, records: {sent}; measured" if style == "o" else None
                axes.plot(slots, medians, style, color=colour, markersize=4, label=label)
        axes.set_xscale("log")
        log_ticks(axes.xaxis, *axes.get_xlim())
        axes.set_ylim(0, 1.03)
        axes.set_xlabel(
            "cores, or slots of sleeping trials; dashed: the model where it is measured"
        )
        axes.set_ylabel("efficiency")
        axes.legend(loc="lower left")

    return write_figure(folder, FIGURE, lines, height=3.4)[0]
