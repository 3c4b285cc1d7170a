"""What a cell of a table is sorted by."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.page.sorting import MISSING, sort_key
from reports.parts.text import NONE, count, duration, share, signed
from search.settings.values import number_text


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1e-3", 1e-3),
        ("0.5324", 0.5324),
        ("−0.0106", -0.0106),
        ("+0.1020", 0.1020),
        ("0:02:29", 149),
        ("1 day, 1:00:00", 90_000),
        ("12.5 s", 12.5),
        ("5,000", 5000),
        ("53%", 53),
        ("0.5324 ± 0.0071", 0.5324),
        ("0.5100 to 0.5300", 0.51),
        ("3 (coarse)", 3),
        ("2 of 6", 2),
        ("100,", 100),
    ],
)
def test_a_number_that_leads_is_the_key(text: str, key: float) -> None:
    """In whatever form the tables write it."""
    found = sort_key(text)
    assert found is not None
    assert float(found) == key


@pytest.mark.parametrize("text", ["completed", "train (5,000)", "[50, 50]", "10.0.0.7", "1.2.3"])
def test_words_and_addresses_are_no_numbers(text: str) -> None:
    """They are sorted as text."""
    assert sort_key(text) is None


@pytest.mark.parametrize("text", ["2026-11-24 17:40 UTC", "3/8", "1:30", "2x"])
def test_what_only_starts_like_a_number_is_text(text: str) -> None:
    """Dates, fractions and names that start with a digit."""
    assert sort_key(text) is None


@pytest.mark.parametrize("text", ["", NONE, " – "])
def test_nothing_is_missing(text: str) -> None:
    """Such cells have a key of their own, so that they can stay last."""
    assert sort_key(text) == MISSING


@given(st.floats(1e-12, 1e12))
def test_values_sort_as_they_are_printed(value: float) -> None:
    """λ in the tables' own notation gives λ back."""
    assert sort_key(number_text(value)) is not None
    assert float(sort_key(number_text(value)) or "") == float(number_text(value))


@given(st.floats(-1, 1))
def test_differences_keep_their_sign(value: float) -> None:
    """Typeset minus signs and plus signs included."""
    assert float(sort_key(signed(value)) or "") == pytest.approx(value, abs=5.1e-5)


@given(st.floats(0, 1), st.integers(0, 10**9))
def test_shares_and_counts(value: float, number: int) -> None:
    """As the tables print them."""
    assert float(sort_key(share(value)) or "") == float(share(value))
    assert float(sort_key(count(number, "trial")) or "") == number


@given(st.integers(0, 10**7))
def test_durations_count_in_seconds(seconds: int) -> None:
    """Short ones with their unit, long ones as a clock shows them, days included."""
    assert float(sort_key(duration(seconds)) or "") == seconds
    assert float(sort_key(str(timedelta(seconds=seconds))) or "") == seconds
