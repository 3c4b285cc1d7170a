"""What came of a search: in one sentence, and in a few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.coarse_fine.baseline import does_it_help
from reports.coarse_fine.certainty import tied_sentence
from reports.coarse_fine.facts import Best, Final, Findings
from reports.coarse_fine.words import named
from reports.parts.text import count, phrases, share
from search.evidence.look import LOST
from search.records import State
from search.space.axis import AXES
from search.space.points import Space

CLEAR = 0.1
"""Share of the variance that an axis explains at least, where it is said to have mattered most."""


def verdict(found: Findings, space: Space) -> str:
    """Return what came of the search in one sentence."""
    best = found.best
    if best is None:
        return nothing(space)
    tried = count(len(best.others) + 1, space.noun)
    if not best.learned:
        return f"No network learned, whichever of {tried} of {space.name} it was trained with."
    so_far = "" if found.finished else "So far, "
    text = f"{so_far}{space.equation(best.point)} did best of {tried}{_known(found, best)}"
    if scores := final_scores(found.finals):
        assert found.chosen is not None
        other = found.chosen != best.point
        chosen = f", trained with {space.equation(found.chosen)}," if other else ""
        text += f"; the final model{chosen} labels {scores} right"
    elif found.kept and found.kept.state is State.DIVERGED:
        text += "; the final model diverged"
    return f"{text}."


def nothing(space: Space) -> str:
    """Say that no point has completed."""
    return f"No {space.noun} of {space.name} has completed."


def _known(found: Findings, best: Best) -> str:
    """Say how much better another point may be, and what was spent to know it; or what is tied."""
    race = found.race
    if race is None or race.chosen != best.point or race.loses is None:
        return _told(best)
    if race.loses == 0.0:
        told = "every other one is known to be worse"
    else:
        told = f"loses at most {share(race.loses)} against the best of them"
    spent = f"{race.spent} of {count(race.most, 'run')} were spent"
    return f", and {told} ({1 - LOST:.0%}; {spent})"


def _told(best: Best) -> str:
    if not best.others:
        return ""
    return (
        f", and {len(best.ties)} of the others cannot be told from it"
        if best.ties
        else f", and every other {'one' if best.knows_seeds else 'network'} is worse"
    )


def final_scores(finals: Sequence[Final]) -> str:
    """Return the share of test images that the final model labels right; of both, where it has two.

    The one that is kept comes first. Nothing where none was measured.
    """
    tested = [(each.trained, each.test) for each in finals if each.test]
    length = " ({})".format if len(tested) > 1 else "".format
    scores = [
        f"{share(test.accuracy)} ± {share(test.error)}{length(count(epochs, 'epoch'))}"
        for epochs, test in tested
    ]
    return f"{phrases(scores)} of the test images" if scores else ""


def summary(found: Findings, space: Space) -> Iterator[str]:
    """Yield the sentences of the summary."""
    best = found.best
    if best is None or found.chosen is None:
        yield nothing(space)
        return
    rivals = f" of the {best.rivals} that were trained {best.runs} times" if best.rivals else ""
    yield (
        f"Of {count(len(best.others) + 1, space.noun)} of {space.name}, "
        f"**{named(space, best.point)}** has the best validation accuracy{rivals}: "
        f"{share(best.accuracy)} (standard error {share(best.error)}, {found.images:,} images, "
        f"{count(best.runs, 'run')})."
    )
    yield tied_sentence(best, space)
    if found.race and found.race.why:
        yield found.race.why
    if answer := does_it_help(found, space):
        yield answer
    if found.explained:
        yield mattered(found)
    with_it = (
        "it"
        if found.chosen == best.point
        else f"the one-standard-error choice **{named(space, found.chosen)}**"
    )
    for place, each in enumerate(final for final in found.finals if final.test):
        assert each.test is not None
        how = f"The final model, trained with {with_it}" if place == 0 else "Another one, trained"
        yield (
            f"{how} for {count(each.trained, 'epoch')}, labels **{share(each.test.accuracy)}** of "
            f"the {each.test.images:,} test images right (standard error {share(each.test.error)})."
        )


def mattered(found: Findings) -> str:
    """Say which axis mattered most, as far as the first grid or sample tells."""
    first = found.explained[0]
    if first.low < CLEAR:
        return "No setting is seen to have mattered more than noise over the whole range tried."
    names = " with ".join(f"the {AXES[name].title}" for name in first.axes)
    return (
        f"Over the whole range tried, {names} mattered most: {first.share:.0%} of the variance of "
        f"accuracy ({first.low:.0%} to {first.high:.0%})."
    )
