"""The section of the matrix of σ × batch normalisation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import fmean, stdev

import pandas as pd

from reports.drawing.album import Album
from reports.parts.comparison import Trials, remarks
from reports.parts.section import Section
from reports.parts.settings import parameters
from reports.parts.tables import markdown
from reports.parts.text import count, listed, phrases, share
from reports.sigma_batchnorm.figures import cell_scales, layer_scales, sigma_figures
from reports.sigma_batchnorm.tables import (
    Cells,
    cells,
    cells_table,
    matrix_table,
    nothing_completed,
    nothing_learned,
    published,
    retune_table,
    test_accuracies,
    test_error,
    thinned,
)
from search.experiments.loss_evolution import network_text, norm_text
from search.experiments.sigma_batchnorm import RETUNE, Cell
from search.records import StudyRecord
from search.settings.values import NAMED, number_text


def section(record: StudyRecord, album: Album) -> Section:
    """Write the figures, and return the section."""
    every, trial = cells(record), record.trials[0].trial
    whole, record = record, thinned(record)
    matrix = cells(record)
    return Section(
        name="σ × batch norm",
        title=(
            f"Initial weights' σ × batch normalisation of a {network_text(trial.hidden)} network "
            f"on {record.data.title}"
        ),
        template="sections/sigma_batchnorm.md.j2",
        context={
            "record": record,
            "thinned": _thinned(every, matrix),
            "pictures": {"matrix": None, "losses": None, "scales": None}
            | sigma_figures(record, album),
            "matrix": markdown(matrix_table(record)) if matrix else "",
            "cells": markdown(cells_table(record)) if matrix else "",
            "compared": any(published(record, runs) is not None for runs in matrix.values()),
            "retune": markdown(retune_table(record)) if record.stage(RETUNE) else "",
            "unlearned": phrases_of(nothing_learned(whole)),
            "incomplete": phrases_of(nothing_completed(whole)),
            "scales": list(scale_sentences(record)),
            "lam": number_text(float(record.spec["lam"])),
            "test_size": f"{record.data.test_size:,}",
            "replicates": int(record.spec["replicates"]),
        },
        summary=" ".join(summary(whole, every)),
        verdict=verdict(whole, every),
        settings=own_settings(record),
    )


def own_settings(record: StudyRecord) -> dict[str, str]:
    """Return what the matrix says in the table of settings in its own way."""
    trial, spec = record.trials[0].trial, record.spec
    retuned = f"each cell the best of {listed(spec['lambdas'])}, by validation accuracy"
    return {
        "network": (
            f"hidden layers {network_text(trial.hidden)}, ReLU, softmax; initial weights N(0, σ²) "
            f"with σ = {listed(spec['sigmas'])}; {_parameters(record)}"
        ),
        "batch normalisation": (
            f"each σ with it (moving averages with α = {number_text(trial.alpha)}) and without"
        ),
        "λ": retuned if spec["retune"] else number_text(trial.lam),
        "epochs": str(trial.epochs),
        "runs of each cell": (
            f"{spec['replicates']}; every cell starts from the same random numbers times σ and "
            "sees the same batches"
        ),
    }


def _parameters(record: StudyRecord) -> str:
    """Return how many parameters the networks of both kinds have."""
    kinds = {each.trial.batch_norm: parameters(record.data, each.trial) for each in record.trials}
    return phrases([f"{n:,} parameters {norm_text(batch_norm=norm)}" for norm, n in kinds.items()])


def _thinned(every: Cells, shown: Cells) -> str:
    """Say how many values of σ are shown, where not all are."""
    of, some = ({cell.sigma for cell in each} for each in (every, shown))
    if len(some) == len(of):
        return ""
    return (
        f"Tables and figures show {len(some)} of {len(of):,} values of σ, spread over them. All "
        "are in `trials.csv`."
    )


def phrases_of(chosen: tuple[Cell, ...]) -> str:
    """Return cells as a sentence lists them, many by their number; nothing where there are none."""
    if len(chosen) > NAMED:
        return f"{len(chosen):,} cells"
    return phrases([str(cell) for cell in chosen]) if chosen else ""


# --- sentences ------------------------------------------------------------------------


def verdict(record: StudyRecord, matrix: Cells) -> str:
    """Return with how many values of σ networks learn, in one sentence."""
    parts = []
    for norm in (True, False):
        cells = [runs for cell, runs in matrix.items() if cell.batch_norm == norm]
        fine = sum(bool(test_accuracies(runs)) and not remarks(record, runs) for runs in cells)
        parts.append(f"{norm_text(batch_norm=norm)} {fine} of {len(cells)}")
    return f"Values of σ with which every network learns: {parts[0]}, {parts[1]}."


def summary(record: StudyRecord, matrix: Cells) -> Iterator[str]:
    """Yield a sentence on the cells with batch norm, and one on those without."""
    for norm in (True, False):
        column = {cell.sigma: runs for cell, runs in matrix.items() if cell.batch_norm == norm}
        found = {s: fmean(v) for s, runs in column.items() if (v := test_accuracies(runs))}
        ends: dict[str, list[float]] = {}
        for sigma, runs in column.items():
            for words in remarks(record, runs):
                ends.setdefault(words, []).append(sigma)
        parts = [_accuracies(found) + (f" {_certainty(record, column)}" if found else "")]
        parts += [f"σ = {listed(sigmas)}: {words}" for words, sigmas in ends.items()]
        yield f"{norm_text(batch_norm=norm).capitalize()}, {'; '.join(parts)}."


def _accuracies(found: Mapping[float, float]) -> str:
    """Return the test accuracies of some values of σ as a clause."""
    low, high = (share(end(found.values(), default=None)) for end in (min, max))
    if len(found) > 1:
        values = count(len(found), "value")
        return f"test accuracy is **{low}** to **{high}** over {values} of σ"
    return f"test accuracy is **{low}** at σ = {listed(found)}" if found else "no test accuracy yet"


def _certainty(record: StudyRecord, column: Mapping[float, Trials]) -> str:
    """Return in brackets how sure the accuracies of a column are."""
    images = f"{record.data.test_size:,} images"
    if int(record.spec["replicates"]) == 1:
        errors = [test_error(record, runs) or 0.0 for runs in column.values()]
        return f"({images}, 1 run each, standard errors up to {share(max(errors))})"
    spreads = [stdev(v) for runs in column.values() if len(v := test_accuracies(runs)) > 1]
    spread = f", standard deviations up to {share(max(spreads))}" if spreads else ""
    return f"(means of up to {record.spec['replicates']} runs, {images} each{spread})"


def scale_sentences(record: StudyRecord) -> Iterator[str]:
    """Yield, for each cell without batch norm that did not learn, how scales change with depth."""
    layers = layer_scales(record)
    for cell, runs in cells(record).items():
        bare = cell_scales(layers, cell)
        normed = cell_scales(layers, Cell(cell.sigma, batch_norm=True))
        if not cell.batch_norm and remarks(record, runs) and not bare.empty and not normed.empty:
            yield _scale_sentence(cell, bare, normed)


def _scale_sentence(cell: Cell, bare: pd.DataFrame, normed: pd.DataFrame) -> str:
    small, large = (float(rows["gradient_std"].iloc[0]) for rows in (bare, normed))
    times = f", {scale_text(large / small)} times as large" if 10 * small < large and small else ""
    return (
        f"σ = {number_text(cell.sigma)}: activations {_from_first_to_last(bare)}; gradients at "
        f"the first hidden layer {scale_text(small)}. With batch norm: activations "
        f"{_from_first_to_last(normed)}; gradients {scale_text(large)}{times}."
    )


def _from_first_to_last(rows: pd.DataFrame) -> str:
    values = [scale_text(float(value)) for value in rows["activation_std"]]
    return f"{values[0]} in the first hidden layer, {values[-1]} in the last"


def scale_text(value: float) -> str:
    """Return a scale with two significant digits."""
    if math.isnan(value):
        return "not finite"
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if 100 <= rounded < 1e6 else number_text(rounded)
