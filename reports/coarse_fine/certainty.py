"""How sure is the winner: what a reader is told of the comparison behind it."""

from __future__ import annotations

from collections.abc import Iterator

from reports.coarse_fine.facts import Best, Findings
from reports.coarse_fine.words import listed, named, simplest
from reports.parts.text import count, share
from search.evidence.compare import LEVEL
from search.experiments.coarse_fine.settings import SearchSettings
from search.settings.values import some
from search.space.axis import BATCH_SIZE, HIDDEN
from search.space.points import Space


def tied_sentence(best: Best, space: Space) -> str:
    """Say which points cannot be told from the best one, and what was compared.

    Where the noise of seeds is not known, what is said is of these networks, not of their points.
    """
    if not best.others:
        return f"There is no other {space.noun} to compare it with."
    noise = "on the same images" + (
        ", of networks trained with one seed"
        if not best.knows_seeds
        else " and seeds"
        if best.shares_seeds
        else ""
    )
    number = len(best.others) + 1
    one = space.noun if best.knows_seeds else "network"  # a seed's luck is in what one run says
    if not best.ties:
        told = f"every other {one} is told from it" if number > 2 else f"the other {one} is worse"
        return f"By a paired comparison {noise}, {told} ({LEVEL:.0%} confidence)."
    best_of = f"the {number:,} {one}s"
    if best.once:
        best_of = f"{_again(best, space)} and of the networks of the others"
    return (
        f"{listed(space, best.ties)} cannot be told from it by a paired comparison {noise}: the "
        f"best of {best_of} is among these {len(best.ties) + 1} ({LEVEL:.0%} confidence)."
    )


def _again(best: Best, space: Space) -> str:
    """Return the points whose seeds are known, as the object of a sentence."""
    return f"the {count(len(best.others) + 1 - best.once, space.noun)} trained more than once"


def remarks(found: Findings, search: SearchSettings) -> Iterator[str]:
    """Yield what a reader has to know of the comparison, a paragraph each."""
    space, noun, best = search.space, search.space.noun, found.best
    assert best is not None
    yield (
        f"The one-standard-error choice, {simplest(space)} within one standard error "
        f"({share(best.error)}) of the best, is **{named(space, best.one_se)}**"
        f"{', which the final model was trained with' if search.select == '1se' else ''}."
    )
    if not best.others:
        return
    yield (
        f"Differences are accuracy less that of {named(space, best.point)}, over the runs that "
        f"both have, on the same images. An interval covers the true difference in {LEVEL:.0%} of "
        f"such searches, whichever {noun} turns out the best; p is the chance of a difference "
        f"this large where there is none. {_tied(found, noun)}"
    )
    yield _on_seeds(best, space)
    if found.unlearned:
        yield _unlearned(found, space)
    if not best.shares_seeds:
        yield _unshared(space)


def _tied(found: Findings, noun: str) -> str:
    """Say what is tied with the best one."""
    if found.race is None or not found.race.looks:
        return f"A {noun} is tied with the best when its interval does not lie below zero."
    return (
        f"A {noun} is tied with the best when the race left it. Intervals know of its looks. "
        f"How much worse at least a {noun} is that was out, is said by the few runs of the two "
        "alone: an interval that ends at zero says that it is worse, and no more."
    )


def _on_seeds(best: Best, space: Space) -> str:
    if not best.knows_seeds:
        return (
            f"**Every {space.noun} was trained once, so these intervals hold the noise of images "
            "alone.** They say whether these networks differ, not whether networks from other "
            f"seeds would rank their {space.noun}s alike; `--replicates 3` puts the noise of seeds "
            "into them."
        )
    times = f"{max(0.0, best.dispersion):.2g}"
    spread = best.seed_spread
    return (
        "The noise of seeds is in the intervals. Between replicates, differences vary "
        f"{times} times as much as images alone would make them ({best.freedom} degrees of "
        f"freedom, pooled over all {space.noun}s); one run's accuracy varies over seeds by "
        f"{share(spread) if spread else 'too little to be seen'}"
        f"{' (standard deviation beyond that of images)' if spread else ''}."
        f"{_once(best, space) if best.once else ''}"
    )


def _once(best: Best, space: Space) -> str:
    """Say what is not said of points that were trained once."""
    these, was = ("it", "was") if best.once == 1 else ("them", "were")
    return (
        f" **{count(best.once, f'other {space.noun}')} {was} trained once**: what is said of "
        f"{these} is said of {'this network' if best.once == 1 else 'these networks'}. Seeds may "
        f"move {these} more than what was trained again, which was picked by its first runs. "
        "`--replicates 3`, or a race, trains all of them again."
    )


def _unlearned(found: Findings, space: Space) -> str:
    """Say which runs are left out, and what holds without them."""
    which = [
        f"{each.runs} of {count(each.of, 'run')} with {space.equation(each.point)}"
        for each in found.unlearned
    ]
    number = sum(each.runs for each in found.unlearned)
    were, their = ("was", "its") if number == 1 else ("were", "their")
    return (
        f"**{count(number, 'network')} did not learn** ({some(which)}): {their} accuracy is not "
        f"above chance. {'It' if number == 1 else 'They'} {were} left out like a run that does not "
        f"complete, so what is said of a {space.noun} holds given that a network trains with it."
    )


def _unshared(space: Space) -> str:
    """Say between which points pairing over seeds is not claimed, and what it means."""
    causes = {HIDDEN: "widths", BATCH_SIZE: "batch sizes"}
    kinds = " or ".join(causes[axis] for axis in space.axes if axis in causes)
    return (
        f"Networks of other {kinds} do not share initial weights and batches. Between them, "
        "pairing over seeds is not claimed: they are paired over images alone, and their "
        "intervals hold all of the noise of seeds, as far as it is known."
    )


def optimism_remark(found: Findings, best: Best) -> str:
    """Say how much the selected score is to be trusted, and what to believe instead."""
    other = " (it is not what was chosen)" if found.chosen != best.point else ""
    text = (
        "The best of several scores is, on average, better than the network behind it. By a "
        "bootstrap of the choice the best of these is too high by "
        f"**{share(best.optimism)}** or more{other}, so the selected score is not one to quote. "
    )
    if found.fresh:
        text += (
            "The fresh seeds took no part in the choice; what they keep of the optimism is what "
            "the validation images alone gave. "
        )
    return text + (
        "The test images took part in nothing, so their score is the one to believe, for the "
        "final model and its length of training."
    )
