"""How long a study takes before its first training step and after its last result.

    python -m benchmarks.edges --data cifar10 --rounds 5

It runs the λ search with few epochs, as a user does, on embedded Ray with the data on disk, and
looks at the clock: when the command was given, when the first trial began in a worker, when the
last result was there, when the command was over. From the last result on, the report is written.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from benchmarks.performance import compose, keep
from benchmarks.timing import machine, quartiles

NAME = "edges"
FLAGS = ("--cycle=2epochs", "--epochs=2", "--final-epochs=2")
"""One cycle a trial: what is measured does not depend on more."""


def edges(data: Sequence[str]) -> tuple[float, float, float]:
    """Run a search; return the seconds before the first step, in between, and after the last."""
    with tempfile.TemporaryDirectory() as out:
        begin, last = time.time(), 0.0
        words = [sys.executable, "-m", "search.lambda_coarse_fine", *data, *FLAGS, "--out", out]
        with subprocess.Popen(  # noqa: S603 - ours
            words, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as command:
            assert command.stderr is not None
            for line in command.stderr:
                if " completed after " in line:
                    last = time.time()
        end = time.time()
        if command.returncode:
            raise SystemExit(f"the search ended with code {command.returncode}")
        (store,) = Path(out).glob("*/study.db")
        with closing(sqlite3.connect(store)) as db:
            ((first,),) = db.execute("SELECT min(started) FROM attempts")
    return first - begin, last - first, end - last


def section(results: Mapping[str, Any]) -> str:
    """Return what the page says of it."""
    before, _, after = (np.array(each) for each in results["seconds"])
    rows = [
        ("from the command to the first training step", quartiles(before, ".1f"), "6"),
        ("from the last result to the end, the report written", quartiles(after, ".1f"), "4"),
    ]
    table = tabulate(rows, headers=("", "s", "goal"), tablefmt="github", disable_numparse=True)
    return f"""## Before the first step and after the last

{table}

Wall time of `python -m search.lambda_coarse_fine {" ".join(results["flags"])}` on embedded Ray,
{len(before)} runs, medians with quartiles in brackets: {results["about"]}.
"""


def main() -> None:
    """Measure, print, and keep the results for the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--page", type=Path, help="the page to compose of all that is kept")
    given = parser.parse_args()
    data = [f"--data={given.data}"]
    edges(data)  # warms the disk's cache
    seconds = [edges(data) for _ in range(given.rounds)]
    results = {
        "seconds": [list(each) for each in zip(*seconds, strict=True)],
        "flags": [*data, *FLAGS],
        "about": machine(),
    }
    print(section(results))
    keep(NAME, results)
    if given.page:
        compose(given.page)


if __name__ == "__main__":
    main()
