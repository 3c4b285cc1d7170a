"""The page's part about the coarse λ search from command to end, from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tabulate import tabulate

from benchmarks.blocks import OURS, Turn, cases, contestants, quartiles, ratios, values
from benchmarks.host import absent, state
from reports.drawing.style import BLUE, GREEN, ORANGE, PURPLE, write_figure
from search.settings.values import number_text

WITH, WITHOUT = "with batch norm", "without batch norm"
COLOURS = {
    OURS: BLUE,
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

- **ours** is one of the commands below. No search of ours ends
  with its coarse grid: with these settings the fine grid is the coarse winner again, which is not
  trained twice; then a final model is trained for one epoch and tested, and report, figures and
  model are written. All that is in its time; the peers end with the last accuracy. After each
  epoch it evaluates the validation set and as many training images, and keeps the record.
- **Ray Tune** and **Optuna** train in PyTorch, from our trials' weights and on their batches: rows
  gathered by index (a data loader would be slower), the learning rate set before each step, no
  loss fetched. After each epoch they evaluate the validation set alone and report it. Their moving
  averages start from 0 and 1, ours from the first batch, and their variance is the unbiased one.
  Ray Tune runs a grid search over a function, one core a trial, images in the object store, actors
  used again, on an embedded Ray. Optuna's grid sampler works in {cores}
  forked processes, which share the images, and a study in a journal file.
- **GridSearchCV** trains scikit-learn's MLPClassifier, the nearest there is: no batch norm, initial
  weights and batches of its own, plain SGD at our mean learning rate throughout (it knows no
  cycles). Its α is 2λ · 100, as it divides by the batch's size. It evaluates once, at the end.

"best" is the highest validation accuracy after the last epoch, and its λ; "apart", the largest
difference from ours at any one λ, in percentage points. PyTorch adds up in another order, and equal
runs drift apart by rounding: after one epoch on CIFAR-10 with batch norm, initial weights larger by
one part in ten million moved PyTorch's own accuracy by up to 0.9 points.

{commands}
{absent}
{state}
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
        rounds="once" if results["rounds"] == 1 else f"{results['rounds']} times",
        tables="\n\n".join(
            f"{case.capitalize()}:\n\n{_table(results, case)}" for case in cases(results["turns"])
        ),
        figure=FIGURE,
        commands="\n".join(["```sh", *results["commands"], "```"]),
        absent=absent(results["missing"]),
        state=state(results["host"], results["turns"], "wall"),
    )


def draw(results: Mapping[str, Any], folder: Path) -> None:
    """Write the part's figure."""
    write_figure(folder, FIGURE, lambda figure: _bars(figure, results["turns"]), height=2.4)


def _table(results: Mapping[str, Any], case: str) -> str:
    turns, found = results["turns"], results["accuracies"][case]
    rows = []
    for who in contestants(turns, case):
        accuracies = found[who]
        best = max(accuracies, key=lambda lam: accuracies[lam])
        apart = max(abs(accuracies[lam] - found[OURS][lam]) for lam in accuracies)
        rows.append(
            (
                who,
                *(quartiles(values(turns, who, what, case), ".1f") for what in ("wall", "cpu")),
                *(
                    "–" if who == OURS else quartiles(ratios(turns, OURS, who, what, case), ".2f")
                    for what in ("wall", "cpu")
                ),
                f"{100 * accuracies[best]:.2f} % at {number_text(float(best))}",
                "–" if who == OURS else f"{100 * apart:.2f}",
            )
        )
    heads = ("search", "time, s", "core time, s", "ours / its time", "ours / its core time")
    return tabulate(rows, (*heads, "best", "apart"), tablefmt="github", disable_numparse=True)


def _bars(figure: Figure, turns: list[Turn]) -> None:
    found = cases(turns)
    panels = figure.subplots(1, len(found), sharex=True, squeeze=False)[0]
    for axes, case in zip(panels, found, strict=True):
        names = contestants(turns, case)
        for place, who in enumerate(names):
            walls = values(turns, who, "wall", case)
            axes.barh(place, np.median(walls), color=COLOURS[who])
            axes.plot(walls, [place] * len(walls), "k|")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel("seconds")
        axes.set_title(case)
