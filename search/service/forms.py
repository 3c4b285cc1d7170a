"""The form of a new study: a command's settings in groups, and what comes back from a browser."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.service.errors import FieldsError
from search.service.schema import KINDS, FieldAbout, fields_about
from search.service.submissions import Wish
from search.settings.execution import Execution
from search.settings.spec import StudySpec

DATA = ("data", "validation", "stratified", "seed", "scale")
FILE = "file"
"""The field of a data set that is uploaded with the form."""
SWITCH = {"yes": True, "no": False}
"""What a choice of yes or no comes back as."""
Sent = Mapping[str, Sequence[str]]
"""What a browser sends: the values of each field of the form."""


@dataclass(frozen=True)
class FormField:
    """A field of the form."""

    id: str
    """Its name in the form: `specification.eta_max`."""
    about: FieldAbout
    value: str
    """What stands in it: what was sent or, at first, the default."""
    error: str = ""
    """Why it cannot be used."""

    @property
    def label(self) -> str:
        """Its name as flags and messages have it."""
        return self.about.name.replace("_", "-")

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be chosen; empty where anything can be written."""
        return tuple(SWITCH) if self.about.kind == "boolean" else self.about.choices


@dataclass(frozen=True)
class Group:
    """Fields that belong together."""

    title: str
    fields: tuple[FormField, ...]
    folded: bool = False
    """Whether it is for those who look for it."""

    @property
    def open(self) -> bool:
        """Whether its fields are shown at first: those with an error always are."""
        return not self.folded or any(field.error for field in self.fields)


@dataclass(frozen=True)
class Form:
    """A form of a command's settings."""

    kind: str
    title: str
    about: str
    groups: tuple[Group, ...]
    name: str = ""
    who: str = ""
    message: str = ""
    first: bool = False
    name_error: str = ""
    file_error: str = ""
    problems: tuple[str, ...] = ()
    """What is wrong with no field by itself."""

    @property
    def wrong(self) -> tuple[FormField, ...]:
        """The fields that cannot be used."""
        return tuple(field for group in self.groups for field in group.fields if field.error)


def form(kind: str, sent: Sent | None = None, error: Exception | None = None) -> Form:
    """Return the form of a command: with its defaults, or with what was sent and what is wrong."""
    of = KINDS[kind]
    errors = dict(error.errors) if isinstance(error, FieldsError) else {}
    if error is not None and not errors:
        errors[()] = str(error)
    fields = [
        *(_field("specification", about, sent, errors) for about in fields_about(of)),
        *(_field("execution", about, sent, errors) for about in fields_about(Execution)),
    ]
    shown = {"name", FILE, *(field.id for field in fields)}
    return Form(
        kind=kind,
        title=of.title,
        about=of.about,
        groups=tuple(_groups(fields)),
        **{name: _first(sent, name).strip() for name in ("name", "who", "message")},
        first=_first(sent, "first") == "yes",
        name_error=errors.get(("name",), ""),
        file_error=errors.get((FILE,), ""),
        problems=tuple(said for at, said in errors.items() if ".".join(at) not in shown),
    )


def _field(
    part: str, about: FieldAbout, sent: Sent | None, errors: Mapping[tuple[str, ...], str]
) -> FormField:
    name = f"{part}.{about.name}"
    if sent is None:
        value = "" if about.default is None else str(about.default)
        if isinstance(about.default, bool):
            value = "yes" if about.default else "no"
    else:
        value = _first(sent, name)
    return FormField(name, about, value, errors.get((part, about.name), ""))


def _groups(fields: Sequence[FormField]) -> Iterator[Group]:
    shared = {field.name for field in dataclasses.fields(StudySpec)}

    def those(part: str, *, data: bool, own: bool) -> tuple[FormField, ...]:
        return tuple(
            field
            for field in fields
            if field.id.startswith(f"{part}.")
            and (field.about.name in DATA) is data
            and (field.about.name not in shared) is own
        )

    yield Group("Data", those("specification", data=True, own=False))
    yield Group("The experiment", those("specification", data=False, own=True))
    yield Group("Network and training", those("specification", data=False, own=False))
    yield Group("How it runs", those("execution", data=False, own=True), folded=True)


def wish(kind: str, sent: Sent) -> Wish:
    """Return what a form asks for; fields left empty, or as they were, are as if not given."""
    return Wish(
        kind=kind,
        specification=dict(_given("specification", fields_about(KINDS[kind]), sent)),
        execution=dict(_given("execution", fields_about(Execution), sent)),
        name=_first(sent, "name").strip() or None,
        who=_first(sent, "who").strip(),
        message=_first(sent, "message").strip(),
        first=_first(sent, "first") == "yes",
    )


def _given(part: str, fields: Iterator[FieldAbout], sent: Sent) -> Iterator[tuple[str, Any]]:
    for about in fields:
        text = _first(sent, f"{part}.{about.name}").strip()
        value: Any = text
        if about.kind == "boolean":
            value = SWITCH.get(text, text)
        elif about.many:
            value = [line.strip() for line in text.splitlines() if line.strip()]
        if text and value != about.default:
            yield about.name, value


def _first(sent: Sent | None, name: str) -> str:
    return next(iter(sent.get(name, ())), "") if sent else ""
