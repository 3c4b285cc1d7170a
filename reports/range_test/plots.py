"""The plot of a range test."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from reports.drawing.style import BLUE, ORANGE, VERMILION
from reports.drawing.ticks import log_ticks
from search.evidence.learning_rates import Measured, Suggestion

QUANTITIES = {
    "accuracy": ("validation accuracy", BLUE),
    "loss": ("validation loss (nats)", ORANGE),
}


def against_eta(
    measured: Sequence[Measured], quantity: str, suggestion: Suggestion | None, ax: Axes
) -> Axes:
    """Draw accuracy or loss against log η; the suggested range is shaded."""
    label, colour = QUANTITIES[quantity]
    ax.set_xscale("log")
    if suggestion is not None:
        ax.axvspan(suggestion.eta_min, suggestion.eta_max, color=VERMILION, alpha=0.12, linewidth=0)
    ax.plot(
        [each.eta for each in measured],
        [getattr(each, quantity) for each in measured],
        "o-",
        color=colour,
        markersize=4,
    )
    if quantity == "loss":
        finite = sorted(each.loss for each in measured)
        # What follows the turn is many times as large, and would flatten all before it.
        top = 2.0 * max(measured[0].loss, finite[len(finite) // 2])
        ax.set_ylim(0.95 * finite[0], min(1.05 * finite[-1], top))
    ax.set_xlabel("learning rate η (log scale)")
    ax.set_ylabel(label)
    log_ticks(ax.xaxis, *ax.get_xlim())
    return ax
