"""The settings of a λ search, and the trials that they ask for."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from search.evidence.finalists import Top, top
from search.settings import values
from search.settings.spec import Experiment, setting, whole_cycles_near
from search.space.narrow import Factors, Zoom, check_rule, fine_rule
from search.space.rounds import Rounds, rounds
from search.space.widen import Bounds, bounds
from search.trial import Trial

REFERENCE_FACTORS = Factors((0.4, 0.8, 1.0, 2.0, 4.0, 8.0))


@dataclass(frozen=True, kw_only=True)
class LambdaSettings(Experiment, ABC):
    """The settings of a λ search; `LambdaSearch` adds its plan."""

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
