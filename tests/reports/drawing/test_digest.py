"""What a figure is made of, as a digest."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports.drawing.digest import digest_of


def figure(rows: pd.DataFrame, *, colour: str = "blue", twice: bool = False) -> Callable[..., Any]:
    """Return a function that refers to a frame, to another function and to a class's instance."""

    def shade(value: float) -> tuple[float, str]:
        return value, colour

    def draw(ax: Any) -> Any:
        return ax, rows, shade, [colour, colour] if twice else [colour]

    def other(ax: Any) -> Any:
        return ax, rows, shade, colour, twice

    return other if twice else draw


ROWS = pd.DataFrame({"lam": [0.1, 0.2], "name": ["a", "b"], "array": [np.arange(3), None]})


def test_equal_contents_have_one_digest() -> None:
    """Whichever objects they lie in: a record is another object each time that it is sent."""
    again = pickle.loads(pickle.dumps(ROWS))  # noqa: S301 - what was just pickled
    assert digest_of(figure(ROWS), 2.0) == digest_of(figure(again), 2.0) is not None
    text = "a name"
    shared, apart = [text, text], [text, str(text.encode(), "utf-8")]
    assert digest_of(partial(print, shared)) == digest_of(partial(print, apart))


@pytest.mark.parametrize(
    "other",
    [
        figure(ROWS.assign(lam=[0.1, 0.3])),
        figure(ROWS.iloc[::-1]),
        figure(ROWS.rename(columns={"lam": "eta"})),
        figure(ROWS, colour="red"),
        figure(ROWS, twice=True),
    ],
)
def test_other_contents_have_another(other: Callable[..., Any]) -> None:
    """A number, an order, a name, what an inner function refers to, another function."""
    assert digest_of(other, 2.0) != digest_of(figure(ROWS), 2.0)


def test_what_else_is_given_counts() -> None:
    """A figure of another height is another figure."""
    assert digest_of(figure(ROWS), 2.0) != digest_of(figure(ROWS), 2.5)


def test_two_functions_of_one_name_are_two() -> None:
    """Lambdas are called the same, wherever they stand."""
    first, second = lambda ax: ax, lambda ax: [ax]
    third = lambda ax: ax  # noqa: E731 - does what the first does, elsewhere
    assert len({digest_of(first), digest_of(second), digest_of(third)}) == 3


def test_what_cannot_be_pickled_has_none() -> None:
    """Nor what refers to itself: nothing is taken for it."""
    circle: list[Any] = []
    circle.append(circle)
    assert digest_of(partial(print, open)) is not None
    assert digest_of(partial(print, (each for each in "ab"))) is None
    assert digest_of(partial(print, circle)) is None
