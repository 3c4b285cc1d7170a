"""The section of a search: its grids or samples, how sure it is, and the final model."""

from __future__ import annotations

from typing import Any

from reports.coarse_fine.certainty import optimism_remark, remarks, tied_sentence
from reports.coarse_fine.classes import classes_remainder, classes_table
from reports.coarse_fine.facts import Best, Final, Findings
from reports.coarse_fine.figures import figures
from reports.coarse_fine.findings import findings
from reports.coarse_fine.searched import search_of
from reports.coarse_fine.settings import own_settings
from reports.coarse_fine.summary import summary, verdict
from reports.coarse_fine.tables import (
    MCNEMAR,
    differences_remainder,
    differences_table,
    explained_table,
    final_table,
    grid_remainder,
    grid_table,
    scores_table,
)
from reports.coarse_fine.words import named
from reports.drawing.album import Album
from reports.parts import reference
from reports.parts.section import Section
from reports.parts.tables import markdown
from reports.parts.text import count, paragraphs, share, signed
from search.evidence.paired import LEVEL
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import StudyRecord
from search.settings.values import number_text
from search.space.axis import HIDDEN
from search.space.points import Space

NO_PICTURES = dict.fromkeys(
    (
        *("accuracy", "map", "parallel", "margins", "differences", "order"),
        *("race", "learning", "eta", "final", "confusion", "weights", "mistakes"),
    )
)
"""The template's figures; those that a study has no results for stay away."""


def section(record: StudyRecord, album: Album) -> Section:
    """Write the figures, and return the section."""
    search, found = search_of(record), findings(record)
    space = search.space
    return Section(
        name=f"{space.name} search",
        title=_title(record, space),
        template="sections/coarse_fine.md.j2",
        context=_context(record, album, search, found),
        summary=" ".join(summary(found, space)),
        verdict=verdict(found, space),
        findings=found,
        settings=own_settings(record),
    )


def _title(record: StudyRecord, space: Space) -> str:
    hidden = ", ".join(str(width) for width in record.trials[0].trial.hidden)
    network = "networks" if HIDDEN in space.axes else f"a [{hidden}] network"
    what = space.axes[0].title if len(space.axes) == 1 else f"search over {space.name}"
    return f"The {what} of {network} on {record.data.title}"


def _context(
    record: StudyRecord, album: Album, search: SearchSettings, found: Findings
) -> dict[str, Any]:
    space, finals = search.space, found.finals
    kept = found.kept
    return {
        "record": record,
        "search": f"{space.name} search",
        "noun": space.noun,
        "of": f" of {space.name}" if len(space.axes) == 1 else "",
        "pictures": NO_PICTURES | figures(record, album, search, found),
        "grids": {
            look.title.capitalize(): paragraphs(
                markdown(grid_table(look, space, chosen=found.chosen)),
                grid_remainder(look, space, chosen=found.chosen),
            )
            for look in found.looks
        },
        "replicated": found.replicated,
        "compared": any(look.compared for look in found.looks),
        "explained": markdown(explained_table(found)) if found.explained else "",
        "sure": _sure(found, found.best, search) if found.best else None,
        "classes": paragraphs(
            markdown(classes_table(found.classes)), classes_remainder(found.classes)
        )
        if found.classes
        else "",
        "kept": count(kept.epochs, "epoch") if kept else "",
        "tested": bool(kept and kept.test),
        "finals": [
            (count(each.epochs, "epoch"), markdown(final_table(each)), final_remarks(each))
            for each in finals
        ],
    }


def _sure(found: Findings, best: Best, search: SearchSettings) -> dict[str, Any]:
    """Return what the section on the winner is given."""
    space = search.space
    differences = differences_table(best, space)
    return {
        "winner": named(space, best.point),
        "tied": tied_sentence(best, space),
        "remarks": list(remarks(found, search)),
        "differences": paragraphs(markdown(differences), differences_remainder(best, space))
        if best.others
        else "",
        "tested": MCNEMAR in differences,
        "scores": markdown(scores_table(found)),
        "optimism": optimism_remark(found, best),
    }


def final_remarks(final: Final) -> str:
    """Return what has to be said of a final model beside its figures."""
    return paragraphs(_more(final), together(final), final_remark(final))


def _more(final: Final) -> str:
    """Say which images it was trained on, where they are more than the search's."""
    if not final.more:
        return ""
    return (
        f"It is trained on {final.train_size:,} images: on those of the search and {final.more:,} "
        "that validate there. Its validation accuracy is of the images that are left, and cannot "
        "be compared with those of the search."
    )


def together(final: Final) -> str:
    """Say what an ensemble brings; nothing where there is none."""
    found = final.ensemble
    if found is None:
        return ""
    told = "" if found.low > 0 or found.high < 0 else ", which may be nothing"
    return (
        f"Ensemble: the probabilities of the networks at this training's last {found.networks} "
        f"cycle ends, averaged, label {share(found.accuracy)} ± {share(found.error)} of the test "
        f"images right, {signed(found.difference)} against the last network alone "
        f"({LEVEL:.0%} interval {signed(found.low)} to {signed(found.high)}, image by image"
        f"{told}). "
        "`model.npz` holds all of them and answers as the ensemble does; the figures of single "
        "classes and mistakes are the last network's."
    )


def final_remark(final: Final) -> str:
    """Return how the final model's training compares with the reference's."""
    published, test = reference.FINAL, final.test
    if not final.comparable or test is None:
        return ""
    same = (final.epochs, final.alpha) == (published.epochs, published.alpha)
    how = (
        "the same epochs and α"
        if same
        else f"{published.epochs} epochs and α = {number_text(published.alpha)}"
    )
    return (
        f"The reference's final model used λ = {number_text(published.lam)} and {how} and reached "
        f"{share(published.test_accuracy)} on the test set; this one used "
        f"λ = {number_text(final.lam)}, {final.epochs} epochs and "
        f"α = {number_text(final.alpha)}: "
        f"{signed(test.accuracy - published.test_accuracy)}."
    )
