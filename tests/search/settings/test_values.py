"""Readers of settings: what they take and what they refuse."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn.errors import InputError
from search.evidence.finalists import top
from search.settings import values
from search.settings.values import Cycle, Init
from search.space.narrow import Factors, fine_rule
from search.space.rounds import rounds
from search.space.widen import bounds


@pytest.mark.parametrize(
    ("value", "text"),
    [(8e-3, "8e-3"), (1e-5, "1e-5"), (0.1, "0.1"), (30.0, "30"), (1.25e-4, "1.25e-4"), (0.0, "0")],
)
def test_numbers_print_short(value: float, text: str) -> None:
    """λ prints as a person would type it."""
    assert values.number_text(value) == text


@given(st.floats(allow_nan=False))
def test_numbers_read_back(value: float) -> None:
    """Printing loses nothing."""
    assert float(values.number_text(value)) == value


def test_numbers_print_whole_whatever_the_callers_decimals() -> None:
    """The precision that a caller has set for decimal numbers of its own rounds no λ."""
    with localcontext(prec=2, Emax=1, Emin=-1):
        assert values.number_text(1.23456789e-7) == "1.23456789e-7"
        assert values.number_text(1234.5678) == "1234.5678"


@pytest.mark.parametrize(
    ("reader", "given_value", "expected"),
    [
        (values.widths, "50, 50", (50, 50)),
        (values.widths, [50, 30], (50, 30)),
        (values.widths, 50, (50,)),
        (values.lambdas, "1e-1,1e-3", (1e-3, 1e-1)),
        (values.lambdas, "1e-1,0,1e-3", (0.0, 1e-3, 1e-1)),
        (values.validation_size, "5000", 5000),
        (values.validation_size, 0.1, 0.1),
        (values.cycle, "10epochs", Cycle(10, "epochs")),
        (values.cycle, 10, Cycle(10, "epochs")),
        (values.cycle, "1 epoch", Cycle(1, "epochs")),
        (values.cycle, "4500 steps", Cycle(4500, "steps")),
        (values.init, "he", Init("he")),
        (values.init, "normal:1e-3", Init("normal", 1e-3)),
        (values.whole(at_least=1), "3", 3),
        (values.whole(at_least=1), 3.0, 3),
        (values.whole(at_least=1), np.float32(3), 3),
        (values.whole(at_least=1), np.int8(3), 3),
        (values.widths, np.array([50, 30]), (50, 30)),
        (values.widths, " 50,\t30, ", (50, 30)),
        (values.architectures, "50, 50 / 20,", ((50, 50), (20,))),
        (bounds, "1e-7, 1", (1e-7, 1.0)),
        (fine_rule, "1, 2", Factors((1.0, 2.0))),
    ],
)
def test_text_and_plain_values_read_alike(
    reader: values.Reader, given_value: Any, expected: Any
) -> None:
    """A flag's text, a TOML value and a library argument come to the same."""
    assert reader("--flag", given_value) == expected


@pytest.mark.parametrize(
    ("reader", "value", "sentence"),
    [
        (values.widths, "", "--hidden is empty"),
        (values.widths, [], "--hidden is empty"),
        (values.widths, "50,0", "at least 1"),
        (values.widths, "50,x", "whole number"),
        (values.lambdas, "0", "values above it"),
        (values.lambdas, "-1e-3", "above 0"),
        (values.lambdas, "nan", "finite"),
        (values.lambdas, "1e-3,1e-3", "named twice"),
        (values.validation_size, "1.5", "whole count"),
        (values.validation_size, 0, "above 0"),
        (values.cycle, "0epochs", "10epochs"),
        (values.cycle, "1steps", "at least 2 steps"),
        (values.cycle, "ten", "10epochs"),
        (values.init, "xavier", "normal:SIGMA"),
        (values.init, "normal:0", "above 0"),
        (values.init, "normal", "above 0"),
        (values.number(at_least=0, below=1), "1", "below 1"),
        (values.number(above=0), True, "finite"),
        (values.number(above=0), "inf", "finite"),
        (values.whole(at_least=1), "1.5", "whole number"),
        (values.whole(at_least=1), 1.5, "whole number"),
        (values.whole(at_least=1), float("inf"), "whole number"),
        (values.choice("a", "b"), "c", "a, b"),
        (values.boolean, "yes", "true or false"),
        (values.text, " ", "a text"),
        (values.file_name, "../up", "folder name"),
        (values.file_name, ".hidden", "folder name"),
        (values.widths, "50 50", "one comma"),
        (values.widths, "50,,50", "one comma"),
        (values.widths, "50\n50", "one comma"),
        (values.widths, ["50 50"], "whole number"),
        (values.widths, "50_50", "whole number"),
        (values.widths, {50, 30}, "order"),
        (values.widths, b"50,50", "order"),
        (values.architectures, "50,50/50 30", "one comma"),
        (values.lambdas, "0.1 2", "one comma"),
        (values.lambdas, "1e-3,0.1 2", "one comma"),
        (values.lambdas, ["0.1 2"], "a number is needed"),
        (values.sigmas, "0.1 1e-3", "one comma"),
        (bounds, "1e-7 1", "one comma"),
        (fine_rule, "1 2", "one comma"),
        (fine_rule, "zoom:1 2", "zoom"),
        (top, "1 0:3", "3:3"),
        (rounds, "1 0", "whole number"),
        (values.cycle, "1 0", "10epochs"),
        (values.cycle, "1 0epochs", "10epochs"),
        (values.cycle, "1_0epochs", "10epochs"),
        (values.cycle, "10epochepochs", "10epochs"),
        (values.init, "normal:1 2", "above 0"),
        (values.whole(at_least=1), "1 0", "whole number"),
        (values.whole(at_least=1), np.float32(2.5), "whole number"),
        (values.whole(at_least=1), Decimal("2.5"), "whole number"),
        (values.whole(at_least=1), np.True_, "whole number"),
        (values.number(above=0), "1_0", "finite"),
        (values.number(above=0), np.complex64(1 + 2j), "finite"),
    ],
)
def test_bad_values_are_named(reader: values.Reader, value: Any, sentence: str) -> None:
    """A refusal names the flag and the bound, on one line."""
    with pytest.raises(InputError) as error:
        reader("--hidden", value)
    assert str(error.value).startswith("--hidden")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["a\x1b[2J", "a\nb", "half \ud800", "\u202ea", 3, "", " "])
def test_texts_that_cannot_be_shown(value: object) -> None:
    """A text is one line of characters that can be printed and kept."""
    with pytest.raises(InputError, match="--name") as caught:
        values.text("--name", value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["n" * 256, "λ" * 128])
def test_names_that_no_folder_can_have(name: str) -> None:
    """The bound is one of bytes; the message has both numbers."""
    with pytest.raises(InputError, match="has 256 bytes, a folder's name 255 at most"):
        values.file_name("--name", name)
    assert values.file_name("--name", name[:-1]) == name[:-1]


def test_many_parts_of_a_sentence_are_counted() -> None:
    """The first twenty stand there, and how many more there are."""
    assert values.some(["a", "b"]) == "a; b"
    assert values.some(["a"] * values.NAMED) == "; ".join(["a"] * values.NAMED)
    assert values.some(["a"] * 1_020).endswith("; a; and 1,000 more")
