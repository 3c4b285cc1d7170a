"""A trial is a value: equal content, equal id, equal random streams."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.trial import Purpose, Trial
from tests.search.builders import BASE, trial


def test_the_id_does_not_change_between_versions() -> None:
    """Stores are keyed by ids, so the id of this trial must stay what it was."""
    assert trial(1e-2).id == ID_OF_BASE


ID_OF_BASE = "e8530b5e1d84f153"


@given(
    lam=st.floats(1e-12, 1e3),
    hidden=st.lists(st.integers(1, 10**4), min_size=1, max_size=9).map(tuple),
    seed=st.integers(0, 2**64),
    sigma=st.none() | st.floats(1e-9, 1.0),
)
def test_json_loses_nothing(
    lam: float, hidden: tuple[int, ...], seed: int, sigma: float | None
) -> None:
    """A trial read back from the store is equal and has the same id."""
    before = trial(lam, hidden=hidden, seed=seed, sigma=sigma)
    after = Trial.from_json(before.to_json())
    assert after == before
    assert after.id == before.id


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Trial)])
def test_every_field_counts(field: str) -> None:
    """Changing any one field changes the id."""
    value = getattr(BASE, field)
    match value:
        case bool():
            other: object = not value
        case int() | float():
            other = value + 1
        case str():
            other = value + "x"
        case tuple():
            other = (*value, 7)
        case _:
            other = 1e-3
    changes: dict[str, Any] = {field: other}
    assert dataclasses.replace(BASE, **changes).id != BASE.id


def test_the_epoch_before_the_last_cycle() -> None:
    """One whole cycle before the end; there is none within a cycle, nor between epochs."""
    steps = BASE.train_size // BASE.batch_size
    for epochs, cycle, before in [
        *((4, steps, 3), (4, 2 * steps, 2), (5, 2 * steps, 3)),
        *((4, 4 * steps, None), (4, 9 * steps, None), (4, steps + 1, None), (4, steps // 2, None)),
    ]:
        of = dataclasses.replace(BASE, epochs=epochs, cycle_steps=cycle)
        assert of.before_last_cycle == before


def test_no_number_that_json_cannot_hold() -> None:
    """A NaN would make equal trials unequal, so it gets no id."""
    with pytest.raises(ValueError, match="JSON"):
        _ = trial(math.nan).id


def test_random_streams_depend_on_seed_and_replicate_alone() -> None:
    """λ, epochs and architecture leave the streams alone; purpose, seed and replicate do not."""

    def first(of: Trial, purpose: Purpose = Purpose.WEIGHTS) -> float:
        return float(of.rng(purpose).random())

    same = [trial(1e-5), trial(1e-1), trial(epochs=9), trial(hidden=(7, 7)), trial(alpha=0.5)]
    assert len({first(of) for of in same}) == 1
    others = [trial(seed=1), trial(replicate=1)]
    assert len({first(trial()), first(trial(), Purpose.BATCHES), *map(first, others)}) == 4
