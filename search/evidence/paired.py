"""Two networks that labelled the same images: by how much one is better, with an interval.

The noise of images alone is in it: it compares two networks, not two settings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from scipy.special import ndtri

LEVEL = 0.95


@dataclass(frozen=True)
class Paired:
    """The accuracy of one network less that of another."""

    difference: float
    low: float
    high: float
    """The ends of its 95 % interval."""


def paired(first: Bool[np.ndarray, " n"], second: Bool[np.ndarray, " n"]) -> Paired:
    """Return how much better the first network is than the second, on the same images.

    Half an image is added to each cell of the table of pairs: A. Agresti, Y. Min, "Simple improved
    confidence intervals for comparing matched proportions", 2005.
    """
    n = len(first)
    alone, other = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    centre = (alone - other) / (n + 2)
    spread = (alone + other + 1) / (n + 2) - centre**2
    reach = float(ndtri(0.5 + LEVEL / 2)) * math.sqrt(spread / (n + 2))
    return Paired((alone - other) / n, centre - reach, centre + reach)
