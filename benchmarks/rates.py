"""How often what a search says does not hold, over worlds whose truth is known.

    python -m benchmarks.rates --searches 300 --keep

The real plan runs over made-up worlds (`benchmarks.worlds`), from outcomes to sentences: with the
race and without it (`--replicate-top 3:3`). The tables of docs/statistics.md are what it prints;
with `--keep` they are kept under `benchmarks/results/statistics/`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from tabulate import tabulate

from benchmarks.performance import RESULTS, keep
from benchmarks.searches import Rates, rates, search
from benchmarks.worlds import WORLDS
from search.evidence.finalists import Top
from search.experiments.lambda_coarse_fine import LambdaSearch

Kept = TypeVar("Kept")
FOLDER = RESULTS / "statistics"
NAME = "rates"
PLANS = {"race": LambdaSearch(), "best three": LambdaSearch(replicate_top=Top(3, 3))}
"""The default search, and the one that trains the best three values of a first run again."""
HEADS = (
    *("world", "best left out", "dropped", "worst row", "alone", "held"),
    *("lost", "more than said", "runs", "optimism: told"),
)


def measured(plan: str, world: str, searches: int) -> Rates:
    """Return the rates of so many searches of a world."""
    return rates([search(WORLDS[world], PLANS[plan], seed) for seed in range(searches)])


def table(found: Mapping[str, Rates]) -> str:
    """Return a row a world."""
    return tabulate(
        [_row(world, found[world]) for world in WORLDS if world in found],
        HEADS,
        tablefmt="pipe",
        disable_numparse=True,
        colalign=("left", *("right",) * (len(HEADS) - 1)),
    )


def _row(world: str, each: Rates) -> Sequence[str]:
    return (
        world,
        f"{each.left_out:.1%}",
        f"{each.dropped:.1%}" if each.dropped is not None else "",
        f"{each.worst_row:.1%}",
        f"{each.alone:.1%}",
        f"{each.held:.1f} of {each.compared:.1f}",
        f"{each.lost:.4f}",
        f"{each.broken:.1%}",
        f"{each.spent:.1f}",
        f"{each.told:.4f} of {each.optimism:.4f}",
    )


def kept(name: str, kind: Callable[..., Kept], folder: Path = FOLDER) -> dict[str, dict[str, Kept]]:
    """Return what a command kept, in its own kind of record: nothing where there is none."""
    path = folder / f"{name}.json"
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {
        group: {key: kind(**each) for key, each in records.items()}
        for group, records in held.items()
    }


def keep_also(name: str, group: str, key: str, record: Any, folder: Path = FOLDER) -> None:
    """Keep one more record, in place of what was kept of the same."""
    held: dict[str, dict[str, Any]] = kept(name, dict, folder)
    held.setdefault(group, {})[key] = asdict(record)
    keep(name, held, folder)


def asked_for(about: str, searches: int) -> argparse.ArgumentParser:
    """Return the flags of a command that measures worlds."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--searches", type=int, default=searches)
    parser.add_argument("--world", choices=WORLDS, action="append", default=[])
    parser.add_argument("--keep", action="store_true", help="keep what was measured")
    return parser


def main() -> None:
    """Measure, print, and keep what is asked for."""
    parser = asked_for(__doc__ or "", 300)
    parser.add_argument("--plan", choices=PLANS, action="append", default=[])
    given = parser.parse_args()
    for plan in given.plan or PLANS:
        found = {}
        for world in given.world or WORLDS:
            found[world] = measured(plan, world, given.searches)
            if given.keep:
                keep_also(NAME, plan, world, found[world])
        print(f"{plan}, {given.searches} searches a world:\n\n{table(found)}\n", flush=True)


if __name__ == "__main__":
    main()
