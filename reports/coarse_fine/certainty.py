"""How sure is the winner: the values compared with it, and the scores to believe."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

import numpy as np
import pandas as pd

from reports.coarse_fine.searched import ended_trials, space_of
from reports.parts.excerpt import Excerpt, excerpt
from reports.parts.tables import accuracies, uncertainty
from reports.parts.text import NONE, count, listed, share, signed
from search.evidence.compare import LEVEL, Comparison
from search.evidence.marks import standard_error_of_share
from search.evidence.mcnemar import exact_pairs, holm
from search.evidence.outcomes import candidates
from search.records import Outcome, StudyRecord, TrialRecord
from search.settings.values import number_text
from search.space.points import only

MCNEMAR = "McNemar's p"
"""The column of `differences_table` that is there where single runs are compared."""


def tied_sentence(found: Comparison) -> str:
    """Say which values cannot be told from the best one, and what was compared."""
    if not found.rows:
        return "There is no other value to compare it with."
    noise = (
        "on the same images and seeds"
        if found.knows_seeds
        else "on the same images, of networks trained with one seed"
    )
    if not found.ties:
        told = "every other value is told from it" if len(found.rows) > 1 else "the other is worse"
        return f"By a paired comparison {noise}, {told} ({LEVEL:.0%} confidence)."
    ties, together = listed([only(point) for point in found.ties]), len(found.ties) + 1
    return (
        f"{ties} cannot be told from it by a paired comparison {noise}: the best "
        f"of the {len(found.rows) + 1:,} values is among these {together} ({LEVEL:.0%} confidence)."
    )


def differences_table(record: StudyRecord, found: Comparison) -> pd.DataFrame:
    """Return one row a value, λ ascending: its difference to the winner and what is known of it.

    Of many values the table holds those that come nearest.
    """
    tests = mcnemar_to_winner(record, found)
    nearest = _nearest(found).shown
    rows = []
    for row in (each for each in found.rows if only(each.point) in nearest):
        cells = {
            "λ": number_text(only(row.point)),
            "runs compared": str(row.runs),
            "difference": signed(row.difference),
            f"{LEVEL:.0%} interval": f"{signed(row.low)} to {signed(row.high)}",
            "p": p_value(row.p, smallest=1.0 / found.draws),
        }
        if tests:
            cells[MCNEMAR] = p_value(tests.get(only(row.point)))
        cells["seen"] = "tied with the best" if row.tied else "worse than the best"
        rows.append(cells)
    return pd.DataFrame(rows)


def differences_remainder(found: Comparison) -> str:
    """Say what `differences_table` leaves out; nothing where it leaves out nothing."""
    nearest = _nearest(found)
    if not nearest.left_out:
        return ""
    tied = len(set(map(only, found.ties)) & set(nearest.left_out))
    return (
        f"These {len(nearest.shown)} values come nearest. Of the other {len(nearest.left_out):,}, "
        f"{tied:,} are tied with the best and {len(nearest.left_out) - tied:,} are worse."
    )


def _nearest(found: Comparison) -> Excerpt:
    return excerpt({only(row.point): row.difference for row in found.rows})


def mcnemar_to_winner(record: StudyRecord, found: Comparison) -> dict[float, float]:
    """Return McNemar's exact p-value of each value that has one run in common with the winner.

    Holm's correction is over all pairs of such values, since the winner was picked from them.
    """
    outcomes = (Outcome(each.trial, each.result) for each in ended_trials(record))
    known = candidates(outcomes, space_of(record))
    lams, winner = np.array([only(each.point) for each in known]), only(found.winner)
    single = np.array([each.runs == 1 for each in known])
    first, second = np.triu_indices(len(known), k=1)
    tested = single[first] | single[second]
    first, second = first[tested], second[tested]
    p = exact_pairs(np.stack([each.correct[0] for each in known]))
    corrected = holm(p[first, second])
    winners = (lams[first] == winner) | (lams[second] == winner)
    others = np.where(lams[first] == winner, lams[second], lams[first])
    return dict(zip(others[winners].tolist(), corrected[winners].tolist(), strict=True))


def p_value(p: float | None, *, smallest: float = 1e-4) -> str:
    """Return a p-value with as many digits as it deserves."""
    if p is None:
        return NONE
    if p < 2 * smallest:
        return f"<{2 * smallest:.4f}"
    return f"{p:.4f}" if p < 0.01 else f"{p:.3f}"


def scores_table(
    record: StudyRecord, found: Comparison, chosen: float, final: TrialRecord | None
) -> pd.DataFrame:
    """Return the chosen value's scores side by side, and what each is worth."""
    trials = [each for each in ended_trials(record) if each.trial.lam == chosen]
    selected, n = fmean(accuracies(trials)), record.data.validation_size
    rows = [
        _score(
            f"selected: {count(len(trials), 'run')}, {n:,} validation images",
            selected,
            found.errors[(chosen,)],
            f"too high by {share(found.optimism)} or so, for having been picked"
            if found.optimism > 0
            else "nothing else came near it, so picking it did not raise it",
        )
    ]
    fresh = [each for each in record.stage("fresh") if accuracies([each])]
    if fresh:
        rows.append(
            _score(
                f"fresh seeds: {count(len(fresh), 'run')}, {n:,} validation images",
                fmean(accuracies(fresh)),
                uncertainty(fresh, found.seeds),
                "free of the luck of seeds, not of the images it was picked on",
            )
        )
    if final and final.result and final.result.test:
        test = final.result.test
        rows.append(
            _score(
                f"test: the final model, {count(final.result.epochs, 'epoch')}, {test.n:,} images",
                test.accuracy,
                standard_error_of_share(test.accuracy, test.n),
                "free of both: believe this one",
            )
        )
    return pd.DataFrame(rows)


def _score(name: str, accuracy: float, error: float | None, worth: str) -> dict[str, str]:
    return {
        "score": name,
        "accuracy": share(accuracy),
        "standard error": share(error),
        "what it is worth": worth,
    }


def remarks(found: Comparison, *, select: str) -> Iterator[str]:
    """Yield what a reader has to know of the comparison, a paragraph each."""
    winner, error = number_text(only(found.winner)), share(found.errors[found.winner])
    yield (
        f"The one-standard-error choice, the largest λ within one standard error ({error}) of the "
        f"best, is **{number_text(only(found.one_se))}**"
        f"{', which the final model was trained with' if select == '1se' else ''}."
    )
    if not found.rows:
        return
    yield (
        f"Differences are accuracy less that of {winner}, over the runs that both have, on the "
        f"same images. An interval covers the true difference in {LEVEL:.0%} of such searches, "
        "whichever value turns out the best; p is the chance of a difference this large where "
        "there is none. A value is tied with the best when its interval does not lie below zero."
    )
    yield _on_seeds(found)


def _on_seeds(found: Comparison) -> str:
    if not found.knows_seeds:
        return (
            "**Every value was trained once, so these intervals hold the noise of images alone.** "
            "They say whether these networks differ, not whether networks from other seeds would "
            "rank their values alike; `--replicates 3` puts the noise of seeds into them."
        )
    seeds = found.seeds
    times = f"{max(0.0, seeds.dispersion):.2g}"
    spread = float(np.sqrt(seeds.level))
    return (
        "The noise of seeds is in the intervals. Between replicates, differences vary "
        f"{times} times as much as images alone would make them ({seeds.freedom} degrees of "
        f"freedom, pooled over all values); one run's accuracy varies over seeds by "
        f"{share(spread) if spread else 'too little to be seen'}"
        f"{' (standard deviation beyond that of images)' if spread else ''}."
    )


def optimism_remark(record: StudyRecord, found: Comparison, chosen: float) -> str:
    """Say how much the selected score is to be trusted, and what to believe instead."""
    other = " (it is not what was chosen)" if chosen != only(found.winner) else ""
    text = (
        "The best of several scores is, on average, better than the network behind it. By a "
        f"bootstrap the best of these is too high by **{share(found.optimism)}**"
        f"{other}, so the selected score is not one to quote. "
    )
    if record.stage("replicates"):
        text += (
            "That the values with replicates were themselves the best by their first runs is not "
            "in this figure. "
        )
    if record.stage("fresh"):
        text += (
            "The fresh seeds took no part in the choice; what they keep of the optimism is what "
            "the validation images alone gave. "
        )
    return text + (
        "The test images took part in nothing, so their score is the one to believe, for the "
        "final model and its length of training."
    )
