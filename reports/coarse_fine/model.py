"""The final model, seen from inside: class by class, its first layer, and its worst mistakes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reports.drawing import images
from reports.drawing.album import Album, Picture
from reports.parts.excerpt import Excerpt, excerpt
from reports.parts.text import NONE, cell, cut, share
from search.evidence.marks import standard_error_of_share
from search.records import DataRecord, Mistakes, StudyRecord, TrialRecord

UNITS = 60
"""Units whose weights are shown at most."""
LONGEST, LONGEST_IN_TABLE = 12, 40
"""Letters of a class's name below a picture, and in a table."""
SMALLEST = 1e-30
"""What all is divided by at least: where every number is the same, there is nothing to scale."""


def classes_table(counts: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """Return one row a class that has images, by its confusion matrix; of many those done worst."""
    shown = _worst(counts).shown
    return pd.DataFrame([_row(counts, classes, int(true)) for true in shown])


def classes_remainder(counts: np.ndarray) -> str:
    """Say what `classes_table` leaves out; nothing where it leaves out nothing."""
    found = _worst(counts)
    if not found.left_out:
        return ""
    return f"These are the {len(found.shown)} classes of {len(counts):,} that it labels worst."


def _worst(counts: np.ndarray) -> Excerpt[int]:
    totals = counts.sum(axis=1)
    accuracies = {int(k): counts[k, k] / totals[k] for k in np.flatnonzero(totals)}
    return excerpt({label: -accuracy for label, accuracy in accuracies.items()})


def _row(counts: np.ndarray, classes: tuple[str, ...], label: int) -> dict[str, str]:
    total = int(counts[label].sum())
    accuracy = counts[label, label] / total
    others = np.where(np.arange(len(counts)) == label, 0, counts[label])
    other = int(others.argmax())
    name, taken_for = (cut(classes[each], LONGEST_IN_TABLE) for each in (label, other))
    mistaken = f"{taken_for} ({share(others[other] / total)})" if others[other] else NONE
    return {
        "class": cell(name),
        "test images": f"{total:,}",
        "accuracy": share(accuracy),
        "standard error": share(standard_error_of_share(accuracy, total)),
        "most often taken for": cell(mistaken),
    }


def model_figures(record: StudyRecord, album: Album, final: TrialRecord) -> dict[str, Picture]:
    """Draw the first layer as pictures, and the worst mistakes, where the data are images."""
    network = final.result.network if final.result else {}
    if not network or record.data.image_shape is None:
        return {}
    drawn = {
        "weights": _weights(record, album, network["W1"]),
        "mistakes": _mistakes(record, album),
    }
    return {name: picture for name, picture in drawn.items() if picture is not None}


def _weights(record: StudyRecord, album: Album, W: np.ndarray) -> Picture | None:
    """Draw what goes to each hidden unit of the first layer, in the shape of an image."""
    units = W.T[:UNITS]
    scaled = units / np.maximum(SMALLEST, abs(units).max(axis=1, keepdims=True))
    shown = images.as_images(0.5 + scaled / 2, record.data.image_shape)
    if shown is None:
        return None
    first = f", the first {UNITS} of {W.shape[1]:,}" if W.shape[1] > UNITS else ""
    return album.draw(
        "weights",
        lambda figure: images.sheet(shown, figure.subplots()),
        f"Weights of the first layer, a picture a hidden unit{first}: 0 is grey, and each unit's "
        "largest weight is as far from it as can be.",
        height=images.sheet_height(shown),
    )


def _mistakes(record: StudyRecord, album: Album) -> Picture | None:
    """Draw the worst mistakes where the data set is at hand; else show them as drawn before."""
    caption = (
        "Test images that the final model is surest of and wrong about: what it takes each for, "
        "in brackets what it is, and the probability that the model gives to its mistake."
    )
    found = record.mistakes
    if found is None:
        return album.drawn_before("mistakes", caption)
    if not len(found.images):
        album.remove("mistakes")  # those of a model that was chosen before
        return None
    low, high = found.images.min(), found.images.max()
    scaled = (found.images - low) / max(SMALLEST, high - low)
    shown = images.as_images(scaled, record.data.image_shape)
    if shown is None:
        return None
    words = _words(found, record.data)
    return album.draw(
        "mistakes",
        lambda figure: images.sheet(shown, figure.subplots(), words),
        caption,
        height=images.sheet_height(shown, words=True),
    )


def _words(found: Mistakes, data: DataRecord) -> list[str]:
    names = [cut(name, LONGEST) for name in data.classes]
    return [
        f"{names[other]}\n({names[label]})\n{share(float(p), 2)}"
        for label, other, p in zip(found.classes, found.taken_for, found.probabilities, strict=True)
    ]
