"""The page `docs/performance.md`, written from measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from tabulate import tabulate

from reports.style import BLUE, GREEN, GREY, ORANGE, SKY, write_figure

NAMES = ("products", "ours", "ours, 4", "PyTorch", "scikit-learn")
COLOURS = dict(zip(NAMES, (GREY, BLUE, SKY, ORANGE, GREEN), strict=True))

PAGE = """# Performance

Written by `make bench` (`python -m benchmarks.step --page docs/performance.md`); do not edit.

One training step, everything included that training does for a batch: gathering the images,
forward, backward, update. float32, batches of 100, 3,072 inputs, 10 classes, one thread.
Times are of the core, which other processes on it do not add to. "products" are the step's matrix
products alone, in NumPy; "ours, 4" is a pack of four trials, divided by four. Medians, with
quartiles in brackets.

{times}

![Time of a step]({figure})

Ratios of times, block by block: below 1 the first is faster.

{ratios}

An epoch's fixed costs are what it takes beside its steps: the permutation, both evaluations
(a tenth of the images each), the record.

The machine's large float32 products reach {peak:.0f} GFLOP/s on one core. {checks}

{about}.
"""


def write_page(
    path: Path,
    *,
    rows: Sequence[Mapping[str, str]],
    checks: Mapping[str, float],
    peak: float,
    about: str,
) -> None:
    """Write the page and its figure, which lies beside it."""
    times = [name for name in rows[0] if name.endswith("µs")]
    ratios = [name for name in rows[0] if "/" in name or name.endswith("%")]
    figure, _ = write_figure(
        path.parent, "performance-step", lambda figure: _bars(figure, rows), height=2.8
    )
    worst = max(checks.values(), default=0.0)
    text = PAGE.format(
        times=_table(rows, times),
        ratios=_table(rows, ratios),
        figure=figure.name,
        peak=peak,
        checks=(
            f"From equal weights and batches, in float64, 200 losses agree with PyTorch's to "
            f"{worst:.0e} in each case."
            if checks
            else "PyTorch was not installed."
        ),
        about=about,
    )
    path.write_text(text, encoding="utf-8")


def _table(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> str:
    names = ("hidden", "batch norm", *columns)
    cells = [[row[name] for name in names] for row in rows]
    return tabulate(cells, headers=names, tablefmt="github", disable_numparse=True)


def _bars(figure: Figure, rows: Sequence[Mapping[str, str]]) -> None:
    axes = figure.subplots()
    for place, name in enumerate(NAMES):
        known = [
            (r, float(row[f"{name}, µs"].split()[0]))
            for r, row in enumerate(rows)
            if row[f"{name}, µs"] != "–"
        ]
        axes.barh(
            [r + 0.16 * (place - 2) for r, _ in known],
            [value for _, value in known],
            height=0.15,
            color=COLOURS[name],
            label=name,
        )
    labels = [
        f"{row['hidden'].count(',') + 1} hidden layers,\n"
        f"{'with' if row['batch norm'] == 'yes' else 'without'} batch norm"
        for row in rows
    ]
    axes.set_yticks(range(len(rows)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("µs a step")
    axes.legend()
