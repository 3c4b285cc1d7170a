"""Which values may be the best, by three searches that differ in their seed alone.

Runs, or resumes, each of

    python -m search.lambda_coarse_fine --data cifar10 --seed S --race off
        --replicates 3 --rounds auto --name agreement-seed-S

or, with `--race`, of the default search,

    python -m search.lambda_coarse_fine --data cifar10 --seed S --name agreement-race-S

and prints the tables of docs/statistics.md: each search's winner and ties, its scores, with a race
what that saved, and the reference report's own numbers read with these searches' error bars.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from statistics import fmean

from tabulate import tabulate

from benchmarks.performance import keep
from benchmarks.rates import FOLDER
from reports.coarse_fine.findings import findings
from reports.coarse_fine.searched import ended_trials, known_of, search_of, trials_of
from reports.parts.reference import GRIDS
from reports.parts.tables import accuracies, by_lam, that_learned
from reports.parts.text import listed, share, signed
from search import LambdaSearch, Study, run
from search.evidence.compare import Comparison
from search.records import Role
from search.settings.values import number_text
from search.space.points import only

RUNS = 3


def replicated(data: str, seed: int) -> LambdaSearch:
    """Return a search without a race, each of whose values has as many runs."""
    return LambdaSearch(data=data, seed=seed, race="off", replicates=RUNS, rounds="auto")


def winners(studies: list[Study], found: list[Comparison]) -> str:
    """Return a row a search: which value won, and which cannot be told from it."""
    rows = [
        (
            study.record.trials[0].trial.seed,
            number_text(only(each.winner)),
            listed(list(map(only, each.ties))) if each.ties else "none",
            number_text(only(each.one_se)),
            f"{each.seeds.dispersion:.2f}",
            len(each.rows) + 1,
        )
        for study, each in zip(studies, found, strict=True)
    ]
    heads = ("seed", "best λ", "not told from it", "one-SE choice", "φ", "values")
    return tabulate(rows, heads, tablefmt="pipe", disable_numparse=True)


def races(studies: list[Study]) -> str:
    """Return a row a search: what its race found, and the runs that it took."""
    rows = []
    for study in studies:
        record = study.record
        found = findings(record).race
        if found is None or found.chosen is None or found.loses is None:
            continue
        space = search_of(record).space
        rows.append(
            (
                record.trials[0].trial.seed,
                space.short(found.chosen),
                share(found.loses),
                space.listed(found.left),
                f"{found.spent} of {found.most}",
                found.ending,
            )
        )
    heads = ("seed", "chosen", "loses at most", "left", "runs", "why it ended")
    return tabulate(rows, heads, tablefmt="pipe", disable_numparse=True)


def scores(studies: list[Study], found: list[Comparison]) -> str:
    """Return a row a search: its selected, fresh-seed and test scores."""
    rows = []
    for study, each in zip(studies, found, strict=True):
        record = study.record
        selected = by_lam(ended_trials(record))[only(each.winner)]
        best = study.best
        test = best.result.test.accuracy if best and best.result and best.result.test else None
        rows.append(
            (
                record.trials[0].trial.seed,
                share(fmean(accuracies(that_learned(selected, record.data)))),
                share(each.optimism),
                share(fmean(accuracies(trials_of(record, Role.FRESH)))),
                share(test),
            )
        )
    heads = ("seed", "selected", "estimated optimism", "fresh seeds", "test")
    return tabulate(rows, heads, tablefmt="pipe", disable_numparse=True)


def agreement(found: list[Comparison]) -> str:
    """Say which values every search holds possible, of those that every search tried."""
    sets = [{only(point) for point in (each.winner, *each.ties)} for each in found]
    tried = set.intersection(*({only(point) for point in each.errors} for each in found))
    common = set.intersection(*sets)
    texts = [
        f"tried by all: {listed(sorted(tried))}",
        f"in every set: {listed(sorted(common)) if common else 'none'}",
        *(
            f"of those tried by all, in the set of seed {seed}: {listed(sorted(each & tried))}"
            for seed, each in enumerate(sets)
            if each & tried
        ),
    ]
    return "\n".join(f"- {text}" for text in texts)


def reach_of_one_run(found: list[Comparison]) -> dict[float, float]:
    """Return half an interval's width for values trained once, from those trained r times.

    Almost all of a difference's variance differs from run to run, so that one run's interval is
    √r times as wide; a value that some search held the best has no interval there.
    """
    widths: dict[float, list[float]] = {}
    for each in found:
        for row in each.rows:
            widths.setdefault(only(row.point), []).append(
                (row.high - row.low) / 2 * math.sqrt(row.runs)
            )
    return {lam: fmean(each) for lam, each in widths.items()}


def reference_read(found: list[Comparison]) -> str:
    """Return the reference's numbers against its best one, with these searches' error bars."""
    reach = reach_of_one_run(found)
    typical = fmean(reach.values())
    runs = [(lam, role, a) for role, grid in GRIDS.items() for lam, a in grid.items()]
    best = max(accuracy for _, _, accuracy in runs)
    rows = []
    for lam, grid, accuracy in sorted(runs):
        half, difference = reach.get(lam, typical), accuracy - best
        told = "the best" if difference == 0 else "not told" if difference + half >= 0 else "worse"
        rows.append(
            (number_text(lam), grid, share(accuracy), signed(difference), f"±{share(half)}", told)
        )
    heads = ("λ", "grid", "reference", "to its best", "interval of one run", "read so")
    return tabulate(rows, heads, tablefmt="pipe", disable_numparse=True)


def main() -> None:
    """Run the searches and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--seeds", type=int, default=3, help="number of searches")
    parser.add_argument("--race", action="store_true", help="searches that race, as by default")
    parser.add_argument("--serial", action="store_true", help="without Ray")
    parser.add_argument("--keep", action="store_true", help="keep the tables")
    flags = parser.parse_args()
    studies = [
        run(
            LambdaSearch(data=flags.data, seed=seed)
            if flags.race
            else replicated(flags.data, seed),
            data_dir=flags.data_dir,
            out=flags.out,
            name=f"agreement-{'race' if flags.race else 'seed'}-{seed}",
            serial=flags.serial,
        )
        for seed in range(flags.seeds)
    ]
    found = [each for each in (known_of(study.record) for study in studies) if each]
    tables = [winners(studies, found), scores(studies, found)]
    if flags.race:
        tables.append(races(studies))
    print(*tables, agreement(found), sep="\n\n")
    if flags.keep:
        keep(f"agreement-{'race' if flags.race else 'seed'}", {"tables": tables}, FOLDER)
    if flags.data == "cifar10":
        print(f"\n{reference_read(found)}")


if __name__ == "__main__":
    main()
