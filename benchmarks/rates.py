"""How often what a search says does not hold, over worlds whose truth is known.

    python -m benchmarks.rates --searches 300 --keep

The real plan runs over made-up worlds (`benchmarks.worlds`), from outcomes to sentences: with the
race and without it (`--replicate-top 3:3`). The tables of docs/statistics.md are what it prints;
with `--keep` they are kept under `benchmarks/results/statistics/`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tabulate import tabulate

from benchmarks.performance import RESULTS, keep
from benchmarks.searches import Rates, rates, search
from benchmarks.worlds import WORLDS
from search.evidence.finalists import Top
from search.experiments.lambda_coarse_fine import LambdaSearch

FOLDER = RESULTS / "statistics"
NAME = "rates"
PLANS = {"race": LambdaSearch(), "best three": LambdaSearch(replicate_top=Top(3, 3))}
"""The default search, and the one that trains the best three values of a first run again."""
HEADS = (
    *("world", "best left out", "worst row", "alone", "held"),
    *("lost", "more than said", "runs", "optimism: told"),
)


def measured(plan: str, world: str, searches: int) -> Rates:
    """Return the rates of so many searches of a world."""
    return rates([search(WORLDS[world], PLANS[plan], seed) for seed in range(searches)])


def table(found: Mapping[str, Rates]) -> str:
    """Return a row a world."""
    return tabulate(
        [_row(world, each) for world, each in found.items()],
        HEADS,
        tablefmt="pipe",
        disable_numparse=True,
        colalign=("left", *("right",) * (len(HEADS) - 1)),
    )


def _row(world: str, each: Rates) -> Sequence[str]:
    return (
        world,
        f"{each.left_out:.1%}",
        f"{each.worst_row:.1%}",
        f"{each.alone:.1%}",
        f"{each.held:.1f} of {each.compared:.1f}",
        f"{each.lost:.4f}",
        f"{each.broken:.1%}",
        f"{each.spent:.1f}",
        f"{each.told:.4f} of {each.optimism:.4f}",
    )


def kept(folder: Path = FOLDER) -> Mapping[str, Mapping[str, Rates]]:
    """Return what was kept: each plan's rates, world by world."""
    held = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    return {
        plan: {world: Rates(**each) for world, each in worlds.items()}
        for plan, worlds in held.items()
    }


def main() -> None:
    """Measure, print, and keep what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--searches", type=int, default=300)
    parser.add_argument("--plan", choices=PLANS, action="append")
    parser.add_argument("--world", choices=WORLDS, action="append")
    parser.add_argument("--keep", action="store_true", help="keep what was measured")
    given = parser.parse_args()
    found = {
        plan: {
            world: measured(plan, world, given.searches) for world in given.world or tuple(WORLDS)
        }
        for plan in given.plan or tuple(PLANS)
    }
    for plan, worlds in found.items():
        print(f"{plan}, {given.searches} searches a world:\n\n{table(worlds)}\n")
    if given.keep:
        before = kept() if (FOLDER / f"{NAME}.json").exists() else {}
        both = {plan: {**before.get(plan, {}), **found.get(plan, {})} for plan in PLANS}
        plain = {
            plan: {world: asdict(each) for world, each in worlds.items()}
            for plan, worlds in both.items()
        }
        keep(NAME, plain, FOLDER)


if __name__ == "__main__":
    main()
