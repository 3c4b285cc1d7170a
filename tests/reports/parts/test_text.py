"""Numbers and texts as a report prints them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reports.parts.tables import markdown
from reports.parts.text import NONE, cell, count, cut, duration, listed, moment, real, share, signed
from search.evidence.marks import standard_error_of_share
from search.settings.values import number_text

shares = st.floats(0, 1)
images = st.integers(1, 10**6)


@given(images, st.data())
def test_no_share_of_images_rounds_to_a_false_0_or_1(n: int, data: st.DataObject) -> None:
    """`0.0000` means no image, `1.0000` means all of them, however many images there are."""
    right = data.draw(st.integers(0, n) | st.sampled_from([0, 1, n - 1, n]))
    printed = share(right / n)
    assert (Fraction(printed) == 0) == (right == 0)
    assert (Fraction(printed) == 1) == (right == n)


@given(shares, st.integers(1, 8))
def test_a_share_is_printed_within_one_unit_of_its_last_digit(value: float, digits: int) -> None:
    """Ordinary rounding is off by half a unit; what is kept from 0 and 1, by less than a unit."""
    printed = share(value, digits)
    off, unit = abs(Fraction(printed) - Fraction(value)), Fraction(1, 10**digits)
    assert len(printed.partition(".")[2]) == digits
    assert off <= (unit / 2 if unit <= value <= 1 - unit else unit)


@given(shares, shares)
def test_shares_keep_their_order(one: float, other: float) -> None:
    """A smaller share is never printed as the larger one."""
    low, high = sorted((one, other))
    assert float(share(low)) <= float(share(high))


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0, "0.0000"),
        (1e-9, "0.0001"),
        (0.00005, "0.0001"),
        (0.5401, "0.5401"),
        (0.99994, "0.9999"),
        (0.99996, "0.9999"),
        (math.nextafter(1, 0), "0.9999"),
        (1.0, "1.0000"),
        (None, NONE),
        (math.nan, NONE),
    ],
)
def test_a_share_at_the_corners(value: float | None, printed: str) -> None:
    """The corners, one by one; no number prints as a dash."""
    assert share(value) == printed


@pytest.mark.parametrize(
    ("value", "real_text", "signed_text"),
    [
        (1.23456, "1.235", "+1.2346"),
        (-0.25, "-0.250", "−0.2500"),
        (0.0, "0.000", "+0.0000"),
        (None, NONE, NONE),
        (math.nan, NONE, NONE),
    ],
)
def test_plain_and_signed_numbers(value: float | None, real_text: str, signed_text: str) -> None:
    """A difference always carries its sign, with the typeset minus."""
    assert (real(value), signed(value)) == (real_text, signed_text)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (1e-5, "1e-5"),
        (0.008, "8e-3"),
        (0.01, "1e-2"),
        (0.00562341, "5.62341e-3"),
        (0.1, "0.1"),
        (0.7, "0.7"),
        (50.0, "50"),
        (1e5, "1e5"),
        (0.0, "0"),
    ],
)
def test_lambda_is_printed_short(value: float, printed: str) -> None:
    """Small values in scientific form without padding zeros; plain ones as they are said."""
    assert number_text(value) == printed


@given(st.floats(1e-300, 1e300))
def test_lambda_reads_back_as_the_same_number(value: float) -> None:
    """What a table shows is the value itself, and its mantissa has one digit before the point."""
    printed = number_text(value)
    assert float(printed) == value
    mantissa, e, exponent = printed.partition("e")
    if e:
        assert 1 <= abs(Decimal(mantissa)) < 10
        assert not exponent.removeprefix("-").startswith("0")
        assert "+" not in exponent


@given(st.integers(0, 5_000), st.integers(1, 5_000))
def test_the_standard_error_is_that_of_single_images(right: int, wrong: int) -> None:
    """√(p(1 − p)/n) is the images' own standard deviation over √n, unless all are alike."""
    n = right + wrong
    mean = Fraction(right, n)
    variance = max(float(right * (1 - mean) ** 2 + wrong * mean**2) / n, (1 - 0.5 / n) * 0.5 / n)
    assert standard_error_of_share(right / n, n) == pytest.approx(math.sqrt(variance / n), abs=1e-9)


@pytest.mark.parametrize("accuracy", [0.0, 1.0, math.nextafter(1, 2)])
def test_none_or_all_right_is_not_certain(accuracy: float) -> None:
    """The error is that of half an image, also of a mean that sums to a hair above 1."""
    assert standard_error_of_share(accuracy, 100) == pytest.approx(math.sqrt(0.005 * 0.995 / 100))
    one = standard_error_of_share(0.01, 100)
    assert 0.6 * one < standard_error_of_share(accuracy, 100) < one


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.001,), "1e-3"),
        ((0.001, 0.01), "1e-3 and 1e-2"),
        ((0.001, 0.004, 0.01), "1e-3, 4e-3 and 1e-2"),
        ((1.0, *(k / 100 for k in range(1, 21))), "21 values from 1e-2 to 1"),
        (range(1, 2_001), "2,000 values from 1 to 2000"),
    ],
)
def test_values_are_listed_as_in_a_sentence(values: Sequence[float], text: str) -> None:
    """Commas, and an `and` before the last; more than 20 are counted."""
    assert listed(values) == text


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (1, ("trial",), "1 trial"),
        (0, ("trial",), "0 trials"),
        (1200, ("trial",), "1,200 trials"),
        (2, ("try", "tries"), "2 tries"),
        (1, ("try", "tries"), "1 try"),
    ],
)
def test_a_count_agrees_with_its_noun(number: int, words: tuple[str, ...], text: str) -> None:
    """One trial, two trials; a plural of its own where it has one."""
    assert count(number, *words) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (0.14, "0.1 s"),
        (59.4, "59.4 s"),
        (60, "0:01:00"),
        (3599.6, "1:00:00"),
        (3661, "1:01:01"),
        (36 * 3600, "1 day, 12:00:00"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    """Seconds with a decimal below a minute, a clock above, days where there are any."""
    assert duration(seconds) == text


def test_a_moment_is_in_utc() -> None:
    """A date does not depend on the machine's time zone."""
    assert moment(0) == "1970-01-01 00:00 UTC"
    assert moment(1_767_225_599) == "2025-12-31 23:59 UTC"


def cells(table: str) -> list[list[str]]:
    """Return a Markdown table's cells as a reader of the page sees them."""
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(table):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


plain = st.text(st.sampled_from("ab1 .:|\\<$\n\r\t§é"), max_size=30)
"""Letters, and all that would end a cell, a row or the text; no other Markdown."""


@given(st.lists(plain, min_size=1, max_size=4))
def test_text_stays_within_its_cell(texts: list[str]) -> None:
    """Whatever the text holds, a reader of Markdown finds it whole, in as many rows and cells."""
    frame = pd.DataFrame({"": ["x"] * len(texts), "value": [cell(text) for text in texts]})
    seen = cells(markdown(frame))
    assert seen == [["", "value"], *(["x", " ".join(text.split())] for text in texts)]


@pytest.mark.parametrize(
    "text", ["a | b", "a\nb", "a\r\n\r\nb", "C:\\dir\\|", "<b>bold</b>", "$x$", "\\$x$"]
)
def test_a_cell_has_no_bare_pipe_newline_tag_or_formula(text: str) -> None:
    """The signs themselves are escaped, for readers of Markdown other than ours."""
    escaped = cell(text)
    assert not set("\r\n<") & set(escaped)
    bare = escaped.replace("\\\\", "").replace("\\|", "").replace("\\$", "")
    assert not set("|$") & set(bare)


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("a class", 7, "a class"),
        ("a\n  class", 7, "a class"),
        ("a class", 6, "a cla…"),
        ("", 3, ""),
    ],
)
def test_what_is_cut_says_so(text: str, most: int, short: str) -> None:
    """On one line, of so many characters at most, the sign of the cut counted."""
    assert cut(text, most) == short
