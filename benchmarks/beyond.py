"""What comes after one driver: Ray's own limits, and several drivers on one store, by the model.

    python -m benchmarks.beyond

simulates studies on 10,000 and 100,000 cores (`benchmarks.driver_model`) with the costs that
`benchmarks.scale` found last, and with the rate at which Ray's own release tests start tasks.
Nothing of it is code of the service.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from benchmarks.driver_model import Costs, Load, efficiency
from benchmarks.host import made
from benchmarks.performance import command, flags, kept, say

STARTS = 569.0
"""Tasks that Ray starts a second, the first on each core: its `many_tasks`."""
CORES = (10_000, 100_000)
LENGTHS = (4.0, 60.0)
"""Seconds of a trial."""
DRIVERS = (1, 4, 16)
TRIALS_A_CORE = 3
RECORDS = 20

BLOB = "https://github.com/ray-project/ray/blob"
ENVELOPE = f"{BLOB}/048f73e1902d1e464c92b7a0c7f0101e44ac11e7/release/benchmarks/README.md"
METRICS = f"{BLOB}/065255599d29bd8e84e841663b118f188070fdb9/release/perf_metrics/benchmarks"
LATER = f"{BLOB}/00501e2bd10f17c70dc12cdf54a203cf2db02a09/release/perf_metrics/benchmarks"
MICRO = f"{BLOB}/08444c4cf99b7584c60525e67a370e9382e13a81/release/perf_metrics/microbenchmark.json"
PUBLISHED = (
    ("tasks that run at a time, on 64 nodes of 64 cores", "10,000+", f"[envelope]({ENVELOPE})"),
    ("nodes", "250+", "the same"),
    ("tasks that wait on a node", "1,000,000+", "the same"),
    (
        "tasks started a second, of 10,000 that last",
        f"{STARTS:.0f}",
        f"[`many_tasks`]({METRICS}/many_tasks.json), Ray 2.37",
    ),
    (
        "the same on 250 nodes, of 1,000",
        "192 to 355",
        f"[`many_nodes`]({METRICS}/many_nodes.json), [later]({LATER}/many_nodes.json)",
    ),
    ("memory of the GCS with 10,000 tasks", "2.1 GiB", "`many_tasks`"),
    (
        "empty tasks a second on a node whose workers are up, from one client, from several",
        "8,000, 21,000",
        f"[microbenchmark]({MICRO})",
    ),
)
"""What Ray's own tests have shown, how much, and where that is published."""

TEXT = """## Beyond one driver

What bounds 10,000 and 100,000 cores beside the driver's own time, and what several drivers would
need. None of it is built.

**Ray's own tests**, of releases before the one that is used here, published with its source:

{published}

- **10,000 cores** are within what is tested: 157 nodes of 64 cores, a task on each core. The
  first task of each core has to be placed and its worker started, at {starts:.0f} a second in
  {small:.0f} s; a core keeps its worker for the tasks behind it, which the driver sends to it
  directly, so that neither GCS nor scheduler have a part in them.
- **100,000 cores** are not: ten times the tasks and six times the nodes that are tested. At the
  same rate the first tasks would take {large:.0f} s, and the GCS, one process, would come to 21
  GiB if it grew with the tasks. Ten clusters of 10,000 cores stay within; each has a driver at
  least.

**Several drivers on one store** would need:

- *Who trains what*: a stage's trials are split by their ids, hashes of content, so that all
  drivers agree without a word. One whose heartbeat in the store is old loses its share to the
  others. A trial that two of them train gives equal bytes, and its second commit changes
  nothing, as today.
- *Who decides*: a stage ends when the store has all its results. Every driver replays the plan
  over them and comes to the same next stage, as a study that is resumed does; it asks the store
  once a second until then.
- *The store*: SQLite takes one commit at a time. A driver brings a group in {commit:.1f} ms, at
  most every {window:.0f} ms, so that {full:.0f} of them fill it. Its locks hold on a disk of one
  machine, not on every network's: drivers elsewhere send their groups to one that has it, or
  write a file each. Results are keyed by trial, so that a study is the union of its files.
- *The lock* on a study's folder, which one driver holds today, would be one a share.

**Simulated** by the model of the section above, with its costs: {trials} trials a core of equal
length, {records} records each, first tasks at {starts:.0f} a second for all drivers together,
one store. The last column is what Ray's first tasks alone leave.

{table}

{verdict}

Simulated, not measured. {state}
"""


def parser() -> argparse.ArgumentParser:
    """Return the flags; a simulation has no use for rounds."""
    return flags(__doc__, rounds=1)


def measure(asked: argparse.Namespace) -> dict[str, Any]:  # noqa: ARG001 - a benchmark's
    """Simulate studies with the costs that are kept."""
    found = dict(kept()).get("scale")
    if found is None:
        sys.exit("no costs are kept: `python -m benchmarks.scale --page docs/performance.md` does")
    costs = dataclasses.replace(Costs(**found["costs"]), first=1 / STARTS)
    points = []
    for cores in CORES:
        for seconds in LENGTHS:
            load = Load(cores, TRIALS_A_CORE * cores, seconds, RECORDS)
            for drivers in DRIVERS:
                share = efficiency(costs, load, drivers=drivers)
                say(f"{cores} cores, {seconds:g} s, drivers: {drivers}: {share:.3f}")
                points.append(
                    {"cores": cores, "seconds": seconds, "drivers": drivers, "efficiency": share}
                )
    return {"turns": [], "costs": dataclasses.asdict(costs), "points": points}


def section(results: Mapping[str, Any]) -> str:
    """Return the section of the page, as Markdown."""
    costs = Costs(**results["costs"])
    found = {(p["cores"], p["seconds"], p["drivers"]): p["efficiency"] for p in results["points"]}
    rows, lines = [], []
    for cores, seconds in dict.fromkeys((cores, seconds) for cores, seconds, _ in found):
        by_drivers = {drivers: found[cores, seconds, drivers] for drivers in DRIVERS}
        shares = (*by_drivers.values(), left_by_ray(cores, seconds, TRIALS_A_CORE))
        rows.append((f"{cores:,}", f"{seconds:g} s", *(f"{share:.3f}" for share in shares)))
        best = max(by_drivers, key=lambda drivers: by_drivers[drivers])
        lines.append(
            f"- {cores:,} cores, trials of {seconds:g} s: best with {best} of "
            f"{', '.join(map(str, DRIVERS))} drivers, at {by_drivers[best]:.3f} where one has "
            f"{by_drivers[1]:.3f}."
        )
    heads = ("cores", "trials", *(f"drivers: {drivers}" for drivers in DRIVERS), "Ray alone")
    return TEXT.format(
        published=_table(PUBLISHED, ("", "", "source")),
        starts=STARTS,
        small=CORES[0] / STARTS,
        large=CORES[1] / STARTS,
        window=1e3 * costs.window,
        commit=1e3 * costs.commit,
        full=(costs.window + costs.commit) / costs.commit,
        trials=TRIALS_A_CORE,
        records=RECORDS,
        table=_table(rows, heads),
        verdict="\n".join(lines),
        state=made(results["host"]),
    )


def left_by_ray(cores: int, seconds: float, trials_a_core: float) -> float:
    """Return the efficiency of cores that start one after the other and share the trials evenly.

    All end together, but for a core that starts later than that: it still has its first trial.
    """
    ramp, trained = cores / STARTS, trials_a_core * seconds
    return trained / max(trained + ramp / 2, ramp + seconds)


def _table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    return tabulate(rows, heads, tablefmt="github", disable_numparse=True)


if __name__ == "__main__":
    command("beyond")
