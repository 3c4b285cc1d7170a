"""What driver, Ray and store cost for a trial that does nothing, beside Ray Tune and Optuna.

    python -m benchmarks.overhead --trials 1000,10000 --rounds 5

Contestants run in turns, each turn in a process of its own. Peers are optional: what is not
installed is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np
from tabulate import tabulate

from benchmarks.nothing import CONTESTANTS, missing
from benchmarks.performance import measurement_parser, publish
from benchmarks.timing import machine, quartiles

GOAL = 5.0
"""Milliseconds a trial that driver, Ray and store may cost."""
LINEAR = 1.25
"""A trial may cost so many times as much in the largest study before its growth is not linear."""
FLAT = 1.0
"""KB that a further trial may add to the driver's peak before its memory is not flat."""
NOT_FLAT = "not flat, since all results of a stage are kept until its plan is sent them"

TEXT = """## Trials that do nothing

The real runner, pool and store, the study's lines printed to nowhere; a trial returns its result
at once. {jobs} at a time. Times are from the first submission to the last result, medians over
{rounds} rounds in turns with quartiles in brackets; start-up, workers included, is apart (Ray Tune
starts its workers after it). "to ours" compares each round with ours of the same round and number
of trials. Ours, the journal file and SQLite bring every trial to the disk; Ray Tune writes a folder
for each. "without Ray" runs the trials in the driver's process, "pool alone" keeps nothing.
{details}

{table}

{verdict}

{about}.
"""


def turn(name: str, trials: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Run one contestant once, in a process of its own; return what it printed."""
    command = [sys.executable, "-m", "benchmarks.nothing", name, str(trials)]
    command += ["--jobs", str(asked.jobs), "--disk", str(asked.disk), "--limit", str(asked.limit)]
    command += ["--born", str(time.time())]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - ours
    if ended.returncode:
        raise SystemExit(f"{name} with {trials} trials ended with exit code {ended.returncode}")
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found | {"name": name, "trials": trials}


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run all contestants in turns; return every turn."""
    absent = missing()
    turns = []
    for number in range(asked.rounds):
        for trials in asked.trials:
            for name in CONTESTANTS:
                if name in absent or (name.startswith("Ray Tune") and trials > min(asked.trials)):
                    continue
                found = turn(name, trials, asked) | {"round": number}
                turns.append(found)
                print(
                    f"round {number + 1}, {trials} trials, {name}: {_per_trial(found):.2f} ms a "
                    f"trial, {found['done']} done, start-up {found['startup']:.1f} s",
                    file=sys.stderr,
                )
    return {
        "jobs": asked.jobs,
        "limit": asked.limit,
        "rounds": asked.rounds,
        "missing": absent,
        "turns": turns,
        "about": _about(),
    }


def _about() -> str:
    found = {each.metadata["Name"].lower(): each.version for each in metadata.distributions()}
    versions = [f"{name} {found[name]}" for name in ("ray", "optuna") if name in found]
    return ", ".join((machine(), *versions))


def _per_trial(found: Mapping[str, Any]) -> float:
    """Return milliseconds a trial; infinite where none was done."""
    return 1e3 * float(found["seconds"]) / found["done"] if found["done"] else float("inf")


def section(results: Mapping[str, Any]) -> str:
    """Return the section of the page, as Markdown."""
    turns = results["turns"]
    cases = list(dict.fromkeys((each["name"], each["trials"]) for each in turns))
    rows = [_row(results, name, trials) for name, trials in cases]
    heads = ("", "trials", "ms a trial", "to ours", "start-up, s", "driver's peak, MB")
    smallest = min((trials for _, trials in cases), default=0)
    details = (
        f"Ray Tune ran {smallest:,} trials only, a larger study would take it too long; a peer is "
        f"cut off after {results['limit']:g} s, and its row then says how many trials it had done. "
        "Optuna draws a number at random for each, where its own sampler would learn from them all."
    )
    for names, reason in _grouped(results["missing"]).items():
        details += f" Left out: {names} ({reason})."
    return TEXT.format(
        jobs=results["jobs"],
        rounds=results["rounds"],
        details=details,
        table=tabulate(rows, heads, tablefmt="github", disable_numparse=True),
        verdict=verdict(turns),
        about=results["about"],
    )


def _grouped(absent: Mapping[str, str]) -> dict[str, str]:
    return {
        " and ".join(name for name, why in absent.items() if why == reason): reason
        for reason in dict.fromkeys(absent.values())
    }


def _of(turns: Sequence[Mapping[str, Any]], name: str, trials: int) -> list[Mapping[str, Any]]:
    return [each for each in turns if each["name"] == name and each["trials"] == trials]


def _row(results: Mapping[str, Any], name: str, trials: int) -> tuple[str, ...]:
    mine = _of(results["turns"], name, trials)
    times = np.array([_per_trial(each) for each in mine])
    ours = np.array([_per_trial(each) for each in _of(results["turns"], "ours", trials)])
    done = min(each["done"] for each in mine)
    return (
        name,
        f"{trials:,}" + (f", cut off after {done:,}" if done < trials else ""),
        quartiles(times, ".2f"),
        quartiles(times / ours, ".2f") if name != "ours" else "1",
        f"{np.median([each['startup'] for each in mine]):.1f}",
        f"{np.median([each['peak'] for each in mine]):.0f}",
    )


def verdict(turns: Sequence[Mapping[str, Any]]) -> str:
    """Say whether ours meets the goal, grows linearly, and keeps its memory flat."""
    sizes = sorted({each["trials"] for each in turns})
    times = {n: float(np.median([_per_trial(t) for t in _of(turns, "ours", n)])) for n in sizes}
    text = "Ours: " + " and ".join(f"{times[n]:.2f} ms a trial of {n:,}" for n in sizes)
    text += f"; the goal of {GOAL:g} ms is " + (
        "met." if max(times.values()) <= GOAL else "missed."
    )
    if len(sizes) > 1:
        few, many = sizes[0], sizes[-1]
        growth = times[many] / times[few]
        peaks = [np.median([each["peak"] for each in _of(turns, "ours", n)]) for n in (few, many)]
        kilobytes = 1e3 * float(peaks[1] - peaks[0]) / (many - few)
        text += (
            f" A trial of {many:,} costs {growth:.2f} × one of {few:,}: the time grows "
            f"{'linearly' if growth <= LINEAR else 'faster than the number of trials'}. "
            f"A further trial adds {kilobytes:.1f} KB to the driver's peak: "
            f"{'as good as flat' if kilobytes <= FLAT else NOT_FLAT}."
        )
    return text


def sizes(text: str) -> tuple[int, ...]:
    """Return numbers of trials from `1000,10000`."""
    return tuple(sorted(int(each) for each in text.split(",")))


def main() -> None:
    """Measure, print the section, and write the page if asked to."""
    parser = measurement_parser(__doc__, rounds=5)
    parser.add_argument("--trials", type=sizes, default=(1_000, 10_000), help="1000,10000")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trials at once")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that a peer may take")
    asked = parser.parse_args()
    results = measure(asked)
    publish("overhead", results, section(results), asked.page)


if __name__ == "__main__":
    main()
