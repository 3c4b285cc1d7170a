"""The sentences of a race: who goes on, who is out, why it ended, what it would cost to go on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from search.evidence.look import LOST, Look
from search.evidence.race import SEEDS, Ending, Race
from search.experiments.coarse_fine.settings import SearchSettings

RATE = f"{1 - LOST:.0%}"


def going_on(search: SearchSettings, race: Race) -> str:
    """Say who is trained again, and who is out since the last look."""
    space, noun, runs = search.space, search.space.noun, race.next_runs
    if race.last is not None:
        return (
            f"{seen(search, race.last)} {space.listed(race.left)} are trained until each has "
            f"{runs} runs."
        )
    left_out = ""
    if race.hopeless:
        left_out = (
            f" {space.listed(race.hopeless)} take{'s' * (len(race.hopeless) == 1)} no part: so far "
            f"behind after one run that seeds would not make up for it, were their noise "
            f"{SEEDS:.0f} times that of the images."
        )
    return (
        f"Race: {len(race.begun)} {noun}s are trained until each has {runs} runs; those that are "
        f"then known to be worse drop out.{left_out}"
    )


def seen(search: SearchSettings, look: Look) -> str:
    """Say who was known to be worse at a look."""
    space = search.space
    out = [each.point for each in look.standings if each.dropped]
    who = f"{space.listed(out)} {'is' if len(out) == 1 else 'are'} out" if out else "nobody is out"
    return f"Look at {look.runs} runs each: {who}."


def over(search: SearchSettings, race: Race) -> str:
    """Say why a race ended; nothing of one that never began. A space follows."""
    if race.ending is None or len(race.begun) < 2:
        return ""
    return f"The race is over after {race.spent} of {race.most} runs: {why(search, race)}. "


def why(search: SearchSettings, race: Race) -> str:
    """Return why a race ended, as the end of a sentence."""
    space, last, ending = search.space, race.last, race.ending
    noun = space.noun
    if ending is Ending.FAILED:
        return f"no {noun} that was left completed its runs"
    if ending is Ending.BUDGET:
        asked = (
            f"--runs-at-most {search.runs_at_most}"
            if search.minutes is None
            else f"--minutes {search.minutes:g}"
        )
        if search.minutes is not None and search.runs_at_most is not None:
            asked = f"--runs-at-most {search.runs_at_most} or {asked}"
        return f"the next look, at {race.next_runs} runs each, would take more than {asked} allows"
    if ending is Ending.ONE_LEFT:
        return f"every other {noun} is known to be worse ({RATE})"
    assert last is not None
    loses = f"{space.short(last.best)} loses at most {last.loses(last.best):.4f}"
    if ending is Ending.ALIKE:
        return f"{loses}, and {search.tolerance:g} is tolerated"
    if ending is Ending.IMAGES:
        images = math.isfinite(last.images)
        reason = "the noise is that of the images" if images else "seeds move accuracies too far"
        return (
            f"further seeds would hardly tell (a chance of {last.power:.0%} by "
            f"{race.rule.looks[-1]} runs each), since {reason}; {loses}"
        )
    return f"{last.runs} runs each are the most that were asked for; {loses}"


@dataclass(frozen=True)
class Needed:
    """With what the best one would lose no more than is tolerated, about; None where unknown."""

    replicates: int | None = None
    seconds: float | None = None
    """Of training that those replicates take, added up over runs, beyond what was spent."""
    images: int | None = None


def needed(race: Race, seconds: float) -> Needed:
    """Return what it would take to know more; nothing where enough is known, or no number would.

    `seconds` are those of one run.
    """
    last = race.last
    if last is None or race.ending in (None, Ending.ONE_LEFT, Ending.ALIKE):
        return Needed()
    finite = map(math.isfinite, (last.replicates, last.images))
    runs, images = (
        math.ceil(value) if known else None
        for value, known in zip((last.replicates, last.images), finite, strict=True)
    )
    # Accuracies may change as more is known, so a number at hand is no promise: one more, at least.
    if runs is not None:
        runs = max(last.runs + 1, runs)
    return Needed(
        replicates=runs,
        seconds=None if runs is None else (runs - last.runs) * len(race.left) * seconds,
        images=None if images is None else _rounded(images),
    )


def more(search: SearchSettings, race: Race, found: Needed) -> str:
    """Say what it would cost to know that the best one loses no more than is tolerated."""
    if race.ending in (None, Ending.ONE_LEFT, Ending.ALIKE) or race.last is None:
        return ""
    ways = []
    if found.replicates is not None:
        assert found.seconds is not None
        ways.append(
            f"about {found.replicates} runs of each of the {len(race.left)} that are left "
            f"({_time(found.seconds)} more of training, on one core)"
        )
    if found.images is not None:
        ways.append(f"about {found.images:,} validation images")
    if not ways:
        return f"No number of seeds or images would bring that down to {search.tolerance:g}."
    return f"To bring that down to {search.tolerance:g} would take {', or '.join(ways)}."


def _time(seconds: float) -> str:
    """Return a time as it is asked for: by `--minutes`."""
    minutes = seconds / 60
    return f"{minutes:,.0f} minutes" if minutes >= 2 else f"{seconds:.0f} seconds"


def _rounded(number: int) -> int:
    """Return a number to two digits, upward."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return math.ceil(number / step) * step
