"""The tables of a search: findings as text."""

from __future__ import annotations

import pandas as pd

from reports.coarse_fine.facts import Against, Best, Final, Findings, Look, Reached, Score
from reports.coarse_fine.words import cells
from reports.parts.excerpt import Excerpt, excerpt
from reports.parts.text import NONE, count, real, share, signed
from search.evidence.compare import LEVEL
from search.space.axis import AXES
from search.space.points import Point, Space

MCNEMAR = "McNemar's p"
"""The column of `differences_table` that is there where single runs are compared."""


def grid_table(look: Look, space: Space, *, chosen: Point | None) -> pd.DataFrame:
    """Return one row a point of a stage, ascending; the chosen one is marked.

    Of many points the table holds the best ones, that one, and those of the reference.
    """
    shown = set(_excerpt(look, chosen).shown)
    return pd.DataFrame(
        [
            _grid_row(look, space, each, mark="**" if each.point == chosen else "")
            for each in look.points
            if each.point in shown
        ]
    )


def grid_remainder(look: Look, space: Space, *, chosen: Point | None) -> str:
    """Say what `grid_table` leaves out; nothing where it leaves out nothing."""
    found = _excerpt(look, chosen)
    if not found.left_out:
        return ""
    left_out = set(found.left_out)
    means = [each.accuracy for each in look.points if each.point in left_out]
    known = [mean for mean in means if mean is not None]
    shown = f"{len(found.shown)} of {len(look.points):,} {space.noun}s"
    parts = [f"These are {shown}, the best ones among them"]
    if known:
        parts.append(f"{len(known):,} others have {share(min(known))} to {share(max(known))}")
    if len(known) < len(means):
        parts.append(f"{len(means) - len(known):,} have no accuracy")
    return f"{'; '.join(parts)}. All are in `trials.csv`."


def _excerpt(look: Look, chosen: Point | None) -> Excerpt[Point]:
    scores = {
        each.point: float("nan") if each.accuracy is None else each.accuracy for each in look.points
    }
    published = [each.point for each in look.points if each.reference is not None]
    return excerpt(scores, keep=(*published, *([] if chosen is None else [chosen])))


def _grid_row(look: Look, space: Space, each: Reached, *, mark: str) -> dict[str, str]:
    row = {
        **cells(space, each.point, mark=mark),
        "validation accuracy": f"{mark}{share(each.accuracy)}{mark}",
        "standard error": share(each.error),
    }
    if look.replicated:
        row["replicates"] = str(each.runs)
        row["lowest to highest"] = (
            f"{share(each.lowest)} to {share(each.highest)}" if each.runs else NONE
        )
    if look.compared:
        known = each.accuracy is not None and each.reference is not None
        row["reference"] = share(each.reference)
        row["difference"] = signed(_less(each.accuracy, each.reference)) if known else NONE
    row["train accuracy"] = share(each.train_accuracy)
    row["validation loss"] = real(each.validation_loss)
    row["seconds a run"] = real(each.seconds, 1)
    row["state"] = "; ".join(each.states)
    return row


def _less(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def differences_table(best: Best, space: Space) -> pd.DataFrame:
    """Return one row a point, ascending: its difference to the best one and what is known of it.

    Of many points the table holds those that come nearest.
    """
    shown = set(_nearest(best).shown)
    tested = any(each.mcnemar is not None for each in best.others)
    return pd.DataFrame(
        [
            _difference_row(best, space, each, tested=tested)
            for each in best.others
            if each.point in shown
        ]
    )


def _difference_row(best: Best, space: Space, row: Against, *, tested: bool) -> dict[str, str]:
    found = {
        **cells(space, row.point),
        "runs compared": str(row.runs),
        "difference": signed(row.difference),
        f"{LEVEL:.0%} interval": f"{signed(row.low)} to {signed(row.high)}",
        "p": p_value(row.p, smallest=1.0 / best.draws),
    }
    if tested:
        found[MCNEMAR] = p_value(row.mcnemar)
    found["seen"] = _seen(best, row)
    return found


def _seen(best: Best, row: Against) -> str:
    """Say what a row's interval says, and why McNemar's test of the two networks may say more."""
    if not row.tied:
        return "worse than the best"
    if row.mcnemar is None or row.mcnemar > 1.0 - LEVEL:
        return "tied with the best"
    return "tied with the best: " + (
        "these two networks differ, but with other seeds they may not"
        if best.knows_seeds
        else "its interval reaches zero, if McNemar's test does see a difference"
    )


def differences_remainder(best: Best, space: Space) -> str:
    """Say what `differences_table` leaves out; nothing where it leaves out nothing."""
    nearest = _nearest(best)
    if not nearest.left_out:
        return ""
    tied = len(set(best.ties) & set(nearest.left_out))
    return (
        f"These {len(nearest.shown)} {space.noun}s come nearest. Of the other "
        f"{len(nearest.left_out):,}, {tied:,} are tied with the best and "
        f"{len(nearest.left_out) - tied:,} are worse."
    )


def _nearest(best: Best) -> Excerpt[Point]:
    return excerpt({row.point: row.difference for row in best.others})


def p_value(p: float | None, *, smallest: float = 1e-4) -> str:
    """Return a p-value with as many digits as it deserves."""
    if p is None:
        return NONE
    if p < 2 * smallest:
        return f"<{2 * smallest:.4f}"
    return f"{p:.4f}" if p < 0.01 else f"{p:.3f}"


def scores_table(found: Findings) -> pd.DataFrame:
    """Return the chosen point's scores side by side, and what each is worth."""
    rows = []
    if found.selected and found.best:
        optimism = found.best.optimism
        worth = (
            f"too high by {share(optimism)} or more, for having been picked"
            if optimism > 0
            else "nothing else came near it, so picking it did not raise it"
        )
        rows.append(_score("selected", found.selected, worth))
    if found.fresh:
        worth = "free of the luck of seeds, not of the images it was picked on"
        rows.append(_score("fresh seeds", found.fresh, worth))
    kept = found.kept
    if kept and kept.test:
        rows.append(
            {
                "score": (
                    f"test: the final model, {count(kept.trained, 'epoch')}, "
                    f"{kept.test.images:,} images"
                ),
                "accuracy": share(kept.test.accuracy),
                "standard error": share(kept.test.error),
                "what it is worth": "free of both: believe this one",
            }
        )
    return pd.DataFrame(rows)


def _score(name: str, score: Score, worth: str) -> dict[str, str]:
    return {
        "score": f"{name}: {count(score.runs, 'run')}, {score.images:,} validation images",
        "accuracy": share(score.accuracy),
        "standard error": share(score.error),
        "what it is worth": worth,
    }


def final_table(final: Final) -> pd.DataFrame:
    """Return the final model's figures on the three parts of the data."""
    rows = []
    for each in final.parts:
        row = {
            "images": f"{each.part} ({each.images:,})",
            "accuracy": share(each.accuracy),
            "standard error": share(each.error),
            "loss": real(each.loss),
            "cost": real(each.cost),
        }
        if final.comparable:
            row["reference accuracy"] = share(each.reference)
            row["difference"] = signed(_less(each.accuracy, each.reference))
        rows.append(row)
    return pd.DataFrame(rows)


def explained_table(found: Findings) -> pd.DataFrame:
    """Return one row an axis or pair: the share of the variance of accuracy that it explains."""
    return pd.DataFrame(
        {
            "setting": " × ".join(AXES[name].title for name in each.axes),
            "share of variance": f"{each.share:.0%}",
            f"{LEVEL:.0%} interval": f"{each.low:.0%} to {each.high:.0%}",
        }
        for each in found.explained
    )
