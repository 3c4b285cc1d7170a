"""Random streams: every use of chance has one of its own, so that none shifts another.

A stream depends on a seed and a key alone: the same network is trained wherever both are known.
"""

from __future__ import annotations

import numpy as np

WEIGHTS, BATCHES = 0, 1
"""Last numbers of the keys of a training's initial weights and batches; the first one counts
trainings with one seed, from 0."""


def stream(seed: int, *key: int) -> np.random.Generator:
    """Return the random stream of a seed and a key."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
