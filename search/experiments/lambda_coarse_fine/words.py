"""The sentences of the λ search's decision log."""

from __future__ import annotations

from search.evidence.compare import Comparison
from search.evidence.scores import Winner, best, contenders, scores
from search.experiments.lambda_coarse_fine.settings import LambdaSettings
from search.records import Outcome
from search.settings.values import NAMED, listed, number_text, summed_up
from search.space.narrow import on_edge
from search.space.rounds import Around
from search.space.widen import Bounds, bound_reached
from search.trial import Trial

Outcomes = tuple[Outcome, ...]


def by_lam(trial: Trial) -> str:
    """Return a trial's label where trials differ in λ."""
    return f"λ={number_text(trial.lam)}"


def coarse(search: LambdaSettings) -> str:
    """Say what the first grid is."""
    each = f", {search.replicates} replicates each" if search.replicates > 1 else ""
    return f"Coarse grid {_grid(search.coarse)}{each}, as specified."


def extend(lam: float, tried: Outcomes, limits: tuple[float, float]) -> str:
    """Say why the search goes on outward."""
    at, values = _winner(tried), [score.lam for score in scores(tried)]
    end, side = ("smallest", "smaller") if at.lam == min(values) else ("largest", "larger")
    low, high = map(number_text, limits)
    return (
        f"One value further out, {number_text(lam)}: the best λ so far, {number_text(at.lam)} "
        f"with {_accuracy(at.accuracy)}, is the {end} tried, and {side} ones are within the "
        f"bounds {low} to {high}."
    )


def fine(grid: tuple[float, ...], tried: Outcomes) -> str:
    """Say where the fine grid lies, and why."""
    return f"Fine grid {_grid(grid)} around {because(tried)}."


def round_of(number: int, grid: Around, tried: Outcomes) -> str:
    """Say where a further round lies, and why."""
    low, high = grid.alike
    best_lam = number_text(_winner(tried).lam)
    alike = (
        f"{best_lam}, which is told from every other value"
        if low == high
        else f"the values from {number_text(low)} to {number_text(high)}, which cannot be told "
        f"from the best one, {best_lam}"
    )
    return f"Round {number}: {listed(grid.values)}, between the neighbours of {alike}."


def rounds_over(last: int, *, automatic: bool) -> str:
    """Say that the rounds are over by number."""
    return f"The search ends after {last} rounds, the most it may take. " if automatic else ""


def nothing_new(number: int) -> str:
    """Say that a grid would hold no value that was not tried."""
    return f"There is no round {number}: every value of its grid was tried before. "


def too_fine(number: int, grid: Around) -> str:
    """Say that the data cannot tell the next grid's values apart."""
    return f"There is no round {number}: {grid.why_too_fine()}. "


def replicates(again: tuple[float, ...], most: int, tried: Outcomes) -> str:
    """Say which values are trained again."""
    means = {score.lam: score.mean for score in scores(tried)}
    best_of = [f"{number_text(lam)} ({_accuracy(means[lam])})" for lam in again]
    named = f"from {best_of[0]} to {best_of[-1]}" if len(again) > NAMED else ", ".join(best_of)
    return (
        f"Replicates: the best {len(again)} of {len(means)} values, {named}, are trained until "
        f"each has {most}; one of them will be chosen."
    )


def fresh(lam: float, runs: int) -> str:
    """Say why the chosen value is trained with other seeds."""
    seeds = "one seed that" if runs == 1 else f"{runs} seeds that"
    return (
        f"Fresh seeds: λ = {number_text(lam)} with {seeds} took no part in choosing it, for a "
        "score that the choice of seeds has not raised."
    )


def final(search: LambdaSettings, tried: Outcomes, found: Comparison) -> str:
    """Say which λ the final model is trained with, and why."""
    if search.select == "1se":
        error = found.errors[found.winner]
        return (
            f"Final model with λ = {number_text(found.one_se)}, the largest within one standard "
            f"error ({_accuracy(error)}) of the best, {number_text(found.winner)}, as --select "
            "1se asks."
        )
    told = (
        f" Not told from it: {listed(found.ties)}."
        if found.ties
        else " Every other value is told from it."
    )
    return f"Final model with {because(tried)}.{told if found.rows else ''}"


def because(tried: Outcomes) -> str:
    """Say what won, by how much, and over which value."""
    winner, rivals = _winner(tried), contenders(tried)
    head = f"λ = {number_text(winner.lam)}, because its validation accuracy is the highest"
    text = f"{head}{_of_finalists(tried)}: {_accuracy(winner.accuracy)}"
    if winner.tied_with:
        return f"{text}, the same as {listed(winner.tied_with)}; ties go to the larger λ"
    others = (score for score in rivals if score.lam != winner.lam)
    second = max(others, key=lambda score: (score.mean, score.lam), default=None)
    if second:
        text += f" against {_accuracy(second.mean)} for {number_text(second.lam)}, the next"
    return f"{text}{_ruled_out(tried)}"


def _of_finalists(tried: Outcomes) -> str:
    complete = [score for score in scores(tried) if score.complete]
    rivals = contenders(tried)
    if len(rivals) == len(complete):
        return ""
    runs = len(rivals[0].accuracies)
    return f" of the {len(rivals)} values with {runs} replicates"


def _ruled_out(tried: Outcomes) -> str:
    out = tuple(score.lam for score in scores(tried) if not score.complete)
    return f" ({listed(out)} cannot win: not every run completed)" if out else ""


def edge(tried: Outcomes, where: str, limits: Bounds) -> tuple[str, ...]:
    """Return a warning where the best value is the last at its end."""
    winner, grid = _winner(tried), tuple(score.lam for score in scores(tried))
    if len(grid) < 2 or not on_edge(winner.lam, grid):
        return ()
    end = "smallest" if winner.lam == min(grid) else "largest"
    warning = (
        f"The best λ, {number_text(winner.lam)}, is the {end} of the {where}: a better one may "
        f"lie beyond. {bound_reached(winner.lam, grid, limits)}"
    )
    return (warning,)


def _winner(tried: Outcomes) -> Winner:
    winner = best(tried)
    assert winner is not None
    return winner


def _grid(values: tuple[float, ...]) -> str:
    """Return a grid's values, as they follow its name."""
    return f"{'of ' if summed_up(values) else ''}{listed(values)}"


def _accuracy(value: float) -> str:
    return f"{value:.4f}"
