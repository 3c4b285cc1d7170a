"""A k-layer network: its parameters as one value.

affine → batch normalisation → scale γ, shift β → ReLU for each hidden layer (without batch
normalisation: affine → ReLU); the last layer is affine → softmax.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from kbn.errors import InputError

PARAMETERS = ("W", "b", "gamma", "beta", "mu", "var")


@dataclass(frozen=True)
class Network:
    """Parameters and moving averages, one array a layer, inputs first.

    With batch normalisation the hidden layers' b have no effect, since the batch's mean is
    subtracted; they are kept, at 0, so that both kinds of network have the same form.
    """

    W: tuple[Float[np.ndarray, "_ _"], ...]
    b: tuple[Float[np.ndarray, " _"], ...]
    gamma: tuple[Float[np.ndarray, " _"], ...]
    """One a hidden layer; empty without batch normalisation. So are the next three."""
    beta: tuple[Float[np.ndarray, " _"], ...]
    mu: tuple[Float[np.ndarray, " _"], ...]
    """Moving average of the batches' means."""
    var: tuple[Float[np.ndarray, " _"], ...]
    """Moving average of the batches' variances."""

    @property
    def batch_norm(self) -> bool:
        """Whether hidden layers are normalised."""
        return bool(self.gamma)

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs, hidden widths, classes."""
        return (self.W[0].shape[0], *(W.shape[1] for W in self.W))

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.widths[1:-1]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every array under a name of its own: `W1`, `b1`, `gamma1`, … from 1."""
        return {
            f"{name}{layer}": array
            for name in PARAMETERS
            for layer, array in enumerate(getattr(self, name), start=1)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Network:
        """Inverse of `arrays`; other names are ignored.

        Raises
        ------
        InputError
            When the arrays do not make a network.
        """
        found = {name: tuple(_numbered(arrays, name)) for name in PARAMETERS}
        depth, normed = len(found["W"]), len(found["gamma"])
        counts = {name: len(found[name]) for name in PARAMETERS}
        expected = dict.fromkeys(PARAMETERS, normed) | {"W": depth, "b": depth}
        if depth < 2 or counts != expected or normed not in (0, depth - 1):
            raise InputError(f"these arrays do not make a network: {counts}")
        for name, of_layers in found.items():
            for layer, array in enumerate(of_layers, start=1):
                if array.ndim != (2 if name == "W" else 1) or array.dtype.kind != "f":
                    raise InputError(
                        f"{name}{layer} is {array.dtype} of shape {array.shape}; floats with "
                        f"{2 if name == 'W' else 1} axes are needed"
                    )
        network = cls(**found)
        network.check()
        return network

    def check(self) -> None:
        """Raise `InputError` unless shapes and types fit together."""
        widths = self.widths
        shapes = {f"W{i + 1}": widths[i : i + 2] for i in range(len(self.W))}
        shapes |= {f"b{i + 1}": widths[i + 1 : i + 2] for i in range(len(self.W))}
        for name in PARAMETERS[2:]:
            shapes |= {f"{name}{i + 1}": widths[i + 1 : i + 2] for i in range(len(self.gamma))}
        for name, array in self.arrays().items():
            if array.shape != shapes[name] or array.dtype != self.W[0].dtype:
                raise InputError(
                    f"{name} is {array.dtype} of shape {array.shape}; "
                    f"{self.W[0].dtype} of shape {shapes[name]} is needed"
                )


def _numbered(arrays: Mapping[str, np.ndarray], name: str) -> Iterator[np.ndarray]:
    layer = 1
    while (key := f"{name}{layer}") in arrays:
        yield arrays[key]
        layer += 1


def squared_norm(network: Network) -> float:
    """Return Σ‖W‖² over layers."""
    return sum(float(np.vdot(W, W)) for W in network.W)


def check_features(network: Network, X: np.ndarray) -> None:
    """Raise `InputError` unless images have as many features as a network takes."""
    if X.shape[1] != network.widths[0]:
        raise InputError(
            f"images have {X.shape[1]} features; the network takes {network.widths[0]}"
        )
