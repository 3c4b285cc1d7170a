"""Whether the networks of a study fit this machine: said before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from kbn.errors import InputError
from search.settings.values import show

BYTES_A_WEIGHT = 20
"""While weights are drawn: two arrays in float64 and the float32 one that stays. Training needs
less: the weights, a copy of them, and their gradient."""


def weights(inputs: int, hidden: tuple[int, ...], classes: int) -> int:
    """Return the number of a network's weights."""
    return sum(d * m for d, m in pairwise((inputs, *hidden, classes)))


def check_networks(
    networks: Iterable[tuple[int, ...]],
    *,
    inputs: int,
    classes: int,
    slots: int,
    available: int | None,
) -> None:
    """Raise `InputError` when `slots` copies of the largest network do not fit into memory.

    Parameters
    ----------
    networks
        Widths of the hidden layers of each network to train.
    available
        Bytes of the machine; None where that is not known, and nothing can be said.
    """
    largest = max(networks, key=lambda hidden: weights(inputs, hidden, classes))
    needed = slots * BYTES_A_WEIGHT * weights(inputs, largest, classes)
    if available is not None and needed > available:
        raise InputError(
            f"hidden layers {show(largest)}: {weights(inputs, largest, classes):,} weights need "
            f"about {needed / 1e9:,.0f} GB with {slots} trials at once, and this machine has "
            f"{available / 1e9:,.0f} GB; choose narrower layers, or fewer at once with "
            "--max-concurrent"
        )
