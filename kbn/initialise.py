"""Initial weights: functions of the number of inputs that give a standard deviation."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike

from kbn.errors import InputError
from kbn.network import Network

Init = Callable[[int], float]
"""Number of a layer's inputs → standard deviation of its weights."""


def he() -> Init:
    """W ~ N(0, 2/fan_in).

    Source: K. He et al., "Delving Deep into Rectifiers", 2015.
    """
    return lambda fan_in: math.sqrt(2.0 / fan_in)


def normal(sigma: float) -> Init:
    """W ~ N(0, σ²), the same for every layer."""
    if not 0 < sigma < math.inf:
        raise InputError(f"σ = {sigma}: must be above 0")
    return lambda _: sigma


def initialise(
    *,
    inputs: int,
    hidden: tuple[int, ...],
    classes: int,
    batch_norm: bool,
    init: Init,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Network:
    """Return a new network: W drawn, b = 0, γ = 1, β = 0, moving averages of N(0, 1).

    Weights are drawn in float64 and rounded, so that both precisions start from the same.

    Raises
    ------
    InputError
        When there is no hidden layer, or a width is below 1.
    """
    widths = (inputs, *hidden, classes)
    if not hidden or min(widths) < 1:
        raise InputError(f"hidden layers {hidden}: at least one, each of at least 1 unit")
    W = tuple((init(d) * rng.standard_normal((d, m))).astype(dtype) for d, m in pairwise(widths))
    normed = hidden if batch_norm else ()
    return Network(
        W=W,
        b=tuple(np.zeros(m, dtype) for m in widths[1:]),
        gamma=tuple(np.ones(m, dtype) for m in normed),
        beta=tuple(np.zeros(m, dtype) for m in normed),
        mu=tuple(np.zeros(m, dtype) for m in normed),
        var=tuple(np.ones(m, dtype) for m in normed),
    )
