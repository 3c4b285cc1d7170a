"""How long a study takes before its first training step and after its last result.

    python -m benchmarks.edges --rounds 2

It runs small λ searches, as a user does, on embedded Ray with the data on disk, and
looks at the clock: when the command was given, when the first trial began in a worker, when the
last result was there, when the command was over. From the last result on, the report is written.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from benchmarks.blocks import OURS, TWIN, Turn, cases, in_blocks, quartiles, ratios, values
from benchmarks.host import state
from benchmarks.performance import command, flags, say

FLAGS = (
    *("--coarse=1e-4,1e-3,1e-2", "--fine=0.5,2", "--race=2"),
    *("--cycle=1epochs", "--epochs=1", "--final-epochs=4"),
)
"""All that a report of a search shows, of few and short runs: its edges are as those of a long one.
The final model takes long enough for what is drawn meanwhile, as it does with the default epochs.
"""
RAY = "Ray alone"
BARE = """
import ray
ray.init("local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
ray.get(ray.remote(lambda: None).remote())
ray.shutdown()
"""
"""What a machine needs for Ray's start, one task and its end: what our times are compared with."""
CHECKED = ((OURS, RAY, "before"), (OURS, RAY, "after"))
QUICK = ("--rounds=2",)
DATA = {
    "cifar10": ("CIFAR-10", {"before": "4", "after": "2"}),
    "digits": ("digits", {"before": "3", "after": "2"}),
}
"""Data sets, what they are called, and the goals in seconds."""
WHAT = {
    "before": "from the command to the first training step",
    "after": "from the last result to the end, the report written",
}
"""A figure, and what it is."""


def edges(data: Sequence[str]) -> dict[str, float]:
    """Run a search; return the seconds before the first step, in between, and after the last."""
    with tempfile.TemporaryDirectory() as out:
        begin, last = time.time(), 0.0
        words = [sys.executable, "-m", "search.lambda_coarse_fine", *data, *FLAGS, "--out", out]
        with subprocess.Popen(  # noqa: S603 - ours
            words, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as search:
            assert search.stderr is not None
            for line in search.stderr:
                if " completed after " in line:
                    last = time.time()
        end = time.time()
        if search.returncode:
            raise SystemExit(f"the search ended with code {search.returncode}: {line.strip()}")
        (store,) = Path(out).glob("*/study.db")
        with closing(sqlite3.connect(store)) as db:
            ((first,),) = db.execute("SELECT min(started) FROM attempts")
    return {"before": first - begin, "between": last - first, "after": end - last}


def ray_alone() -> dict[str, float]:
    """Return the seconds of Ray's start and end, with one task, for each of our two times."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
    start = time.perf_counter()
    words = [sys.executable, "-c", BARE]
    subprocess.run(words, check=True, capture_output=True, env=os.environ | token | quiet)  # noqa: S603 - ours
    seconds = time.perf_counter() - start
    return dict.fromkeys(("before", "after"), seconds)


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    return flags(__doc__, rounds=2)


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run searches in turns with Ray alone."""
    where = [f"--data-dir={asked.data_dir}"] if asked.data_dir else []
    turns = list[Turn]()
    ray_alone()  # warms the disk's cache
    for data in DATA:
        ours = partial(edges, [f"--data={data}", *where])
        contestants = dict.fromkeys((OURS, TWIN), ours) | {RAY: ray_alone}
        turns += in_blocks(contestants, asked.rounds, case=data, say=say)
    return {"turns": turns, "flags": list(FLAGS), "rounds": asked.rounds}


def section(results: Mapping[str, Any]) -> str:
    """Return what the page says of it."""
    turns = results["turns"]
    rows = [
        (
            text,
            DATA[data][0],
            quartiles(values(turns, OURS, figure, data), ".1f"),
            DATA[data][1][figure],
            quartiles(ratios(turns, OURS, RAY, figure, data), ".2f"),
        )
        for figure, text in WHAT.items()
        for data in cases(turns)
    ]
    alone = [value for data in cases(turns) for value in values(turns, RAY, "before", data)]
    heads = ("", "data", "s", "goal", "to Ray alone")
    table = tabulate(rows, heads, tablefmt="github", disable_numparse=True)
    return f"""## Before the first step and after the last

{table}

Wall time of `python -m search.lambda_coarse_fine {" ".join(results["flags"])}` on embedded Ray, in
{results["rounds"]} blocks. "Ray alone" is a process that starts Ray, runs one empty task and ends:
{quartiles(np.array(alone), ".1f")} s here.

Before the first step one thing waits for the other: the command's imports, the data, Ray's head and
raylet (started without agents, which take Ray a second or two), the images, which are standardised
into Ray's store itself; beside that workers import Ray and what trains. What draws is loaded in a
process of its own, which gives way to them. It draws the figures that the last trials will not
change while these still train; the others, nearly all that is left of a report's time, are drawn
after the last result by forks beside each other, while Ray ends.

{state(results["host"], turns, "before")}
"""


if __name__ == "__main__":
    command("edges")
