"""Readers of single settings: text or plain values in, checked values out.

A flag gives text, a TOML file and a library call give numbers and lists; each reader takes
both, so that bad input meets the same sentence on every way in.
"""

from __future__ import annotations

import math
import operator
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np

from kbn.errors import InputError, visible
from kbn.paths import LONGEST_NAME

Reader = Callable[[str, Any], Any]
"""`reader(flag, value)` returns the checked value or raises `InputError`."""

LARGEST_COUNT = 10**9
"""Of anything: more epochs, trials or units than this are a slip of the hand."""
LARGEST_INTEGER = 2**63 - 1
"""What a store and a table hold."""
SMALLEST, LARGEST = 1e-30, 1e30
"""Of strengths, rates and scales. Networks are in single precision, which ends at 1e-38 and 3e38:
what is near to that or beyond is trained as nothing, or as infinity."""

DIGITS = Context(prec=17, Emin=-999, Emax=999, traps=[])
"""Enough for any float, whatever precision the caller's own decimal numbers have."""


def bad(flag: str, value: object, why: str) -> InputError:
    """Return the error for a setting: which one, its value, and why it cannot be used."""
    return InputError(f"{flag} {cut(' '.join(show(value).split()))}: {why}")


def cut(text: str, longest: int = 200) -> str:
    """Return a text that may be anybody's, short enough for a message."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def show(value: object) -> str:
    """Return a setting as it is typed on the command line."""
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, tuple | list):
        nested = any(isinstance(item, tuple | list) for item in value)
        return ("/" if nested else ",").join(show(item) for item in value)
    return str(value)


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number: 0.008 as `8e-3`."""
    if not math.isfinite(value):
        return repr(value)
    exact = Decimal(repr(float(value))).normalize(DIGITS)
    if value == 0 or 0.1 <= abs(value) < 100_000:
        return f"{exact:f}"
    return f"{exact.scaleb(-exact.adjusted(), DIGITS):f}e{exact.adjusted()}"


NAMED = 20
"""Values that a sentence names one by one, at most."""


def summed_up(values: Collection[Any], show: Callable[[Any], str] = number_text) -> str:
    """Return many values as their number and ends; nothing for a few, which can be named."""
    if len(values) <= NAMED:
        return ""
    return f"{len(values):,} values from {show(min(values))} to {show(max(values))}"


def listed(values: Collection[float]) -> str:
    """Return values as a sentence lists them: `1e-3, 4e-3`; many as `summed_up`."""
    return summed_up(values) or ", ".join(map(number_text, values))


def some(parts: Sequence[str]) -> str:
    """Return parts of a sentence one after the other, the first of many: `a; b; and 9 more`."""
    more = len(parts) - NAMED
    return "; ".join((*parts[:NAMED], *([f"and {more:,} more"] if more > 0 else [])))


def text(flag: str, value: Any) -> str:
    """Read a text of one line that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise bad(flag, value, "a text is needed")
    if visible(value) != value or len(value.strip().splitlines()) > 1:
        raise bad(flag, repr(value), "holds characters that cannot be shown; leave them out")
    return value.strip()


def data_set(flag: str, value: Any) -> Any:
    """Read a data set's name; what else Python gave becomes one together with its target."""
    return text(flag, value) if isinstance(value, str) else value


def file_name(flag: str, value: Any) -> str:
    """Read a name that can be a folder's: one path segment, not hidden."""
    name = text(flag, value)
    if name.startswith(".") or any(sign in name for sign in '/\\:*?"<>|\0'):
        raise bad(flag, value, "must be a plain folder name, without / or a leading dot")
    size = len(os.fsencode(name))
    if size > LONGEST_NAME:
        raise InputError(
            f"{flag} {name[:40]}…: has {size} bytes, a folder's name {LONGEST_NAME} at most; "
            "choose a shorter one"
        )
    return name


def boolean(flag: str, value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise bad(flag, value, "true or false is needed")
    return value


def _misread(value: Any) -> bool:
    """Say whether Python would make a number of what is none: of `50_50`, True and 1 + 2i."""
    text = isinstance(value, str) and "_" in value
    return text or isinstance(value, bool | np.bool_ | np.complexfloating)


def number(
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> Reader:
    """Return a reader of a finite number within bounds."""
    bounds = [
        (word, holds, bound)
        for word, holds, bound in (
            ("above", operator.gt, above),
            ("at least", operator.ge, at_least),
            ("below", operator.lt, below),
            ("at most", operator.le, at_most),
        )
        if bound is not None
    ]
    named = " and ".join(f"{word} {number_text(bound)}" for word, _, bound in bounds)

    def read(flag: str, value: Any) -> float:
        try:
            result = math.nan if _misread(value) else float(value)
        except (TypeError, ValueError, OverflowError):
            raise bad(flag, value, f"{f'a number {named}'.strip()} is needed") from None
        if not (math.isfinite(result) and all(holds(result, bound) for _, holds, bound in bounds)):
            raise bad(flag, value, f"must be finite and {named}" if named else "must be finite")
        return result

    return read


def whole(*, at_least: int, at_most: int = LARGEST_COUNT) -> Reader:
    """Return a reader of a whole number within bounds."""

    def read(flag: str, value: Any) -> int:
        try:
            result = int(value)
        except (TypeError, ValueError, OverflowError):
            result = None
        cut = not isinstance(value, str) and result != value
        if result is None or cut or _misread(value) or result < at_least:
            raise bad(flag, value, f"must be a whole number, at least {at_least}")
        if result > at_most:
            raise bad(flag, value, f"must be a whole number, at most {at_most}")
        return result

    return read


def whole_or(word: str, *, at_least: int) -> Reader:
    """Return a reader of a whole number with a lower bound, or of one word."""

    def read(flag: str, value: Any) -> int | str:
        if value == word:
            return word
        try:
            return int(whole(at_least=at_least)(flag, value))
        except InputError as error:
            raise InputError(f"{error}, or {word}") from error

    return read


def optional(reader: Reader) -> Reader:
    """Return a reader that lets None pass: the setting is then derived from others."""

    def read(flag: str, value: Any) -> Any:
        return None if value is None else reader(flag, value)

    return read


def or_off(reader: Reader) -> Reader:
    """Return a reader that reads `off` as None: there is no such bound then."""

    def read(flag: str, value: Any) -> Any:
        return None if value == "off" else reader(flag, value)

    return read


def choice(*names: str) -> Reader:
    """Return a reader of one of some names."""

    def read(flag: str, value: Any) -> str:
        if value not in names:
            raise bad(flag, value, f"choose one of {', '.join(names)}")
        return str(value)

    return read


def items(flag: str, value: Any, of: Reader, what: str) -> tuple[Any, ...]:
    """Read a list that is not empty: comma-separated text, or any iterable."""
    if isinstance(value, str):
        listed = value.strip().removesuffix(",")
        value = [part.strip() for part in listed.split(",")] if listed else []
        if any(len(part.split()) != 1 for part in value):
            raise bad(flag, listed, f"one comma belongs between two values; each is a {what}")
    elif isinstance(value, bytes | Mapping | AbstractSet):
        raise bad(flag, value, "a list is needed, which has an order")
    elif not isinstance(value, Iterable):
        value = [value]
    result = tuple(of(flag, item) for item in value)
    if not result:
        raise InputError(f"{flag} is empty: give at least one {what}")
    return result


def widths(flag: str, value: Any) -> tuple[int, ...]:
    """Read the widths of the hidden layers."""
    return items(flag, value, whole(at_least=1), "hidden layer, such as 50,50")


def architectures(flag: str, value: Any) -> tuple[tuple[int, ...], ...]:
    """Read distinct lists of hidden layers' widths: `50,50/50,30,20`."""
    if isinstance(value, str):
        value = [part for part in value.split("/") if part.strip()]
    return distinct(flag, items(flag, value, widths, "architecture, such as 50,50/50,30,20"))


def distinct(flag: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return values as they are, once none of them is there twice."""
    for item in values:
        if values.count(item) > 1:
            raise bad(flag, values, f"{show(item)} is named twice; drop one")
    return values


def lambdas(flag: str, value: Any) -> tuple[float, ...]:
    """Read distinct values of λ, one at least above 0; returned in ascending order."""
    values = items(flag, value, strength, "value of λ, such as 1e-3")
    if not any(values):
        raise bad(flag, value, "0 is a baseline for others; give values above it, too")
    return tuple(sorted(distinct(flag, values)))


def magnitude(flag: str, value: Any) -> float:
    """Read a number above 0 that single precision holds, and that has a place on a log axis."""
    number(above=0)(flag, value)
    return float(number(at_least=SMALLEST, at_most=LARGEST)(flag, value))


def strength(flag: str, value: Any) -> float:
    """Read a value of λ: 0, or one that has a place on a log axis."""
    if number()(flag, value) < 0:
        raise bad(flag, value, "λ must be above 0, or 0 itself as a baseline; try 1e-6")
    return 0.0 if float(value) == 0 else magnitude(flag, value)


def positive_lambda(flag: str, value: Any) -> float:
    """Read a value of λ that is not 0."""
    if number()(flag, value) <= 0:
        raise bad(flag, value, "λ must be above 0 to have a place on a log axis; try 1e-6")
    return magnitude(flag, value)


def sigmas(flag: str, value: Any) -> tuple[float, ...]:
    """Read distinct positive values of σ; returned in descending order."""
    values = items(flag, value, magnitude, "value of σ, such as 1e-3")
    return tuple(sorted(distinct(flag, values), reverse=True))


def validation_size(flag: str, value: Any) -> int | float:
    """Read the validation set's size: a count of images (int) or a fraction (float)."""
    result: float = number(above=0)(flag, value)
    if result < 1:
        return result
    if result != int(result):
        raise bad(flag, value, "give a whole count of images, or a fraction between 0 and 1")
    return int(result)


@dataclass(frozen=True)
class Cycle:
    """Length of one learning-rate cycle."""

    length: int
    unit: str
    """`epochs` or `steps`."""

    def __str__(self) -> str:
        return f"{self.length}{self.unit}"

    def steps(self, steps_per_epoch: int) -> int:
        """Return the length in steps."""
        return self.length * (steps_per_epoch if self.unit == "epochs" else 1)


def cycle(flag: str, value: Any) -> Cycle:
    """Read a cycle's length: `10epochs`, `4500steps`, or a bare number of epochs."""
    if isinstance(value, Cycle):
        return value
    words = re.fullmatch(r"\s*(\d{1,18})\s*(?:(epoch|step)s?\s*)?", str(value))
    length, unit = (int(words[1]), f"{words[2] or 'epoch'}s") if words else (0, "epochs")
    if length < (2 if unit == "steps" else 1):
        raise bad(flag, value, "give whole epochs or at least 2 steps, as in 10epochs or 4500steps")
    return Cycle(length, unit)


@dataclass(frozen=True)
class Init:
    """How weights start."""

    name: str
    """`he` or `normal`."""
    sigma: float | None = None
    """Standard deviation with `normal`."""

    def __str__(self) -> str:
        return self.name if self.sigma is None else f"{self.name}:{number_text(self.sigma)}"


def init(flag: str, value: Any) -> Init:
    """Read an initialisation: `he`, or `normal:SIGMA`."""
    if isinstance(value, Init):
        return value
    if value == "he":
        return Init("he")
    name, _, sigma = str(value).partition(":")
    if name != "normal":
        raise bad(flag, value, "choose he, or normal:SIGMA as in normal:1e-3")
    return Init("normal", magnitude(flag, sigma))
