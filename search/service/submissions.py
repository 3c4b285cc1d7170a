"""A study that somebody asks for: its settings are read, its data looked at, its folder made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kbn.data.load import BUILT_IN
from kbn.errors import InputError
from kbn.paths import Kind, kind_of
from search.service import verbs
from search.service.errors import FieldsError
from search.service.place import Place
from search.service.prepared import Prepared, prepared
from search.service.requests import Request
from search.service.schema import read
from search.service.uploads import folder_of
from search.service.verbs import Submitted
from search.settings import values
from search.settings.execution import Execution
from search.settings.spec import StudySpec


@dataclass(frozen=True)
class Wish:
    """What somebody asks for, as it came in."""

    kind: str
    specification: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    who: str = ""
    message: str = ""
    first: bool = False


def submit(place: Place, wish: Wish) -> Submitted:
    """Queue a study; the same one is the same study. Raises as `foresee` and `verbs.submit` do."""
    study = _look(place, wish, forecast=False)
    execution = {name: value for name, value in wish.execution.items() if value is not None}
    request = Request(who=wish.who, message=wish.message, execution=execution, first=wish.first)
    try:
        return verbs.submit(place.folders, study, request, name=wish.name)
    finally:
        place.wake()


def foresee(place: Place, wish: Wish) -> Prepared:
    """Return what a study would do: trials, memory, time. Nothing is written.

    Raises
    ------
    FieldsError
        With a sentence for each setting that cannot be used.
    InputError
        When the data cannot be had, or do not fit the settings.
    """
    return _look(place, wish, forecast=True)


def _look(place: Place, wish: Wish, *, forecast: bool) -> Prepared:
    spec = read(wish.kind, wish.specification, wish.execution)
    if wish.name is not None:
        try:
            values.file_name("name", wish.name)
        except InputError as error:
            raise FieldsError({("name",): str(error)}) from error
    spec = _on_uploaded(place, spec)
    execution = {name: value for name, value in wish.execution.items() if value is not None}
    how = Execution(
        out=place.root,
        name=wish.name,
        address=None if execution.get("serial") else place.launcher.address,
        data_dir=place.launcher.data_dir,
        **execution,
    )
    return prepared(spec, how, forecast=forecast)


def _on_uploaded(place: Place, spec: StudySpec) -> StudySpec:
    """Return a specification whose file, if it names one, is one that was uploaded.

    No other path of the server is looked at, whatever form its data would have.
    """
    kind, _, given = spec.data.partition(":")
    if kind in ("auto", *BUILT_IN):
        return spec
    folder = folder_of(place.root).absolute()
    try:
        path = folder / values.file_name("data npz", given.removeprefix(f"{folder}/"))
        known = kind == "npz" and kind_of(path) is Kind.FILE
    except InputError:
        known = False
    if not known:
        raise FieldsError(
            {
                ("specification", "data"): f"--data {spec.data[:80]}: choose cifar10, digits or "
                "synthetic, or upload a file first and name it as npz:NAME.npz"
            }
        )
    return replace(spec, data=f"npz:{path}")
