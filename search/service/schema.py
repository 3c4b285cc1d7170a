"""What comes in when a study is submitted: one model a command, made of its specification's fields.

Help, defaults and names are the specification's own, so that the flags of a command, the API and
its documentation say the same. Values are read by the specification's readers, too: the models say
what there is, and the readers whether it can be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from kbn.errors import InputError
from search.service.errors import FieldsError
from search.service.requests import LONGEST
from search.settings.execution import Execution
from search.settings.setting import Settings, refusals
from search.settings.spec import StudySpec
from search.settings.values import show
from search.study.kept import SPECIFICATIONS

EXECUTION = (
    *("serial", "max_concurrent", "cpus_per_trial", "memory_per_trial", "pack", "retries"),
    *("checkpoint_cycles", "trial_timeout"),
)
"""How a study runs, as far as those may say who ask for it; where it runs the server says."""
KINDS: Mapping[str, type[StudySpec]] = {each.kind: each for each in SPECIFICATIONS.values()}
DATA_HELP = "auto, cifar10, digits, synthetic[:N], or npz:NAME.npz of a file that was uploaded."
NO_SUCH = ("target",)
"""Settings of data that cannot be uploaded."""
LONGEST_NAME = 100
"""Characters of a name: a folder's may have more bytes, and a page shows it."""


@dataclasses.dataclass(frozen=True)
class FieldAbout:
    """What is known of a setting: for a form, and for the API's documentation."""

    name: str
    help: str
    default: Any
    """As it is typed; None where it follows from others, or there is none."""
    kind: str
    """`boolean`, `integer`, `number`, `choice` or `text`."""
    choices: tuple[str, ...] = ()
    metavar: str = ""
    many: bool = False
    """Whether it may be given several times."""


def fields_about(kind: type[Settings]) -> Iterator[FieldAbout]:
    """Yield what is known of each setting of a specification, or of those of an execution."""
    for field in dataclasses.fields(kind):
        if field.name in NO_SUCH or (kind is Execution and field.name not in EXECUTION):
            continue
        metavar = field.metadata["metavar"]
        plain = field.type if isinstance(field.type, str) else ""
        words = metavar.split("|") if "|" in metavar else []
        choices = tuple(words) if words and all(word.islower() for word in words) else ()
        yield FieldAbout(
            name=field.name,
            help=DATA_HELP if field.name == "data" else " ".join(field.metadata["help"].split()),
            default=_typed(field.default),
            kind="choice" if choices else _KINDS.get(plain.removesuffix(" | None"), "text"),
            choices=choices,
            metavar=metavar,
            many=field.metadata["many"],
        )


def _typed(default: Any) -> bool | str | None:
    """Return a default as it is typed; None where there is none."""
    if isinstance(default, bool):
        return default
    return None if default in (None, ()) else show(default)


_KINDS = {"bool": "boolean", "int": "integer", "float": "number"}
_TYPES: Mapping[str, list[str]] = {
    "boolean": ["boolean"],
    "integer": ["integer", "string"],
    "number": ["number", "string"],
    "choice": ["string"],
    "text": ["string", "number", "array"],
}


def read(kind: str, given: Mapping[str, Any], execution: Mapping[str, Any]) -> StudySpec:
    """Return the specification that is meant; settings that are None are as if not given.

    Raises `FieldsError`, with a sentence for each setting that cannot be used.
    """
    of = KINDS[kind]
    own = {name: value for name, value in given.items() if value is not None}
    how = {name: value for name, value in execution.items() if value is not None}
    wrong: dict[tuple[str, ...], str] = {
        ("specification", name): said for name, said in refusals(of, own).items()
    }
    wrong |= {("execution", name): said for name, said in refusals(Execution, how).items()}
    for name in how.keys() - set(EXECUTION):
        wrong["execution", name] = f"{name}: the server decides on it; leave it out"
    if wrong:
        raise FieldsError(wrong)
    try:
        spec = of(**own)
    except InputError as error:  # settings that do not go together
        raise FieldsError({("specification",): str(error)}) from error
    try:
        Execution(**how)
    except InputError as error:
        raise FieldsError({("execution",): str(error)}) from error
    return spec


class _Submission(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(
        None, max_length=LONGEST_NAME, description="Its folder; made of command and data if absent."
    )
    who: str = Field("", max_length=LONGEST_NAME, description="Who asks for it.")
    message: str = Field("", max_length=LONGEST, description="What for.")
    first: bool = Field(False, description="Ahead of those that wait.")


@cache
def submission() -> Any:
    """Return the type of what is sent to submit a study: a model a command, told by its `kind`."""
    execution = _model("Execution", Execution)
    models = [
        create_model(
            f"{of.__name__}Submission",
            __base__=_Submission,
            __doc__=of.about,
            kind=(Literal[kind], ...),  # type: ignore[arg-type] # mypy knows no made type
            specification=(_model(of.__name__, of), Field(default_factory=dict)),
            execution=(execution, Field(default_factory=dict)),
        )
        for kind, of in KINDS.items()
    ]
    return Annotated[Union[tuple(models)], Field(discriminator="kind")]  # noqa: UP007 - made at runtime


def _model(name: str, of: type[Settings]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for about in fields_about(of):
        shape = {
            "type": [*_TYPES[about.kind], "null"],
            "description": about.help,
            **({"enum": [*about.choices, None]} if about.choices else {}),
        }
        fields[about.name] = (Annotated[Any, WithJsonSchema(shape)], about.default)
    config = ConfigDict(
        extra="allow",  # what there is not is refused with all else that is wrong
        json_schema_extra={"additionalProperties": False},
        title=name,
    )
    return create_model(name, __config__=config, **fields)
