"""What is kept of single images' losses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kbn.training import ImageLosses
from search.records import LOSSES, TRAIN_FALL, VALIDATION_LOSSES
from search.training.image_losses import compared, kept
from tests.search.builders import BASE

STEPS = BASE.train_size // BASE.batch_size
TRIAL = replace(BASE, epochs=4, cycle_steps=STEPS)


def losses(epoch: int, value: float) -> ImageLosses:
    """Return those of a network that does as well on each of five images."""
    return ImageLosses(epoch, np.full(5, value), np.full(5, 2 * value))


def test_two_epochs_are_compared() -> None:
    """The last, and the one before its cycle; where there is none, the last alone."""
    assert compared(TRIAL) == (3, 4)
    assert compared(replace(TRIAL, cycle_steps=4 * STEPS)) == (4,)


def test_what_there_is_is_kept() -> None:
    """A difference is taken before it is rounded; nothing is kept of a run that did not end."""
    found = kept(TRIAL, {3: losses(3, 2.0001), 4: losses(4, 2.0)})
    assert set(found) == set(LOSSES)
    assert np.allclose(found[TRAIN_FALL].astype(float), 1e-4, rtol=1e-3)
    assert set(found[VALIDATION_LOSSES].tolist()) == {4.0}
    assert set(kept(TRIAL, {4: losses(4, 2.0)})) == {VALIDATION_LOSSES}
    assert kept(TRIAL, {3: losses(3, 2.0)}) == {}


def test_what_half_precision_cannot_hold_is_left_out() -> None:
    """An infinity would say nothing of an error."""
    found = kept(TRIAL, {3: losses(3, 9e4), 4: losses(4, 5e4)})
    assert set(found) == {TRAIN_FALL}
