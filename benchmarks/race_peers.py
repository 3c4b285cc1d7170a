"""The race beside other ways to spend runs, on the same made-up worlds, over the same ten values.

    python -m benchmarks.race_peers --searches 200 --keep

- `race`, `best three`: the search itself, from its first runs to its choice;
- `one run`: the best of one run each;
- `halving`: successive halving over replicates, the better half of the values going on to twice as
  many (K. Jamieson and A. Talwalkar, 2016);
- `Wilcoxon`: Optuna's `WilcoxonPruner`, seeds as its instances, each value up to eight of them.

A cell says in how many searches another value than the best was chosen, how much accuracy that lost
on average, and the runs. Only the search says besides which other values may be the best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

import optuna
from tabulate import tabulate

from benchmarks.rates import PLANS, asked_for, keep_also
from benchmarks.searches import search
from benchmarks.worlds import WORLDS, World
from search.records import Figures
from search.space.narrow import Factors

NAME = "race_peers"
LAMBDAS = (1e-5, 1e-4, 1e-3, 4e-3, 8e-3, 1e-2, 2e-2, 4e-2, 8e-2, 1e-1)
"""Those that the λ search tries on CIFAR-10."""
MOST = 8
"""Replicates of a value, at most: the race's last look."""


@dataclass(frozen=True)
class Spent:
    """What a way to spend runs came to, over some searches of a world."""

    wrong: float
    """Share of searches that chose another value than a best one."""
    lost: float
    """Accuracy lost against the best one, on average."""
    runs: float


@dataclass
class Bench:
    """One search's runs, each counted once."""

    world: World
    seed: int

    def __post_init__(self) -> None:
        self.known: dict[tuple[float, int], float] = {}

    def accuracy(self, lam: float, replicate: int) -> float:
        """Return a run's validation accuracy."""
        key = lam, replicate
        if key not in self.known:
            base = self.world.base(self.seed)
            result = self.world.result(replace(base, lam=lam, replicate=replicate))
            assert isinstance(result.validation, Figures)
            self.known[key] = result.validation.accuracy
        return self.known[key]

    def mean(self, lam: float, runs: int) -> float:
        """Return the mean accuracy of the first runs of a value."""
        return fmean(self.accuracy(lam, replicate) for replicate in range(runs))


def one_run(bench: Bench) -> float:
    """Return the best of one run each."""
    return max(LAMBDAS, key=lambda lam: bench.accuracy(lam, 0))


def halving(bench: Bench) -> float:
    """Return what is left when the better half goes on to twice the runs, again and again."""
    left, runs = list(LAMBDAS), 1
    while len(left) > 1:
        left.sort(key=lambda lam: bench.mean(lam, runs), reverse=True)
        left, runs = left[: len(left) // 2], min(MOST, 2 * runs)
    return left[0]


def wilcoxon(bench: Bench) -> float:
    """Return the best of the values that Optuna's pruner lets come to their last run."""
    pruner = optuna.pruners.WilcoxonPruner()
    study = optuna.create_study(direction="maximize", pruner=pruner)

    def objective(trial: optuna.Trial) -> float:
        lam = LAMBDAS[trial.number]
        for replicate in range(MOST):
            trial.report(bench.accuracy(lam, replicate), replicate)
            if trial.should_prune():
                raise optuna.TrialPruned
        return bench.mean(lam, MOST)

    study.optimize(objective, n_trials=len(LAMBDAS))
    return LAMBDAS[study.best_trial.number]


PEERS: Mapping[str, Callable[[Bench], float]] = {
    "one run": one_run,
    "halving": halving,
    "Wilcoxon": wilcoxon,
}


def spent(way: str, world: World, seed: int) -> tuple[float, int]:
    """Return the accuracy that a way loses in one search, and the runs that it takes."""
    if way in PLANS:
        settings = replace(
            PLANS[way], coarse=LAMBDAS, fine=Factors((1.0,)), lambda_bounds="off", fresh=0
        )
        found = search(world, settings, seed)
        best = max(map(world.truth, LAMBDAS))
        return best - world.truth(found.chosen), found.spent
    bench = Bench(world, seed)
    lost = max(map(world.truth, LAMBDAS)) - world.truth(PEERS[way](bench))
    return lost, len(bench.known)


def measured(way: str, world: World, searches: int) -> Spent:
    """Return what a way comes to over so many searches."""
    each = [spent(way, world, seed) for seed in range(searches)]
    return Spent(
        wrong=fmean(lost > 1e-9 for lost, _ in each),
        lost=fmean(lost for lost, _ in each),
        runs=fmean(runs for _, runs in each),
    )


def table(found: Mapping[str, Mapping[str, Spent]]) -> str:
    """Return a row a world and a column a way."""
    ways = list(next(iter(found.values())))
    rows = [
        (world, *(f"{e.wrong:.0%}, {e.lost:.4f}, {e.runs:.1f}" for e in found[world].values()))
        for world in WORLDS
        if world in found
    ]
    align = ("left", *("right",) * len(ways))
    return tabulate(rows, ("world", *ways), tablefmt="pipe", disable_numparse=True, colalign=align)


def main() -> None:
    """Measure, print, and keep what is asked for."""
    given = asked_for(__doc__ or "", 200).parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found: dict[str, dict[str, Spent]] = {}
    for world in given.world or WORLDS:
        found[world] = {}
        for way in (*PLANS, *PEERS):
            found[world][way] = measured(way, WORLDS[world], given.searches)
            if given.keep:
                keep_also(NAME, world, way, found[world][way])
    print(table(found))


if __name__ == "__main__":
    main()
