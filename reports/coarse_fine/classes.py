"""How the final model does class by class, on the test images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports.coarse_fine.facts import ClassScore
from reports.parts.excerpt import Excerpt, excerpt
from reports.parts.text import NONE, cell, cut, share
from search.evidence.marks import standard_error_of_share

LONGEST = 40
"""Letters of a class's name in the table."""


def class_scores(counts: np.ndarray, classes: Sequence[str]) -> tuple[ClassScore, ...]:
    """Return the score of each class that has images, by its row of a confusion matrix."""
    labels = np.flatnonzero(counts.sum(axis=1)).tolist()
    return tuple(_score(counts[label], label, classes) for label in labels)


def _score(row: np.ndarray, label: int, classes: Sequence[str]) -> ClassScore:
    total, accuracy = int(row.sum()), float(row[label] / row.sum())
    others = np.where(np.arange(len(row)) == label, 0, row)
    other = int(others.argmax())
    return ClassScore(
        name=classes[label],
        images=total,
        accuracy=accuracy,
        error=standard_error_of_share(accuracy, total),
        taken_for=classes[other] if others[other] else None,
        mistaken=float(others[other] / total),
    )


def classes_table(scores: Sequence[ClassScore]) -> pd.DataFrame:
    """Return one row a class; of many those done worst."""
    return pd.DataFrame([_row(scores[at]) for at in _worst(scores).shown])


def classes_remainder(scores: Sequence[ClassScore]) -> str:
    """Say what `classes_table` leaves out; nothing where it leaves out nothing."""
    found = _worst(scores)
    if not found.left_out:
        return ""
    return f"These are the {len(found.shown)} classes of {len(scores):,} that it labels worst."


def _worst(scores: Sequence[ClassScore]) -> Excerpt[int]:
    return excerpt({at: -each.accuracy for at, each in enumerate(scores)})


def _row(each: ClassScore) -> dict[str, str]:
    mistaken = (
        NONE
        if each.taken_for is None
        else f"{cut(each.taken_for, LONGEST)} ({share(each.mistaken)})"
    )
    return {
        "class": cell(cut(each.name, LONGEST)),
        "test images": f"{each.images:,}",
        "accuracy": share(each.accuracy),
        "standard error": share(each.error),
        "most often taken for": cell(mistaken),
    }
