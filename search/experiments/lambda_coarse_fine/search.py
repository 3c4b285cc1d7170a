"""The λ search: its settings, and its plan from a coarse grid to the final model."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, ClassVar, Literal

from search.evidence.finalists import Top, finalists, top
from search.evidence.outcomes import evidence
from search.experiments.lambda_coarse_fine import words
from search.experiments.lambda_coarse_fine.outline import outline
from search.plan import Choice, Outcomes, Plan, Stage
from search.settings import values
from search.settings.spec import Experiment, StageOutline, setting, whole_cycles_near
from search.space.narrow import Factors, Outcome, Zoom, best, check_rule, fine_rule, narrow
from search.space.rounds import AUTO_MOST, Around, Rounds, around, rounds
from search.space.widen import Bounds, beyond, bounds
from search.trial import Trial

REFERENCE_FACTORS = Factors((0.4, 0.8, 1.0, 2.0, 4.0, 8.0))


@dataclass(frozen=True, kw_only=True)
class LambdaSearch(Experiment):
    """A study of the L2 strength λ: the settings of `python -m search.lambda_coarse_fine`.

    Raises
    ------
    InputError
        When a setting is out of bounds.
    """

    kind: ClassVar[str] = "lambda_coarse_fine"
    title: ClassVar[str] = "Search the L2 strength λ, coarse to fine"
    about: ClassVar[str] = (
        "Trains one network a value of λ on a coarse grid, then on a fine grid around the best "
        "validation accuracy, trains the best few again with other seeds, says which values "
        "cannot be told from the best one, trains the final model with it, and writes a report. "
        "Run the same command again to resume; a finished study only writes its report again."
    )

    preset: str = setting(
        "standard",
        values.choice("standard", "paper"),
        "standard ends every run on a whole learning-rate cycle; paper trains the final model "
        "as the reference report did (32 epochs, alpha 0.7), trains every value once, and does "
        "not go on beyond the grids.",
        "standard|paper",
    )
    coarse: tuple[float, ...] = setting(
        (1e-5, 1e-4, 1e-3, 1e-2, 1e-1), values.lambdas, "Values of λ on the coarse grid.", "λ,λ,…"
    )
    fine: Factors | Zoom = setting(
        REFERENCE_FACTORS,
        fine_rule,
        "Fine grid: factors of the coarse winner, or zoom:N for N values between its coarse "
        "neighbours, even on the log axis.",
        "F,F,…|zoom:N",
    )
    lambda_bounds: Bounds = setting(
        None,
        values.optional(bounds),
        "Where the best value is at the end of those tried, go on outward, this far at most; or "
        "off  [default: 1e-7,1; off with --preset paper]",
        "LOW,HIGH|off",
    )
    rounds: Rounds = setting(
        1,
        rounds,
        "Rounds of narrowing: coarse and fine grid are the first, each further one lies around "
        "all values that cannot be told from the best; auto ends when the next would be finer "
        "than the data can tell apart.",
        "N|auto",
    )
    replicate_top: Top | Literal["off"] = setting(
        None,
        values.optional(top),
        "Train the best K values again, so that each has R replicates, and choose among them; or "
        "off  [default: 3:3; off with --preset paper]",
        "K:R|off",
    )
    select: str = setting(
        "best",
        values.choice("best", "1se"),
        "The final λ: the best one, or the largest within one standard error of it.",
        "best|1se",
    )
    fresh: int = setting(
        None,
        values.optional(values.whole(at_least=0)),
        "Runs of the chosen λ with seeds that took no part in choosing it  [default: 2; 0 with "
        "--preset paper]",
        "N",
    )
    final_epochs: int = setting(
        None,
        values.optional(values.whole(at_least=1)),
        "Epochs of the final model  [default: the whole cycles nearest to 30; 32 with "
        "--preset paper]",
        "N",
    )
    final_both: bool = setting(
        False,
        values.boolean,
        "Where the final model's epochs end in mid-cycle, train it to the nearest whole cycles "
        "too, and report both.",
    )
    final_alpha: float = setting(
        None,
        values.optional(values.number(at_least=0, below=1)),
        "Alpha of the final model  [default: as --alpha; 0.7 with --preset paper]",
        "A",
    )

    lengths: ClassVar[tuple[str, ...]] = ("epochs", "final_epochs")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rule(self.coarse, self.fine)

    def derived(self) -> dict[str, Any]:
        """Return the final model's settings that the preset implies."""
        paper = self.preset == "paper"
        return {
            **super().derived(),
            "lambda_bounds": "off" if paper else (1e-7, 1.0),
            "replicate_top": "off" if paper else Top(3, 3),
            "fresh": 0 if paper else 2,
            "final_epochs": 32 if paper else whole_cycles_near(30, self.cycle),
            "final_alpha": 0.7 if paper else self.alpha,
        }

    def plan(self, base: Trial) -> Plan:
        """Return a new plan of this search."""
        return lambda_coarse_fine(self, base)

    def outline(self) -> tuple[StageOutline, ...]:
        """Return the stages to expect."""
        return outline(self)

    @property
    def fine_count(self) -> int:
        """Number of values on the fine grid, and on that of each further round."""
        return self.fine.count if isinstance(self.fine, Zoom) else len(self.fine.values)

    @property
    def most_replicates(self) -> int:
        """Replicates of the values that are trained most often before one is chosen."""
        more = 0 if self.replicate_top == "off" else self.replicate_top.replicates
        return max(self.replicates, more)

    def trials(
        self, base: Trial, grid: tuple[float, ...], replicates: int | None = None
    ) -> tuple[Trial, ...]:
        """Return one trial a value and replicate."""
        return tuple(
            replace(base, lam=lam, epochs=self.epochs, replicate=replicate)
            for lam in grid
            for replicate in range(replicates or self.replicates)
        )

    def fresh_trials(self, base: Trial, lam: float) -> tuple[Trial, ...]:
        """Return runs with the seeds that come after all those that values are chosen with."""
        first = self.most_replicates
        return tuple(
            replace(base, lam=lam, epochs=self.epochs, replicate=replicate)
            for replicate in range(first, first + self.fresh)
        )

    def final_lengths(self) -> tuple[int, ...]:
        """Return the epochs of the final model; with `final_both`, of both of them."""
        whole = whole_cycles_near(self.final_epochs, self.cycle)
        both = self.final_both and whole != self.final_epochs
        return (self.final_epochs, whole) if both else (self.final_epochs,)

    def final(self, base: Trial, lam: float) -> tuple[Trial, ...]:
        """Return the final model's trials, which open the test set; the first is the one kept."""
        return tuple(
            replace(base, lam=lam, epochs=epochs, alpha=self.final_alpha, with_test=True)
            for epochs in self.final_lengths()
        )


def lambda_coarse_fine(search: LambdaSearch, base: Trial) -> Plan:
    """Search λ on a coarse grid, then on finer ones around its winner; train the final model.

    The best λ is that with the highest mean validation accuracy, the larger one of equals, among
    the values with the most replicates. The same rule decides whether an edge is the best; ties
    decide where further rounds lie.
    """
    tried = yield Stage("coarse", search.trials(base, search.coarse), words.coarse(search))
    if best(tried) is None:
        return Choice(None, "No value of the coarse grid completed, so there is no fine grid.")
    tried = yield from _extend(search, base, tried)

    grid = narrow(_best(tried), _values(tried), search.fine)
    edge = words.edge(tried, "coarse grid", search.lambda_bounds)
    tried += yield Stage("fine", search.trials(base, grid), words.fine(grid, tried), edge)
    tried = yield from _extend(search, base, tried)
    tried, ending = yield from _narrow_further(search, base, tried)

    if search.most_replicates > search.replicates and search.replicate_top != "off":
        again = finalists(tried, search.replicate_top.count)
        trials = search.trials(base, again, search.most_replicates)
        reason = ending + words.replicates(again, search.most_replicates, tried)
        tried += yield Stage("replicates", trials, reason)
        ending = ""

    found = evidence(tried)
    assert found is not None  # the coarse winner is still a candidate
    lam = found.one_se if search.select == "1se" else found.winner
    if search.fresh:
        reason = ending + words.fresh(lam, search.fresh)
        yield Stage("fresh", search.fresh_trials(base, lam), reason)
        ending = ""

    final = search.final(base, lam)
    reason = ending + words.final(search, tried, found)
    edge = words.edge(tried, "values tried", search.lambda_bounds)
    yield Stage("final", final, reason, edge, label=lambda trial: f"{trial.epochs} epochs")
    return Choice(final[0], reason)


Steps = Generator[Stage, Outcomes, Outcomes]
"""A part of the plan: it is given what is known and returns that with its own outcomes."""


def _extend(search: LambdaSearch, base: Trial, tried: Outcomes) -> Steps:
    """Go on outward, one value at a time, while the best one is the last at its end."""
    limits = search.lambda_bounds
    if limits == "off":
        return tried
    while (lam := beyond(_best(tried), _values(tried), limits)) is not None:
        reason = words.extend(lam, tried, limits)
        tried += yield Stage("extend", search.trials(base, (lam,)), reason)
    return tried


def _narrow_further(
    search: LambdaSearch, base: Trial, tried: Outcomes
) -> Generator[Stage, Outcomes, tuple[Outcomes, str]]:
    """Search the rounds after the first; return, too, why they ended, in words."""
    if search.rounds == 1:
        return tried, ""
    last = AUTO_MOST if search.rounds == "auto" else search.rounds
    for number in count(2):
        grid = _next_grid(search, tried)
        if number > last:
            return tried, words.rounds_over(last, automatic=search.rounds == "auto")
        if not grid.values:
            return tried, words.nothing_new(number)
        if search.rounds == "auto" and grid.too_fine:
            return tried, words.too_fine(number, grid)
        reason = words.round_of(number, grid, tried)
        tried += yield Stage(f"round {number}", search.trials(base, grid.values), reason)
        tried = yield from _extend(search, base, tried)
    raise AssertionError


def _next_grid(search: LambdaSearch, tried: Outcomes) -> Around:
    found = evidence(tried)
    assert found is not None
    return around(found.winner, found.ties, _values(tried), search.fine_count)


def _best(tried: Outcomes) -> float:
    winner = best(tried)
    assert winner is not None
    return winner.lam


def _values(tried: tuple[Outcome, ...]) -> tuple[float, ...]:
    """Return every value tried, ascending, those that did not complete as well."""
    return tuple(sorted({outcome.trial.lam for outcome in tried}))
