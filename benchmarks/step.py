"""A training step against its own matrix products, PyTorch and scikit-learn, on one core.

    python -m benchmarks.step --page docs/performance.md

All train the same networks on the same images and batches, gather of the batch included, in
blocks of steps that are timed in turns, in seconds of the core, which other processes on it do
not add to; the figures are medians and quartiles over blocks. The
matrix products are those of a step, in the same shapes, with nothing around them. PyTorch is
first checked to compute the same: from equal weights and batches, 200 losses agree.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tabulate import tabulate
from threadpoolctl import threadpool_limits

from benchmarks.blocks import OURS, Turn, cases, in_blocks, quartiles, ratios, values
from benchmarks.host import absent, state
from benchmarks.peers import HAS_TORCH
from benchmarks.performance import command, flags, say
from benchmarks.step_cases import (
    AGREE_STEPS,
    AS_ONE,
    CASES,
    PACK,
    STEPS,
    Images,
    agreement,
    case,
    peak,
    wide_is_equal,
)
from reports.drawing.style import BLUE, GREEN, GREY, ORANGE, SKY, write_figure

COLOURS = {
    "products": GREY,
    OURS: BLUE,
    PACK: SKY,
    "PyTorch": ORANGE,
    "scikit-learn": GREEN,
}
RATIOS = (
    *((AS_ONE, "products"), (OURS, "products"), (PACK, "products")),
    *((OURS, "PyTorch"), (PACK, "PyTorch"), (OURS, "scikit-learn")),
)
CHECKED = tuple((who, base, "µs") for who, base in RATIOS if who != AS_ONE)
QUICK = ("--rounds=8",)
FIGURE = "performance-step"

SECTION = """## One training step

Everything included that training does for a batch: gathering the images,
forward, backward, update. float32, batches of 100, 3,072 inputs, 10 classes, one thread.
Times are of the core, which other processes on it do not add to. "products" are the step's matrix
products alone, in NumPy; "ours, 4" is a pack of four trials, divided by four. {rounds} blocks of
{steps} steps. Microseconds a step:

{times}

![Time of a step]({figure}.svg)

{ratios}

An epoch's fixed costs are what it takes beside its steps: the permutation, both evaluations
(a tenth of the images each), the record.

"products, 4 as one" are a pack's products, divided by four, if the first layer's were one over the
units of all members. {wide}

The machine's large float32 products reach {peak:.0f} GFLOP/s on one core. {checks}
{absent}
{state}
"""

OTHER = """With this BLAS a unit's sum then depends on its place among
the columns, and a packed trial would not have the bytes that it has alone. We chose equal bytes:
members multiply one after the other, and what one product would save is what that costs."""
SAME = """With this BLAS a packed trial would have the bytes that it has
alone; not so with others, and members multiply one after the other everywhere."""


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    return flags(__doc__, rounds=16)


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Check that PyTorch computes the same, and time every case."""
    rng, turns = np.random.default_rng(0), list[Turn]()
    with threadpool_limits(limits=1):
        apart = [agreement(hidden, batch_norm=bn) for hidden, bn in CASES] if HAS_TORCH else []
        images = Images.random(rng)
        for hidden, batch_norm in CASES:
            blocks = case(hidden, batch_norm=batch_norm, images=images, rng=rng)
            name = f"{list(hidden)}{', batch norm' if batch_norm else ''}"
            turns += in_blocks(blocks, asked.rounds, warm=1, case=name, say=say)
        return {
            "rounds": asked.rounds,
            "turns": turns,
            "apart": max(apart, default=None),
            "wide is equal": wide_is_equal(rng),
            "peak": peak(),
            "missing": {} if HAS_TORCH else {"PyTorch": "not installed"},
        }


def section(results: Mapping[str, Any]) -> str:
    """Return the page's part about a step."""
    turns, apart = results["turns"], results["apart"]
    names = ("products", AS_ONE, OURS, PACK, "PyTorch", "scikit-learn")
    times, shares = [], []
    for each in cases(turns):
        times.append((each, *(quartiles(values(turns, who, "µs", each)) for who in names)))
        found = (quartiles(ratios(turns, *pair, "µs", each), ".2f") for pair in RATIOS)
        fixed = 100 * (1 - ratios(turns, OURS, "epoch", "µs", each))
        shares.append((each, *found, quartiles(fixed)))
    heads = ("hidden", *(f"{who} / {base}" for who, base in RATIOS), "epoch's fixed costs, %")
    return SECTION.format(
        rounds=results["rounds"],
        steps=STEPS,
        times=tabulate(times, ("hidden", *names), tablefmt="github", disable_numparse=True),
        ratios=tabulate(shares, heads, tablefmt="github", disable_numparse=True),
        figure=FIGURE,
        peak=results["peak"],
        checks=""
        if apart is None
        else f"From equal weights and batches, in float64, {AGREE_STEPS} losses agree with "
        f"PyTorch's to {apart:.0e} in each case.",
        wide=SAME if results["wide is equal"] else OTHER,
        absent=absent(results["missing"]),
        state=state(results["host"], turns, "µs"),
    )


def draw(results: Mapping[str, Any], folder: Path) -> None:
    """Write the part's figure."""
    write_figure(folder, FIGURE, lambda figure: _bars(figure, results["turns"]), height=3.0)


def _bars(figure: Figure, turns: list[Turn]) -> None:
    axes = figure.subplots()
    found = cases(turns)
    for place, (name, colour) in enumerate(COLOURS.items()):
        times = [values(turns, name, "µs", each) for each in found]
        known = [(row, np.median(each)) for row, each in enumerate(times) if each.size]
        axes.barh(
            [row + 0.16 * (place - 2) for row, _ in known],
            [value for _, value in known],
            height=0.15,
            color=colour,
            label=name,
        )
    labels = [
        f"{each.count(',') + 1 - each.count(', batch')} hidden layers,\n"
        f"{'with' if 'batch norm' in each else 'without'} batch norm"
        for each in found
    ]
    axes.set_yticks(range(len(found)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("µs a step")
    figure.legend(loc="outside upper center", ncols=len(COLOURS))


if __name__ == "__main__":
    command("step")
