"""What a race found, as plain values: looks, who was left, why it ended, what more would cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

from reports.coarse_fine.searched import compared, ended_trials, search_of
from search.evidence import look as looks
from search.experiments.coarse_fine import endings
from search.records import StudyRecord
from search.space.points import Point


@dataclass(frozen=True)
class Standing:
    """A point at a look."""

    point: Point
    accuracy: float
    lead: float
    """The largest lead over it of any other that was left, in standard errors."""
    boundary: float
    """The lead from which on it is out."""
    dropped: bool
    loses: float | None
    """By how much it is behind the best one at most; None of a point that is out."""


@dataclass(frozen=True)
class RaceLook:
    """What was seen when each point that was left had so many runs."""

    runs: int
    standings: tuple[Standing, ...]
    """Of the points that were left before, ascending."""


@dataclass(frozen=True)
class Raced:
    """A race, as far as it has come."""

    looks: tuple[RaceLook, ...]
    hopeless: tuple[Point, ...]
    """Points so far behind after one run that they took no part."""
    left: tuple[Point, ...]
    """Those that are left, ascending."""
    chosen: Point | None
    """What is chosen of them; None before the first look."""
    loses: float | None
    """By how much that is behind the best one at most, in 95 % of races."""
    ending: str | None
    """Why it ended: `search.evidence.race.Ending`; None while it goes on."""
    why: str
    """The same as a sentence; what it would cost to know more, too."""
    tolerance: float
    spent: int
    """Runs of the search up to its last look."""
    most: int
    """Runs, were every point that began it trained as often as at the last look there may be."""
    last_runs: int
    """Replicates at that look."""
    replicates: int | None
    """Replicates with which the chosen one would lose no more than is tolerated, about."""
    images: int | None
    """Validation images with which that would be so, about."""
    seconds: float | None
    """Time that those replicates would take, in seconds of training added up over runs."""


def raced(record: StudyRecord, chosen: Point | None) -> Raced | None:
    """Return the race of a search; None of one that has none, or of which too little is known."""
    search, ended = search_of(record), ended_trials(record)
    if search.rule is None or not ended:
        return None
    race = search.race_of(compared(record))
    last = race.last
    known = last is not None and chosen in race.left
    times = [each.result.seconds for each in ended if each.result is not None]
    more = endings.needed(race, fmean(times)) if times else endings.Needed()
    return Raced(
        looks=tuple(_look(each) for each in race.looks),
        hopeless=race.hopeless,
        left=race.left,
        chosen=chosen if known else None,
        loses=last.loses(chosen) if known and last and chosen else None,
        ending=race.ending.value if race.ending else None,
        why=" ".join(
            filter(None, [endings.over(search, race).strip(), endings.more(search, race, more)])
        ),
        tolerance=search.tolerance,
        spent=race.spent,
        most=race.most,
        last_runs=race.rule.looks[-1],
        replicates=more.replicates,
        images=more.images,
        seconds=more.seconds,
    )


def _look(look: looks.Look) -> RaceLook:
    return RaceLook(
        look.runs,
        tuple(
            Standing(
                point=each.point,
                accuracy=each.accuracy,
                lead=each.lead,
                boundary=each.boundary,
                dropped=each.dropped,
                loses=each.loses if math.isfinite(each.loses) else None,
            )
            for each in look.standings
        ),
    )
