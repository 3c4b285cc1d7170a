"""What users would pick instead, with trials that do nothing.

joblib comes with scikit-learn; the others are optional: `pip install '.[peers]'`. All but Ray Tune
have their workers up before the clock starts, and all are cut off at their limit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.stopwatch import Setting, Stopwatch, Took
from benchmarks.whole_ray import whole_ray
from cluster.connect import connection

CHUNK = 1_000
"""Trials that Dask is given at a time, so that it can be cut off."""


def nothing(_: Any) -> dict[str, float]:
    """Return a trial's result at once."""
    return {"score": 0.0}


def _counted(how: Setting, results: Iterable[Any]) -> tuple[float, int]:
    """Return the seconds in which results came, and how many did within the limit."""
    start, done = time.perf_counter(), 0
    for _ in results:
        done += 1
        if time.perf_counter() - start > how.limit:
            break
    return time.perf_counter() - start, done


def ray_alone(how: Setting) -> Took:
    """Run Ray's plain tasks, all submitted at once: what its own part is at least."""
    import ray  # noqa: PLC0415 - starts with `connection`

    with connection(address=None, object_store_bytes=2**26):
        task = ray.remote(nothing)
        ray.get([task.remote(n) for n in range(20 * how.jobs)])
        watch, start = Stopwatch(how.born), time.perf_counter()
        ray.get([task.remote(n) for n in range(how.trials)])
        return watch.took(time.perf_counter() - start, how.trials)


def joblib_jobs(how: Setting) -> Took:
    """Run joblib's default backend, which sends short tasks in batches."""
    from joblib import Parallel, delayed  # noqa: PLC0415 - no other contestant needs it

    with Parallel(how.jobs, return_as="generator_unordered") as parallel:
        list(parallel(delayed(nothing)(n) for n in range(how.jobs)))
        watch = Stopwatch(how.born)
        results = parallel(delayed(nothing)(n) for n in range(how.trials))
        return watch.took(*_counted(how, results))


def dask_tasks(how: Setting) -> Took:
    """Run Dask's tasks, on a scheduler and workers of this machine."""
    from distributed import Client, LocalCluster, as_completed  # noqa: PLC0415 - optional

    with (
        LocalCluster(
            n_workers=how.jobs,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=str(how.folder),
        ) as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(nothing, range(how.jobs), pure=False))

        def results() -> Iterable[Any]:
            for first in range(0, how.trials, CHUNK):
                numbers = range(first, min(first + CHUNK, how.trials))
                yield from as_completed(client.map(nothing, numbers, pure=False))

        watch = Stopwatch(how.born)
        return watch.took(*_counted(how, results()))


def tune_trials(how: Setting, *, reuse: bool) -> Took:
    """Run a grid with Ray Tune, each trial in a process of its own or in one of those before."""
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    from ray import tune  # noqa: PLC0415 - optional

    ends: list[float] = []

    class Clock(tune.Callback):
        """Notes when trials start and end."""

        begun = 0.0

        def on_trial_start(self, *_: Any, **__: Any) -> None:
            self.begun = self.begun or time.perf_counter()

        def on_trial_complete(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    with whole_ray(2**26):
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
        watch = Stopwatch(how.born)
        start = time.perf_counter()
        cut_off = start + how.limit
        tuner.fit()
    inside = [end for end in ends if end <= cut_off]
    last = inside[-1] if len(inside) == how.trials else cut_off
    return watch.took(last - (clock.begun or start), len(inside))


def optuna_trials(how: Setting, *, storage: str) -> Took:
    """Run a study with Optuna, its trials in threads; `storage` is memory, SQLite or journal."""
    import optuna  # noqa: PLC0415 - optional
    from optuna.storages import JournalStorage, journal  # noqa: PLC0415 - optional

    optuna.logging.disable_default_handler()
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
    watch = Stopwatch(how.born)
    start = time.perf_counter()
    study.optimize(
        lambda trial: 0.0 * trial.suggest_float("lam", 0.0, 1.0),
        n_trials=how.trials,
        n_jobs=how.jobs,
        timeout=how.limit,
    )
    seconds = time.perf_counter() - start
    return watch.took(seconds, sum(trial.state.is_finished() for trial in study.get_trials()))
