"""The λ search: a coarse grid, a fine grid around its winner, and the final model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from search import values
from search.narrow import (
    Factors,
    Score,
    Winner,
    Zoom,
    best,
    check_rule,
    fine_rule,
    narrow,
    on_edge,
    scores,
)
from search.plan import Choice, Outcomes, Plan, Stage
from search.spec import Experiment, StageOutline, setting, whole_cycles_near
from search.trial import Trial
from search.values import number_text

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
        "validation accuracy, trains the final model with the best of both, and writes a report. "
        "Run the same command again to resume; a finished study only writes its report again."
    )

    preset: str = setting(
        "standard",
        values.choice("standard", "paper"),
        "standard ends every run on a whole learning-rate cycle; paper trains the final model "
        "as the reference report did (32 epochs, alpha 0.7).",
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
            "final_epochs": 32 if paper else whole_cycles_near(30, self.cycle),
            "final_alpha": 0.7 if paper else self.alpha,
        }

    def plan(self, base: Trial) -> Plan:
        """Return a new plan of this search."""
        return lambda_coarse_fine(self, base)

    def outline(self) -> tuple[StageOutline, ...]:
        """Return the three stages to expect."""
        count = self.fine.count if isinstance(self.fine, Zoom) else len(self.fine.values)
        shared = isinstance(self.fine, Factors) and 1.0 in self.fine.values
        once_more = ", one of them trained already" if shared else ""
        return (
            StageOutline(
                "coarse",
                len(self.coarse) * self.replicates,
                self.epochs,
                f"λ = {_listed(self.coarse)}",
            ),
            StageOutline(
                "fine",
                (count - shared) * self.replicates,
                self.epochs,
                f"{count} values around the coarse winner{once_more}",
            ),
            *(
                StageOutline("final", 1, epochs, "the best λ; opens the test set")
                for epochs in self.final_lengths()
            ),
        )

    def trials(self, base: Trial, grid: tuple[float, ...]) -> tuple[Trial, ...]:
        """Return one trial a value and replicate."""
        return tuple(
            replace(base, lam=lam, epochs=self.epochs, replicate=replicate)
            for lam in grid
            for replicate in range(self.replicates)
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
    """Search λ on a coarse grid, then on a fine grid around its winner; train the final model.

    The final λ is the best of both grids by validation accuracy; ties go to the larger λ.
    """
    coarse = yield Stage("coarse", search.trials(base, search.coarse), _coarse_reason(search))
    winner = best(coarse)
    if winner is None:
        return Choice(None, "No value of the coarse grid completed, so there is no fine grid.")

    grid = narrow(winner.lam, search.coarse, search.fine)
    reason = f"Fine grid {_listed(grid)} around {_because(winner, coarse)}"
    fine = yield Stage(
        "fine", search.trials(base, grid), reason, _edge(winner, coarse, "coarse grid")
    )
    both = coarse + fine
    winner = best(both)
    assert winner is not None  # the coarse winner is still a candidate

    final = search.final(base, winner.lam)
    reason = f"Final model with {_because(winner, both)}"
    edge = _edge(winner, both, "values tried")
    yield Stage("final", final, reason, edge, label=lambda trial: f"{trial.epochs} epochs")
    return Choice(final[0], reason)


def _coarse_reason(search: LambdaSearch) -> str:
    each = f", {search.replicates} replicates each" if search.replicates > 1 else ""
    return f"Coarse grid {_listed(search.coarse)}{each}, as specified."


def _because(winner: Winner, outcomes: Outcomes) -> str:
    """Say what won, by how much, and over which value."""
    ranked = sorted(
        (score for score in scores(outcomes) if score.complete and score.lam != winner.lam),
        key=lambda score: (-score.mean, -score.lam),
    )
    head = f"λ = {number_text(winner.lam)}, because its validation accuracy is the highest"
    text = f"{head}: {_accuracy(winner.accuracy)}"
    if winner.tied_with:
        return f"{text}, the same as {_listed(winner.tied_with)}; ties go to the larger λ."
    if ranked:
        text += f" against {_accuracy(ranked[0].mean)} for {number_text(ranked[0].lam)}, the next"
    return f"{text}{_ruled_out(scores(outcomes))}."


def _ruled_out(all_scores: tuple[Score, ...]) -> str:
    out = tuple(score.lam for score in all_scores if not score.complete)
    return f" ({_listed(out)} cannot win: not every run completed)" if out else ""


def _edge(winner: Winner, outcomes: Outcomes, where: str) -> tuple[str, ...]:
    grid = [score.lam for score in scores(outcomes)]
    if len(grid) < 2 or not on_edge(winner.lam, grid):
        return ()
    end = "smallest" if winner.lam == min(grid) else "largest"
    warning = (
        f"The best λ, {number_text(winner.lam)}, is the {end} of the {where}: a better one may "
        "lie beyond. Widen --coarse to find out."
    )
    return (warning,)


def _accuracy(value: float) -> str:
    return f"{value:.4f}"


def _listed(grid: tuple[float, ...]) -> str:
    return ", ".join(number_text(value) for value in grid)
