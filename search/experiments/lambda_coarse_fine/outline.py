"""What is known of a λ search before anything is trained."""

from __future__ import annotations

from search.experiments.lambda_coarse_fine.settings import LambdaSettings
from search.settings.spec import StageOutline
from search.settings.values import listed, number_text
from search.space.narrow import Factors


def outline(search: LambdaSettings) -> tuple[StageOutline, ...]:
    """Return the stages to expect; those that only some outcomes ask for count no trials."""
    stages = [_coarse(search)]
    if search.lambda_bounds != "off":
        low, high = map(number_text, search.lambda_bounds)
        what = f"if the best value is at an end: one by one, from {low} to {high} at most"
        stages.append(StageOutline("extend", 0, search.epochs, what))
    stages.append(_fine(search))
    stages += _rounds(search)
    if search.most_replicates > search.replicates and search.replicate_top != "off":
        new = search.replicate_top.count * (search.most_replicates - search.replicates)
        what = f"the best {search.replicate_top.count}, so that each has {search.most_replicates}"
        stages.append(StageOutline("replicates", new, search.epochs, what))
    if search.fresh:
        what = "the chosen λ, with seeds that took no part in choosing it"
        stages.append(StageOutline("fresh", search.fresh, search.epochs, what))
    stages += [
        StageOutline("final", 1, epochs, "the chosen λ; opens the test set")
        for epochs in search.final_lengths()
    ]
    return tuple(stages)


def _coarse(search: LambdaSettings) -> StageOutline:
    trials = len(search.coarse) * search.replicates
    return StageOutline("coarse", trials, search.epochs, f"λ = {listed(search.coarse)}")


def _fine(search: LambdaSettings) -> StageOutline:
    shared = isinstance(search.fine, Factors) and 1.0 in search.fine.values
    once_more = ", one of them trained already" if shared else ""
    return StageOutline(
        "fine",
        (search.fine_count - shared) * search.replicates,
        search.epochs,
        f"{search.fine_count} values around the coarse winner{once_more}",
    )


def _rounds(search: LambdaSettings) -> list[StageOutline]:
    if search.rounds == "auto":
        what = f"each {search.fine_count} values at most, until the data cannot tell them apart"
        return [StageOutline("round 2, …", 0, search.epochs, what)]
    what = f"{search.fine_count} values at most, around those that cannot be told from the best"
    trials = search.fine_count * search.replicates
    return [
        StageOutline(f"round {number}", trials, search.epochs, what)
        for number in range(2, search.rounds + 1)
    ]
