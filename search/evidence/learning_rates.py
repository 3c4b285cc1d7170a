"""Which learning rates to cycle between, from accuracies measured while η rose.

Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3: the
lower bound is where accuracy begins to rise, the upper one where it slows, becomes ragged or falls.
Here a rise or a fall counts where it is larger than the noise of the images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.evidence.marks import standard_error_of_share

CLEARLY = 2.0
"""Standard errors of a difference from which on it is taken for one."""


@dataclass(frozen=True)
class Measured:
    """What the runs of a range test reached at one learning rate."""

    eta: float
    accuracy: float
    """Validation accuracy, mean over the runs that got here."""
    loss: float
    """The same of validation loss, in nats."""
    runs: int


@dataclass(frozen=True)
class Suggestion:
    """Bounds for a cyclical learning rate."""

    eta_min: float
    eta_max: float
    rises: bool
    """Whether the accuracy was seen to begin its rise; else it rose from the lowest η on."""
    falls: bool
    """Whether the accuracy was seen to end its rise; else it still rose at the highest η."""


def suggest(measured: Sequence[Measured], n: int) -> Suggestion | None:
    """Return the bounds that measurements at rising η suggest, taken on n images.

    η_min is the last η before the accuracy is clearly above the first one; η_max the η of the
    highest accuracy, the smaller of equals. None where no accuracy is clearly above the first.
    """
    if len(measured) < 2:
        return None
    first, best = measured[0], max(measured, key=lambda each: each.accuracy)
    above = [k for k, each in enumerate(measured) if _clearly(first, each, n)]
    if not above:
        return None
    start = above[0] - 1
    return Suggestion(
        eta_min=measured[start].eta,
        eta_max=best.eta,
        rises=start > 0,
        falls=_clearly(measured[-1], best, n),
    )


def _clearly(low: Measured, high: Measured, n: int) -> bool:
    """Say whether one accuracy is above another one by more than the noise of n images.

    The runs label the same images, so that what is common to them cancels; the errors of two
    independent shares are therefore an upper bound.
    """
    error = math.hypot(
        standard_error_of_share(low.accuracy, n), standard_error_of_share(high.accuracy, n)
    )
    return high.accuracy - low.accuracy > CLEARLY * error
