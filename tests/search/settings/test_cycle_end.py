"""Where runs end in the learning-rate cycle."""

from __future__ import annotations

import pytest

from search.settings.cycle_end import mid_cycle_warning, mid_cycle_warnings
from search.trial import Trial
from tests.search.builders import trial


def reference_trial(epochs: int, schedule: str = "triangular", cycle: int = 4500) -> str | None:
    """Return the warning for a trial with the reference report's data and schedule."""
    return mid_cycle_warning(
        trial(train_size=45_000, cycle_steps=cycle, epochs=epochs, schedule=schedule)
    )


def test_the_reference_ends_in_mid_cycle() -> None:
    """32 epochs end at η = 0.04; 30 and 40 would end a cycle."""
    warning = reference_trial(32)
    assert warning is not None
    assert "32 epochs" in warning
    assert "η is 4e-2" in warning
    assert "30 or 40 epochs" in warning


@pytest.mark.parametrize("epochs", [10, 20, 30])
def test_whole_cycles_are_fine(epochs: int) -> None:
    """No warning where the learning rate is at its lowest."""
    assert reference_trial(epochs) is None


def test_less_than_a_cycle_is_warned_of() -> None:
    """A run shorter than a cycle is told the first whole one, never 0."""
    warning = reference_trial(4)
    assert warning is not None
    assert "after 10 epochs" in warning


def test_the_nearest_epoch_is_good_enough() -> None:
    """With a cycle that is no whole number of epochs, the epoch nearest to its end is fine."""
    assert reference_trial(10, cycle=4400) is None
    assert reference_trial(9, cycle=4400) is not None


def test_a_constant_rate_has_no_cycle() -> None:
    """Nothing is warned of where the learning rate does not change."""
    assert reference_trial(7, schedule="constant") is None


def test_one_warning_a_length_and_cycle() -> None:
    """Trials of other learning rates share it; one of as many epochs and another cycle does not."""

    def run(epochs: int, cycle: int, eta_max: float = 0.1) -> Trial:
        return trial(train_size=45_000, cycle_steps=cycle, epochs=epochs, eta_max=eta_max)

    runs = [run(32, 4500), run(32, 4500, 0.5), run(32, 2250), run(35, 4500), run(30, 4500)]
    assert [text.partition(" epochs")[0] for text in mid_cycle_warnings(runs)] == ["32", "32", "35"]
