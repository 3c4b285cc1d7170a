"""Which ratios have moved since the results that are kept: `make bench-check`.

    python -m benchmarks.check

measures those of `CHECKED` in fewer blocks, in a few minutes, and compares them with the results of
the page. One that differs by more than its noise (`benchmarks.blocks.change`) is printed as moved,
and the exit code is then 1: code got slower, or the page is out of date. Only ratios of one run are
compared, since times depend on the machine; on another kind of processor ratios do as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from benchmarks.blocks import FLOOR, NOISY_FLOOR, Change, cases, change, noise, ratios
from benchmarks.host import noisy
from benchmarks.performance import RESULTS, benchmark_of, folder, kept, measured

NAMES = ("step", "overhead", "edges")
Ratio = tuple[str, str, str]
"""Who is divided by whom, and the figure."""


def changes(
    checked: Sequence[Ratio], before: Mapping[str, Any], now: Mapping[str, Any]
) -> list[Change]:
    """Return how each ratio moved, in every case in which both runs have it."""
    found = []
    for who, base, figure in checked:
        twins = noise(before["turns"], figure), noise(now["turns"], figure)
        loud = any(noisy(e["host"], twin) for e, twin in zip((before, now), twins, strict=True))
        floor = NOISY_FLOOR if loud else FLOOR
        for case in cases(now["turns"]):
            then, since = (ratios(each["turns"], who, base, figure, case) for each in (before, now))
            if then.size and since.size:
                name = ", ".join(filter(None, (f"{who} / {base}", figure, case)))
                found.append(change(name, then, since, twins, floor=floor))
    return found


def table(found: Sequence[Change]) -> str:
    """Return a row a ratio."""
    rows = [
        (
            each.name,
            f"{each.before:.3f}",
            f"{each.now:.3f}",
            f"{each.now / each.before - 1:+.1%}",
            f"{1 / (1 + each.noise) - 1:+.1%} to {each.noise:+.1%}",
            "moved" if each.moved else "",
        )
        for each in found
    ]
    heads = ("ratio", "kept", "now", "change", "noise", "")
    return tabulate(rows, heads, tablefmt="github", disable_numparse=True)


def report(name: str, checked: Sequence[Ratio], before: Any, now: Any) -> int:
    """Print how a benchmark's ratios moved; return how many did by more than their noise."""
    found = changes(checked, before, now)
    print(f"\n{name}, kept {before['host']['when']} at commit {before['host']['commit']}:\n")
    print(table(found))
    for who in now.get("missing", {}):
        print(f"not compared: {who} ({now['missing'][who]})")
    then, here = before["host"]["machine"], now["host"]["machine"]
    if then != here:
        print(f"kept on another machine: {then}\n  this one: {here}")
    return sum(each.moved for each in found)


def main() -> None:
    """Measure, compare, print; end with code 1 where a ratio moved."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=NAMES, action="append", help="instead of all of them")
    parser.add_argument("--results", type=folder, default=RESULTS, help="folder of what is kept")
    parser.add_argument("--data-dir", type=folder, help="folder of CIFAR-10")
    asked = parser.parse_args()
    results, moved = dict(kept(asked.results)), 0
    for name in asked.only or NAMES:
        if name not in results:
            sys.exit(f"{asked.results} holds no {name}.json: `make bench` writes it")
        benchmark = benchmark_of(name)
        where = [f"--data-dir={asked.data_dir}"] if asked.data_dir else []
        now = measured(benchmark, benchmark.parser().parse_args([*benchmark.QUICK, *where]))
        moved += report(name, benchmark.CHECKED, results[name], now)
    print(f"\n{moved} moved by more than their noise." if moved else "\nNone moved.")
    sys.exit(moved > 0)


if __name__ == "__main__":
    main()
