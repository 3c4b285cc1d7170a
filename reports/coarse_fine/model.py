"""The figures of the final model: its curves, its confusion, its first layer, its mistakes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.drawing import images, plots
from reports.drawing.album import Album, Picture
from reports.drawing.style import Draw, label_panels, legend_below
from reports.parts.frames import history_frame
from reports.parts.text import cut, share
from search.records import DataRecord, Mistakes, StudyRecord, TrialRecord

UNITS = 60
"""Units whose weights are shown at most."""
LONGEST = 12
"""Letters of a class's name below a picture."""
SMALLEST = 1e-30
"""What all is divided by at least: where every number is the same, there is nothing to scale."""


def final_figures(record: StudyRecord, album: Album, final: TrialRecord) -> dict[str, Picture]:
    """Draw the curves of a final model and, where it has one, its confusion matrix."""
    history = history_frame(record)
    curve = history[history["number"] == final.number]
    pictures = {
        "final": album.draw(
            "final",
            _final(curve, final),
            "The final model: (a) cost and loss, (b) accuracy, at each epoch's end.",
            height=3.1,
        )
    }
    if final.result is not None and "confusion" in final.result.arrays:
        pictures["confusion"] = album.draw(
            "confusion",
            _confusion(record, final),
            "Confusion matrix of the final model on the test set, as shares of each true class.",
            height=5.0,
        )
    return pictures | _inside(record, album, final)


def _final(curve: pd.DataFrame, final: TrialRecord) -> Draw:
    test = final.result.test if final.result else None

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plots.final_losses(curve, left)
        plots.final_accuracies(curve, test.accuracy if test else None, right)
        label_panels((left, right))
        legend_below(figure, plots.final_keys(right), columns=5)

    return draw


def _confusion(record: StudyRecord, final: TrialRecord) -> Draw:
    assert final.result is not None
    counts, classes = final.result.arrays["confusion"], record.data.classes

    def draw(figure: Figure) -> None:
        ax = plots.confusion(counts, classes, figure.subplots())
        if len(classes) > plots.NUMBERED_CLASSES:
            figure.colorbar(ax.images[0])

    return draw


def _inside(record: StudyRecord, album: Album, final: TrialRecord) -> dict[str, Picture]:
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
