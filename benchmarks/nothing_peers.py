"""What users would pick instead, with trials that do nothing: Ray Tune and Optuna.

Both are optional: `pip install '.[peers]'`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from benchmarks.turn import Setting, Stopwatch, Turn
from cluster.connect import connection


def tune_turn(how: Setting, *, reuse: bool) -> Turn:
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
        watch = Stopwatch(how.born)
        cut_off = time.perf_counter() + how.limit
        tuner.fit()
    inside = [end for end in ends if end <= cut_off]
    last = inside[-1] if len(inside) == how.trials else cut_off
    return watch.turn(last - clock.begun, len(inside))


def optuna_turn(how: Setting, *, storage: str) -> Turn:
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
    return watch.turn(seconds, sum(trial.state.is_finished() for trial in study.get_trials()))
