"""The plan of a search, from a coarse grid or a sample to the final model."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import partial
from itertools import count

from search.evidence.finalists import finalists
from search.evidence.outcomes import evidence
from search.evidence.scores import Standing, standing
from search.experiments.coarse_fine import endings, words
from search.experiments.coarse_fine.settings import SearchSettings
from search.plan import Choice, Outcomes, Plan, Stage
from search.records import Role
from search.space.axis import Axis, Value
from search.space.narrow import narrow
from search.space.points import Point, grid
from search.space.rounds import AUTO_MOST, Around, around
from search.space.sample import box_around, sample
from search.space.widen import outward
from search.trial import Purpose, Trial, stream

Steps = Generator[Stage, Outcomes, Outcomes]
"""A part of the plan: it is given what is known and returns that with its own outcomes."""
Ended = Generator[Stage, Outcomes, tuple[Outcomes, str]]
"""A part of the plan that returns, too, why it ended, in words."""


def coarse_fine(search: SearchSettings, base: Trial) -> Plan:
    """Look at a coarse grid or a sample, then more closely around its best; train the final model.

    The best point is that with the highest mean validation accuracy, the simpler one of equals,
    among the points with the most replicates. The same rule decides whether an edge is the best;
    ties decide where further rounds lie. A baseline, λ = 0, takes no part before the choice: grids
    lie, and go on, as they would without it.
    """
    look = _grids if search.at_a_time is None else _samples
    tried, ending = yield from look(search, base)
    if standing(tried, search.space).winner is None:
        return Choice(None, words.nothing_completed(search))
    return (yield from _decide(search, base, tried, ending))


def _stage(search: SearchSettings, name: str, role: Role) -> partial[Stage]:
    space = search.space
    return partial(Stage, name, role=role, label=lambda trial: space.label(space.of(trial)))


def _standing(search: SearchSettings, tried: Outcomes) -> Standing:
    """Return how the points stand that grids lie around."""
    return standing(_placed(search, tried), search.space)


def _placed(search: SearchSettings, tried: Outcomes) -> Outcomes:
    space = search.space
    return tuple(each for each in tried if not space.is_baseline(space.of(each.trial)))


def _grids(search: SearchSettings, base: Trial) -> Ended:
    """Search the coarse grid, the fine one, and further rounds."""
    coarse = _stage(search, "coarse", Role.COARSE)
    tried = yield coarse(search.trials(base, search.coarse_points), words.coarse(search))
    if _standing(search, tried).winner is None:
        return tried, ""
    tried = yield from _extend(search, base, tried)
    known = _standing(search, tried)
    points = _fine_points(search, base, known)
    if not points:
        return tried, ""
    fine = _stage(search, "fine", Role.FINE)
    tried += yield fine(search.trials(base, points), words.fine(search, points, known))
    tried = yield from _extend(search, base, tried)
    return (yield from _narrow_further(search, base, tried))


def _fine_points(search: SearchSettings, base: Trial, known: Standing) -> tuple[Point, ...]:
    """Return the product of ordered axes' values around the best, and of kept axes' values."""
    space = search.space
    new = {
        axis: narrow(axis, value, space.values(axis, known.points), search.fine)  # type: ignore[arg-type]
        for axis, value in zip(space.axes, known.best.point, strict=True)
        if axis.ordered
    }
    return _product(search, base, known, new) if new else ()


def _product(
    search: SearchSettings, base: Trial, known: Standing, new: Mapping[Axis, tuple[Value, ...]]
) -> tuple[Point, ...]:
    """Return the product of axes' new values and others at the best, or all of those kept."""
    space = search.space
    each = (
        space.values(axis, known.points)
        if axis in search.kept
        else (*search.beside(axis), *new.get(axis, (value,)))
        for axis, value in zip(space.axes, known.best.point, strict=True)
    )
    return space.possible(base, grid(each))


def _samples(search: SearchSettings, base: Trial) -> Ended:
    """Search a sample of the whole box, then one of the box around its best points."""
    assert search.at_a_time is not None
    rng = stream(base.seed, 0, Purpose.SAMPLE)
    boxes = search.varied
    drawn = sample(boxes, search.at_a_time, rng=rng)
    first = _stage(search, "sample", Role.COARSE)
    tried = yield first(search.trials(base, drawn), words.sample(search))
    known = standing(tried, search.space)
    if known.winner is None:
        return tried, ""
    ranked = finalists(known, len(drawn))
    narrowed = box_around(boxes, ranked)
    drawn = sample(narrowed, search.at_a_time, rng=rng)
    closer = _stage(search, "closer sample", Role.FINE)
    tried += yield closer(search.trials(base, drawn), words.closer_sample(search, narrowed, known))
    return tried, ""


def _decide(search: SearchSettings, base: Trial, tried: Outcomes, ending: str) -> Plan:
    """Train some points again, choose among them, and train the final model."""
    space = search.space
    if search.rule is not None:
        tried, ending = yield from _race(search, base, tried, ending)
    elif search.most_replicates > search.replicates and search.replicate_top != "off":
        known = standing(tried, space)
        again = finalists(known, search.replicate_top.count)
        trials = search.trials(base, again, search.most_replicates)
        reason = ending + words.replicates(search, again, known)
        tried += yield _stage(search, "replicates", Role.REPLICATES)(trials, reason)
        ending = ""

    found = search.evidence(tried)
    assert found is not None  # the coarse winner is still a candidate
    point = found.one_se if search.select == "1se" else found.winner
    if search.fresh:
        reason = ending + words.fresh(search, point)
        yield _stage(search, "fresh", Role.FRESH)(search.fresh_trials(base, point), reason)
        ending = ""

    final = search.final(base, point)
    known = standing(tried, space)
    reason = ending + words.final(search, known, found)
    edge = words.edge(search, base, known)
    yield Stage(
        "final", final, reason, edge, role=Role.FINAL, label=lambda trial: f"{trial.epochs} epochs"
    )
    return Choice(final[-1], reason)


def _race(search: SearchSettings, base: Trial, tried: Outcomes, ending: str) -> Ended:
    """Train all points again, and those that are left after each look, until the race ends."""
    while (found := search.race_of(tried)).ending is None:
        trials = search.trials(base, found.left, found.next_runs)
        reason = ending + endings.going_on(search, found)
        stage = _stage(search, f"race to {found.next_runs} runs", Role.RACE)
        tried += yield stage(trials, reason)
        ending = ""
    return tried, ending + endings.over(search, found)


def _extend(search: SearchSettings, base: Trial, tried: Outcomes) -> Steps:
    """Go on outward, one value and axis at a time, while the best point is the last at an end."""
    while points := _outward(search, base, known := _standing(search, tried)):
        reason = words.extend(search, points[0], known)
        extend = _stage(search, "extend", Role.EXTEND)
        tried += yield extend(search.trials(base, points[:1]), reason)
    return tried


def _outward(search: SearchSettings, base: Trial, known: Standing) -> tuple[Point, ...]:
    """Return the next points outward, one an axis, that can be trained."""
    further = outward(search.space, known.best.point, known.points, search.ends)
    return search.space.possible(base, further.values())


def _narrow_further(search: SearchSettings, base: Trial, tried: Outcomes) -> Ended:
    """Search the rounds after the first."""
    if search.rounds == 1:
        return tried, ""
    last = AUTO_MOST if search.rounds == "auto" else search.rounds
    for number in count(2):
        if number > last:
            return tried, words.rounds_over(last, automatic=search.rounds == "auto")
        known = _standing(search, tried)
        axes = _around(search, tried, known)
        new = {each.axis: each.values for each in axes}
        points = _untried(search, tried, _product(search, base, known, new))
        if not points:
            return tried, words.nothing_new(number)
        if search.rounds == "auto" and all(each.too_fine for each in axes):
            return tried, words.too_fine(number, axes)
        reason = words.round_of(search, number, points, axes, known)
        stage = _stage(search, f"round {number}", Role.ROUND)
        tried += yield stage(search.trials(base, points), reason)
        tried = yield from _extend(search, base, tried)
    raise AssertionError


def _around(search: SearchSettings, tried: Outcomes, known: Standing) -> tuple[Around, ...]:
    """Return each ordered axis's next values, around the best point and its ties."""
    space = search.space
    found = evidence(_placed(search, tried), space)  # the race has not begun
    assert found is not None
    alike = (found.winner, *found.ties)
    return tuple(
        around(axis, space.values(axis, alike), space.values(axis, known.points), search.fine.count)
        for axis in space.axes
        if axis.ordered
    )


def _untried(
    search: SearchSettings, tried: Outcomes, points: tuple[Point, ...]
) -> tuple[Point, ...]:
    known = {search.space.of(each.trial) for each in tried}
    return tuple(point for point in points if point not in known)
