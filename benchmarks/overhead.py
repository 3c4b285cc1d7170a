"""What driver, Ray and store cost for a trial that does nothing, beside others' ways to run it.

    python -m benchmarks.overhead --trials 1000,10000,100000 --rounds 2

Contestants run in turns, each turn in a process of its own. Peers are optional: what is not
installed is absent, and said to be.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tabulate import tabulate

from benchmarks.blocks import (
    OURS,
    TWIN,
    Turn,
    cases,
    contestants,
    in_blocks,
    quartiles,
    ratios,
    values,
)
from benchmarks.host import absent, state
from benchmarks.nothing import CONTESTANTS, RAY, SERIAL, missing
from benchmarks.performance import command, flags, numbers, positive, say

GOAL, GOAL_TRIALS = 1.0, 10_000
"""Milliseconds a trial that driver, Ray and store may cost, in a study of so many or more."""
GOAL_MB = 300.0
"""The driver's peak, however many trials there are."""
LINEAR = 1.25
"""A trial may cost so many times as much in the largest study before its growth is not linear."""
SLOW = ("Ray Tune", "Optuna, journal file", "Optuna, SQLite")
"""Peers that are asked for the smallest study alone: they are cut off in it already."""
ONCE, LARGE = 10_000, 100_000
"""Studies from the first size on have one block, from the second on without ours in other forms."""
CHECKED = ((OURS, RAY, "ms"), (OURS, SERIAL, "ms"))
QUICK = (
    *("--trials=1000", "--rounds=3"),
    *(f"--only={name}" for name in (OURS, TWIN, SERIAL, RAY)),
)

TEXT = """## Trials that do nothing

The real runner, pool and store, the study's lines printed to nowhere; a trial returns its result
at once. {jobs} at a time. Times are from the first submission to the last result; start-up, workers
included, is apart (Ray Tune starts its workers after it). Studies from {once:,} trials on have one
turn each, others {rounds}. "to ours" compares turns of one block. Ours, journal file and SQLite
bring every trial to the disk, Ray Tune writes a folder for each, joblib and Dask keep nothing.
"{serial}" runs the trials in the driver's process; "{ray}" are its plain tasks, all submitted at
once. A peer is cut off after {limit:g} s, and its row then says how many trials it had done. joblib
sends short tasks in batches. Optuna draws a number at random for each, where its own sampler would
learn from them all.

{table}
{absent}
{verdict}

{state}
"""


def turn(name: str, trials: int, asked: argparse.Namespace) -> dict[str, float]:
    """Run one contestant once, in a process of its own; return what it printed."""
    words = [sys.executable, "-m", "benchmarks.nothing", name, str(trials)]
    words += ["--jobs", str(asked.jobs), "--disk", str(asked.disk), "--limit", str(asked.limit)]
    words += ["--born", str(time.time())]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if ended.returncode:
        raise SystemExit(
            f"{ended.stderr}\n{name} with {trials} trials ended with exit code {ended.returncode}"
        )
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    found = flags(__doc__, rounds=2)
    found.add_argument(
        "--trials", type=numbers, default=(1_000, 10_000, 100_000), help="1000,10000,100000"
    )
    found.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="trials at once")
    found.add_argument("--limit", type=float, default=5.0, help="seconds that a peer may take")
    found.add_argument("--only", choices=CONTESTANTS, action="append", help="instead of all")
    return found


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run all contestants in turns."""
    names = [name for name in asked.only or CONTESTANTS if name not in missing()]
    turns = list[Turn]()
    for trials in asked.trials:
        found = [name for name in names if _takes_part(name, trials, min(asked.trials))]
        blocks = {name: lambda name=name, n=trials: turn(name, n, asked) for name in found}
        rounds = 1 if trials >= ONCE else asked.rounds
        turns += in_blocks(blocks, rounds, case=f"{trials:,}", say=say)
    return {
        "jobs": asked.jobs,
        "limit": asked.limit,
        "rounds": asked.rounds,
        "missing": {} if asked.only else missing(),
        "turns": turns,
    }


def _takes_part(name: str, trials: int, smallest: int) -> bool:
    return trials == smallest or not (
        name.startswith(SLOW) or (trials >= LARGE and name in (TWIN, SERIAL, RAY))
    )


def section(results: Mapping[str, Any]) -> str:
    """Return the section of the page, as Markdown."""
    turns = results["turns"]
    rows = [_row(turns, case, who) for case in cases(turns) for who in contestants(turns, case)]
    heads = ("", "trials", "ms a trial", "to ours", "start-up, s", "driver's peak, MB")
    return TEXT.format(
        jobs=results["jobs"],
        once=ONCE,
        rounds=results["rounds"],
        limit=results["limit"],
        serial=SERIAL,
        ray=RAY,
        absent=absent(results["missing"]),
        table=tabulate(rows, heads, tablefmt="github", disable_numparse=True),
        verdict=verdict(turns),
        state=state(results["host"], turns, "ms"),
    )


def _row(turns: Sequence[Turn], case: str, who: str) -> tuple[str, ...]:
    done, trials = int(min(values(turns, who, "done", case))), int(case.replace(",", ""))
    ms, to_ours = "–", "–"  # of a peer that was cut off before its first trial had ended
    if done:
        ms = quartiles(values(turns, who, "ms", case), ".2f")
        to_ours = quartiles(ratios(turns, who, OURS, "ms", case), ".2f") if who != OURS else "1"
    return (
        who,
        case + (f", cut off after {done:,}" if done < trials else ""),
        ms,
        to_ours,
        f"{np.median(values(turns, who, 'startup', case)):.1f}",
        f"{np.median(values(turns, who, 'peak', case)):.0f}",
    )


def verdict(turns: Sequence[Turn]) -> str:
    """Say whether ours meets the goals, and grows linearly."""
    by_trials = {int(case.replace(",", "")): case for case in cases(turns)}
    ms, mb = (
        {n: float(np.median(values(turns, OURS, what, case))) for n, case in by_trials.items()}
        for what in ("ms", "peak")
    )
    text = "Ours: " + ", ".join(f"{each:.2f} ms a trial of {n:,}" for n, each in ms.items()) + "."
    if large := [each for n, each in ms.items() if n >= GOAL_TRIALS]:
        text += f" The goal of {GOAL:g} ms from {GOAL_TRIALS:,} on is {_met(max(large) <= GOAL)}."
    if len(ms) > 1:
        few, many = min(ms), max(ms)
        growth = ms[many] / ms[few]
        how = "linearly" if growth <= LINEAR else "faster than the number of trials"
        text += f" A trial of {many:,} costs {growth:.2f} × one of {few:,}: the time grows {how}."
    text += f" The driver's peak is {max(mb.values()):.0f} MB: the goal of {GOAL_MB:.0f} MB is "
    return f"{text}{_met(max(mb.values()) <= GOAL_MB)}."


def _met(met: bool) -> str:  # noqa: FBT001 - a word for it
    return "met" if met else "missed"


if __name__ == "__main__":
    command("overhead")
