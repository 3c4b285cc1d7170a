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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import RayPool, SerialPool
from search.store import IN_MEMORY, Store


@dataclass(frozen=True)
class Turn:
    """What a contestant did."""

    startup: float
    """Seconds from the start of the process to the first submission; workers are up by then,
    but for Ray Tune, which starts its own."""
    seconds: float
    """From the first submission to the last result."""
    done: int
    """Trials with a result; fewer than asked for where a limit cut it off."""
    peak: float
    """The driver's largest resident memory, in MB."""
    grown: float
    """By how much it passed what was resident at the first submission, in MB."""


@dataclass(frozen=True)
class Setting:
    """What is asked of a contestant."""

    trials: int
    jobs: int
    """Trials at once."""
    folder: Path
    """Empty; what has to last is written here."""
    limit: float
    """Seconds after which a peer is cut off."""
    born: float
    """Unix time at which the process was started."""
    profile: bool = False


class _Stopwatch:
    """Knows when a process was born, when it began to submit, and how large it grew."""

    def __init__(self, born: float) -> None:
        self._born = born
        self.begin()

    def begin(self) -> None:
        self._startup, self._resident = time.time() - self._born, _megabytes("VmRSS")

    def turn(self, seconds: float, done: int) -> Turn:
        peak = _megabytes("VmHWM")
        return Turn(self._startup, seconds, done, peak, peak - self._resident)


def _megabytes(field: str) -> float:
    """Return a figure of this process's memory; `ru_maxrss` would count the parent's."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (text,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(text) * 1024 / 1e6


def _ours(how: Setting, *, durable: bool, ray: bool, driver: bool = True) -> Turn:
    from benchmarks import trivial  # noqa: PLC0415 - peers do not pay for it

    pool: RayPool | SerialPool
    pool = RayPool(trivial.made_up, None, max_concurrent=how.jobs) if ray else _serial()
    with pool, Store(how.folder / "study.db" if durable else IN_MEMORY) as store:
        if ray:
            trivial.warm(pool)
        asked = trivial.trials(how.trials)
        watch = _Stopwatch(how.born)
        run = (
            (lambda: trivial.run_through(asked, pool, store))
            if driver
            else lambda: trivial.pool_alone(asked, pool)
        )
        seconds = _profiled(run) if how.profile else run()
        return watch.turn(seconds, how.trials)


def _serial() -> SerialPool:
    from benchmarks import trivial  # noqa: PLC0415 - as above

    return SerialPool(trivial.made_up, None)


def _profiled(run: Callable[[], float]) -> float:
    with cProfile.Profile() as profile:
        seconds = run()
    for order in ("tottime", "cumulative"):
        pstats.Stats(profile).sort_stats(order).print_stats(45)
    return seconds


def _tune(how: Setting, *, reuse: bool) -> Turn:
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    from ray import tune  # noqa: PLC0415 - optional

    from cluster.connect import connection  # noqa: PLC0415 - peers alone want it bare

    ends: list[float] = []

    class Clock(tune.Callback):
        """Notes when trials start and end."""

        begun = 0.0

        def on_trial_start(self, *_: Any, **__: Any) -> None:
            self.begun = self.begun or time.perf_counter()

        def on_trial_complete(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    def nothing(_: Any) -> dict[str, float]:
        return {"score": 0.0}

    with connection(address=None, object_store_bytes=2**26):
        clock = Clock()
        tuner = tune.Tuner(
            tune.with_resources(nothing, {"cpu": (os.cpu_count() or 1) / how.jobs}),
            param_space={"lam": tune.grid_search([n / how.trials for n in range(how.trials)])},
            tune_config=tune.TuneConfig(
                max_concurrent_trials=how.jobs, reuse_actors=reuse, time_budget_s=how.limit
            ),
            run_config=tune.RunConfig(
                storage_path=str(how.folder), verbose=0, callbacks=[clock], name="nothing"
            ),
        )
        watch = _Stopwatch(how.born)
        cut_off = time.perf_counter() + how.limit
        tuner.fit()
    inside = [end for end in ends if end <= cut_off]
    last = inside[-1] if len(inside) == how.trials else cut_off
    return watch.turn(last - clock.begun, len(inside))


def _optuna(how: Setting, *, storage: str) -> Turn:
    import optuna  # noqa: PLC0415 - optional

    optuna.logging.disable_default_handler()
    from optuna.storages import JournalStorage, journal  # noqa: PLC0415 - optional

    path = how.folder / "optuna"
    storages: dict[str, Callable[[], Any]] = {
        "memory": lambda: None,
        "SQLite": lambda: f"sqlite:///{path}.db",
        "journal": lambda: JournalStorage(journal.JournalFileBackend(f"{path}.log")),
    }
    # The default sampler models what came before; a grid needs no model, and neither does ours.
    study = optuna.create_study(
        storage=storages[storage](), sampler=optuna.samplers.RandomSampler(seed=0)
    )
    watch = _Stopwatch(how.born)
    start = time.perf_counter()
    study.optimize(
        lambda trial: 0.0 * trial.suggest_float("lam", 0.0, 1.0),
        n_trials=how.trials,
        n_jobs=how.jobs,
        timeout=how.limit,
    )
    seconds = time.perf_counter() - start
    return watch.turn(seconds, sum(trial.state.is_finished() for trial in study.get_trials()))


CONTESTANTS: dict[str, Callable[[Setting], Turn]] = {
    "ours": lambda how: _ours(how, durable=True, ray=True),
    "ours, store in memory": lambda how: _ours(how, durable=False, ray=True),
    "ours, without Ray": lambda how: _ours(how, durable=True, ray=False),
    "our pool alone": lambda how: _ours(how, durable=False, ray=True, driver=False),
    "Ray Tune, actors reused": lambda how: _tune(how, reuse=True),
    "Ray Tune": lambda how: _tune(how, reuse=False),
    "Optuna, in memory": lambda how: _optuna(how, storage="memory"),
    "Optuna, journal file": lambda how: _optuna(how, storage="journal"),
    "Optuna, SQLite": lambda how: _optuna(how, storage="SQLite"),
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
