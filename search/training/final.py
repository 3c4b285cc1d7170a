"""What a final model may have of its own: further images to train on, and an ensemble."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from kbn.data import Split
from kbn.data.split import choose
from kbn.inference import predict_mean
from kbn.model import member_arrays
from kbn.network import Network
from search.records import ENSEMBLE_CORRECT
from search.trial import Purpose, Trial


def split_of(split: Split, trial: Trial) -> Split:
    """Return the images of a trial: those of the study, or more to train on and fewer to validate.

    Which of the search's validation images are kept is drawn anew from the trial's seed. All stay
    standardised by the search's training images: so is every image that is labelled later.
    """
    n, kept = len(split.y_validation), trial.validation_size
    if kept >= n or trial.train_size != len(split.y_train) + n - kept:
        return split
    mask = np.zeros(n, bool)
    rng = trial.rng(Purpose.FINAL)
    mask[choose(split.y_validation, kept, rng=rng, stratified=trial.stratified)] = True
    return replace(
        split,
        X_train=np.concatenate([split.X_train, split.X_validation[~mask]]),
        y_train=np.concatenate([split.y_train, split.y_validation[~mask]]),
        X_validation=split.X_validation[mask],
        y_validation=split.y_validation[mask],
    )


def of_ensemble(split: Split, earlier: Collection[Network], last: Network) -> dict[str, np.ndarray]:
    """Return the arrays of a result that has networks of earlier cycle ends beside its last one."""
    together = predict_mean((*earlier, last), split.X_test).argmax(axis=1)
    return {
        ENSEMBLE_CORRECT: np.packbits(together == split.y_test),
        **member_arrays(earlier),
    }
