"""Settings: fields of frozen dataclasses, which are flags, TOML keys and arguments alike.

`setting` gives a field its default, its reader (see `search.settings.values`) and its help text.
Reading happens when the dataclass is made, so a flag, a TOML key and a library call meet the same
checks.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kbn.errors import InputError
from kbn.paths import read_text
from search.settings import values
from search.settings.values import Reader


def setting(
    default: Any,
    reader: Reader,
    help_text: str,
    metavar: str = "",
    *,
    many: bool = False,
    later: bool = False,
) -> Any:
    """Return a dataclass field that reads its value with `reader`.

    Where the default is None, that stands for a setting that is not given, and is not read. With
    `many` its flag may be given more than once, and its value is a tuple of them. With `later`
    it is left out of the plain values at its default: studies of before it came go on.
    """
    metadata = {
        "read": values.optional(reader) if default is None else reader,
        "help": help_text,
        "metavar": metavar,
        "many": many,
        "later": later,
    }
    return dataclasses.field(default=default, metadata=metadata)


def like(other: type[Settings], name: str, **changed: Any) -> Any:
    """Return a field as another specification has it, but for a changed `default` or `help`."""
    field = {each.name: each for each in dataclasses.fields(other)}[name]
    default = changed.pop("default", field.default)
    return dataclasses.field(default=default, metadata={**field.metadata, **changed})


def flag(name: str) -> str:
    """Return the flag of a field."""
    return "--" + name.replace("_", "-")


def _read(field: dataclasses.Field[Any], given: Any) -> Any:
    """Return a field's value as its reader takes it, which need not expect every type there is."""
    try:
        return field.metadata["read"](flag(field.name), given)
    except InputError:
        raise
    except (TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        kind = type(given).__name__
        raise values.bad(flag(field.name), given, f"a {kind} of this form is no value") from error


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


class _Documented:
    """A class's docstring with its settings below it.

    It is put together when `dataclass`, which by then knows the fields, looks for a docstring, and
    is text from then on, as `help` needs it.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __get__(self, _: object, owner: type[Settings]) -> str:
        owner.__doc__ = f"{inspect.cleandoc(self._text)}\n\n{described(owner)}"
        return owner.__doc__


def described(settings: type[Settings]) -> str:
    """Return all settings of a dataclass, their defaults and what they are for, as text."""
    lines = ["Settings", "--------"]
    for field in dataclasses.fields(settings):
        stands = "" if field.default in (None, ()) else f" = {_plain(field.default)!r}"
        lines += [
            f"{field.name}{stands}",
            textwrap.indent("\n".join(textwrap.wrap(field.metadata["help"], 92)), "    "),
        ]
    return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of dataclasses made of settings: reads and checks every field when made.

    None stands for a setting that is not given; what can be switched off is by `"off"`.
    """

    def __init_subclass__(cls) -> None:
        cls.__doc__ = _Documented(cls.__doc__ or "")  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = _read(field, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        for name, value in self.derived().items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)

    def derived(self) -> dict[str, Any]:
        """Return the values of settings that follow from others unless they are given."""
        return {}

    def plain(self) -> dict[str, Any]:
        """Return the settings as values of JSON and TOML, keyed by field name."""
        return {
            field.name: _plain(value)
            for field in dataclasses.fields(self)
            for value in [getattr(self, field.name)]
            if not (field.metadata["later"] and value == self._by_default(field))
        }

    def _by_default(self, field: dataclasses.Field[Any]) -> Any:
        """Return a field's value where it is not given."""
        return self.derived().get(field.name, field.default)


def refusals(kind: type[Settings], given: Mapping[str, Any]) -> dict[str, str]:
    """Return why settings cannot be used, each by itself, keyed by name; {} where all can."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    wrong = {}
    for name, value in given.items():
        try:
            if name in fields:
                _read(fields[name], value)
            else:
                wrong[name] = (
                    f"there is no setting {name[:80]!r}; the nearest is {_near(name, fields)}"
                )
        except InputError as error:
            wrong[name] = str(error)
    return wrong


def _near(name: str, names: Iterable[str]) -> str:
    (near,) = difflib.get_close_matches(name, list(names), n=1, cutoff=0)
    return repr(near.replace("_", "-"))


def read_toml(path: Path, known: Iterable[str]) -> dict[str, Any]:
    """Read settings from a TOML file; keys are flags' names, with dashes or underscores.

    Raises
    ------
    InputError
        When the file cannot be read, is no TOML, holds a key that is no setting, or one in both
        spellings.
    """
    try:
        table = tomllib.loads(read_text(path, f"--spec {path}:"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"--spec {path}: not valid TOML ({error})") from error
    names = list(known)
    result = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in names:
            raise InputError(
                f"--spec {path}: there is no setting {key!r}; the nearest is {_near(name, names)}"
            )
        if name in result:
            raise InputError(
                f"--spec {path}: {name.replace('_', '-')!r} and {name!r} are one setting; drop one"
            )
        result[name] = value
    return result
