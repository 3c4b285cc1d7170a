"""The plan of a λ search, from a coarse grid to the final model."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count

from search.evidence.finalists import finalists
from search.evidence.outcomes import evidence
from search.evidence.scores import best
from search.experiments.lambda_coarse_fine import words
from search.experiments.lambda_coarse_fine.settings import LambdaSettings
from search.plan import Choice, Outcomes, Plan, Stage
from search.records import Outcome
from search.space.narrow import narrow
from search.space.rounds import AUTO_MOST, Around, around
from search.space.widen import beyond
from search.trial import Trial


def lambda_coarse_fine(search: LambdaSettings, base: Trial) -> Plan:
    """Search λ on a coarse grid, then on finer ones around its winner; train the final model.

    The best λ is that with the highest mean validation accuracy, the larger one of equals, among
    the values with the most replicates. The same rule decides whether an edge is the best; ties
    decide where further rounds lie.
    """
    tried = yield Stage(
        "coarse", search.trials(base, search.coarse), words.coarse(search), label=words.by_lam
    )
    if best(tried) is None:
        return Choice(None, "No value of the coarse grid completed, so there is no fine grid.")
    tried = yield from _extend(search, base, tried)

    grid = narrow(_best(tried), _values(tried), search.fine)
    edge = words.edge(tried, "coarse grid", search.lambda_bounds)
    tried += yield Stage(
        "fine", search.trials(base, grid), words.fine(grid, tried), edge, label=words.by_lam
    )
    tried = yield from _extend(search, base, tried)
    tried, ending = yield from _narrow_further(search, base, tried)

    if search.most_replicates > search.replicates and search.replicate_top != "off":
        again = finalists(tried, search.replicate_top.count)
        trials = search.trials(base, again, search.most_replicates)
        reason = ending + words.replicates(again, search.most_replicates, tried)
        tried += yield Stage("replicates", trials, reason, label=words.by_lam)
        ending = ""

    found = evidence(tried)
    assert found is not None  # the coarse winner is still a candidate
    lam = found.one_se if search.select == "1se" else found.winner
    if search.fresh:
        reason = ending + words.fresh(lam, search.fresh)
        yield Stage("fresh", search.fresh_trials(base, lam), reason, label=words.by_lam)
        ending = ""

    final = search.final(base, lam)
    reason = ending + words.final(search, tried, found)
    edge = words.edge(tried, "values tried", search.lambda_bounds)
    yield Stage("final", final, reason, edge, label=lambda trial: f"{trial.epochs} epochs")
    return Choice(final[0], reason)


Steps = Generator[Stage, Outcomes, Outcomes]
"""A part of the plan: it is given what is known and returns that with its own outcomes."""


def _extend(search: LambdaSettings, base: Trial, tried: Outcomes) -> Steps:
    """Go on outward, one value at a time, while the best one is the last at its end."""
    limits = search.lambda_bounds
    if limits == "off":
        return tried
    while (lam := beyond(_best(tried), _values(tried), limits)) is not None:
        reason = words.extend(lam, tried, limits)
        tried += yield Stage("extend", search.trials(base, (lam,)), reason, label=words.by_lam)
    return tried


def _narrow_further(
    search: LambdaSettings, base: Trial, tried: Outcomes
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
        tried += yield Stage(
            f"round {number}", search.trials(base, grid.values), reason, label=words.by_lam
        )
        tried = yield from _extend(search, base, tried)
    raise AssertionError


def _next_grid(search: LambdaSettings, tried: Outcomes) -> Around:
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
