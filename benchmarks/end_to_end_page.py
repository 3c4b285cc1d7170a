"""The page's part about the coarse λ search from command to end, from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tabulate import tabulate

from benchmarks.timing import quartiles
from reports.drawing.style import BLUE, GREEN, ORANGE, PURPLE, SKY, write_figure
from search.settings.values import number_text

OURS, UNPACKED = "ours", "ours, --pack 1"
COLOURS = {
    OURS: BLUE,
    UNPACKED: SKY,
    "Ray Tune": ORANGE,
    "Optuna": PURPLE,
    "GridSearchCV": GREEN,
}
FIGURE = "performance-end-to-end"

SECTION = """## A coarse search, end to end

One network a value of λ ({grid}) on {data}: hidden layers [50, 50], {epochs} epochs, batches of
100, float32, the learning rate in cycles of {cycle}, {cores} trials at once, one thread each. Every
search is a command of its own, timed from its start to its end, reading the data and starting
Ray or other processes included, {rounds}, in turns. Core time is that of all its processes,
read five times a second.

{tables}

![Time of a search]({figure}.svg)

- **{ours}** is one of the commands below, with `--pack auto`, the default. No search of ours ends
  with its coarse grid: with these settings the fine grid is the coarse winner again, which is not
  trained twice; then a final model is trained for one epoch and tested, and report, figures and
  model are written. All that is in its time; the peers end with the last accuracy. After each
  epoch it evaluates the validation set and as many training images, and keeps the record.
  **{unpacked}** trains each λ in a task of its own.
- **Ray Tune** and **Optuna** train in PyTorch, from our trials' weights and on their batches: rows
  gathered by index (a data loader would be slower), the learning rate set before each step, no
  loss fetched. After each epoch they evaluate the validation set alone and report it. Their moving
  averages start from 0 and 1, ours from the first batch, and their variance is the unbiased one.
  Ray Tune runs a grid search over a function, one core a trial, images in the object store, actors
  used again, on an embedded Ray that starts as ours does. Optuna's grid sampler works in {cores}
  forked processes, which share the images, and a study in a journal file.
- **GridSearchCV** trains scikit-learn's MLPClassifier, the nearest there is: no batch norm, initial
  weights and batches of its own, plain SGD at our mean learning rate throughout (it knows no
  cycles). Its α is 2λ · 100, as it divides by the batch's size. It evaluates once, at the end.

"best" is the highest validation accuracy after the last epoch, and its λ; "apart", the largest
difference from ours at any one λ, in percentage points. PyTorch adds up in another order, and equal
runs drift apart by rounding: after one epoch on CIFAR-10 with batch norm, initial weights larger by
one part in ten million moved PyTorch's own accuracy by up to 0.9 points.

{missing}{commands}

{about}. `python -m benchmarks.end_to_end`
"""


def section(results: Mapping[str, Any]) -> str:
    """Return the page's part."""
    settings = results["settings"]
    return SECTION.format(
        grid=", ".join(number_text(lam) for lam in settings["coarse"]),
        data=settings["data"],
        epochs=settings["epochs"],
        cycle=settings["cycle"].replace("epochs", " epochs"),
        cores=results["cores"],
        rounds=_times(1 + max(run["round"] for run in results["runs"])),
        tables="\n\n".join(
            f"{part} batch norm:\n\n{_table(results, batch_norm=batch_norm)}"
            for batch_norm, part in ((True, "With"), (False, "Without"))
        ),
        figure=FIGURE,
        ours=OURS,
        unpacked=UNPACKED,
        missing=missing_text(results["missing"]),
        commands="\n".join(["```sh", *results["commands"], "```"]),
        about=results["about"],
    )


def missing_text(missing: Mapping[str, str]) -> str:
    """Say who was left out."""
    return "".join(
        f"{name} was left out: {lack} is not installed.\n\n" for name, lack in missing.items()
    )


def draw(results: Mapping[str, Any], folder: Path) -> None:
    """Write the part's figure."""
    write_figure(folder, FIGURE, lambda figure: _bars(figure, results), height=2.4)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _by_name(results: Mapping[str, Any], *, batch_norm: bool) -> dict[str, list[dict[str, Any]]]:
    """Return each contestant's runs, a round each, in the rounds that all have run."""
    found: dict[str, list[dict[str, Any]]] = {}
    for run in results["runs"]:
        if run["batch_norm"] is batch_norm:
            found.setdefault(run["name"], []).append(run)
    rounds = min(map(len, found.values()))
    return {name: runs[:rounds] for name, runs in found.items()}


def _seconds(runs: list[dict[str, Any]], what: str) -> np.ndarray:
    return np.array([run[what] for run in runs])


def _table(results: Mapping[str, Any], *, batch_norm: bool) -> str:
    found = _by_name(results, batch_norm=batch_norm)
    ours = found[OURS]
    rows = []
    for name, runs in found.items():
        accuracies, same = runs[-1]["accuracies"], ours[-1]["accuracies"]
        best = max(accuracies, key=lambda lam: accuracies[lam])
        apart = max(abs(accuracies[lam] - same[lam]) for lam in same)
        times = [_seconds(runs, what) for what in ("wall", "cpu")]
        ratios = [_seconds(ours, "wall") / times[0], _seconds(ours, "cpu") / times[1]]
        rows.append(
            (
                name,
                *(quartiles(each, ".1f") for each in times),
                *("–" if name == OURS else quartiles(each, ".2f") for each in ratios),
                f"{100 * accuracies[best]:.2f} % at {number_text(float(best))}",
                "–" if name == OURS else f"{100 * apart:.2f}",
            )
        )
    heads = ("search", "time, s", "core time, s", "ours / its time", "ours / its core time")
    return tabulate(rows, (*heads, "best", "apart"), tablefmt="github", disable_numparse=True)


def _bars(figure: Figure, results: Mapping[str, Any]) -> None:
    panels = figure.subplots(1, 2, sharex=True)
    for axes, batch_norm in zip(panels, (True, False), strict=True):
        found = _by_name(results, batch_norm=batch_norm)
        for place, (name, runs) in enumerate(found.items()):
            axes.barh(place, np.median(_seconds(runs, "wall")), color=COLOURS[name])
            axes.plot(_seconds(runs, "wall"), [place] * len(runs), "k|")
        axes.set_yticks(range(len(found)), list(found))
        axes.invert_yaxis()
        axes.set_xlabel("seconds")
        axes.set_title(f"{'with' if batch_norm else 'without'} batch norm")
