"""Made-up trials that train nothing: they sleep, send made-up records, and are done."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from rich.console import Console

from benchmarks import made_up
from search.plan import Choice, Plan, Stage
from search.running import live
from search.running.runner import Notice, Pool, run_plans
from search.running.tally import Tally
from search.settings.spec import StageOutline
from search.store.sealed import sealing
from search.store.store import Store
from search.training.checkpoint import Item, Start
from search.trial import Trial

IMAGES = 5_000
"""Of the made-up validation set: a result carries a bit for each."""
BASE = made_up.trial(
    lam=0.0,
    train_size=45_000,
    validation_size=IMAGES,
    hidden=(50, 50),
    cycle_steps=4_500,
    epochs=0,
)
RECORD = made_up.epoch(1)
DONE = made_up.result(BASE, 0.5)


def trials(number: int, *, seconds: float = 0.0, records: int = 0) -> tuple[Trial, ...]:
    """Return trials of so many seconds and records; `seconds` stands where λ does."""
    return tuple(
        dataclasses.replace(BASE, lam=seconds, epochs=records, seed=seed) for seed in range(number)
    )


def _slept_through(
    shared: None,  # noqa: ARG001 - a pool's task
    starts: Sequence[Start],
) -> Iterator[tuple[str, Item]]:
    """Sleep as long as each trial says and yield its records, then its result."""
    for trial, _ in starts:
        late = 0.0
        for epoch in range(1, trial.epochs + 1):
            late = _slept(trial.lam / trial.epochs - late)
            yield trial.id, dataclasses.replace(RECORD, epoch=epoch)
        done = dataclasses.replace(DONE, trial_id=trial.id, epochs=trial.epochs, seconds=trial.lam)
        yield trial.id, done


sleep = partial(sealing, _slept_through)
"""A study's task, but that its trials sleep."""


def _slept(seconds: float) -> float:
    """Sleep; return by how much it was too long, which the next sleep makes up for."""
    start = time.perf_counter()
    time.sleep(max(0.0, seconds))
    return time.perf_counter() - start - seconds


def one_stage(asked: tuple[Trial, ...]) -> Plan:
    """Ask for all trials at once, and choose none."""
    yield Stage("made up", asked, "a plan of one stage", decides=False)
    return Choice(None, "nothing to choose")


def run_through(asked: tuple[Trial, ...], pool: Pool, store: Store) -> float:
    """Run trials with the real runner, its lines printed to nowhere; return the seconds."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - it is no path
        console = Console(file=nowhere)
        tally = Tally([[StageOutline("made up", len(asked), 0, "")]])
        with live.watch(console, tally, quiet=False) as show:

            def observe(notice: Notice) -> None:
                tally(notice)
                show(notice)

            start = time.perf_counter()
            run_plans(
                {"made up": one_stage(asked)}, pool=lambda: pool, store=store, observe=observe
            )
            return time.perf_counter() - start


def pool_alone(asked: tuple[Trial, ...], pool: Any) -> float:
    """Run trials with the pool, and keep nothing; return the seconds."""
    start, left = time.perf_counter(), len(asked)
    for trial in asked:
        pool.submit(trial.id, (Start(trial),))
    while left:
        left -= sum(event.kind == "done" for event in pool.poll(1.0))
    return time.perf_counter() - start


def warm(pool: Any, *, most: int = 8) -> None:
    """Run short trials until every slot has a worker that is at work within a quarter second."""
    for _ in range(most):
        if pool_alone(trials(pool.slots, seconds=0.5, records=1), pool) < 0.75:
            return
