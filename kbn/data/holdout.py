"""A test part for data sets that come without one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kbn.data.dataset import Dataset
from kbn.data.split import choose

SHARE = 0.2
SEED = 20


def hold_out(dataset: Dataset) -> Dataset:
    """Return the set with a fixed stratified fifth of its images as test part.

    The part is the same for every study, whatever its seed, so that no choice among seeds can
    be made by looking at test images.
    """
    rng = np.random.default_rng(SEED)
    chosen = choose(dataset.y, round(SHARE * len(dataset.y)), rng=rng, stratified=True)
    mask = np.zeros(len(dataset.y), bool)
    mask[chosen] = True
    note = (
        f"{dataset.title} has no test part of its own: {mask.sum()} of {len(mask)} images, the "
        "same for every seed and each class with its share, were held out as test set."
    )
    return replace(
        dataset,
        X=dataset.X[~mask],
        y=dataset.y[~mask],
        X_test=dataset.X[mask],
        y_test=dataset.y[mask],
        notes=(*dataset.notes, note),
    )
