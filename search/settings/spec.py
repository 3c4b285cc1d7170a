"""Specifications: what every study specifies, and what an experiment adds to it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import shlex
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from kbn.data import Dataset, given
from kbn.data.load import CHOICES
from kbn.errors import InputError
from kbn.paths import LONGEST_NAME
from kbn.schedule import ORDINARY
from search.plan import Plan
from search.records import Outcome
from search.settings import values
from search.settings.setting import Settings, flag, setting
from search.settings.values import Cycle, Init
from search.trial import Trial

Data = Any
"""A data set's name, or what `kbn.data.given` takes; of the latter a `Dataset` is made."""


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
        values.text,
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
        values.whole(at_least=1),
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
