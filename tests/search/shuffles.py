"""A driver that hands out trials in another order: `python shuffles.py SEED N FLAG…`.

SEED 0 keeps the order; with N above 0 the driver kills itself after the N-th result.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

import numpy as np

import cluster
from cluster import RayPool, SerialPool
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.study.command import main
from tests.search.dies import dying


def shuffle(queue: deque[Any], rng: np.random.Generator) -> None:
    """Put what waits into another order."""
    waiting = [queue[number] for number in rng.permutation(len(queue))]
    queue.clear()
    queue.extend(waiting)


def shuffling(seed: int) -> None:
    """Have both pools shuffle what waits at every submission."""
    rng = np.random.default_rng(seed)

    class ShuffledRay(RayPool):
        def submit(
            self, key: str, payload: Any, *, once: bool = False, ahead: bool = False
        ) -> None:
            super().submit(key, payload, once=once, ahead=ahead)
            shuffle(self._waiting, rng)

    class ShuffledSerial(SerialPool):
        def submit(
            self, key: str, payload: Any, *, once: bool = False, ahead: bool = False
        ) -> None:
            super().submit(key, payload, once=once, ahead=ahead)
            shuffle(self._queue, rng)

    vars(cluster).update(RayPool=ShuffledRay, SerialPool=ShuffledSerial)


if __name__ == "__main__":
    if int(sys.argv[1]):
        shuffling(int(sys.argv[1]))
    if int(sys.argv[2]):
        dying("after", int(sys.argv[2]))
    main(LambdaSearch, sys.argv[3:])
