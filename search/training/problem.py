"""A specification meets its data: what workers share, and the trial every plan starts from."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from kbn import data
from kbn.data import Dataset, Partition, Split
from kbn.data.load import BUILT_IN
from kbn.data.split import Moments
from kbn.errors import InputError
from kbn.schedule import SHORTEST_CYCLE
from search.evidence.chance import largest_share
from search.evidence.judged import informed
from search.plan import Plan
from search.records import DataRecord
from search.settings.spec import Experiment, StudySpec
from search.training.trainer import Shared
from search.trial import Trial


@dataclass(frozen=True)
class Problem:
    """A data set, split as a specification asks."""

    dataset: Dataset
    parts: Partition
    measuring: Future[Moments]
    """The moments of the images to train on, as soon as they are there."""
    losses: bool
    """Whether trials keep the losses of single images."""
    record: DataRecord
    base: Trial
    """Every setting of a trial that a plan does not vary."""

    @cached_property
    def shared(self) -> Shared:
        """What every worker gets, once, in this process's own memory.

        Raises `DataError` when an image lies too far from the others.
        """
        shared = self.unfilled()
        self.fill(shared)
        return shared

    def unfilled(self) -> Shared:
        """Return room for what every worker gets, which takes memory as it is filled."""
        split = data.unfilled(self.dataset, self.parts)
        return Shared(split, classes=len(self.dataset.classes), losses=self.losses)

    def fill(self, shared: Shared) -> None:
        """Fill the room, wherever it is.

        Raises `DataError` when an image lies too far from the others.
        """
        data.fill(shared.split, self.dataset, self.parts, self.measuring.result())

    @property
    def shared_bytes(self) -> int:
        """Size of the arrays that every worker gets."""
        dataset = self.dataset
        features: int = dataset.X.shape[1]
        labels = dataset.y.nbytes + dataset.y_test.nbytes
        moments = 2 * features * np.dtype(np.float64).itemsize
        images = (len(dataset.y) + len(dataset.y_test)) * features * np.dtype(np.float32).itemsize
        return images + labels + moments

    def test_part(self) -> Split:
        """Return the images to test on alone, the others left out."""
        none = Partition(np.arange(0), np.arange(0))
        split = data.unfilled(self.dataset, none)
        data.fill(split, self.dataset, none, self.measuring.result())
        return split


def prepare(spec: StudySpec, *, data_dir: Path | None, say: Callable[[str], None]) -> Problem:
    """Load and split the data of a specification; a thread goes on to take its moments.

    Raises
    ------
    DataError
        When the data set is missing or damaged.
    InputError
        When the split, the batch or the cycle does not fit it.
    """
    dataset = (
        data.given(spec.data)
        if isinstance(spec.data, Dataset)
        else data.load(spec.data, data_dir=data_dir, target=spec.target, say=say)
    )
    validation = spec.validation
    if spec.scale < 1.0:
        dataset = data.sample(dataset, spec.scale, seed=spec.seed)
        validation = validation if validation < 1 else max(1, round(validation * spec.scale))
    parts = data.partition(
        dataset.y, validation=validation, seed=spec.seed, stratified=spec.stratified
    )
    executor = ThreadPoolExecutor(1, "moments")
    try:
        measuring = executor.submit(data.moments, dataset.X, parts.train)
    finally:  # a thread that is not told would be waited for at the end of an interrupted process
        executor.shutdown(wait=False)
    record = describe(dataset, parts, stratified=spec.stratified)
    if spec.largest_batch > record.train_size:
        raise InputError(
            f"--batch-size {spec.largest_batch} is larger than the training set of "
            f"{record.train_size} images; choose at most {record.train_size}"
        )
    for part in spec.experiments():
        _check_cycle(part, record)
        last = part.last_validation
        if last is not None and last >= record.validation_size:
            raise InputError(
                f"--final-validation {last}: the search validates on {record.validation_size} "
                "images, so that this leaves none to train on; choose fewer, or leave it out"
            )
    losses = any(part.compares_losses for part in spec.experiments())
    base = base_trial(spec.at_scale(), record)
    return Problem(dataset, parts, measuring, losses, record, base)


def _check_cycle(spec: StudySpec, record: DataRecord) -> None:
    cycle, batch = spec.shortest_cycle, spec.largest_batch
    steps = base_trial(spec, record).cycle_steps
    if steps < SHORTEST_CYCLE:
        raise InputError(
            f"--cycle {cycle} has {steps} step with batches of {batch} of "
            f"{record.train_size} images; at least {SHORTEST_CYCLE} are needed: choose a longer "
            "cycle, or a smaller --batch-size"
        )


def describe(dataset: Dataset, parts: Partition, *, stratified: bool) -> DataRecord:
    """Return what reports say of a data set and its split."""
    return DataRecord(
        name=dataset.name,
        title=dataset.title,
        fingerprint=dataset.fingerprint,
        classes=dataset.classes,
        inputs=dataset.X.shape[1],
        image_shape=dataset.image_shape,
        train_size=len(parts.train),
        validation_size=len(parts.validation),
        test_size=len(dataset.y_test),
        stratified=stratified,
        chance=largest_share(dataset.y[parts.validation]),
        notes=dataset.notes,
    )


def plan_of(part: Experiment, record: DataRecord, first: Trial | None) -> Plan:
    """Return a new plan of an experiment, which is told of each run whether its network learned.

    `first` is the first trial that the study has asked for, if any: in older studies it names a
    file by its path. The trials to come do so, too, and those asked for keep their ids.
    """
    base = base_trial(part, record)
    return informed(part.plan(replace(base, data=first.data) if first else base), record)


def base_trial(spec: StudySpec, record: DataRecord) -> Trial:
    """Return the trial that a plan varies; its λ is a placeholder.

    A batch size or a cycle that is varied has the value that leaves the fewest steps.

    Where the user's own data lie decides nothing: their arrays do, and those the fingerprint
    names. All are called as files of arrays, which came first.
    """
    built_in = record.name.partition(":")[0] in BUILT_IN
    return Trial(
        data=record.name if built_in else "npz",
        fingerprint=record.fingerprint,
        train_size=record.train_size,
        validation_size=record.validation_size,
        stratified=spec.stratified,
        hidden=spec.hidden,
        batch_norm=spec.batch_norm,
        alpha=spec.alpha,
        init=spec.init.name,
        sigma=spec.init.sigma,
        schedule=spec.schedule,
        eta_min=spec.eta_min,
        eta_max=spec.eta_max,
        cycle_steps=spec.shortest_cycle.steps(record.train_size // spec.largest_batch),
        batch_size=spec.largest_batch,
        epochs=spec.epochs,
        lam=0.0,
        seed=spec.seed,
    )
