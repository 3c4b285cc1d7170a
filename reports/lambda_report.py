"""The section of a λ search: both grids and the final model."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Any

from reports import reference
from reports.album import Album
from reports.figures import GRIDS, lambda_figures
from reports.section import Section
from reports.tables import (
    accuracies,
    by_lam,
    final_table,
    grid_table,
    markdown,
    reference_values,
    uncertainty,
)
from reports.text import count, listed, share, signed, standard_error
from search.records import StudyRecord, TrialRecord
from search.values import number_text

NO_PICTURES = dict.fromkeys(("lambda", "learning", "eta", "final", "confusion"))
"""The template's figures; those that a study has no results for stay away."""


def section(record: StudyRecord, album: Album) -> Section:
    """Write the figures, and return the section."""
    final = next((t for t in record.trials if t.trial.id == record.chosen), None)
    best = final.trial.lam if final else best_so_far(record)
    hidden = ", ".join(str(width) for width in record.trials[0].trial.hidden)
    return Section(
        name="λ search",
        title=f"The L2 strength λ of a [{hidden}] network on {record.data.title}",
        template="sections/lambda_coarse_fine.md.j2",
        context=_context(record, album, best, final),
        summary=" ".join(summary(record, best, final)),
        settings=own_settings(record),
    )


def own_settings(record: StudyRecord) -> dict[str, str]:
    """Return what a λ search adds to the table of settings."""
    spec = record.spec
    return {
        "epochs": (
            f"{spec['epochs']} in the search, {spec['final_epochs']} for the final model "
            f"(α = {number_text(spec['final_alpha'])})"
        ),
        "runs of each value": (
            f"{spec['replicates']}; every λ starts from the same weights and sees the same batches"
        ),
    }


def _context(
    record: StudyRecord, album: Album, best: float | None, final: TrialRecord | None
) -> dict[str, Any]:
    return {
        "record": record,
        "final": final if final is not None and final.result else None,
        "pictures": NO_PICTURES | lambda_figures(record, album, best=best, final=final),
        "grids": {
            stage: markdown(grid_table(record, stage, best=best))
            for stage in GRIDS
            if record.stage(stage)
        },
        "compared": any(reference_values(record, record.stage(s), s) for s in GRIDS),
        "finals": [
            (
                count(each.trial.epochs, "epoch"),
                markdown(final_table(record, each)),
                final_remark(record, each),
            )
            for each in record.stage("final")
            if each.result
        ],
    }


def search_trials(record: StudyRecord) -> dict[float, tuple[TrialRecord, ...]]:
    """Return the replicates of every λ that the grids hold."""
    trials = {trial.trial.id: trial for stage in GRIDS for trial in record.stage(stage)}
    return dict(by_lam(list(trials.values())))


def means(record: StudyRecord) -> dict[float, float]:
    """Return the mean validation accuracy of every λ whose runs all completed."""
    return {
        lam: fmean(accuracies(group))
        for lam, group in search_trials(record).items()
        if len(accuracies(group)) == len(group)
    }


def best_so_far(record: StudyRecord) -> float | None:
    """Return the best λ among those that completed; ties go to the larger."""
    return max(means(record).items(), key=lambda pair: pair[::-1], default=(None, 0.0))[0]


def summary(record: StudyRecord, best: float | None, final: TrialRecord | None) -> Iterator[str]:
    """Yield the sentences of the summary."""
    if best is None:
        yield "No value of λ has completed."
        return
    found, groups = means(record), search_trials(record)
    error = uncertainty(groups[best])
    yield (
        f"Of {count(len(found), 'value')} of λ, **{number_text(best)}** has the best validation "
        f"accuracy: {share(found[best])} (standard error {share(error)}, "
        f"{record.data.validation_size:,} images, {count(len(groups[best]), 'run')})."
    )
    yield close_values(found, best, error or 0.0)
    if final and final.result and final.result.test:
        test = final.result.test
        yield (
            f"The final model, trained with it for {count(final.result.epochs, 'epoch')}, labels "
            f"**{share(test.accuracy)}** of the {test.n:,} test images right (standard error "
            f"{share(standard_error(test.accuracy, test.n))})."
        )


def close_values(found: dict[float, float], best: float, error: float) -> str:
    """Return a sentence on the values that are as good as the best one, for all one can see."""
    close = [lam for lam, mean in found.items() if lam != best and found[best] - mean <= error]
    if not close:
        return "No other value comes within one standard error of it."
    verb = "lies" if len(close) == 1 else "lie"
    return (
        f"{listed(close)} {verb} within one standard error of it, so this search does not show "
        "that the best value is better than "
        f"{'that one' if len(close) == 1 else 'those'}."
    )


def final_remark(record: StudyRecord, final: TrialRecord) -> str:
    """Return how the final model's training compares with the reference's."""
    result, published = final.result, reference.FINAL
    if result is None or result.test is None or not reference.comparable(record.data, final.trial):
        return ""
    same = (final.trial.epochs, final.trial.alpha) == (published.epochs, published.alpha)
    how = (
        "the same" if same else f"{published.epochs} epochs and α = {number_text(published.alpha)}"
    )
    return (
        f"The reference's final model used λ = {number_text(published.lam)} and {how} and reached "
        f"{share(published.test_accuracy)} on the test set; this one used "
        f"λ = {number_text(final.trial.lam)}, {final.trial.epochs} epochs and "
        f"α = {number_text(final.trial.alpha)}: "
        f"{signed(result.test.accuracy - published.test_accuracy)}."
    )
