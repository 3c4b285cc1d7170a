"""Does λ help at all: the best point with it against the best one without."""

from __future__ import annotations

from reports.coarse_fine.facts import Baseline, Best, Findings
from reports.parts.text import signed
from search.evidence.compare import LEVEL
from search.space.points import Space


def against_baseline(best: Best, space: Space) -> Baseline | None:
    """Return what is known of a baseline, by its points' differences to the best point.

    The intervals of a search hold together, and so does that of the largest of some differences,
    from the largest of their lower ends to the largest of their upper ones. Which kind of point is
    the better one is known where no point of the other kind is tied with the best.
    """
    without = space.is_baseline(best.point)
    others = [each for each in best.others if space.is_baseline(each.point) is not without]
    if not others:
        return None
    nearest = max(others, key=lambda each: each.difference)
    low, high = max(each.low for each in others), max(each.high for each in others)
    helps = None if any(each.tied for each in others) else not without
    if without:
        return Baseline(best.point, nearest.point, nearest.difference, low, high, helps)
    return Baseline(nearest.point, best.point, -nearest.difference, -high, -low, helps)


def does_it_help(found: Findings, space: Space) -> str:
    """Answer whether λ helps; nothing where no λ = 0 was tried."""
    known = found.baseline
    if known is None:
        tried = {each.point for look in found.looks for each in look.points}
        if not any(map(space.is_baseline, tried)):
            return ""
        return "Whether regularisation helps is not known: λ = 0 and others cannot be compared."
    answer = {
        True: "**Regularisation helps**",
        False: "**Regularisation does not help**",
        None: "**Whether regularisation helps cannot be told**",
    }[known.helps]
    out = "λ = 0" if known.helps else "every λ above 0"
    by_race = known.helps is not None and known.low < 0.0 < known.high
    return (
        f"{answer}: {space.equation(known.rival)} labels {signed(known.gain)} of the validation "
        f"images right against {space.equation(known.point)} ({LEVEL:.0%} interval "
        f"{signed(known.low)} to {signed(known.high)}"
        f"{'' if found.best and found.best.knows_seeds else '; for networks of one seed'})"
        f"{f', and {out} dropped out of the race' if by_race else ''}."
    )
