"""The section of the matrix of σ × batch normalisation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from reports.drawing.album import Album
from reports.parts.section import Section
from reports.parts.settings import parameters, settings_of
from reports.parts.tables import markdown
from reports.parts.text import count, listed, phrases, share
from reports.sigma_batchnorm.figures import sigma_figures
from reports.sigma_batchnorm.findings import (
    CellFindings,
    Findings,
    Retuned,
    Scales,
    findings,
    thinned,
)
from reports.sigma_batchnorm.tables import cells_table, matrix_table, retune_table
from search.experiments.loss_evolution import network_text, norm_text
from search.experiments.sigma_batchnorm import Cell, SigmaBatchNorm
from search.records import StudyRecord
from search.settings.values import NAMED, number_text


def section(record: StudyRecord, album: Album) -> Section:
    """Write the figures, and return the section."""
    found, study = findings(record), settings_of(record, SigmaBatchNorm)
    shown = thinned(found)
    return Section(
        name="σ × batch norm",
        title=(
            f"Initial weights' σ × batch normalisation of a {network_text(study.hidden)} network "
            f"on {record.data.title}"
        ),
        template="sections/sigma_batchnorm.md.j2",
        context={
            "thinned": _thinned(found, shown),
            "pictures": {"matrix": None, "losses": None, "scales": None}
            | sigma_figures(record, shown, album),
            "matrix": markdown(matrix_table(shown)) if found.cells else "",
            "cells": markdown(cells_table(shown)) if found.cells else "",
            "compared": any(each.reference is not None for each in shown.cells),
            "retune": markdown(retune_table(shown)) if found.retuned else "",
            "retuned": study.retune,
            "unlearned": phrases_of([each for each in found.retuned if not each.learned]),
            "incomplete": phrases_of([each for each in found.retuned if not each.completed]),
            "scales": list(scale_sentences(shown)),
            "lam": number_text(study.lam),
            "test_size": f"{found.test_images:,}",
            "replicates": found.replicates,
        },
        summary=" ".join(summary(found)),
        verdict=verdict(found),
        findings=found,
        settings=own_settings(record),
    )


def own_settings(record: StudyRecord) -> dict[str, str]:
    """Return what the matrix says in the table of settings in its own way."""
    study = settings_of(record, SigmaBatchNorm)
    retuned = f"each cell the best of {listed(study.lambdas)}, by validation accuracy"
    return {
        "network": (
            f"hidden layers {network_text(study.hidden)}, ReLU, softmax; initial weights N(0, σ²) "
            f"with σ = {listed(study.sigmas)}; {_parameters(record)}"
        ),
        "batch normalisation": (
            f"each σ with it (moving averages with α = {number_text(study.alpha)}) and without"
        ),
        "λ": retuned if study.retune else number_text(study.lam),
        "epochs": str(study.epochs),
        "runs of each cell": (
            f"{study.replicates}; every cell starts from the same random numbers times σ and "
            "sees the same batches"
        ),
    }


def _parameters(record: StudyRecord) -> str:
    """Return how many parameters the networks of both kinds have."""
    kinds = {each.trial.batch_norm: parameters(record.data, each.trial) for each in record.trials}
    return phrases([f"{n:,} parameters {norm_text(batch_norm=norm)}" for norm, n in kinds.items()])


def _thinned(found: Findings, shown: Findings) -> str:
    """Say how many values of σ are shown, where not all are."""
    if shown is found:
        return ""
    return (
        f"Tables and figures show {len(shown.sigmas)} of {len(found.sigmas):,} values of σ, "
        "spread over them. All are in `trials.csv`."
    )


def phrases_of(chosen: Sequence[Retuned]) -> str:
    """Return cells as a sentence lists them, many by their number; nothing where there are none."""
    if len(chosen) > NAMED:
        return f"{len(chosen):,} cells"
    cells = [str(Cell(each.sigma, each.batch_norm)) for each in chosen]
    return phrases(cells) if cells else ""


# --- sentences ------------------------------------------------------------------------


def verdict(found: Findings) -> str:
    """Return with how many values of σ networks learn, in one sentence."""
    parts = []
    for norm in (True, False):
        column = [each for each in found.cells if each.batch_norm == norm]
        fine = sum(each.test_accuracy is not None and not each.remarks for each in column)
        parts.append(f"{norm_text(batch_norm=norm)} {fine} of {len(column)}")
    return f"Values of σ with which every network learns: {parts[0]}, {parts[1]}."


def summary(found: Findings) -> Iterator[str]:
    """Yield a sentence on the cells with batch norm, and one on those without."""
    for norm in (True, False):
        column = [each for each in found.cells if each.batch_norm == norm]
        ends: dict[str, list[float]] = {}
        for cell in column:
            for words in cell.remarks:
                ends.setdefault(words, []).append(cell.sigma)
        parts = [_accuracies(found, column)]
        parts += [f"σ = {listed(sigmas)}: {words}" for words, sigmas in ends.items()]
        yield f"{norm_text(batch_norm=norm).capitalize()}, {'; '.join(parts)}."


def _accuracies(found: Findings, column: Sequence[CellFindings]) -> str:
    """Return the test accuracies of some values of σ as a clause."""
    means = {each.sigma: each.test_accuracy.mean for each in column if each.test_accuracy}
    if not means:
        return "no test accuracy yet"
    low, high = share(min(means.values())), share(max(means.values()))
    sure = _certainty(found, column)
    if len(means) > 1:
        values = count(len(means), "value")
        return f"test accuracy is **{low}** to **{high}** over {values} of σ {sure}"
    return f"test accuracy is **{low}** at σ = {listed(means)} {sure}"


def _certainty(found: Findings, column: Sequence[CellFindings]) -> str:
    """Return in brackets how sure the accuracies of a column are."""
    images = f"{found.test_images:,} images"
    if found.replicates == 1:
        largest = max(each.standard_error or 0.0 for each in column)
        return f"({images}, 1 run each, standard errors up to {share(largest)})"
    reached = [each.test_accuracy for each in column if each.test_accuracy]
    spreads = [each.deviation for each in reached if each.deviation is not None]
    spread = f", standard deviations up to {share(max(spreads))}" if spreads else ""
    return f"(means of up to {found.replicates} runs, {images} each{spread})"


def scale_sentences(found: Findings) -> Iterator[str]:
    """Yield, for each cell without batch norm that did not learn, how scales change with depth."""
    first = {(each.sigma, each.batch_norm): each for each in found.scales if each.moment == "first"}
    for each in found.cells:
        bare, normed = (first.get((each.sigma, norm)) for norm in (False, True))
        if not each.batch_norm and each.remarks and bare and normed:
            yield _scale_sentence(bare, normed)


def _scale_sentence(bare: Scales, normed: Scales) -> str:
    small, large = bare.gradients[0], normed.gradients[0]
    times = f", {scale_text(large / small)} times as large" if 10 * small < large and small else ""
    return (
        f"σ = {number_text(bare.sigma)}: activations {_from_first_to_last(bare)}; gradients at "
        f"the first hidden layer {scale_text(small)}. With batch norm: activations "
        f"{_from_first_to_last(normed)}; gradients {scale_text(large)}{times}."
    )


def _from_first_to_last(scales: Scales) -> str:
    first, last = (scale_text(scales.activations[end]) for end in (0, -1))
    return f"{first} in the first hidden layer, {last} in the last"


def scale_text(value: float) -> str:
    """Return a scale with two significant digits."""
    if math.isnan(value):
        return "not finite"
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if 100 <= rounded < 1e6 else number_text(rounded)
