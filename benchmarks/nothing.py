"""One contestant runs trials that do nothing, in this process; prints its figures as JSON.

    python -m benchmarks.nothing CONTESTANT TRIALS

`benchmarks.overhead` starts one such process for each turn. With `--profile`, a table of where
the driver's time goes is printed instead.
"""

from __future__ import annotations

import argparse
import cProfile
import dataclasses
import importlib.util
import json
import os
import pstats
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import trivial
from benchmarks.blocks import OURS, TWIN
from benchmarks.nothing_peers import (
    dask_tasks,
    joblib_jobs,
    optuna_trials,
    ray_alone,
    tune_trials,
)
from benchmarks.stopwatch import Setting, Stopwatch, Took
from cluster import RayPool, SerialPool
from search.store.store import Store
from search.training.trainer import stamp

SERIAL, RAY = "ours, without Ray", "Ray alone"


def _ours(how: Setting, *, ray: bool) -> Took:
    pool: RayPool | SerialPool = SerialPool(trivial.sleep, None)
    if ray:
        # As the command does it: no limit where all cores are asked for.
        limit = None if how.jobs == os.cpu_count() else how.jobs
        pool = RayPool(trivial.sleep, None, max_concurrent=limit, stamp=stamp)
    with pool, Store(how.folder / "study.db") as store:
        if ray:
            trivial.warm(pool)
        asked = trivial.trials(how.trials)

        def run() -> float:
            return trivial.run_through(asked, pool, store)

        watch = Stopwatch(how.born)
        return watch.took(_profiled(run) if how.profile else run(), how.trials)


def _profiled(run: Callable[[], float]) -> float:
    profile = cProfile.Profile()
    seconds = profile.runcall(run)
    for order in ("tottime", "cumulative"):
        pstats.Stats(profile).sort_stats(order).print_stats(45)
    return seconds


CONTESTANTS: dict[str, Callable[[Setting], Took]] = {
    OURS: lambda how: _ours(how, ray=True),
    TWIN: lambda how: _ours(how, ray=True),
    SERIAL: lambda how: _ours(how, ray=False),
    RAY: ray_alone,
    "joblib": joblib_jobs,
    "Dask": dask_tasks,
    "Ray Tune, actors reused": lambda how: tune_trials(how, reuse=True),
    "Ray Tune": lambda how: tune_trials(how, reuse=False),
    "Optuna, in memory": lambda how: optuna_trials(how, storage="memory"),
    "Optuna, journal file": lambda how: optuna_trials(how, storage="journal"),
    "Optuna, SQLite": lambda how: optuna_trials(how, storage="SQLite"),
}
NEEDS = {"Optuna": "optuna", "Ray Tune": "tensorboardX", "Dask": "distributed"}
"""A module that a peer needs beyond what the project itself does."""


def missing() -> dict[str, str]:
    """Return the contestants that cannot run here, and why."""
    return {
        name: f"{module} is not installed"
        for name in CONTESTANTS
        for peer, module in NEEDS.items()
        if name.startswith(peer) and importlib.util.find_spec(module) is None
    }


def main() -> None:
    """Run one contestant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("trials", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trials at once")
    parser.add_argument("--disk", type=Path, default=Path(), help="folder whose disk is written to")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds that a peer may take")
    parser.add_argument("--born", type=float, default=time.time(), help=argparse.SUPPRESS)
    parser.add_argument("--profile", action="store_true", help="where our driver's time goes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.disk) as place:
        how = Setting(
            asked.trials,
            asked.jobs,
            Path(place).resolve(),
            asked.limit,
            asked.born,
            profile=asked.profile,
        )
        took = CONTESTANTS[asked.contestant](how)
    print(json.dumps(dataclasses.asdict(took) | {"ms": took.ms}))


if __name__ == "__main__":
    main()
