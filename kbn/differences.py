"""Back-propagation against centred differences of the cost, in float64, parameter by parameter.

The relative error of a parameter's gradient g against the numerical one n is
‖g − n‖ / (‖g‖ + ‖n‖), with Euclidean norms over its elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from kbn.errors import InputError
from kbn.initialise import he, initialise
from kbn.network import Network, squared_norm
from kbn.step import gradients

TOLERANCE = 1e-7
"""Largest relative error of a parameter that has an effect."""
NO_EFFECT = 1e-9
"""A parameter has no effect when neither gradient's norm is larger than this."""
STEP = 1e-5
"""Difference step h; the error of a centred difference falls as h², its rounding grows as 1/h."""

REFERENCE_HIDDEN = (4, 5, 6)
"""Widths of the hidden layers that the reference report checked."""
ATTEMPTS = 50
"""Random problems to try until one is smooth within the difference step."""
SMALLEST_VARIANCE = 1e-2
"""Below it, dividing by a unit's deviation bends the cost within the difference step."""


class KinkError(InputError):
    """The cost has no derivative at the point that was asked for."""


@dataclass(frozen=True)
class ParameterCheck:
    """One parameter's gradient, by back-propagation and by differences."""

    name: str
    """`w0`, `b0`, `gamma0`, …; layers count from 0, as in the reference report."""
    analytic: float
    """Norm of the gradient by back-propagation."""
    numerical: float
    """Norm of the gradient by centred differences."""
    relative_error: float
    effect: bool
    """False where the cost does not depend on it: b under batch normalisation."""

    @property
    def passed(self) -> bool:
        """Whether the gradients agree, or differ by no more than rounding makes of zero."""
        difference = self.relative_error * (self.analytic + self.numerical)
        return not self.effect or self.relative_error < TOLERANCE or difference <= NO_EFFECT


def check(
    network: Network, X: Float[np.ndarray, "n d"], y: Int[np.ndarray, " n"], *, lam: float
) -> tuple[ParameterCheck, ...]:
    """Check every parameter of a float64 network on a batch; the network is not changed.

    Raises
    ------
    InputError
        When the network is not float64.
    KinkError
        When a ReLU changes sides within the difference step, or a unit hardly varies over the
        batch.
    """
    if network.W[0].dtype != np.float64:
        raise InputError(f"a {network.W[0].dtype} network: float64 is needed to check gradients")
    network = Network.from_arrays({k: array.copy() for k, array in network.arrays().items()})
    _, found, work = gradients(network, X, y)
    if any(var.min() < SMALLEST_VARIANCE for var in work.var):
        raise KinkError(
            "a unit hardly varies over the batch: the cost bends within the difference step"
        )
    weight_gradients = [dW + 2.0 * lam * W for dW, W in zip(found.W, network.W, strict=True)]
    analytic = _named(weight_gradients, found.b, found.gamma, found.beta)
    parameters = _named(network.W, network.b, network.gamma, network.beta)
    return tuple(
        _compare(name, analytic[name], _differences(network, parameter, X, y, lam))
        for name, parameter in parameters.items()
    )


def _named(*kinds: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Name arrays of W, b, gamma and beta, layer by layer: `w0`, `b0`, `gamma0`, and so on."""
    return {
        f"{kind}{layer}": arrays[layer]
        for layer in range(len(kinds[0]))
        for kind, arrays in zip(("w", "b", "gamma", "beta"), kinds, strict=True)
        if layer < len(arrays)
    }


def _compare(name: str, analytic: np.ndarray, numerical: np.ndarray) -> ParameterCheck:
    norms = float(np.linalg.norm(analytic)), float(np.linalg.norm(numerical))
    total = sum(norms)
    error = float(np.linalg.norm(analytic - numerical)) / total if total else 0.0
    return ParameterCheck(name, *norms, error, effect=not all(norm <= NO_EFFECT for norm in norms))


def _differences(
    network: Network,
    parameter: np.ndarray,
    X: np.ndarray,
    y: np.ndarray,
    lam: float,
) -> np.ndarray:
    """Return the centred differences of the cost by each element of a parameter."""
    result = np.empty_like(parameter)
    for index in np.ndindex(parameter.shape):
        value = parameter[index]
        costs, sides = [], []
        for moved in (value + STEP, value - STEP):
            parameter[index] = moved
            cost, side = _cost(network, X, y, lam)
            costs.append(cost)
            sides.append(side)
        parameter[index] = value
        if not all(np.array_equal(a, b) for a, b in zip(*sides, strict=True)):
            raise KinkError(
                "a ReLU changes sides within the difference step, where the cost has no "
                "derivative; choose other images, or another --seed"
            )
        result[index] = (costs[0] - costs[1]) / (2.0 * STEP)
    return result


def _cost(
    network: Network, X: np.ndarray, y: np.ndarray, lam: float
) -> tuple[float, list[np.ndarray]]:
    """Return the cost, and which ReLUs of each layer are on."""
    loss, _, work = gradients(network, X, y)
    return loss + lam * squared_norm(network), [H > 0.0 for H in work.H]


def problem(
    *,
    inputs: int,
    hidden: tuple[int, ...],
    classes: int,
    batch: int,
    batch_norm: bool,
    seed: int,
) -> tuple[Network, Float[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
    """Return a random float64 network, images and labels."""
    rng = np.random.default_rng(seed)
    network = initialise(
        inputs=inputs,
        hidden=hidden,
        classes=classes,
        batch_norm=batch_norm,
        init=he(),
        rng=rng,
        dtype=np.float64,
    )
    for array in (*network.b, *network.gamma, *network.beta):  # away from special values
        array += 0.1 * rng.standard_normal(array.shape)
    return network, rng.standard_normal((batch, inputs)), rng.integers(classes, size=batch)


def check_random(
    *,
    inputs: int = 3,
    hidden: tuple[int, ...] = REFERENCE_HIDDEN,
    classes: int = 10,
    batch: int = 6,
    batch_norm: bool = True,
    lam: float = 5e-3,
    seed: int = 0,
) -> tuple[ParameterCheck, ...]:
    """Check the first of some random problems that is smooth within the difference step.

    Without arguments the problem is of the reference report's size.

    Raises
    ------
    KinkError
        When none of them is.
    """
    for drawn in range(seed, seed + ATTEMPTS):
        network, X, y = problem(
            inputs=inputs,
            hidden=hidden,
            classes=classes,
            batch=batch,
            batch_norm=batch_norm,
            seed=drawn,
        )
        try:
            return check(network, X, y, lam=lam)
        except KinkError:
            continue
    raise KinkError(
        f"none of {ATTEMPTS} random problems is free of kinks; choose a smaller --batch or "
        "smaller --hidden layers"
    )
