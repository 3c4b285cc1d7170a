"""What is known of a search before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from search.evidence.look import Rule
from search.experiments.coarse_fine.settings import SearchSettings
from search.settings.spec import StageOutline
from search.space.narrow import Factors


def outline(search: SearchSettings) -> tuple[StageOutline, ...]:
    """Return the stages to expect; those that only some outcomes ask for count no trials.

    Where the length of runs is not known yet, it is that of the longest.
    """
    longest = search.space.epochs_at(search.longest, search.epochs)
    stages = _samples(search, longest) if search.at_a_time is not None else _grids(search, longest)
    if search.rule is not None:
        stages += _race(search, search.rule, sum(stage.trials for stage in stages), longest)
    elif search.most_replicates > search.replicates and search.replicate_top != "off":
        new = search.replicate_top.count * (search.most_replicates - search.replicates)
        what = f"the best {search.replicate_top.count}, so that each has {search.most_replicates}"
        stages.append(StageOutline("replicates", new, longest, what))
    chosen = f"the chosen {search.space.name if len(search.varied) == 1 else 'point'}"
    if search.fresh:
        what = f"{chosen}, with seeds that took no part in choosing it"
        stages.append(StageOutline("fresh", search.fresh, longest, what))
    stages += [
        StageOutline("final", 1, epochs, f"{chosen}; opens the test set")
        for epochs in search.final_lengths(search.longest)
    ]
    return tuple(stages)


def _race(search: SearchSettings, rule: Rule, tried: int, epochs: int) -> Iterator[StageOutline]:
    """Yield a race's looks; after its first one, nobody knows who is left."""
    points = tried // search.replicates
    budget = search.budget
    left = points * rule.looks[-1] if budget.runs is None else budget.runs - budget.afterwards
    left -= tried
    for before, runs in pairwise([search.replicates, *rule.looks]):
        most = points * (runs - before)
        first = runs == rule.looks[0] and most <= left
        yield StageOutline(
            f"race to {runs} runs",
            most if first else 0,
            epochs,
            f"{'all' if runs == rule.looks[0] else 'what is left'}, so that each has {runs}",
            least=0,
            most=max(0, min(most, left)),
        )
        left -= most


def _samples(search: SearchSettings, epochs: int) -> list[StageOutline]:
    assert search.at_a_time is not None
    trials = search.at_a_time * search.replicates
    box = " × ".join(each.told for each in search.varied)
    return [
        StageOutline("sample", trials, epochs, f"{search.at_a_time} points of {box}"),
        StageOutline(
            *("closer sample", trials, epochs),
            f"{search.at_a_time} points of the box around the best of those",
        ),
    ]


def _grids(search: SearchSettings, epochs: int) -> list[StageOutline]:
    stages = _coarse(search)
    for each in search.varied:
        if each.axis.ordered and (ends := search.ends(each.axis)) is not None:
            low, high = map(each.axis.show, ends)
            of = "" if len(search.varied) == 1 else f" of {each.axis.symbol}"
            what = f"if the best value{of} is at an end: one by one, from {low} to {high} at most"
            stages.append(StageOutline("extend", 0, epochs, what))
    if any(each.axis.ordered for each in search.varied):
        stages += [_fine(search, epochs), *_rounds(search, epochs)]
    return stages


def _coarse(search: SearchSettings) -> list[StageOutline]:
    """Return the coarse grid, runs of other lengths apart."""
    points, space = search.coarse_points, search.space
    what = (
        f"{space.name} = {space.listed(points)}"
        if len(space.axes) == 1
        else " × ".join(each.told for each in search.varied)
    )
    lengths = Counter(space.epochs_at(point, search.epochs) for point in points)
    return [
        StageOutline("coarse", count * search.replicates, epochs, what)
        for epochs, count in sorted(lengths.items())
    ]


def _fine(search: SearchSettings, epochs: int) -> StageOutline:
    shared = 0
    if isinstance(search.fine, Factors) and 1.0 in search.fine.values:
        shared = 1 + sum(len(search.beside(each.axis)) for each in search.varied)
    once_more = f", {'one' if shared == 1 else shared} of them trained already" if shared else ""
    what = "values" if len(search.varied) == 1 else "points"
    return StageOutline(
        "fine",
        (search.fine_count - shared) * search.replicates,
        epochs,
        f"{search.fine_count} {what} around the coarse winner{once_more}",
    )


def _rounds(search: SearchSettings, epochs: int) -> list[StageOutline]:
    what = "values" if len(search.varied) == 1 else "points"
    if search.rounds == "auto":
        text = f"each {search.fine_count} {what} at most, until the data cannot tell them apart"
        return [StageOutline("round 2, …", 0, epochs, text)]
    text = f"{search.fine_count} {what} at most, around those that cannot be told from the best"
    trials = search.fine_count * search.replicates
    return [
        StageOutline(f"round {number}", trials, epochs, text)
        for number in range(2, search.rounds + 1)
    ]
