"""A training step against its own matrix products, PyTorch and scikit-learn, on one core.

    python -m benchmarks.step --page docs/performance.md

All train the same networks on the same images and batches, gather of the batch included, in
blocks of steps that are timed in turns, in seconds of the core, which other processes on it do
not add to; the figures are medians and quartiles over blocks. The
matrix products are those of a step, in the same shapes, with nothing around them. PyTorch is
first checked to compute the same: from equal weights and batches, 200 losses agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tabulate import tabulate
from threadpoolctl import threadpool_limits

from benchmarks.peers import HAS_TORCH
from benchmarks.performance import compose, keep, parser_of
from benchmarks.step_cases import (
    AGREE_STEPS,
    CASES,
    STEPS,
    Images,
    agreement,
    case,
    wide_is_equal,
)
from benchmarks.timing import interleaved, machine, peak, quartiles
from reports.drawing.style import BLUE, GREEN, GREY, ORANGE, SKY, write_figure

NAMES = ("products", "ours", "ours, 4", "PyTorch", "scikit-learn")
COLOURS = dict(zip(NAMES, (GREY, BLUE, SKY, ORANGE, GREEN), strict=True))
FIGURE = "performance-step"

SECTION = """## One training step

Everything included that training does for a batch: gathering the images,
forward, backward, update. float32, batches of 100, 3,072 inputs, 10 classes, one thread.
Times are of the core, which other processes on it do not add to. "products" are the step's matrix
products alone, in NumPy; "ours, 4" is a pack of four trials, divided by four.

{times}

![Time of a step]({figure}.svg)

{ratios}

An epoch's fixed costs are what it takes beside its steps: the permutation, both evaluations
(a tenth of the images each), the record.

"products, 4 as one" are a pack's products, divided by four, if the first layer's were one over the
units of all members. {wide}

The machine's large float32 products reach {peak:.0f} GFLOP/s on one core. {checks}

{about}. `python -m benchmarks.step`
"""

OTHER = """With this BLAS a unit's sum then depends on its place among
the columns, and a packed trial would not have the bytes that it has alone. We chose equal bytes:
members multiply one after the other, and what one product would save is what that costs."""
SAME = """With this BLAS a packed trial would have the bytes that it has
alone; not so with others, and members multiply one after the other everywhere."""


def measure(rounds: int) -> list[dict[str, str]]:
    """Time every case; return a row each."""
    rng = np.random.default_rng(0)
    images = Images.random(rng)
    rows = []
    for hidden, batch_norm in CASES:
        blocks = case(hidden, batch_norm=batch_norm, images=images, rng=rng)
        times = interleaved(blocks, rounds)
        per_step = {name: 1e6 * each / STEPS for name, each in times.items()}
        for name in ("products, 4 as one", "ours, 4"):
            per_step[name] /= 4
        fixed = 100 * (1 - times["ours"] / times["epoch"])
        row = {"hidden": f"{list(hidden)}", "batch norm": "yes" if batch_norm else "no"}
        for name in (
            "products",
            "products, 4 as one",
            "ours",
            "ours, 4",
            "PyTorch",
            "scikit-learn",
        ):
            row[f"{name}, µs"] = quartiles(per_step[name]) if name in per_step else "–"
        for name, base in (
            ("products, 4 as one", "products"),
            ("ours", "products"),
            ("ours, 4", "products"),
            ("ours", "PyTorch"),
            ("ours, 4", "PyTorch"),
            ("ours", "scikit-learn"),
        ):
            known = base in per_step
            row[f"{name} / {base}"] = (
                quartiles(per_step[name] / per_step[base], ".2f") if known else "–"
            )
        row["epoch's fixed costs, %"] = quartiles(fixed)
        rows.append(row)
        print(tabulate([list(item) for item in row.items()], disable_numparse=True), "\n")
    return rows


def section(results: Mapping[str, Any]) -> str:
    """Return the page's part about a step."""
    rows, checks = results["rows"], results["checks"]
    times = [name for name in rows[0] if name.endswith("µs")]
    ratios = [name for name in rows[0] if "/" in name or name.endswith("%")]
    return SECTION.format(
        times=_table(rows, times),
        ratios=_table(rows, ratios),
        figure=FIGURE,
        peak=results["peak"],
        checks=(
            f"From equal weights and batches, in float64, {AGREE_STEPS} losses agree with "
            f"PyTorch's to {max(checks.values()):.0e} in each case."
            if checks
            else "PyTorch was not installed."
        ),
        wide=SAME if results["wide is equal"] else OTHER,
        about=results["about"],
    )


def draw(results: Mapping[str, Any], folder: Path) -> None:
    """Write the part's figure."""
    write_figure(folder, FIGURE, lambda figure: _bars(figure, results["rows"]), height=3.0)


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
    figure.legend(loc="outside upper center", ncols=len(NAMES))


def main() -> None:
    """Check, time, print, and write the page if asked to."""
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="blocks timed a case")
    parser.add_argument("--page", type=Path, help="keep the results, and write this page")
    asked = parser.parse_args()
    with threadpool_limits(limits=1):
        checks = {}
        for hidden, batch_norm in CASES if HAS_TORCH else ():
            name = f"{list(hidden)}{', batch norm' if batch_norm else ''}"
            checks[name] = agreement(hidden, batch_norm=batch_norm)
            print(f"{name}: {AGREE_STEPS} losses agree with PyTorch's to {checks[name]:.1e}")
        best = peak()
        print(f"large float32 products: {best:.0f} GFLOP/s\n")
        rows = measure(asked.rounds)
        about = f"{asked.rounds} blocks of {STEPS} steps in turns; {machine()}"
        print(about)
    if asked.page:
        wide = wide_is_equal(np.random.default_rng(0))
        results = {"rows": rows, "checks": checks, "wide is equal": wide, "peak": best}
        keep("step", results | {"about": about})
        compose(asked.page)


if __name__ == "__main__":
    main()
