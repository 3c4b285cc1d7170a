"""Specifications: frozen dataclasses whose fields are the flags, TOML keys and arguments alike.

`setting` gives a field its default, its reader (see `search.settings.values`) and its help text.
Reading happens when the dataclass is made, so a flag, a TOML key and a library call meet the same
checks.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import inspect
import math
import shlex
import textwrap
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from kbn.data import Dataset, given
from kbn.data.load import CHOICES
from kbn.errors import InputError
from kbn.paths import LONGEST_NAME, read_text, user_path
from kbn.schedule import ORDINARY
from search.plan import Plan
from search.records import Outcome
from search.settings import values
from search.settings.values import Cycle, Init, Reader
from search.trial import Trial

MEMORY_PER_TRIAL = 250.0
"""MB of a worker beside the shared arrays, by `benchmarks/memory.py`: CIFAR-10 takes 175 with the
default network, 200 with [500, 500], 256 with [2000]."""


Data = Any
"""A data set's name, or what `kbn.data.given` takes; of the latter a `Dataset` is made."""


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

    With `many` its flag may be given more than once, and its value is a tuple of them. With `later`
    it is left out of the plain values at its default: studies of before it came go on.
    """
    metadata = {
        "read": reader,
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


@dataclass(frozen=True, kw_only=True)
class Execution(Settings):
    """Where and how a study runs. Nothing here changes a result."""

    data_dir: Path | None = setting(
        None,
        values.optional(user_path),
        "Folder of the data set's files (else $KBN_DATA_DIR, the user's cache, a download).",
        "DIR",
    )
    name: str | None = setting(
        None,
        values.optional(values.file_name),
        "The study's name, its folder under --out  [default: made of driver and data]",
        "NAME",
    )
    out: Path = setting(
        Path("runs"),
        user_path,
        "Folder that holds studies.",
        "DIR",
    )
    address: str | None = setting(
        None,
        values.optional(values.text),
        "Run on the Ray cluster at HOST:PORT, on the one that this machine belongs to (`auto`), or "
        "on an embedded Ray (`local`)  [default: $RAY_ADDRESS, else local]",
        "ADDRESS",
    )
    serial: bool = setting(
        False, values.boolean, "Run in this process, one task after the other, without Ray."
    )
    max_concurrent: int | None = setting(
        None,
        values.optional(values.whole(at_least=1)),
        "Trials at once, at most  [default: as many as there are cores]",
        "N",
    )
    cpus_per_trial: float = setting(
        1.0,
        values.number(above=0),
        "Cores that Ray sets aside for a trial. A trial uses one BLAS thread in any case, "
        "so that its bytes do not depend on this.",
        "CORES",
    )
    memory_per_trial: float = setting(
        MEMORY_PER_TRIAL,
        values.number(at_least=0),
        "Memory that Ray sets aside for a trial beside the arrays that all trials of a machine "
        "share, in MB; 0 for none.",
        "MB",
    )
    pack: int | str = setting(
        "auto",
        values.whole_or("auto", at_least=1),
        "Trials of equal shape and batches that one task trains together, at most: quicker in all, "
        "later each. `auto`: up to 4 where trials outnumber cores, else 1.",
        "N|auto",
    )
    retries: int = setting(
        1, values.whole(at_least=0), "Further attempts at a trial that raises an error.", "N"
    )
    checkpoint_cycles: int = setting(
        1,
        values.whole(at_least=0),
        "Learning-rate cycles from one checkpoint of a running trial to the next: after a fault it "
        "goes on from the last one, with the same bytes; 0 keeps none.",
        "N",
    )
    trial_timeout: float | None = setting(
        None,
        values.optional(values.or_off(values.number(above=0))),
        "Longest time between two records of a running trial; past it the attempt is ended and "
        "counts as one that raised. With --serial it can be noticed at the next record only.  "
        "[default: off]",
        "SECONDS|off",
    )
    overwrite: bool = setting(
        False, values.boolean, "Replace a study of the same name, results included."
    )
    dry_run: bool = setting(
        False, values.boolean, "Print the trials, memory and an estimate of time; train nothing."
    )
    quiet: bool = setting(False, values.boolean, "Print errors and the report's path only.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.serial and self.address:
            raise InputError(f"--serial and --address {self.address} exclude each other; drop one")


@dataclass(frozen=True, kw_only=True)
class StudySpec(Settings, ABC):
    """What every study specifies: data, network, training. Drivers add what is their own."""

    kind: ClassVar[str]
    """The driver's module."""
    title: ClassVar[str]
    about: ClassVar[str]
    """What the driver does, for `--help`."""
    refused: ClassVar[tuple[str, ...]] = ()
    """Settings that it decides by itself, and refuses to be told: `--help` does not list them."""

    data: Data = setting(
        "auto",
        values.data_set,
        f"{CHOICES}. In Python arrays, a data frame or a kbn.data.Dataset, too.",
        "NAME",
    )
    target: str | None = setting(
        None,
        values.optional(values.text),
        "The column of labels in a table (csv, parquet, a data frame).",
        "COLUMN",
        later=True,
    )
    validation: int | float = setting(
        0.1,
        values.validation_size,
        "Validation images: a count, or a fraction of those that come with labels for training.",
        "N|FRACTION",
    )
    stratified: bool = setting(
        False, values.boolean, "Split so that every class keeps its share of images."
    )
    seed: int = setting(
        0,
        values.whole(at_least=0, at_most=values.LARGEST_INTEGER),
        "Seed of split, weights and batches.",
        "N",
    )
    hidden: tuple[int, ...] = setting(
        (50, 50), values.widths, "Widths of the hidden layers.", "N,N,…"
    )
    batch_norm: bool = setting(True, values.boolean, "Normalise each hidden layer's batches.")
    init: Init = setting(
        Init("he"), values.init, "Initial weights: he, or normal:SIGMA.", "he|normal:SIGMA"
    )
    alpha: float = setting(
        0.9,
        values.number(at_least=0, below=1),
        "Batch norm's moving averages: share of the old value.",
        "A",
    )
    schedule: str = setting(
        "triangular", values.choice(*ORDINARY), "Learning-rate schedule.", "|".join(ORDINARY)
    )
    eta_min: float = setting(1e-5, values.magnitude, "Smallest learning rate.", "ETA")
    eta_max: float = setting(1e-1, values.magnitude, "Largest learning rate.", "ETA")
    cycle: Cycle = setting(
        Cycle(10, "epochs"),
        values.cycle,
        "Length of a learning-rate cycle, as 10epochs or 4500steps.",
        "LENGTH",
    )
    batch_size: int = setting(100, values.whole(at_least=2), "Images in a batch.", "N")
    epochs: int = setting(
        None,
        values.optional(values.whole(at_least=1)),
        "Epochs of a search trial  [default: the whole cycles nearest to 20]",
        "N",
    )
    scale: float = setting(
        1.0,
        values.number(above=0, at_most=1),
        "Below 1 a preview, marked as one: this share of the images, and cycles and runs "
        "shortened by its square root.",
        "S",
    )
    replicates: int = setting(
        1,
        values.whole(at_least=1),
        "Runs of each value, paired over values: same weights, same batches.",
        "N",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.data, str | Dataset):
            object.__setattr__(self, "data", given(self.data, self.target))
            object.__setattr__(self, "target", None)  # it is no column any more
        if self.eta_min > self.eta_max:
            raise InputError(
                f"--eta-min {values.number_text(self.eta_min)} is above --eta-max "
                f"{values.number_text(self.eta_max)}; exchange them"
            )

    def derived(self) -> dict[str, Any]:
        """Return the epochs that end a cycle near the reference report's 20."""
        return {"epochs": whole_cycles_near(20, self.cycle)}

    lengths: ClassVar[tuple[str, ...]] = ("epochs",)
    """The settings that are lengths of runs, in epochs."""

    @property
    def largest_batch(self) -> int:
        """The largest batch that is asked for."""
        return self.batch_size

    @property
    def shortest_cycle(self) -> Cycle:
        """The shortest cycle that is asked for."""
        return self.cycle

    @property
    def last_validation(self) -> int | None:
        """Validation images of a last training, where they are fewer than those of the others."""
        return None

    @abstractmethod
    def experiments(self) -> tuple[Experiment, ...]:
        """Return the experiments of the study at its scale, each with a plan of its own."""

    def as_begun(self, held: Mapping[str, Any]) -> Self:  # noqa: ARG002 - most are as they were
        """Return what a study understands by this that an older version began with `held`."""
        return self

    def at_scale(self) -> Self:
        """Return what is trained: cycles and runs shortened by √scale, cycles kept whole."""
        if self.scale == 1.0:
            return self
        shorter = math.sqrt(self.scale)
        if self.cycle.unit == "epochs":
            cycle = replace(self.cycle, length=max(1, round(self.cycle.length * shorter)))
            shorter = cycle.length / self.cycle.length
        else:  # an epoch has fewer steps, too
            steps = round(self.cycle.length * shorter * self.scale)
            cycle = replace(self.cycle, length=max(2, steps))
        runs = {name: max(1, round(getattr(self, name) * shorter)) for name in self.lengths}
        return replace(self, cycle=cycle, **runs)

    def study_name(self, data: str) -> str:
        """Return the default name of a study on a data set, short enough for a folder."""
        name, _, rest = data.partition(":")
        preview = "" if self.scale == 1.0 else f"scale-{values.number_text(self.scale)}"
        words = (self.kind.replace("_", "-"), name, Path(rest).stem, preview)
        return within("-".join(filter(None, words)), LONGEST_NAME)

    def command(self) -> str:
        """Return the shell command that repeats this specification."""
        words = ["python", "-m", f"search.{self.kind}"]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value == self._by_default(field):
                continue
            if isinstance(value, bool):
                words.append(flag(field.name) if value else flag("no_" + field.name))
            elif field.metadata["many"]:
                words += [word for each in value for word in (flag(field.name), values.show(each))]
            else:
                words += [flag(field.name), values.show(value)]
        return shlex.join(words)


@dataclass(frozen=True, kw_only=True)
class Experiment(StudySpec, ABC):
    """A study with one plan."""

    compares_losses: ClassVar[bool] = False
    """Whether its results need the losses of single images: see `search.records.LOSSES`."""

    def experiments(self) -> tuple[Experiment, ...]:
        """Return this one at its scale."""
        return (self.at_scale(),)

    @abstractmethod
    def plan(self, base: Trial) -> Plan:
        """Return a new plan; `base` holds every setting that the plan does not vary."""

    @abstractmethod
    def outline(self) -> tuple[StageOutline, ...]:
        """Return the stages to expect, for a dry run and an estimate of time."""

    def foreseen(self, base: Trial) -> tuple[Trial, ...]:
        """Return trials that are known before any has ended: those of the first stage."""
        return next(self.plan(base)).trials

    def ending(
        self,
        chosen: Trial | None,  # noqa: ARG002 - most experiments choose nothing
        tried: Sequence[Outcome],  # noqa: ARG002
    ) -> str:
        """Return the line that ends a run: what was `chosen` of what was `tried`, if anything."""
        return ""

    def networks(self) -> tuple[tuple[int, ...], ...]:
        """Return the widths of the hidden layers of every network to train."""
        return (self.hidden,)


@dataclass(frozen=True, kw_only=True)
class FixedLambda(Experiment, ABC):
    """An experiment that does not search λ."""

    lam: float = setting(
        5e-3, values.number(at_least=0, at_most=values.LARGEST), "L2 strength λ.", "λ"
    )


@dataclass(frozen=True)
class StageOutline:
    """What is known of a stage before it is decided, or ended."""

    name: str
    trials: int
    epochs: int
    """Epochs of one trial."""
    what: str
    """Its trials, in words."""
    done: int = 0
    """Trials that have a result."""
    least: int | None = None
    most: int | None = None
    """Trials there may be; None where it is `trials` for sure, or not known."""


def whole_cycles_near(epochs: int, cycle: Cycle) -> int:
    """Return the number of epochs nearest to `epochs` that ends a cycle, at least one cycle."""
    if cycle.unit == "steps":
        return epochs
    return cycle.length * max(1, round(epochs / cycle.length))


def within(name: str, size: int) -> str:
    """Return a name of `size` bytes at most: a longer one is cut off, and a hash of it added."""
    encoded = name.encode()
    if len(encoded) <= size:
        return name
    mark = f"-{hashlib.sha256(encoded).hexdigest()[:8]}"
    return encoded[: size - len(mark)].decode(errors="ignore") + mark


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


UNSET = "unset"


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
