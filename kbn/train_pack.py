"""The training loop over a pack: several networks of one shape on the same batches.

Train figures are measured as validation figures are: at the epoch's end, with the moving
averages, on as many images as the validation set has, spread evenly over the training set and
the same in every epoch. Both curves therefore have the same noise and can be compared.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterator, Sequence
from math import isfinite
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from kbn.blas import blas_threads
from kbn.epoch import EpochRecord
from kbn.errors import InputError
from kbn.inference import Evaluation, check_labels, evaluate
from kbn.network import Network
from kbn.pack import Pack
from kbn.schedule import Schedule
from kbn.step import step
from kbn.training import ImageLosses, Status, Training, TrainingState
from kbn.workspace import Workspace


class Images(Protocol):
    """Standardised images and their labels: see `kbn.data.Split`."""

    @property
    def X_train(self) -> Float[np.ndarray, "n d"]:
        """Training images, one a row."""

    @property
    def y_train(self) -> Int[np.ndarray, " n"]:
        """Their labels."""

    @property
    def X_validation(self) -> Float[np.ndarray, "m d"]:
        """Validation images."""

    @property
    def y_validation(self) -> Int[np.ndarray, " m"]:
        """Their labels."""


def train_pack(
    states: Sequence[TrainingState],
    images: Images,
    *,
    epochs: int,
    batch_size: int,
    lam: Sequence[float],
    alpha: float,
    schedules: Sequence[Schedule],
    checkpoint_steps: int | None = None,
    losses_after: Collection[int] = (),
    threads: int = 1,
) -> Generator[tuple[int, EpochRecord | ImageLosses | TrainingState | Training], None, None]:
    """Train copies of networks of one shape on the same batches, each with its λ and schedule.

    Yields what happens to each member, under its place in `states`: an `EpochRecord` an epoch,
    a `Training` when it ends, and with `checkpoint_steps`, after the record of each epoch but the
    last in which a multiple of so many steps was reached, a `TrainingState`. A training that is
    begun from that state gives the same bytes as one that was never interrupted.

    After the record of each epoch in `losses_after` come the losses of single images, an
    `ImageLosses`. The epoch of `states` may be one of them: its losses come first.

    Each epoch goes through a fresh permutation of the images in whole batches; those left over
    wait for another epoch. The moving averages start from the first batch. A member that
    diverges leaves; the others go on as if it had not been there.

    The BLAS takes `threads` threads while an epoch is computed (see `kbn.blas`).

    Raises
    ------
    InputError
        When the batch is larger than the training set or has one image, when labels are no
        classes of the networks, or when members differ in shape, in what they have done so far,
        or in their random state.
    """
    _check(states, images, batch_size)
    n, first, rng = len(images.y_train), states[0], states[0].generator()
    run = _Run(
        Pack.of([state.network for state in states]),
        images,
        batch_size,
        first.steps,
        lam,
        schedules,
    )
    records: list[list[EpochRecord]] = [[] for _ in states]

    if first.epoch in losses_after:
        for member, both in run.measure(threads).items():
            yield member, _losses(first.epoch, *both)
    for epoch in range(first.epoch + 1, epochs + 1):
        start, began, steps_before = time.perf_counter(), len(run.members), run.steps
        # Overflow on the way to divergence is expected and shows in the loss.
        with blas_threads(threads), np.errstate(all="ignore"):
            diverged = run.epoch(rng.permutation(n), alpha)
            scales = run.scales()
            measured = run.measure(threads)
            diverged += run.leave(
                [m for m, both in measured.items() if not all(isfinite(e.cost) for e in both)]
            )
        seconds = (time.perf_counter() - start) / began
        for member, network in diverged:
            yield member, Training(network, Status.DIVERGED, tuple(records[member]))
        if not run.members:
            return
        reached = (
            checkpoint_steps
            and epoch < epochs
            and run.steps // checkpoint_steps > steps_before // checkpoint_steps
        )
        for member, network in list(run.networks()):
            eta = schedules[member](run.steps - 1)
            record = _record(epoch, run.steps, eta, *measured[member], seconds, scales[member])
            records[member].append(record)
            yield member, record
            if epoch in losses_after:
                yield member, _losses(epoch, *measured[member])
            if reached:
                yield (
                    member,
                    TrainingState(copy(network), epoch, run.steps, rng.bit_generator.state),
                )
    for member, network in run.networks():
        yield member, Training(copy(network), Status.COMPLETED, tuple(records[member]))


class _Run:
    """A pack under way: what changes from step to step."""

    def __init__(
        self,
        pack: Pack,
        images: Images,
        batch_size: int,
        steps: int,
        lam: Sequence[float],
        schedules: Sequence[Schedule],
    ) -> None:
        self.members = list(range(len(pack)))
        """Those still in the pack, in the pack's order."""
        self.steps = steps
        self._images, self._batch_size = images, batch_size
        self._lam, self._schedules = lam, schedules
        n = len(images.y_train)
        some = np.linspace(0, n - 1, min(n, len(images.y_validation)), dtype=np.intp)
        self._some = images.X_train[some], images.y_train[some]
        self._hold(pack)

    def _hold(self, pack: Pack) -> None:
        self._pack = pack
        self._work = Workspace.of(pack, self._batch_size, images=self._images.X_train)

    def networks(self) -> Iterator[tuple[int, Network]]:
        """Yield the members with their networks, which the next step will change."""
        for place, member in enumerate(self.members):
            yield member, self._pack.member(place)

    def measure(self, threads: int) -> dict[int, tuple[Evaluation, Evaluation]]:
        """Measure the members on some training images and on the validation images."""
        validation = self._images.X_validation, self._images.y_validation
        return {
            member: (
                evaluate(network, *self._some, lam=self._lam[member], threads=threads),
                evaluate(network, *validation, lam=self._lam[member], threads=threads),
            )
            for member, network in self.networks()
        }

    def epoch(self, order: Int[np.ndarray, " n"], alpha: float) -> list[tuple[int, Network]]:
        """Step through whole batches of `order`; return members whose loss was not finite."""
        diverged: list[tuple[int, Network]] = []
        size, images = self._batch_size, self._images
        for start in range(0, len(order) - size + 1, size):
            self._work.load(images.X_train, images.y_train, order[start : start + size])
            losses = step(
                self._pack,
                self._work,
                eta=[self._schedules[member](self.steps) for member in self.members],
                lam=[self._lam[member] for member in self.members],
                alpha=alpha if self.steps else 0.0,
            ).tolist()
            self.steps += 1
            if not all(map(isfinite, losses)):
                diverged += self.leave(
                    [m for m, loss in zip(self.members, losses, strict=True) if not isfinite(loss)]
                )
                if not self.members:
                    break
        return diverged

    def leave(self, leaving: Sequence[int]) -> list[tuple[int, Network]]:
        """Take members out of the pack; return them with their networks."""
        gone = [(m, copy(network)) for m, network in self.networks() if m in leaving]
        stay = [place for place, m in enumerate(self.members) if m not in leaving]
        self.members = [self.members[place] for place in stay]
        if gone and stay:
            before = self._work
            self._hold(self._pack.part(stay))
            # What the last step left there may still be asked for.
            for to, held in zip(
                (*self._work.H, *self._work.G), (*before.H, *before.G), strict=True
            ):
                to[...] = held[stay]
        return gone

    def scales(self) -> dict[int, tuple[tuple[float, ...], tuple[float, ...]]]:
        """Return the members' standard deviations of activations and derivatives, by layer."""
        H, G = self._work.H, self._work.G[: len(self._work.H)]
        n = self._batch_size  # G is of the summed loss
        return {
            member: (_stds(H, place), tuple(std / n for std in _stds(G, place)))
            for place, member in enumerate(self.members)
        }


def _check(states: Sequence[TrainingState], images: Images, batch_size: int) -> None:
    """Raise `InputError` as `train_pack` does."""
    n, first = len(images.y_train), states[0]
    if not 2 <= batch_size <= n:
        raise InputError(f"batch size {batch_size}: choose 2 to {n}, the training images")
    for state in states:
        _check_alike(first, state)
    for X, y in ((images.X_train, images.y_train), (images.X_validation, images.y_validation)):
        check_labels(y, images=len(X), classes=first.network.widths[-1])


def _check_alike(one: TrainingState, other: TrainingState) -> None:
    """Raise `InputError` unless two trainings can share a pack."""
    for what, a, b in (
        ("shape", one.network.widths, other.network.widths),
        ("batch normalisation", one.network.batch_norm, other.network.batch_norm),
        ("precision", one.network.W[0].dtype, other.network.W[0].dtype),
        ("epochs done", one.epoch, other.epoch),
        ("steps done", one.steps, other.steps),
        ("random state", one.rng, other.rng),
    ):
        if a != b:
            raise InputError(f"{what} {b}: the pack's first member has {a}; train them apart")


def _stds(layers: Sequence[np.ndarray], place: int) -> tuple[float, ...]:
    """Return the standard deviation of a member's elements in each layer, in float64."""
    return tuple(float(np.std(layer[place], dtype=np.float64)) for layer in layers)


def _record(
    epoch: int,
    steps: int,
    eta: float,
    train: Evaluation,
    validation: Evaluation,
    seconds: float,
    scales: tuple[tuple[float, ...], tuple[float, ...]],
) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        step=steps,
        eta=eta,
        train_cost=train.cost,
        train_loss=train.loss,
        train_accuracy=train.accuracy,
        validation_cost=validation.cost,
        validation_loss=validation.loss,
        validation_accuracy=validation.accuracy,
        seconds=seconds,
        train_loss_error=train.loss_error,
        validation_loss_error=validation.loss_error,
        activation_std=scales[0],
        gradient_std=scales[1],
    )


def _losses(epoch: int, train: Evaluation, validation: Evaluation) -> ImageLosses:
    return ImageLosses(epoch, train.losses, validation.losses)


def copy(network: Network) -> Network:
    """Return a network with arrays of its own."""
    return Network.from_arrays({name: array.copy() for name, array in network.arrays().items()})
