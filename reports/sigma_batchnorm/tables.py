"""Tables of the matrix of σ × batch normalisation."""

from __future__ import annotations

import pandas as pd

from reports.parts.comparison import (
    TEST_ACCURACY,
    TRAIN_LOSS,
    VALIDATION_ACCURACY,
    VALIDATION_LOSS,
)
from reports.parts.text import NONE, real, share, signed
from reports.sigma_batchnorm.findings import CellFindings, Findings, Retuned, Tried
from search.settings.values import number_text

MOST_LAMBDAS = 12
"""Values of λ that have a column each, at most."""


def matrix_table(found: Findings) -> pd.DataFrame:
    """Return one row a σ: test accuracy with and without batch norm, and the difference."""
    entries = {(each.sigma, each.batch_norm): _entry(each) for each in found.cells}
    return pd.DataFrame(
        [
            {
                "σ": number_text(each.sigma),
                "with batch norm": entries[each.sigma, True],
                "without batch norm": entries[each.sigma, False],
                "difference": TEST_ACCURACY.difference_text(each.test_accuracy),
            }
            for each in found.effects
        ]
    )


def _entry(cell: CellFindings) -> str:
    reached = cell.test_accuracy
    number = [TEST_ACCURACY.text(reached)] if reached else []
    n = [f"n = {reached.runs}"] if reached and cell.asked > 1 else []
    return ", ".join((*number, *n, *cell.remarks)) or NONE


def cells_table(found: Findings) -> pd.DataFrame:
    """Return one row a cell: all that is known of it, beside the reference's number."""
    compared = any(each.reference is not None for each in found.cells)
    return pd.DataFrame([_cell_row(found, each, compared=compared) for each in found.cells])


def _cell_row(found: Findings, cell: CellFindings, *, compared: bool) -> dict[str, str]:
    reached = cell.test_accuracy
    row = _named(cell) | {"test accuracy": share(reached.mean if reached else None)}
    if found.replicates > 1:
        row["standard deviation"] = share(reached.deviation if reached else None)
        row["runs"] = str(reached.runs if reached else 0)
    else:
        row["standard error"] = share(cell.standard_error)
    if compared:
        row["reference"] = share(cell.reference)
        row["vs. reference"] = signed(cell.to_reference)
    if found.retuned:
        row["λ"] = number_text(cell.lam)
    row[VALIDATION_ACCURACY.name] = VALIDATION_ACCURACY.text(cell.validation_accuracy)
    row[TRAIN_LOSS.name] = TRAIN_LOSS.text(cell.train_loss)
    row[VALIDATION_LOSS.name] = VALIDATION_LOSS.text(cell.validation_loss)
    row["seconds a run"] = real(cell.seconds, 1)
    row["state"] = "; ".join(cell.states)
    return row


def _named(cell: CellFindings | Retuned) -> dict[str, str]:
    return {"σ": number_text(cell.sigma), "batch norm": "with" if cell.batch_norm else "without"}


def retune_table(found: Findings) -> pd.DataFrame:
    """Return one row a cell: validation accuracy of every λ in it; the chosen one is bold.

    Many values of λ have no column each: there is that of the chosen one.
    """
    return pd.DataFrame([_retuned_row(each) for each in found.retuned])


def _retuned_row(cell: Retuned) -> dict[str, str]:
    row = _named(cell)
    if len(cell.tried) > MOST_LAMBDAS:
        row["values of λ"] = f"{len(cell.tried):,}"
        row[VALIDATION_ACCURACY.name] = VALIDATION_ACCURACY.text(cell.validation_accuracy)
    else:
        for each in cell.tried:
            bold = "**" if each.lam == cell.chosen else ""
            row[f"λ = {number_text(each.lam)}"] = f"{bold}{_tried(each)}{bold}"
    row["chosen λ"] = NONE if cell.chosen is None else number_text(cell.chosen)
    row["standard error"] = share(cell.standard_error)
    return row


def _tried(tried: Tried) -> str:
    return "; ".join(tried.states) if tried.accuracy is None else share(tried.accuracy)
