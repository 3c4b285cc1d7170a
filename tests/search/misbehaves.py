"""A driver whose training goes wrong: `python misbehaves.py KIND FOLDER FLAG…`.

KIND is the name of a function below; FOLDER is where attempts leave marks, and tests signs.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kbn.epoch import EpochRecord
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.running import workers
from search.study.command import main
from search.training.checkpoint import Checkpoint, Start
from search.training.trainer import Shared, train_trials
from search.trial import Trial
from tests.search.drivers import NAME, count, wait_for


def once(folder: Path, shared: Shared, starts: tuple[Start, ...]) -> Iterator[Any]:
    """Train; but every trial raises, hangs or loses its worker once, after its checkpoint.

    The next attempt has to go on from there.
    """
    ((trial, _),) = starts
    mark = folder / trial.id
    first = not mark.exists()
    for key, item in train_trials(shared, starts):
        yield key, item
        if not first and isinstance(item, EpochRecord) and item.epoch == 1:
            raise AssertionError("the second attempt began anew")
        if not first or not isinstance(item, Checkpoint):
            continue
        mark.touch()
        if trial.lam == 1e-3:
            raise RuntimeError("the first attempt raises")
        if trial.lam == 1e-2:
            time.sleep(600)
        die_when_kept(folder, trial)


def pack(folder: Path, shared: Shared, starts: tuple[Start, ...]) -> Iterator[Any]:
    """Train; but a pack loses its worker at its first checkpoint. Who was in it, marks that."""
    for key, item in train_trials(shared, starts):
        yield key, item
        if len(starts) > 1 and isinstance(item, Checkpoint):
            for trial, _ in starts:
                (folder / trial.id).touch()
            (sender,) = (trial for trial, _ in starts if trial.id == key)
            die_when_kept(folder, sender)


def die_when_kept(folder: Path, trial: Trial) -> None:
    """Lose the worker, but not before the driver has kept the trial's checkpoint.

    What was yielded is on its way for a while, and is lost with its worker until it has arrived.
    """
    kept = "SELECT count(*) FROM checkpoints WHERE trial_id = ?"
    wait_for("the checkpoint", partial(count, folder.parent / NAME, kept, trial.id))
    os.kill(os.getpid(), signal.SIGKILL)


def eat(folder: Path, shared: Shared, starts: tuple[Start, ...]) -> Iterator[Any]:
    """Train; but every attempt at one value of λ eats memory until it is killed."""
    ((trial, _),) = starts
    eaten: list[bytearray] = []
    for item in train_trials(shared, starts):
        yield item
        while trial.lam == 1e-3:
            eaten.append(bytearray(b"x") * 2**26)
            time.sleep(0.02)


def hold(folder: Path, shared: Shared, starts: tuple[Start, ...]) -> Iterator[Any]:
    """Train; but wait after an epoch for as long as there is a file `hold`."""
    for item in train_trials(shared, starts):
        yield item
        while (folder / "hold").exists():
            time.sleep(0.02)


def hold_but_one(folder: Path, shared: Shared, starts: tuple[Start, ...]) -> Iterator[Any]:
    """Do the same; but one value of λ does not wait."""
    ((trial, _),) = starts
    return (train_trials if trial.lam == 1e-3 else partial(hold, folder))(shared, starts)


def silent(folder: Path, shared: Shared, starts: tuple[Start, ...]) -> Iterator[Any]:
    """Train; but say nothing for two minutes at first, as long epochs do."""
    time.sleep(120)
    return train_trials(shared, starts)


def slow(folder: Path, shared: Shared, starts: tuple[Start, ...]) -> Iterator[Any]:
    """Train; but take two seconds from one record to the next."""
    for item in train_trials(shared, starts):
        time.sleep(2)
        yield item


if __name__ == "__main__":
    kind, folder = sys.argv[1:3]
    kinds = (once, pack, eat, hold, hold_but_one, silent, slow)
    (wrong,) = (each for each in kinds if each.__name__ == kind)
    vars(workers)["train_trials"] = partial(wrong, Path(folder))
    del sys.argv[1:3]
    main(LambdaSearch)
