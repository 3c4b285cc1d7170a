"""Small studies that tests run for real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from search.experiments.lambda_coarse_fine import LambdaSearch
from search.settings.values import Cycle
from search.space.narrow import Factors
from search.store.store import Store

SMALL = LambdaSearch(
    data="digits",
    hidden=(8,),
    cycle=Cycle(1, "epochs"),
    epochs=3,
    final_epochs=3,
    coarse=(1e-3, 1e-2),
    fine=Factors((0.5, 1.0)),
    lambda_bounds="off",
    replicate_top="off",
    fresh=0,
)
"""Two coarse values, one new fine one, the final model; checkpoints after each epoch."""
TRIALS = 4
FLAGS = (
    "--data=digits",
    "--hidden=8",
    "--cycle=1epochs",
    "--epochs=3",
    "--final-epochs=3",
    "--coarse=1e-3,1e-2",
    "--fine=0.5,1",
    "--lambda-bounds=off",
    "--replicate-top=off",
    "--fresh=0",
)
"""The same as flags."""


def results(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return what a study's store holds of every trial, times and hosts left out."""
    held: dict[str, tuple[object, ...]] = {}
    with Store(folder / "study.db") as store:
        for trial in store.trials():
            result = store.result(trial.id)
            assert result is not None, f"λ = {trial.lam} has no result"
            arrays = {name: array.tobytes() for name, array in result.arrays.items()}
            history = [{**vars(epoch), "seconds": 0.0} for epoch in store.history(trial.id)]
            plain = (result.state, result.epochs, result.train, result.validation, result.test)
            held[trial.id] = (trial, *plain, arrays, history)
    return held


def tables(folder: Path) -> str:
    """Return a study's CSV files and report; times, hosts and failed attempts left out."""
    trials = pd.read_csv(folder / "trials.csv").drop(columns=["attempts", "duration", "host"])
    history = pd.read_csv(folder / "history.csv").drop(columns=["seconds"])
    report = (folder / "report.md").read_text(encoding="utf-8").partition("## Environment")[0]
    report = re.sub("## Failures.*(?=## Repeat it)", "", report, flags=re.DOTALL)
    report = "\n".join(_without_times(report.splitlines()))
    return f"{trials.to_csv()}\n{history.to_csv()}\n{report}"


def _without_times(lines: list[str]) -> Iterator[str]:
    """Yield a report's lines, its tables without their column of seconds."""
    column = None
    for line in lines:
        cells = line.split("|") if line.startswith("|") else []
        named = [place for place, cell in enumerate(cells) if cell.strip() == "seconds a run"]
        column = named[0] if named else column if cells else None
        yield line if column is None else "|".join(cells[:column] + cells[column + 1 :])
