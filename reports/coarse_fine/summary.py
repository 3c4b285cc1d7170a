"""What came of a λ search: in one sentence, and in a few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from reports.coarse_fine.certainty import tied_sentence
from reports.coarse_fine.searched import ended_trials
from reports.parts.tables import accuracies, by_lam, learned
from reports.parts.text import count, phrases, share
from search.evidence.compare import Comparison
from search.evidence.marks import standard_error_of_share
from search.records import Figures, State, StudyRecord, TrialRecord
from search.settings.values import number_text
from search.space.points import only


def verdict(
    record: StudyRecord, best: float | None, found: Comparison | None, final: TrialRecord | None
) -> str:
    """Return what came of the search in one sentence."""
    if found is None:
        return "No value of λ has completed."
    winner, values = only(found.winner), count(len(found.rows) + 1, "value")
    if not learned(fmean(accuracies(by_lam(ended_trials(record))[winner])), record.data):
        return f"No network learned, whichever of {values} of λ it was trained with."
    so_far = "" if record.finished else "So far, "
    text = f"{so_far}λ = {number_text(winner)} did best of {values}{_told(found)}"
    if scores := final_scores(record):
        chosen = "" if best == winner else f", trained with λ = {number_text(best or 0.0)},"
        text += f"; the final model{chosen} labels {scores} right"
    elif final is not None and final.state is State.DIVERGED:
        text += "; the final model diverged"
    return f"{text}."


def _told(found: Comparison) -> str:
    if not found.rows:
        return ""
    return (
        f", and {len(found.ties)} of the others cannot be told from it"
        if found.ties
        else ", and every other one is worse"
    )


def final_scores(record: StudyRecord) -> str:
    """Return the share of test images that the final model labels right; of both, where it has two.

    The one that is kept comes first. Nothing where none was measured.
    """
    finals = _tested(record)
    length = " ({})".format if len(finals) > 1 else "".format
    scores = [
        f"{share(test.accuracy)} ± {share(_error(test))}{length(count(epochs, 'epoch'))}"
        for epochs, test in finals
    ]
    return f"{phrases(scores)} of the test images" if scores else ""


def _tested(record: StudyRecord) -> list[tuple[int, Figures]]:
    """Return the epochs and test figures of the final models, the one that is kept first."""
    finals = sorted(record.stage("final"), key=lambda each: each.trial.id != record.chosen)
    return [(r.epochs, r.test) for each in finals if (r := each.result) and r.test]


def _error(test: Figures) -> float:
    return standard_error_of_share(test.accuracy, test.n)


def summary(record: StudyRecord, best: float | None, found: Comparison | None) -> Iterator[str]:
    """Yield the sentences of the summary."""
    if found is None:
        yield "No value of λ has completed."
        return
    groups = by_lam(ended_trials(record))
    winner = only(found.winner)
    runs = groups[winner]
    yield (
        f"Of {count(len(found.rows) + 1, 'value')} of λ, **{number_text(winner)}** has the best "
        f"validation accuracy{_of_finalists(groups, len(runs))}: "
        f"{share(fmean(accuracies(runs)))} (standard error {share(found.errors[found.winner])}, "
        f"{record.data.validation_size:,} images, {count(len(runs), 'run')})."
    )
    yield tied_sentence(found)
    with_it = "it" if best == winner else f"the one-standard-error choice {_bold(best)}"
    for place, (epochs, test) in enumerate(_tested(record)):
        how = f"The final model, trained with {with_it}" if place == 0 else "Another one, trained"
        yield (
            f"{how} for {count(epochs, 'epoch')}, labels **{share(test.accuracy)}** of the "
            f"{test.n:,} test images right (standard error {share(_error(test))})."
        )


def _of_finalists(groups: Mapping[float, Sequence[TrialRecord]], runs: int) -> str:
    """Say that some values were trained more often than others, where they were."""
    complete = [group for group in groups.values() if len(accuracies(group)) == len(group)]
    rivals = sum(len(group) == runs for group in complete)
    return "" if rivals == len(complete) else f" of the {rivals} that were trained {runs} times"


def _bold(lam: float | None) -> str:
    return f"**{number_text(lam)}**" if lam is not None else ""
