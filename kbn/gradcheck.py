"""The gradient check as a feature: `python -m kbn.gradcheck`.

Back-propagation is compared with centred differences of the cost, in float64, parameter by
parameter. The relative error of a parameter's gradient g against the numerical one n is
‖g − n‖ / (‖g‖ + ‖n‖), with Euclidean norms over its elements.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import click
import numpy as np
from jaxtyping import Float, Int
from tabulate import tabulate

from kbn.errors import InputError, WriteError, visible
from kbn.initialise import he, initialise
from kbn.network import Network, squared_norm
from kbn.output import checked_output
from kbn.step import gradients

TOLERANCE = 1e-7
"""Largest relative error of a parameter that has an effect."""
NO_EFFECT = 1e-9
"""A parameter has no effect when neither gradient's norm is larger than this."""
STEP = 1e-5
"""Difference step h; the error of a centred difference falls as h², its rounding grows as 1/h."""

REFERENCE = {
    "w0": 3.112e-6,
    "b0": 2.512e-8,
    "w1": 2.221e-8,
    "b1": 2.552e-9,
    "w2": 3.756e-7,
    "b2": 1.676e-8,
    "w3": 4.374e-7,
    "b3": 1.399e-9,
}
"""The reference report's relative errors, for hidden layers of 4, 5 and 6 units."""
REFERENCE_HIDDEN = (4, 5, 6)


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


def table(checks: tuple[ParameterCheck, ...], *, reference: bool) -> str:
    """Return the checks as a table, with the reference report's column where it applies."""
    return tabulate(
        _rows(checks, reference=reference),
        headers=("parameter", *(("reference",) if reference else ()), "measured", ""),
        colalign=("left", *(("right",) if reference else ()), "right", "left"),
        disable_numparse=True,
    )


def _rows(checks: tuple[ParameterCheck, ...], *, reference: bool) -> Iterator[tuple[str, ...]]:
    for each in checks:
        known = REFERENCE.get(each.name)
        column = (f"{known:.3e}" if known else "–",) if reference else ()
        verdict = "ok" if each.passed else "FAILED"
        measured = f"{each.relative_error:.3e}" if each.effect else "–"
        yield each.name, *column, measured, verdict if each.effect else "no effect"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--inputs", default=3, show_default=True, type=click.IntRange(1), help="Features of an image."
)
@click.option("--hidden", default="4,5,6", show_default=True, help="Widths of the hidden layers.")
@click.option(
    "--classes", default=10, show_default=True, type=click.IntRange(2), help="Number of classes."
)
@click.option(
    "--batch", default=6, show_default=True, type=click.IntRange(2), help="Images in the batch."
)
@click.option(
    "--batch-norm/--no-batch-norm",
    default=True,
    show_default=True,
    help="Normalise each hidden layer's batches.",
)
@click.option(
    "--lam", default=0.005, show_default=True, type=click.FloatRange(0.0), help="L2 strength λ."
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Seed of weights, images and labels.",
)
def command(
    inputs: int, hidden: str, classes: int, batch: int, *, batch_norm: bool, lam: float, seed: int
) -> int:
    """Check back-propagation against centred differences in float64, parameter by parameter."""
    widths = _widths(hidden)
    if not lam < float("inf"):
        raise InputError(f"--lam {lam}: give a finite number of at least 0")
    checks = check_random(
        inputs=inputs,
        hidden=widths,
        classes=classes,
        batch=batch,
        batch_norm=batch_norm,
        lam=lam,
        seed=seed,
    )
    click.echo(table(checks, reference=batch_norm and widths == REFERENCE_HIDDEN and inputs == 3))
    failed = [each for each in checks if not each.passed]
    for each in failed:
        click.echo(
            f"{each.name}: ‖back-propagation‖ {each.analytic:.6e}, ‖differences‖ "
            f"{each.numerical:.6e}, relative error {each.relative_error:.3e} is not below "
            f"{TOLERANCE:g}"
        )
    if not failed:
        click.echo(f"every parameter that has an effect is below {TOLERANCE:g}")
    return 1 if failed else 0


def _widths(text: str) -> tuple[int, ...]:
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = ()
    if not widths or min(widths) < 1 or "_" in text:  # Python reads 4_5 as 45
        raise InputError(f"--hidden {text!r}: give widths of at least 1, as in 4,5,6")
    return widths


def main() -> None:
    """Run the check and exit: 0 all agree, 1 they do not, 2 bad input, 4 it cannot be printed."""
    with checked_output():
        code = _code()
    sys.exit(code)


def _code() -> int:
    try:
        code: int = command.main(standalone_mode=False, prog_name="python -m kbn.gradcheck")
    except click.ClickException as error:
        code = _complain(error.format_message(), 2)
    except InputError as error:
        code = _complain(str(error), 2)
    except WriteError as error:
        code = _complain(str(error), 4)
    return code


def _complain(message: str, code: int) -> int:
    with suppress(WriteError):
        click.echo(f"error: {visible(message)}", err=True)
    return code


if __name__ == "__main__":
    main()
