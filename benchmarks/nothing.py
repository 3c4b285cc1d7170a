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
from benchmarks.nothing_peers import optuna_turn, tune_turn
from benchmarks.turn import Setting, Stopwatch, Turn
from cluster import RayPool, SerialPool
from search.store.store import IN_MEMORY, Store


def _ours(how: Setting, *, durable: bool, ray: bool, driver: bool = True) -> Turn:
    pool: RayPool | SerialPool = SerialPool(trivial.sleep, None)
    if ray:
        # As the command does it: no limit where all cores are asked for.
        limit = None if how.jobs == os.cpu_count() else how.jobs
        pool = RayPool(trivial.sleep, None, max_concurrent=limit)
    with pool, Store(how.folder / "study.db" if durable else IN_MEMORY) as store:
        if ray:
            trivial.warm(pool)
        asked = trivial.trials(how.trials)

        def run() -> float:
            if driver:
                return trivial.run_through(asked, pool, store)
            return trivial.pool_alone(asked, pool)

        watch = Stopwatch(how.born)
        return watch.turn(_profiled(run) if how.profile else run(), how.trials)


def _profiled(run: Callable[[], float]) -> float:
    profile = cProfile.Profile()
    seconds = profile.runcall(run)
    for order in ("tottime", "cumulative"):
        pstats.Stats(profile).sort_stats(order).print_stats(45)
    return seconds


CONTESTANTS: dict[str, Callable[[Setting], Turn]] = {
    "ours": lambda how: _ours(how, durable=True, ray=True),
    "ours, store in memory": lambda how: _ours(how, durable=False, ray=True),
    "ours, without Ray": lambda how: _ours(how, durable=True, ray=False),
    "our pool alone": lambda how: _ours(how, durable=False, ray=True, driver=False),
    "Ray Tune, actors reused": lambda how: tune_turn(how, reuse=True),
    "Ray Tune": lambda how: tune_turn(how, reuse=False),
    "Optuna, in memory": lambda how: optuna_turn(how, storage="memory"),
    "Optuna, journal file": lambda how: optuna_turn(how, storage="journal"),
    "Optuna, SQLite": lambda how: optuna_turn(how, storage="SQLite"),
}


def missing() -> dict[str, str]:
    """Return the contestants that cannot run here, and why."""
    found = {}
    for name in CONTESTANTS:
        if name.startswith("Optuna") and importlib.util.find_spec("optuna") is None:
            found[name] = "Optuna is not installed"
        if name.startswith("Ray Tune") and importlib.util.find_spec("pyarrow") is None:
            found[name] = "Ray Tune's own requirements are not installed"
    return found


def main() -> None:
    """Run one contestant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("trials", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trials at once")
    parser.add_argument("--disk", type=Path, default=Path(), help="folder whose disk is written to")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that a peer may take")
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
        print(json.dumps(dataclasses.asdict(CONTESTANTS[asked.contestant](how))))


if __name__ == "__main__":
    main()
