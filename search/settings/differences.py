"""On what specifications differ, as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from search.settings import values

UNSET = "unset"


def differing(*specs: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the settings on which some specifications differ, in their order."""
    names = dict.fromkeys(name for spec in specs for name in spec)
    return tuple(
        name for name in names if any(spec.get(name) != specs[0].get(name) for spec in specs[1:])
    )


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Return `name old → new` for every setting on which two specifications differ.

    Of a setting that is given axis by axis, each axis that differs has an item of its own.
    """
    return tuple(
        change
        for name in differing(old, new)
        for change in _changes(name, old.get(name, UNSET), new.get(name, UNSET))
    )


def _changes(name: str, old: Any, new: Any) -> Iterator[str]:
    before, after = _by_axis(old), _by_axis(new)
    if before == after:  # no axes, or the same in another order
        before, after = {"": old}, {"": new}
    for axis in dict.fromkeys((*before, *after)):
        if before.get(axis) != after.get(axis):
            was, now = (values.show(each.get(axis, UNSET)) for each in (before, after))
            yield " ".join(
                [*map(values.cut, filter(None, (name, axis, was))), "→", values.cut(now)]
            )


def _by_axis(value: Any) -> dict[str, Any]:
    """Return the values of a list of `AXIS=VALUES` by axis; nothing of another value."""
    pairs = [str(item).partition("=") for item in value] if isinstance(value, list) else []
    return {axis: given for axis, equals, given in pairs if equals}
