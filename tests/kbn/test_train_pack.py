"""Packs: a member's bytes are those of the same training alone, whoever else is in the pack."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbn.epoch import EpochRecord
from kbn.errors import InputError
from kbn.pack import PAGE, Pack, aligned
from kbn.schedule import Schedule, triangular
from kbn.step import step
from kbn.train_pack import train_pack
from kbn.training import ImageLosses, Status, Training, TrainingState
from kbn.workspace import Workspace
from tests.kbn.builders import Parts, easy, network, same_bytes

BOTH = pytest.mark.parametrize("batch_norm", [True, False])
N, BATCH, EPOCHS = 50, 16, 3
STEPS = N // BATCH


@dataclass
class Heard:
    """What was heard of one member."""

    records: list[EpochRecord]
    states: list[TrainingState]
    training: Training | None = None
    losses: list[ImageLosses] = field(default_factory=list)


def run(states: Sequence[TrainingState], images: Parts, **settings: Any) -> list[Heard]:
    """Train a pack to its end."""
    heard = [Heard([], []) for _ in states]
    for member, event in train_pack(states, images, **settings):
        assert heard[member].training is None
        match event:
            case EpochRecord():
                heard[member].records.append(replace(event, seconds=0.0))
            case TrainingState():
                heard[member].states.append(event)
            case ImageLosses():
                heard[member].losses.append(event)
            case Training():
                heard[member].training = event
    return heard


def begin(seed: int, *, batch_norm: bool, widths: tuple[int, ...], dtype: type) -> TrainingState:
    """Return a training's start; all have the same batches, each its own weights."""
    made = network(widths, batch_norm=batch_norm, seed=seed, dtype=dtype)
    return TrainingState.begin(made, np.random.default_rng(3))


def assert_same(one: Heard, other: Heard) -> None:
    """Compare all that is heard of two members, to the last bit."""
    assert one.training is not None
    assert other.training is not None
    assert one.records == other.records
    assert one.training.status is other.training.status
    assert same_bytes(one.training.network, other.training.network)


def leaping(at: int | None) -> Schedule:
    """Return a schedule that leaps at a step, so that the next loss is not finite."""
    usual = triangular(0.01, 0.3, 10)
    return lambda done: 1e38 if at is not None and done >= at else usual(done)


MEMBERS = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.sampled_from([0.0, 1e-3, 0.1]),
        st.none() | st.integers(0, STEPS * EPOCHS - 1),
    ),
    min_size=2,
    max_size=5,
)
"""A seed of weights, a λ, and when (if ever) the member's rate leaps."""


@settings(max_examples=25)
@given(
    members=MEMBERS,
    batch_norm=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    hidden=st.lists(st.integers(1, 19), min_size=1, max_size=3),
)
def test_a_member_is_the_training_alone(
    *,
    members: list[tuple[int, float, int | None]],
    batch_norm: bool,
    dtype: type,
    hidden: list[int],
) -> None:
    """Records, status and arrays are the same bytes for any pack and place, whoever diverges."""
    images = easy(N, 20, inputs=37, dtype=dtype)
    kind: dict[str, Any] = {"batch_norm": batch_norm, "widths": (37, *hidden, 3), "dtype": dtype}
    common: dict[str, Any] = {"epochs": EPOCHS, "batch_size": BATCH, "alpha": 0.9}

    def train(chosen: list[tuple[int, float, int | None]]) -> list[Heard]:
        return run(
            [begin(seed, **kind) for seed, _, _ in chosen],
            images,
            lam=[lam for _, lam, _ in chosen],
            schedules=[leaping(at) for _, _, at in chosen],
            **common,
        )

    for together, member in zip(train(members), members, strict=True):
        (alone,) = train([member])
        assert_same(together, alone)


@BOTH
@pytest.mark.parametrize("at", [1, STEPS - 2, STEPS - 1, STEPS])
def test_one_that_diverges_leaves(at: int, *, batch_norm: bool) -> None:
    """It has the records of the epochs before; the others have all of theirs."""
    kind: dict[str, Any] = {"batch_norm": batch_norm, "widths": (5, 6, 4, 3), "dtype": np.float32}
    heard = run(
        [begin(seed, **kind) for seed in range(3)],
        easy(N, 20, dtype=np.float32),
        epochs=EPOCHS,
        batch_size=BATCH,
        alpha=0.9,
        lam=[0.01] * 3,
        schedules=[leaping(None), leaping(at), leaping(None)],
    )
    found = [each.training.status for each in heard if each.training]
    assert found == [Status.COMPLETED, Status.DIVERGED, Status.COMPLETED]
    assert len(heard[0].records) == len(heard[2].records) == EPOCHS
    assert len(heard[1].records) <= 1
    for each in heard:
        assert each.training is not None
        assert [replace(record, seconds=0.0) for record in each.training.records] == each.records


@BOTH
def test_at_full_size(*, batch_norm: bool) -> None:
    """Steps of the sizes that the search trains give a member the bytes it has alone."""
    widths, rng = (3072, 50, 50, 10), np.random.default_rng(0)
    X, y = rng.standard_normal((200, 3072), dtype=np.float32), rng.integers(10, size=200)
    members = [network(widths, batch_norm=batch_norm, seed=k, dtype=np.float32) for k in range(4)]
    eta, lam = [0.1, 0.01, 0.1, 0.2], [0.0, 1e-3, 0.1, 1e-2]

    def after(chosen: list[int]) -> Pack:
        pack = Pack.of([members[k] for k in chosen])
        work = Workspace.of(pack, 100, images=X)
        for n in range(3):
            work.load(X, y, np.random.default_rng(n).permutation(200)[:100])
            step(pack, work, eta=[eta[k] for k in chosen], lam=[lam[k] for k in chosen], alpha=0.9)
        return pack

    for chosen in ([0, 1, 2, 3], [3, 1]):
        together = after(chosen)
        for place, k in enumerate(chosen):
            assert same_bytes(together.member(place), after([k]).member(0))


@BOTH
@pytest.mark.parametrize("K", [1, 3])
def test_going_on_from_a_state_is_going_on(K: int, *, batch_norm: bool) -> None:
    """From a state that went through JSON, training gives the bytes of one never interrupted."""
    images = easy(N, 20, dtype=np.float32)
    kind: dict[str, Any] = {"batch_norm": batch_norm, "widths": (5, 6, 4, 3), "dtype": np.float32}
    common: dict[str, Any] = {
        "epochs": 6,
        "batch_size": BATCH,
        "alpha": 0.9,
        "lam": [0.01, 0.0, 0.1][:K],
        "schedules": [triangular(0.01, 0.3, 2 * STEPS)] * K,
    }
    starts = [begin(seed, **kind) for seed in range(K)]
    whole = run(starts, images, checkpoint_steps=2 * STEPS, **common)
    assert [state.epoch for state in whole[0].states] == [2, 4]
    assert [state.steps for state in whole[0].states] == [6, 12]
    for number in range(2):
        states = [each.states[number] for each in whole]
        plain = [json.loads(json.dumps(state.rng)) for state in states]
        states = [replace(state, rng=rng) for state, rng in zip(states, plain, strict=True)]
        rest = run(states, images, **common)
        for one, other in zip(whole, rest, strict=True):
            assert other.records == one.records[2 * (number + 1) :]
            assert one.training is not None
            assert other.training is not None
            assert same_bytes(one.training.network, other.training.network)


def test_states_where_cycles_end_within_an_epoch() -> None:
    """A cycle that ends within an epoch is handed out at that epoch's end, but not the last one."""
    start = begin(0, batch_norm=True, widths=(5, 6, 3), dtype=np.float32)
    (heard,) = run(
        [start],
        easy(N, 20, dtype=np.float32),
        epochs=8,
        batch_size=BATCH,
        alpha=0.9,
        lam=[0.0],
        schedules=[triangular(0.01, 0.3, 4)],
        checkpoint_steps=4,
    )
    # Steps 3, 6, …, 24 end epochs; 4, 8, 12, 16, 20, 24 end cycles.
    assert [state.steps for state in heard.states] == [6, 9, 12, 18, 21]


def test_losses_of_single_images_follow_their_epochs() -> None:
    """Their means are the epoch's losses, in a pack and alone, and from the state they are of."""
    images = easy(N, 20, dtype=np.float32)
    common: dict[str, Any] = {
        "epochs": 4,
        "batch_size": BATCH,
        "alpha": 0.9,
        "losses_after": {2, 4},
        "checkpoint_steps": 2 * STEPS,
    }
    pair = [begin(seed, batch_norm=True, widths=(5, 6, 3), dtype=np.float32) for seed in (0, 1)]
    usual = triangular(0.01, 0.3, 2 * STEPS)
    both = run(pair, images, lam=[0.0, 0.1], schedules=[usual] * 2, **common)
    (alone,) = run(pair[:1], images, lam=[0.0], schedules=[usual], **common)
    (again,) = run(both[0].states[:1], images, lam=[0.0], schedules=[usual], **common)
    for heard in both:
        assert [each.epoch for each in heard.losses] == [2, 4]
        for each in heard.losses:
            record = heard.records[each.epoch - 1]
            assert each.train.mean() == record.train_loss
            assert each.validation.mean() == record.validation_loss
    for other in (alone, again):
        for one, two in zip(both[0].losses, other.losses, strict=True):
            assert one.train.tobytes() == two.train.tobytes()
            assert one.validation.tobytes() == two.validation.tobytes()
    (silent,) = run(pair[:1], images, lam=[0.0], schedules=[usual], **common | {"losses_after": ()})
    assert silent.losses == []
    assert_same(silent, alone)


def test_members_that_differ_are_refused() -> None:
    """Another shape, kind, precision, progress or order of batches cannot share a pack."""
    kind: dict[str, Any] = {"batch_norm": True, "widths": (5, 6, 3), "dtype": np.float32}
    one = begin(0, **kind)
    for other, word in (
        (begin(1, **{**kind, "widths": (5, 7, 3)}), "shape"),
        (begin(1, **{**kind, "batch_norm": False}), "batch normalisation"),
        (begin(1, **{**kind, "dtype": np.float64}), "precision"),
        (replace(one, epoch=1), "epochs done"),
        (replace(one, steps=1), "steps done"),
        (TrainingState.begin(one.network, np.random.default_rng(4)), "random state"),
    ):
        with pytest.raises(InputError, match=word):
            run(
                [one, other],
                easy(N, 20, dtype=np.float32),
                epochs=1,
                batch_size=BATCH,
                alpha=0.9,
                lam=[0.0, 0.0],
                schedules=[leaping(None)] * 2,
            )


@given(shape=st.tuples(st.integers(1, 9), st.integers(1, 9)), offset=st.integers(0, 64))
def test_arrays_start_where_copies_are_fast(shape: tuple[int, int], offset: int) -> None:
    """At a cache line; beside another array, half a page away from where that one starts."""
    for dtype in (np.float32, np.float64):
        assert aligned(shape, dtype).ctypes.data % 64 == 0
        images = np.empty(PAGE, np.uint8)[offset:]
        made = aligned(shape, dtype, beside=images)
        assert made.shape == shape
        assert made.dtype == dtype
        apart = (made.ctypes.data - images.ctypes.data) % PAGE
        assert abs(apart - PAGE // 2) < made.itemsize
        assert made.ctypes.data % made.itemsize == 0
