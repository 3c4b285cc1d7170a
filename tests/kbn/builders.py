"""Small networks and images, and derivatives by differences: the tests' independent truth."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kbn.initialise import he, initialise
from kbn.network import Network
from kbn.pack import Pack
from kbn.step import step
from kbn.workspace import Workspace

H = 1e-6
"""Difference step: the error of a centred difference is about H² and 1e-16/H."""


def differences(cost: Callable[[], float], array: np.ndarray, h: float = H) -> np.ndarray:
    """Return the centred differences of a cost by each element of an array it depends on."""
    found = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + h
        above = cost()
        array[index] = value - h
        found[index] = (above - cost()) / (2 * h)
        array[index] = value
    return found


def network(
    widths: tuple[int, ...], *, batch_norm: bool, seed: int = 0, dtype: type = np.float64
) -> Network:
    """Return a network none of whose arrays has a special value such as 0 or 1."""
    rng = np.random.default_rng(seed)
    made = initialise(
        inputs=widths[0],
        hidden=widths[1:-1],
        classes=widths[-1],
        batch_norm=batch_norm,
        init=he(),
        rng=rng,
        dtype=dtype,
    )
    for array in (*made.b, *made.gamma, *made.beta, *made.mu):
        array += 0.3 * rng.standard_normal(array.shape)
    for array in made.var:
        array *= rng.uniform(0.5, 2.0, array.shape)
    return made


def copied(made: Network) -> Network:
    """Return a network with arrays of its own."""
    return Network(
        *(
            tuple(array.copy() for array in getattr(made, kind))
            for kind in ("W", "b", "gamma", "beta", "mu", "var")
        )
    )


def one_step(
    made: Network, X: np.ndarray, y: np.ndarray, *, eta: float, lam: float, alpha: float
) -> float:
    """Change a network by one training step, in buffers of its own; return the loss."""
    pack = Pack.of([made])
    work = Workspace.of(pack, len(X))
    work.load(X, y, np.arange(len(X)))
    (loss,) = step(pack, work, eta=[eta], lam=[lam], alpha=alpha)
    after = pack.member(0).arrays()
    for name, array in made.arrays().items():
        array[...] = after[name]
    return float(loss)


def same_bytes(one: Network, other: Network) -> bool:
    """Tell whether two networks have the same arrays, to the last bit."""
    a, b = one.arrays(), other.arrays()
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and a[name].tobytes() == b[name].tobytes() for name in a
    )


@dataclass(frozen=True)
class Parts:
    """Training and validation images: what a training needs of a split."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray


def easy(
    n: int = 120, validation: int = 40, *, inputs: int = 5, classes: int = 3, dtype: type = float
) -> Parts:
    """Return images that a straight cut separates: classes far apart, with little noise."""
    rng = np.random.default_rng(7)
    centres = 2.0 * np.eye(classes, inputs)
    y = rng.permutation(np.arange(n + validation) % classes)
    X = (centres[y] + 0.2 * rng.standard_normal((len(y), inputs))).astype(dtype)
    return Parts(X[:n], y[:n], X[n:], y[n:])


CLAIM = 800_000_000_000
"""Bytes that an array of eight claims."""


def npy(array: np.ndarray) -> bytes:
    """Return an array in NumPy's own format."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def claiming(size: int) -> bytes:
    """Return an array of eight bytes whose header claims more."""
    honest = npy(np.zeros(8, np.uint8))
    claimed = honest.replace(b"(8,)", f"({size},)".encode())
    return claimed.replace(b" " * (len(claimed) - len(honest)) + b"\n", b"\n")
