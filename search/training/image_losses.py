"""What is kept of the losses of single images, so that differences of losses are known exactly.

Runs that are compared are measured on the same images, and so is a run that is compared with itself
earlier on: most of what an image's loss is varies with the image, and cancels in a difference.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kbn.training import ImageLosses
from search.records import TRAIN_FALL, VALIDATION_LOSSES
from search.trial import Trial


def compared(trial: Trial) -> tuple[int, ...]:
    """Return the epochs whose losses are compared: the last, and the one a cycle before it."""
    before = trial.before_last_cycle
    return (trial.epochs,) if before is None else (before, trial.epochs)


def kept(trial: Trial, after: Mapping[int, ImageLosses]) -> dict[str, np.ndarray]:
    """Return a trial's arrays of `search.records.LOSSES`, made of the losses after some epochs.

    They are for standard errors, for which half precision is enough; means are kept elsewhere.
    Nothing is made where the last epoch is missing, nor of what half precision cannot hold.
    """
    if trial.epochs not in after:
        return {}
    last = after[trial.epochs]
    arrays = {VALIDATION_LOSSES: last.validation}
    before = trial.before_last_cycle
    if before is not None and before in after:
        arrays[TRAIN_FALL] = after[before].train - last.train
    largest = np.finfo(np.float16).max
    return {
        name: array.astype(np.float16)
        for name, array in arrays.items()
        if np.abs(array).max() <= largest
    }
