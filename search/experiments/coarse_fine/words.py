"""The sentences of a search's decision log."""

from __future__ import annotations

from collections.abc import Sequence

from search.evidence.compare import Comparison
from search.evidence.scores import Winner, best, contenders, scores, tried_points
from search.experiments.coarse_fine.settings import SearchSettings
from search.plan import Outcomes
from search.settings.values import NAMED
from search.space.axis import Axis, Value
from search.space.narrow import on_edge
from search.space.points import Point
from search.space.rounds import Around
from search.space.vary import Varied


def nothing_completed(search: SearchSettings) -> str:
    """Say why there is no more than a first look."""
    if search.at_a_time is not None:
        return "No point of the sample completed, so there is no closer one."
    what = "value" if len(search.space.axes) == 1 else "point"
    return f"No {what} of the coarse grid completed, so there is no fine grid."


def coarse(search: SearchSettings) -> str:
    """Say what the first grid is."""
    if len(search.varied) == 1:
        what = _grid(search, search.coarse_points)
    else:
        what = " × ".join(each.told for each in search.varied)
    return f"Coarse grid {what}{_replicates_each(search)}, as specified."


def _replicates_each(search: SearchSettings) -> str:
    return f", {search.replicates} replicates each" if search.replicates > 1 else ""


def sample(search: SearchSettings) -> str:
    """Say what is drawn at first."""
    return (
        f"{search.at_a_time} points of {_box(search.varied)}{_replicates_each(search)}, spread by "
        "a Sobol sequence."
    )


def closer_sample(search: SearchSettings, box: Sequence[Varied], tried: Outcomes) -> str:
    """Say where the second sample lies, and why."""
    return (
        f"{search.at_a_time} points of {_box(box)}, which the best quarter of those tried spans; "
        f"the best is {because(search, tried)}."
    )


def _box(box: Sequence[Varied]) -> str:
    return " × ".join(each.told for each in box)


def extend(search: SearchSettings, further: Point, tried: Outcomes) -> str:
    """Say why the search goes on outward."""
    winner, space = _winner(search, tried), search.space
    axis, value = next(
        (axis, value)
        for axis, value, at in zip(space.axes, further, winner.point, strict=True)
        if value != at
    )
    here = winner.point[space.axes.index(axis)]
    smallest = here == min(space.values(axis, tried_points(tried, search.space)))
    end, side = ("smallest", "smaller") if smallest else ("largest", "larger")
    ends = search.ends(axis)
    assert ends is not None
    low, high = map(axis.show, ends)
    best_so_far = (
        f"the best {axis.symbol} so far, {axis.show(here)}"
        if len(space.axes) == 1
        else f"{axis.symbol} of the best point so far, {space.short(winner.point)}"
    )
    return (
        f"One value further out, {axis.show(value)}: {best_so_far} with "
        f"{_accuracy(winner.accuracy)}, is the {end} tried, and {side} ones are within the "
        f"bounds {low} to {high}."
    )


def fine(search: SearchSettings, points: Sequence[Point], tried: Outcomes) -> str:
    """Say where the fine grid lies, and why."""
    return f"Fine grid {_grid(search, points)} around {because(search, tried)}."


def _grid(search: SearchSettings, points: Sequence[Point]) -> str:
    """Return a grid's values: a list on one axis, a product on several."""
    space = search.space
    if len(space.axes) == 1:
        return f"{'of ' if space.summed_up(points) else ''}{space.listed(points)}"
    each = (f"{axis.symbol} {axis.listed(space.values(axis, points))}" for axis in space.axes)
    return f"of {len(points)} points, {' × '.join(each)},"


def round_of(
    search: SearchSettings,
    number: int,
    points: Sequence[Point],
    axes: Sequence[Around],
    tried: Outcomes,
) -> str:
    """Say where a further round lies, and why."""
    space, winner = search.space, _winner(search, tried).point
    if len(space.axes) > 1:
        return (
            f"Round {number}: {_grid(search, points)} between the neighbours of the points that "
            f"cannot be told from the best one, {space.short(winner)}."
        )
    (axis,), best_value = axes, space.short(winner)
    low, high = axis.alike
    alike = (
        f"{best_value}, which is told from every other value"
        if low == high
        else f"the values from {axis.axis.show(low)} to {axis.axis.show(high)}, which cannot be "
        f"told from the best one, {best_value}"
    )
    return f"Round {number}: {space.listed(points)}, between the neighbours of {alike}."


def rounds_over(last: int, *, automatic: bool) -> str:
    """Say that the rounds are over by number."""
    return f"The search ends after {last} rounds, the most it may take. " if automatic else ""


def nothing_new(number: int) -> str:
    """Say that a grid would hold no value that was not tried."""
    return f"There is no round {number}: every value of its grid was tried before. "


def too_fine(number: int, axes: Sequence[Around]) -> str:
    """Say that the data cannot tell the next grid's values apart."""
    several = len(axes) > 1
    why = "; ".join(
        f"its values{f' of {each.axis.symbol}' if several else ''} would be {_step(each)} apart, "
        f"while values as far apart as {each.axis.show(each.alike[0])} and "
        f"{each.axis.show(each.alike[1])} cannot be told from the best one"
        for each in axes
    )
    return f"There is no round {number}: {why}. "


def _step(grid: Around) -> str:
    factor = "a factor of " if grid.axis.factors else ""
    return f"{factor}{grid.step:.2g}"


def replicates(search: SearchSettings, again: Sequence[Point], tried: Outcomes) -> str:
    """Say which points are trained again."""
    means = {score.point: score.mean for score in scores(tried, search.space)}
    short, what = search.space.short, "values" if len(search.space.axes) == 1 else "points"
    best_of = [f"{short(point)} ({_accuracy(means[point])})" for point in again]
    named = f"from {best_of[0]} to {best_of[-1]}" if len(again) > NAMED else ", ".join(best_of)
    return (
        f"Replicates: the best {len(again)} of {len(means)} {what}, {named}, are trained until "
        f"each has {search.most_replicates}; one of them will be chosen."
    )


def fresh(search: SearchSettings, point: Point) -> str:
    """Say why the chosen point is trained with other seeds."""
    seeds = "one seed that" if search.fresh == 1 else f"{search.fresh} seeds that"
    return (
        f"Fresh seeds: {search.space.equation(point)} with {seeds} took no part in choosing it, "
        "for a score that the choice of seeds has not raised."
    )


def final(search: SearchSettings, tried: Outcomes, found: Comparison) -> str:
    """Say what the final model is trained with, and why."""
    space = search.space
    if search.select == "1se":
        error = found.errors[found.winner]
        simplest = f"the {simpler(search.space.axes)}est"
        return (
            f"Final model with {space.equation(found.one_se)}, {simplest} within one standard "
            f"error ({_accuracy(error)}) of the best, {space.short(found.winner)}, as --select "
            "1se asks."
        )
    told = (
        f" Not told from it: {space.listed(found.ties)}."
        if found.ties
        else " Every other value is told from it."
    )
    return f"Final model with {because(search, tried)}.{told if found.rows else ''}"


def simpler(axes: Sequence[Axis]) -> str:
    """Return the stem of `larger` and `largest`, or of `simpler`, as one axis or several ask."""
    (axis, *others) = axes
    if not others and axis.ordered and axis.larger_is_simpler:
        return "larg"
    return "simpl"


def because(search: SearchSettings, tried: Outcomes) -> str:
    """Say what won, by how much, and over what."""
    space = search.space
    winner, rivals = _winner(search, tried), contenders(tried, space)
    head = f"{space.equation(winner.point)}, because its validation accuracy is the highest"
    text = f"{head}{_of_finalists(search, tried)}: {_accuracy(winner.accuracy)}"
    if winner.tied_with:
        better = f"the {simpler(space.axes)}er {space.name if len(space.axes) == 1 else 'point'}"
        return f"{text}, the same as {space.listed(winner.tied_with)}; ties go to {better}"
    others = (score for score in rivals if score.point != winner.point)
    second = max(others, key=lambda score: (score.mean, score.point), default=None)
    if second:
        text += f" against {_accuracy(second.mean)} for {space.short(second.point)}, the next"
    return f"{text}{_ruled_out(search, tried)}"


def _of_finalists(search: SearchSettings, tried: Outcomes) -> str:
    complete = [score for score in scores(tried, search.space) if score.complete]
    rivals = contenders(tried, search.space)
    if len(rivals) == len(complete):
        return ""
    runs, what = len(rivals[0].accuracies), "values" if len(search.space.axes) == 1 else "points"
    return f" of the {len(rivals)} {what} with {runs} replicates"


def _ruled_out(search: SearchSettings, tried: Outcomes) -> str:
    out = [score.point for score in scores(tried, search.space) if not score.complete]
    return f" ({search.space.listed(out)} cannot win: not every run completed)" if out else ""


def edge(search: SearchSettings, tried: Outcomes) -> tuple[str, ...]:
    """Return a warning for each axis on which the best value is the last at its end."""
    if search.at_a_time is not None:
        return ()
    space, at = search.space, _winner(search, tried).point
    points = tried_points(tried, search.space)
    return tuple(
        _edge(search, axis, value, space.values(axis, points))
        for axis, value in zip(space.axes, at, strict=True)
        if axis.ordered and on_edge(value, space.values(axis, points))  # type: ignore[arg-type]
    )


def _edge(search: SearchSettings, axis: Axis, value: Value, grid: Sequence[Value]) -> str:
    end = "smallest" if value == grid[0] else "largest"
    return (
        f"The best {axis.symbol}, {axis.show(value)}, is the {end} of the values tried: a better "
        f"one may lie beyond. {_bound_reached(search, axis, smallest=value == grid[0])}"
    )


def _bound_reached(search: SearchSettings, axis: Axis, *, smallest: bool) -> str:
    """Return why the search did not go on beyond an edge."""
    ends = search.ends(axis)
    if ends is None:
        return f"Widen {search.flag_of_grid} to find out."
    side = axis.show(ends[0] if smallest else ends[1])
    return f"The search may not go beyond {side}: widen {search.flag_of_ends} to find out."


def _winner(search: SearchSettings, tried: Outcomes) -> Winner:
    winner = best(tried, search.space)
    assert winner is not None
    return winner


def _accuracy(value: float) -> str:
    return f"{value:.4f}"
