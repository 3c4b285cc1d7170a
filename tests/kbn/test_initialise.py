"""What a new network holds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kbn.errors import InputError
from kbn.initialise import Init, he, initialise, normal
from kbn.network import Network
from tests.kbn.builders import same_bytes


def new(
    init: Init | None = None, *, seed: int = 0, batch_norm: bool = True, **changes: Any
) -> Network:
    """Return a new network, large enough for its weights to show their distribution."""
    settings: dict[str, Any] = {"inputs": 400, "hidden": (300, 200), "classes": 50, **changes}
    return initialise(
        init=init or he(), batch_norm=batch_norm, rng=np.random.default_rng(seed), **settings
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("init", "deviations"),
    [
        (he(), [math.sqrt(2 / 400), math.sqrt(2 / 300), math.sqrt(2 / 200)]),
        (normal(1e-4), [1e-4] * 3),
        (normal(0.5), [0.5] * 3),
    ],
)
def test_weights_are_normal(init: Init, deviations: list[float], seed: int) -> None:
    """Mean 0, the standard deviation asked for, and the normal's share within one and two."""
    for W, deviation in zip(new(init, seed=seed, dtype=np.float64).W, deviations, strict=True):
        z, five = W.ravel() / deviation, 5 / math.sqrt(W.size)
        assert abs(z.mean()) < five
        assert abs(z.std() - 1) < five / math.sqrt(2)
        for bound in (1, 2):
            share = math.erf(bound / math.sqrt(2))
            assert abs(np.mean(np.abs(z) < bound) - share) < five * math.sqrt(share * (1 - share))


def test_he_and_normal() -> None:
    """He's standard deviation depends on the inputs of a layer, the other's on nothing."""
    assert [he()(fan_in) for fan_in in (2, 8, 3072)] == pytest.approx([1, 0.5, 0.025515518])
    assert [normal(0.3)(fan_in) for fan_in in (2, 8, 3072)] == [0.3] * 3


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.inf, math.nan])
def test_a_sigma_that_cannot_be(sigma: float) -> None:
    """σ is a finite number above 0."""
    with pytest.raises(InputError, match=f"σ = {sigma}: must be above 0"):
        normal(sigma)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_everything_but_weights_is_plain(*, batch_norm: bool, dtype: type) -> None:
    """Biases, β and mean are 0, γ and variance 1, in the type asked for and of right lengths."""
    made = new(batch_norm=batch_norm, dtype=dtype)
    made.check()
    assert made.widths == (400, 300, 200, 50)
    assert made.hidden == (300, 200)
    assert made.batch_norm == batch_norm
    assert {array.dtype for array in made.arrays().values()} == {np.dtype(dtype)}
    assert [b.tolist() for b in made.b] == [[0] * 300, [0] * 200, [0] * 50]
    zeros, ones = ([[0] * 300, [0] * 200], [[1] * 300, [1] * 200]) if batch_norm else ([], [])
    assert [array.tolist() for array in made.beta] == zeros
    assert [array.tolist() for array in made.mu] == zeros
    assert [array.tolist() for array in made.gamma] == ones
    assert [array.tolist() for array in made.var] == ones


def test_no_array_is_shared() -> None:
    """Training changes arrays in place, so that each has memory of its own."""
    arrays = list(new(hidden=(7, 7), inputs=7, classes=7).arrays().values())
    for i, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[:i])


def test_the_generator_decides() -> None:
    """The same seed gives the same bytes, another one other weights."""
    assert same_bytes(new(seed=3), new(seed=3))
    assert not same_bytes(new(seed=3), new(seed=4))


def test_weights_do_not_depend_on_what_they_should_not() -> None:
    """Batch normalisation leaves the draw alone, and float32 is float64 rounded."""
    double, single = new(dtype=np.float64), new(batch_norm=False)
    for exact, rounded in zip(double.W, single.W, strict=True):
        np.testing.assert_array_equal(exact.astype(np.float32), rounded)


def test_layers_are_drawn_apart() -> None:
    """Layers of the same shape have different weights."""
    made = new(inputs=5, hidden=(5, 5), classes=5)
    assert len({W.tobytes() for W in made.W}) == 3


def test_weights_do_not_change_between_versions() -> None:
    """A study is resumed with the weights it was begun with."""
    made = new(inputs=2, hidden=(1,), classes=1)
    assert made.W[0].ravel().tolist() == pytest.approx([0.12573022, -0.13210486])


@pytest.mark.parametrize(
    "changes",
    [{"hidden": ()}, {"hidden": (4, 0)}, {"hidden": (-1,)}, {"inputs": 0}, {"classes": 0}],
)
def test_shapes_that_cannot_be(changes: dict[str, Any]) -> None:
    """There is at least one hidden layer, and no layer is empty."""
    with pytest.raises(InputError, match="at least one, each of at least 1 unit"):
        new(**changes)
