"""Packs: which trials may train together in one task."""

from __future__ import annotations

from search.trial import Trial

APART = ("lam", "init", "sigma", "schedule", "eta_min", "eta_max", "cycle_steps", "with_test")
"""Settings in which the trials of a pack may differ: each member has its own."""


def pack_key(trial: Trial) -> tuple[object, ...]:
    """Return what trials must have in common to share a pack: images, shape, batches, epochs."""
    return tuple(value for name, value in vars(trial).items() if name not in APART)


def can_share(one: Trial, other: Trial) -> bool:
    """Tell whether two trials may train in one pack. A trial's bytes are the same either way."""
    return pack_key(one) == pack_key(other)
