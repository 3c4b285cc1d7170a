"""The section of a λ search: both grids and the final model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.coarse_fine.certainty import (
    MCNEMAR,
    differences_remainder,
    differences_table,
    optimism_remark,
    remarks,
    scores_table,
    tied_sentence,
)
from reports.coarse_fine.figures import lambda_figures
from reports.coarse_fine.model import classes_remainder, classes_table
from reports.coarse_fine.searched import ended_trials, known_of, search_stages, stage_title
from reports.coarse_fine.summary import summary, verdict
from reports.drawing.album import Album
from reports.parts import reference
from reports.parts.section import Section
from reports.parts.tables import (
    NO_SEEDS,
    final_table,
    grid_remainder,
    grid_table,
    markdown,
    reference_values,
)
from reports.parts.text import count, paragraphs, share, signed
from search.evidence.compare import Comparison
from search.records import StudyRecord, TrialRecord
from search.settings.values import number_text
from search.space.points import only

NO_PICTURES = dict.fromkeys(
    (
        *("lambda", "differences", "order", "learning", "eta"),
        *("final", "confusion", "weights", "mistakes"),
    )
)
"""The template's figures; those that a study has no results for stay away."""


def section(record: StudyRecord, album: Album) -> Section:
    """Write the figures, and return the section."""
    final = next((t for t in record.trials if t.trial.id == record.chosen), None)
    found = known_of(record)
    best = final.trial.lam if final else only(found.winner) if found else None
    hidden = ", ".join(str(width) for width in record.trials[0].trial.hidden)
    return Section(
        name="λ search",
        title=f"The L2 strength λ of a [{hidden}] network on {record.data.title}",
        template="sections/coarse_fine.md.j2",
        context=_context(record, album, best, found, final),
        summary=" ".join(summary(record, best, found)),
        verdict=verdict(record, best, found, final),
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
            f"{spec['replicates']}{_more_runs(spec)}; every λ starts from the same weights and "
            "sees the same batches"
        ),
        "choice of λ": _choice(spec),
    }


def _more_runs(spec: Mapping[str, Any]) -> str:
    """Say how often the best values are trained, where that is more often than the others."""
    values, _, runs = spec["replicate_top"].partition(":")
    more = spec["replicate_top"] != "off" and int(runs) > spec["replicates"]
    return f", and {runs} of the best {values}" if more else ""


def _choice(spec: Mapping[str, Any]) -> str:
    rule = {
        "best": "the highest mean validation accuracy",
        "1se": "the largest λ within one standard error of the highest mean validation accuracy",
    }[spec["select"]]
    bounds = spec["lambda_bounds"]
    edges = (
        "the grids' ends are not passed"
        if bounds == "off"
        else f"beyond the grids' ends down to {number_text(bounds[0])}, up to "
        f"{number_text(bounds[1])}"
    )
    rounds = "until the data cannot tell more" if spec["rounds"] == "auto" else spec["rounds"]
    return f"{rule}; {edges}; rounds: {rounds}"


def _context(
    record: StudyRecord,
    album: Album,
    best: float | None,
    found: Comparison | None,
    final: TrialRecord | None,
) -> dict[str, Any]:
    seeds = found.seeds if found else NO_SEEDS
    figures = lambda_figures(record, album, best=best, found=found, final=final)
    return {
        "record": record,
        "final": final if final is not None and final.result else None,
        "pictures": NO_PICTURES | figures,
        "grids": {
            stage_title(stage): paragraphs(
                markdown(grid_table(record, stage, best=best, seeds=seeds)),
                grid_remainder(record, stage, best=best),
            )
            for stage in search_stages(record)
        },
        "replicated": any(each.trial.replicate for each in ended_trials(record)),
        "compared": any(
            reference_values(record, record.stage(s), s) for s in search_stages(record)
        ),
        "sure": _sure(record, best, found, final) if found else None,
        "classes": _classes(record, final),
        "kept": count(final.trial.epochs, "epoch") if final else "",
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


def _classes(record: StudyRecord, final: TrialRecord | None) -> str:
    """Return the final model's accuracies class by class; nothing where it has none."""
    counts = final.result.arrays.get("confusion") if final and final.result else None
    if counts is None:
        return ""
    table = markdown(classes_table(counts, record.data.classes))
    return paragraphs(table, classes_remainder(counts))


def _sure(
    record: StudyRecord, best: float | None, found: Comparison, final: TrialRecord | None
) -> dict[str, Any]:
    """Return what the section on the winner is given."""
    chosen = only(found.winner) if best is None else best
    differences = differences_table(record, found)
    return {
        "winner": number_text(only(found.winner)),
        "tied": tied_sentence(found),
        "remarks": list(remarks(found, select=record.spec["select"])),
        "differences": paragraphs(markdown(differences), differences_remainder(found))
        if found.rows
        else "",
        "tested": MCNEMAR in differences,
        "scores": markdown(scores_table(record, found, chosen, final)),
        "optimism": optimism_remark(record, found, chosen),
    }


def final_remark(record: StudyRecord, final: TrialRecord) -> str:
    """Return how the final model's training compares with the reference's."""
    result, published = final.result, reference.FINAL
    if result is None or result.test is None or not reference.comparable(record.data, final.trial):
        return ""
    same = (final.trial.epochs, final.trial.alpha) == (published.epochs, published.alpha)
    how = (
        "the same epochs and α"
        if same
        else f"{published.epochs} epochs and α = {number_text(published.alpha)}"
    )
    return (
        f"The reference's final model used λ = {number_text(published.lam)} and {how} and reached "
        f"{share(published.test_accuracy)} on the test set; this one used "
        f"λ = {number_text(final.trial.lam)}, {final.trial.epochs} epochs and "
        f"α = {number_text(final.trial.alpha)}: "
        f"{signed(result.test.accuracy - published.test_accuracy)}."
    )
