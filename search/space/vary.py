"""What is varied, and over which values: the readers of `--vary`, and their forms for Python.

`lam=1e-5:1e-1:5` is low:high:count, even on the axis's scale; `lam=1e-5,1e-4` and
`hidden=50,50/100,50` are lists; `eta_max=random:0.01:1` is drawn from, evenly on the axis's scale.
Lists may hold ranges: `lam=0,1e-5:1e-1:5` is a baseline without regularisation beside them.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from kbn.errors import InputError
from search.settings import values
from search.settings.values import NAMED, Reader, bad
from search.space.axis import AXES, HIDDEN, LAM, Axis, Scale, Value

MOST_VALUES = 10_000
"""Values of an axis, at most."""


class Even(NamedTuple):
    """So many values from `low` to `high`, even on an axis's scale."""

    low: float
    high: float
    number: int


class Drawn(NamedTuple):
    """Any value from `low` to `high`, drawn evenly on an axis's scale."""

    low: float
    high: float


@dataclass(frozen=True)
class Varied:
    """An axis and what is tried on it."""

    axis: Axis
    values: tuple[Value, ...]
    """Distinct values, ascending; of a drawn axis its two ends, after a baseline if it has one."""
    drawn: bool = False
    """Whether values are drawn between the two."""

    @property
    def baseline(self) -> tuple[Value, ...]:
        """The axis's baseline where it is tried; else nothing."""
        return tuple(value for value in self.values if value == self.axis.baseline)

    @property
    def placed(self) -> tuple[Value, ...]:
        """The others, which have a place on the axis's scale."""
        return self.axis.placed(self.values)

    def __str__(self) -> str:
        shown = [self.axis.show(value) for value in self.values]
        if self.drawn:
            *baseline, low, high = shown
            shown = [*baseline, f"random:{low}:{high}"]
        return f"{self.axis.name}={('/' if self.axis is HIDDEN else ',').join(shown)}"

    @property
    def told(self) -> str:
        """The same for a sentence: many values by their number and ends."""
        if self.drawn or len(self.values) <= NAMED:
            return str(self)
        return f"{self.axis.name}={self.axis.listed(self.values)}"


Axes = Mapping[str, object] | Sequence[str] | tuple[Varied, ...]
"""What `vary` reads: names with an `Even`, a `Drawn` or values; texts; and what it returns."""


def vary(flag: str, value: Any) -> tuple[Varied, ...]:
    """Read what is varied: texts `NAME=VALUES`, or a mapping of names to values."""
    if isinstance(value, Mapping):
        pairs = [(str(name), given) for name, given in value.items()]
        found = tuple(varied(flag, name, given) for name, given in pairs)
    else:
        given = [value] if isinstance(value, str | Varied) else value
        if not isinstance(given, Iterable):
            raise bad(flag, value, "give NAME=VALUES, as in lam=1e-5:1e-1:5")
        found = tuple(each if isinstance(each, Varied) else _read(flag, each) for each in given)
    if not found:
        raise InputError(f"{flag} is empty: give at least one axis, as in lam=1e-5:1e-1:5")
    _check_once(flag, [each.axis.name for each in found])
    return found


def _check_once(flag: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{flag}: {name} is named twice; give all that is meant at once")


def _read(flag: str, text: Any) -> Varied:
    name, equals, given = str(text).partition("=")
    if not equals:
        raise bad(flag, text, "give NAME=VALUES, as in lam=1e-5:1e-1:5")
    return varied(flag, name.strip(), given.strip())


def axis_named(flag: str, name: str) -> Axis:
    """Return the axis of a name, written with dashes or underscores."""
    known = name.replace("-", "_")
    if known not in AXES:
        near = difflib.get_close_matches(known, AXES, n=1, cutoff=0)[0]
        raise InputError(
            f"{flag} {values.cut(name)}: is nothing that can be varied; the nearest is {near}, and "
            f"there are {', '.join(AXES)}"
        )
    return AXES[known]


def varied(flag: str, name: str, given: Any) -> Varied:
    """Read what is tried on the axis of a name: a text, an `Even`, a `Drawn`, or several of them.

    What is drawn stands by itself, or beside the axis's baseline.
    """
    axis = axis_named(flag, name)
    named = f"{flag} {axis.name}"
    if isinstance(given, str):
        given = _parts(named, axis, given)
    elif isinstance(given, Even | Drawn) or not isinstance(given, Iterable):
        given = [given]
    parts = [_form(named, axis, each) if isinstance(each, str) else each for each in given]
    drawn = any(isinstance(part, Drawn) for part in parts)
    tried = tuple(value for part in parts for value in _tried(named, axis, part))
    if len(tried) < 2:
        raise InputError(
            f"{named}: one value is not varied; give two or more, or the flag of that setting"
        )
    found = Varied(axis, tuple(sorted(values.distinct(named, tried))), drawn)
    if drawn and len(found.placed) > 2:
        raise InputError(f"{named}: random:… stands by itself; drop the values beside it")
    return found


def _parts(named: str, axis: Axis, text: str) -> list[str]:
    """Return what stands between the commas of a text."""
    between = "/" if axis is HIDDEN else ","
    parts = text.removesuffix(between).split(between)
    if not all(part.strip() for part in parts):
        raise bad(named, text, f"one {between} belongs between two values")
    return parts


def _form(named: str, axis: Axis, text: str) -> Even | Drawn | str:
    """Return what a text is: a range, what is drawn, or a value."""
    word, _, rest = text.strip().partition(":")
    if word == "random":
        low, colon, high = rest.partition(":")
        if not colon:
            raise bad(named, text, "give the smallest and the largest, as in random:0.01:1")
        return Drawn(low, high)  # type: ignore[arg-type]  # read with the axis's own reader
    if ":" in text and axis.ordered:
        ends = text.split(":")
        if len(ends) != 3:
            raise bad(named, text, "give low:high:count, as in 1e-5:1e-1:5")
        return Even(*ends)  # type: ignore[arg-type]  # as above
    return text


def _tried(named: str, axis: Axis, part: Any) -> tuple[Value, ...]:
    """Return the values of a range, the ends of what is drawn, or a value by itself."""
    if not isinstance(part, Even | Drawn):
        return (axis.read(named, part),)
    low, high = (axis.read(named, end) for end in part[:2])
    if not axis.ordered:
        raise InputError(f"{named}: nothing lies between {axis.name} of two kinds; list them")
    if low >= high:
        raise InputError(f"{named}: {axis.show(low)} is not below {axis.show(high)}; exchange them")
    _check_placed(named, axis, low)
    if isinstance(part, Drawn):
        return low, high
    many = values.whole(at_least=2, at_most=MOST_VALUES)
    return axis.even(low, high, many(f"{named}, values from low to high,", part.number))


def _check_placed(named: str, axis: Axis, low: float) -> None:
    """Refuse a range that begins at a value without a place on the axis's scale."""
    if low == axis.baseline:
        raise InputError(
            f"{named} {axis.show(low)}: must be above {axis.show(low)} to have a place on a "
            f"{axis.scale.value} axis; it can stand beside a range, as in lam=0,1e-5:1e-1:5"
        )


def log(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return `count` values from `low` to `high`, each the same factor above the one before."""
    return _even(Scale.LOG, "log", values.magnitude, low, high, count)


def linear(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return `count` values from `low` to `high`, each as far above the one before."""
    return _even(Scale.LINEAR, "linear", values.number(), low, high, count)


def _even(scale: Scale, name: str, read: Reader, *given: Any) -> tuple[float, ...]:
    low, high = (read(name, end) for end in given[:2])
    count = values.whole(at_least=2, at_most=MOST_VALUES)(f"{name}, values,", given[2])
    return replace(LAM, low=-math.inf, scale=scale).even(low, high, count)


def random(low: float, high: float) -> Drawn:
    """Return a range to draw from, for `vary`: evenly on the axis's own scale."""
    return Drawn(low, high)


@dataclass(frozen=True)
class Limits:
    """How far a search may go on along an axis."""

    axis: Axis
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.axis.name}={self.axis.show(self.low)},{self.axis.show(self.high)}"


Bounds = Mapping[str, Sequence[float]] | Sequence[str] | tuple[Limits, ...]
"""What `limits` reads: names with a pair each, texts, and what it returns."""


def limits(flag: str, value: Any) -> tuple[Limits, ...]:
    """Read how far a search may go on, axis by axis: texts `NAME=LOW,HIGH`, or a mapping."""
    if isinstance(value, Mapping):
        value = [f"{name}={values.show(pair)}" for name, pair in value.items()]
    given = [value] if isinstance(value, str) else value
    found = tuple(each if isinstance(each, Limits) else _limits(flag, each) for each in given)
    _check_once(flag, [each.axis.name for each in found])
    return found


def unordered(flag: str, value: Any) -> tuple[str, ...]:
    """Read names of axes between whose values nothing lies; empty where none is given."""
    names = values.items(flag, value, values.text, "name of an axis") if value else ()
    axes = [axis_named(flag, name) for name in names]
    for axis in axes:
        if axis.ordered:
            raise bad(flag, value, f"{axis.name} is narrowed like every ordered axis; leave it out")
    return tuple(dict.fromkeys(axis.name for axis in axes))


def _limits(flag: str, text: str) -> Limits:
    name, equals, pair = text.partition("=")
    axis = axis_named(flag, name.strip())
    if not axis.ordered:
        raise bad(flag, text, f"{axis.name} has no ends to go beyond; leave it out")
    ends = values.items(flag, pair, axis.read, "pair, as in eta_max=0.001,2") if equals else ()
    if len(ends) != 2 or ends[0] >= ends[1]:
        raise bad(flag, text, "give the smaller and the larger bound, as in eta_max=0.001,2")
    _check_placed(flag, axis, ends[0])
    return Limits(axis, *ends)
