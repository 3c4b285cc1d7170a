"""A network as a value."""

from __future__ import annotations

import numpy as np
import pytest

from kbn.errors import InputError
from kbn.network import Network
from tests.kbn.builders import network, same_bytes
from tests.kbn.small import BOTH, SEED, WIDTHS


@BOTH
def test_form(*, batch_norm: bool) -> None:
    """Widths and the kind of network are read off the arrays; each array has a name."""
    made = network(WIDTHS, seed=SEED, batch_norm=batch_norm)
    assert made.widths == WIDTHS
    assert made.hidden == (5, 4)
    assert made.batch_norm == batch_norm
    names = ["W1", "W2", "W3", "b1", "b2", "b3"]
    if batch_norm:
        names += [f"{kind}{layer}" for kind in ("gamma", "beta", "mu", "var") for layer in (1, 2)]
    assert list(made.arrays()) == names
    assert made.arrays()["W2"] is made.W[1]


@BOTH
def test_arrays_make_the_network_again(*, batch_norm: bool) -> None:
    """`from_arrays` undoes `arrays`, also with ten layers and more, whatever else is there."""
    made = network((2,) * 13, batch_norm=batch_norm)
    again = Network.from_arrays({"mean": np.zeros(3), **made.arrays(), "W": np.zeros(1)})
    assert same_bytes(again, made)


@pytest.mark.parametrize(
    "without", ["W1", "W2", "W3", "b2", "b3", "gamma1", "beta2", "mu2", "var1"]
)
def test_a_missing_array(without: str) -> None:
    """A network without one of its arrays is refused."""
    arrays = network(WIDTHS, seed=SEED, batch_norm=True).arrays()
    del arrays[without]
    with pytest.raises(InputError, match="these arrays do not make a network"):
        Network.from_arrays(arrays)


def test_no_hidden_layer() -> None:
    """A single affine layer is no network of ours, and neither is nothing."""
    arrays = network(WIDTHS, seed=SEED, batch_norm=False).arrays()
    for some in ({}, {name: arrays[name] for name in ("W1", "b1")}):
        with pytest.raises(InputError, match="these arrays do not make a network"):
            Network.from_arrays(some)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("W2", np.zeros((5, 3))),
        ("W2", np.zeros((4, 4))),
        ("W3", np.zeros((4, 3), np.float32)),
        ("b1", np.zeros(4)),
        ("b3", np.zeros((3, 1))),
        ("gamma1", np.zeros(6)),
        ("beta2", np.zeros(4, np.int64)),
        ("mu1", np.zeros(())),
        ("var2", np.zeros((4, 4))),
        ("W1", np.zeros(6)),
        ("W2", np.zeros(())),
    ],
)
def test_an_array_that_does_not_fit(name: str, array: np.ndarray) -> None:
    """Shapes and types have to fit together; anything else is refused in one line."""
    arrays = network(WIDTHS, seed=SEED, batch_norm=True).arrays()
    with pytest.raises(InputError) as error:
        Network.from_arrays({**arrays, name: array})
    assert "\n" not in str(error.value)
