"""A script that a test runs and kills: a study of many trials that train nothing.

    python -m tests.search.many_trials FOLDER TRIALS

Each takes two milliseconds, and gives made-up results. Prints what it took when it is done.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.made_up import epoch, result
from benchmarks.stopwatch import peak
from search import run
from search.experiments.range_test import RangeTest
from search.running import workers
from search.training.checkpoint import Item, Start
from search.training.trainer import Shared

NAME = "many"


def made_up(
    shared: Shared,
    starts: tuple[Start, ...],
) -> Iterator[tuple[str, Item]]:
    """Train nothing; trials differ in how well they do."""
    for trial, _ in starts:
        time.sleep(0.002)
        accuracy = 0.5 + 0.4 * (trial.replicate % 101) / 101
        for number in range(1, trial.epochs + 1):
            yield trial.id, epoch(number, accuracy)
        yield trial.id, result(trial, accuracy)


def study(out: Path, trials: int, **how: bool) -> dict[str, float]:
    """Run the study to its end; return what it took."""
    vars(workers)["train_trials"] = made_up
    start = time.perf_counter()
    asked = RangeTest(data="digits", replicates=trials, epochs=2)
    found = run(asked, out=out, name=NAME, quiet=True, **how)
    return {
        "seconds": time.perf_counter() - start,
        "trials": sum(each.result is not None for each in found.record.trials),
        "peak": peak(),
        "store": (found.record.folder / "study.db").stat().st_size / 1e6,
        "report": (found.record.folder / "report.html").stat().st_size / 1e6,
    }


if __name__ == "__main__":
    print(json.dumps(study(Path(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201 - for the test
