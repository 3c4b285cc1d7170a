"""Networks that no memory holds are refused before anything is trained."""

from __future__ import annotations

import numpy as np
import pytest

from kbn.arrays import machine_bytes
from kbn.errors import InputError
from kbn.initialise import he, initialise
from search.training.memory import BYTES_A_WEIGHT, check_networks, weights


def test_weights_are_counted_as_they_are_made() -> None:
    """The count is that of the arrays of a network."""
    network = initialise(
        inputs=7, hidden=(5, 4), classes=3, batch_norm=True, init=he(), rng=np.random.default_rng(0)
    )
    assert weights(7, (5, 4), 3) == sum(W.size for W in network.W)


def test_the_largest_network_decides() -> None:
    """At exactly the memory there is it passes; one byte less is refused, with the way out."""
    networks = [(10,), (100, 100), (20,)]
    needed = 2 * BYTES_A_WEIGHT * weights(50, (100, 100), 10)
    check_networks(networks, inputs=50, classes=10, slots=2, available=needed)
    with pytest.raises(InputError, match=r"100,100: 16,000 weights .* 2 trials .*--max-concurrent"):
        check_networks(networks, inputs=50, classes=10, slots=2, available=needed - 1)


def test_an_unknown_machine_is_not_judged() -> None:
    """Where the system does not tell its memory, nothing is refused."""
    check_networks([(10**6, 10**6)], inputs=3072, classes=10, slots=2, available=None)


def test_this_machine_has_memory() -> None:
    """What the system tells is a plausible number of bytes."""
    found = machine_bytes()
    assert found is None or found > 2**28
