"""The sentences of a search's decision log."""

from __future__ import annotations

from collections.abc import Sequence

from search.evidence.compare import Comparison
from search.evidence.scores import Standing
from search.experiments.coarse_fine.settings import SearchSettings
from search.settings.values import NAMED
from search.space.axis import Axis, Value
from search.space.narrow import on_edge
from search.space.points import Point
from search.space.rounds import Around
from search.space.vary import Varied
from search.space.widen import outward
from search.trial import Trial


def nothing_completed(search: SearchSettings) -> str:
    """Say why there is no more than a first look."""
    if search.at_a_time is not None:
        return "No point of the sample completed, so there is no closer one."
    return f"No {search.space.noun} of the coarse grid completed, so there is no fine grid."


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


def closer_sample(search: SearchSettings, box: Sequence[Varied], known: Standing) -> str:
    """Say where the second sample lies, and why."""
    return (
        f"{search.at_a_time} points of {_box(box)}, which the best quarter of those tried spans; "
        f"the best is {because(search, known)}."
    )


def _box(box: Sequence[Varied]) -> str:
    return " × ".join(each.told for each in box)


def extend(search: SearchSettings, further: Point, known: Standing) -> str:
    """Say why the search goes on outward."""
    winner, space = known.best, search.space
    axis, value = next(
        (axis, value)
        for axis, value, at in zip(space.axes, further, winner.point, strict=True)
        if value != at
    )
    here = winner.point[space.axes.index(axis)]
    smallest = here == min(space.values(axis, known.points))
    end, side = ("smallest", "smaller") if smallest else ("largest", "larger")
    ends = search.ends(axis)
    assert ends is not None
    low, high = map(axis.show, ends)
    best_so_far = (
        f"the best {axis.symbol}{_above(search)} so far, {axis.show(here)}"
        if len(space.axes) == 1
        else f"{axis.symbol} of the best point{_above(search)} so far, {space.short(winner.point)}"
    )
    return (
        f"One value further out, {axis.show(value)}: {best_so_far} with "
        f"{_accuracy(winner.accuracy)}, is the {end} tried, and {side} ones are within the "
        f"bounds {low} to {high}."
    )


def fine(search: SearchSettings, points: Sequence[Point], known: Standing) -> str:
    """Say where the fine grid lies, and why."""
    return f"Fine grid {_grid(search, points)} around {because(search, known, _above(search))}."


def _above(search: SearchSettings) -> str:
    """Say which points a grid lies around: where there is a baseline, those that are none."""
    return " above 0" if search.has_baseline else ""


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
    known: Standing,
) -> str:
    """Say where a further round lies, and why."""
    space, winner = search.space, known.best.point
    if len(space.axes) > 1:
        return (
            f"Round {number}: {_grid(search, points)} between the neighbours of the points that "
            f"cannot be told from the best one{_above(search)}, {space.short(winner)}."
        )
    (axis,), best_value = axes, space.short(winner)
    low, high = axis.alike
    alike = (
        f"{best_value}, which is told from every other value"
        if low == high
        else f"the values from {axis.axis.show(low)} to {axis.axis.show(high)}, which cannot be "
        f"told from the best one{_above(search)}, {best_value}"
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


def replicates(search: SearchSettings, again: Sequence[Point], known: Standing) -> str:
    """Say which points are trained again."""
    means = {score.point: score.mean for score in known.scores}
    short = search.space.short
    best_of = [f"{short(point)} ({_accuracy(means[point])})" for point in again]
    named = f"from {best_of[0]} to {best_of[-1]}" if len(again) > NAMED else ", ".join(best_of)
    return (
        f"Replicates: the best {len(again)} of {len(means)} {search.space.noun}s, {named}, are "
        f"trained until each has {search.most_replicates}; one of them will be chosen."
    )


def fresh(search: SearchSettings, point: Point) -> str:
    """Say why the chosen point is trained with other seeds."""
    seeds = "one seed that" if search.fresh == 1 else f"{search.fresh} seeds that"
    return (
        f"Fresh seeds: {search.space.equation(point)} with {seeds} took no part in choosing it, "
        "for a score that the choice of seeds has not raised."
    )


def final(search: SearchSettings, known: Standing, found: Comparison) -> str:
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
        else f" Every other {space.noun if found.knows_seeds else 'network'} is told from it."
    )
    return f"Final model with {because(search, known)}.{told if found.rows else ''}"


def simpler(axes: Sequence[Axis]) -> str:
    """Return the stem of `larger` and `largest`, or of `simpler`, as one axis or several ask."""
    (axis, *others) = axes
    if not others and axis.ordered and axis.larger_is_simpler:
        return "larg"
    return "simpl"


def because(search: SearchSettings, known: Standing, above: str = "") -> str:
    """Say what won, by how much, and over what."""
    space, winner = search.space, known.best
    head = f"{space.equation(winner.point)}, because its validation accuracy is the highest{above}"
    text = f"{head}{_of_finalists(search, known)}: {_accuracy(winner.accuracy)}"
    if winner.tied_with:
        better = f"the {simpler(space.axes)}er {space.name if len(space.axes) == 1 else 'point'}"
        return f"{text}, the same as {space.listed(winner.tied_with)}; ties go to {better}"
    others = (score for score in known.contenders if score.point != winner.point)
    second = max(others, key=lambda score: (score.mean, score.point), default=None)
    if second:
        text += f" against {_accuracy(second.mean)} for {space.short(second.point)}, the next"
    return f"{text}{_ruled_out(search, known)}"


def _of_finalists(search: SearchSettings, known: Standing) -> str:
    rivals = known.contenders
    if len(rivals) == len(known.complete):
        return ""
    return f" of the {len(rivals)} {search.space.noun}s with {rivals[0].runs} replicates"


def _ruled_out(search: SearchSettings, known: Standing) -> str:
    out = [score.point for score in known.scores if not score.complete]
    stuck = [score.point for score in known.scores if score.complete and not score.accuracies]
    reasons = ((out, "not every run completed"), (stuck, "no network learned"))
    text = "; ".join(
        f"{search.space.listed(points)} cannot win: {why}" for points, why in reasons if points
    )
    return f" ({text})" if text else ""


def edge(search: SearchSettings, base: Trial, known: Standing) -> tuple[str, ...]:
    """Return a warning for each axis on which the best value is the last at its end."""
    if search.at_a_time is not None:
        return ()
    space, best = search.space, known.best.point
    further = outward(space, best, known.points, search.ends)
    return tuple(
        _edge(search, base, known, axis, further.get(axis))
        for axis, value in zip(space.axes, best, strict=True)
        if axis.ordered
        and value not in (axis.low, axis.high, axis.baseline)
        and on_edge(value, space.placed(axis, known.points))  # type: ignore[arg-type]
    )


def _edge(
    search: SearchSettings, base: Trial, known: Standing, axis: Axis, further: Point | None
) -> str:
    at = search.space.axes.index(axis)
    value = known.best.point[at]
    end = "smallest" if value == search.space.placed(axis, known.points)[0] else "largest"
    return (
        f"The best {axis.symbol}, {axis.show(value)}, is the {end} of the values tried: a better "
        f"one may lie beyond. {_why_stopped(search, base, axis, value, further)}"
    )


def _why_stopped(
    search: SearchSettings, base: Trial, axis: Axis, value: Value, further: Point | None
) -> str:
    """Return why the search did not go on from a value at an edge to a further point."""
    space, ends = search.space, search.ends(axis)
    if ends is None or (further is None and ends[0] < value < ends[1]):  # type: ignore[operator]
        return f"Widen {search.flag_of_grid} to find out."
    if further is None:
        return (
            f"The search may not go beyond {axis.show(value)}: widen {search.flag_of_ends} to find "
            "out."
        )
    next_one = axis.show(further[space.axes.index(axis)])
    if hindrance := space.hindrance(base, further):
        return f"The next one, {next_one}, cannot be trained: {hindrance}."
    return (
        "It became the best by its replicates, when the search was over: put "
        f"{next_one} into {search.flag_of_grid} to find out."
    )


def _accuracy(value: float) -> str:
    return f"{value:.4f}"
