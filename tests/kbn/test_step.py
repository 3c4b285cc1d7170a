"""Back-propagation and the update, against derivatives of a cost written without either."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kbn.layers import EPS
from kbn.network import Network
from kbn.step import Workspace, gradients, step
from tests.kbn.builders import copied, differences, network, same_bytes

PROBLEMS = {
    # Inputs, one to four hidden layers, classes.
    "widths": st.lists(st.integers(1, 8), min_size=3, max_size=6).map(tuple),
    "n": st.integers(2, 9),
    "batch_norm": st.booleans(),
    "seed": st.integers(0, 2**32),
}
PARAMETERS = ("W", "b", "gamma", "beta")


def batch(widths: tuple[int, ...], n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return random images and labels."""
    rng = np.random.default_rng([1, seed])
    return rng.standard_normal((n, widths[0])), rng.integers(widths[-1], size=n)


def cost(
    made: Network, X: np.ndarray, y: np.ndarray, lam: float
) -> tuple[complex, list[np.ndarray], list[tuple[np.ndarray, np.ndarray]]]:
    """Return the cost, the signs at the ReLUs, and each layer's mean and variance.

    Written for complex numbers too, for which np.abs, np.max and np.var would not do.
    """
    H, signs, moments = X, [], []
    for l, (W, b) in enumerate(zip(made.W[:-1], made.b[:-1], strict=True)):
        A = np.einsum("nd,dm->nm", H, W) + b[None, :]
        if made.batch_norm:
            mu = sum(A) / len(A)
            var = sum((A - mu) ** 2) / len(A)
            moments.append((mu, var))
            A = (A - mu) / (var + EPS) ** 0.5 * made.gamma[l] + made.beta[l]
        signs.append(np.real(A) > 0)
        H = np.where(np.real(A) > 0, A, 0)
    S = np.einsum("nd,dm->nm", H, made.W[-1]) + made.b[-1]
    p = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
    loss = -np.mean(np.log(p[range(len(y)), y]))
    return loss + lam * sum(np.sum(W * W) for W in made.W), signs, moments


def derivatives(
    made: Network, X: np.ndarray, y: np.ndarray, lam: float
) -> dict[str, list[np.ndarray]]:
    """Return the cost's derivatives by imaginary differences: Im f(x + ih)/h.

    Nothing is subtracted, so that h can be tiny: exact to rounding, and no ReLU changes sides.
    """
    numbers = {
        field.name: tuple(array.astype(complex) for array in getattr(made, field.name))
        for field in fields(Network)
    }
    h, lifted = 1e-30, object.__new__(Network)
    for name, arrays in numbers.items():
        object.__setattr__(lifted, name, arrays)
    found: dict[str, list[np.ndarray]] = {}
    for name in PARAMETERS:
        found[name] = [np.empty(array.shape) for array in numbers[name]]
        for array, result in zip(numbers[name], found[name], strict=True):
            for index in np.ndindex(array.shape):
                array[index] += 1j * h
                result[index] = cost(lifted, X, y, lam)[0].imag / h
                array[index] = array[index].real
    return found


@settings(max_examples=60, deadline=None)
@given(**PROBLEMS)
def test_gradients_are_the_costs_derivatives(
    *, widths: tuple[int, ...], n: int, batch_norm: bool, seed: int
) -> None:
    """In any architecture, back-propagation gives the derivatives of the loss, to rounding."""
    made, (X, y) = network(widths, batch_norm=batch_norm, seed=seed), batch(widths, n, seed)
    loss, found, _ = gradients(made, X, y, Workspace.of(made, n))
    assert loss == pytest.approx(cost(made, X, y, 0.0)[0].real, rel=1e-9)
    expected = derivatives(made, X, y, 0.0)
    for name in PARAMETERS:
        for one, other in zip(getattr(found, name), expected[name], strict=True):
            assert_close(one, other, relative=1e-8, absolute=1e-10)


@settings(max_examples=60, deadline=None)
@given(**PROBLEMS)
def test_gradients_agree_with_differences(
    *, widths: tuple[int, ...], n: int, batch_norm: bool, seed: int
) -> None:
    """Each gradient is the centred difference of the cost, λ‖W‖² included.

    Where a ReLU changes sides within the difference step there is no derivative to compare, and
    a unit that hardly varies over the batch bends within any step.
    """
    made, (X, y) = network(widths, batch_norm=batch_norm, seed=seed), batch(widths, n, seed)
    _, found, _ = gradients(made, X, y, Workspace.of(made, n))
    _, sides, moments = cost(made, X, y, 0.0)
    assume(spread(moments))

    def value() -> float:
        moved, now, _ = cost(made, X, y, lam=0.1)
        assume(all(map(np.array_equal, sides, now)))
        return moved.real

    for name in PARAMETERS:
        for array, gradient in zip(getattr(made, name), getattr(found, name), strict=True):
            whole = gradient + 2 * 0.1 * array if name == "W" else gradient
            assert_close(whole, differences(value, array, 1e-5), relative=1e-6, absolute=1e-8)


def spread(moments: list[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Tell whether every normalised unit varies over the batch."""
    return all(var.min() > 1e-2 for _, var in moments)


def assert_close(one: np.ndarray, other: np.ndarray, *, relative: float, absolute: float) -> None:
    """Compare arrays by norms: single elements may be rounding noise."""
    norms = float(np.linalg.norm(one) + np.linalg.norm(other))
    assert np.linalg.norm(one - other) <= relative * norms + absolute


@settings(max_examples=60, deadline=None)
@given(**PROBLEMS, eta=st.floats(1e-4, 1.0), lam=st.floats(0.0, 0.5), alpha=st.floats(0.0, 1.0))
def test_a_step_is_the_textbook_formula(
    *,
    widths: tuple[int, ...],
    n: int,
    batch_norm: bool,
    seed: int,
    eta: float,
    lam: float,
    alpha: float,
) -> None:
    """θ ← θ − η·∂cost/∂θ, where W's share of the cost is λ‖W‖²; averages move by 1 − α."""
    before, (X, y) = network(widths, batch_norm=batch_norm, seed=seed), batch(widths, n, seed)
    after = copied(before)
    loss = step(after, X, y, Workspace.of(after, n), eta=eta, lam=lam, alpha=alpha)
    value, _, moments = cost(before, X, y, 0.0)
    assume(spread(moments))
    assert loss == pytest.approx(value.real, abs=1e-12)
    expected = derivatives(before, X, y, lam)
    for name in PARAMETERS:
        for new, old, gradient in zip(
            getattr(after, name), getattr(before, name), expected[name], strict=True
        ):
            np.testing.assert_allclose(new, old - eta * gradient, atol=1e-12)
    if batch_norm:  # not even rounding noise reaches a bias without effect
        assert all(map(np.array_equal, after.b[:-1], before.b[:-1]))
    for l, (mu, var) in enumerate(moments):
        mixed = alpha * before.mu[l] + (1 - alpha) * mu
        np.testing.assert_allclose(after.mu[l], mixed, atol=1e-12)
        mixed = alpha * before.var[l] + (1 - alpha) * var
        np.testing.assert_allclose(after.var[l], mixed, atol=1e-12, rtol=1e-12)


def test_averages_of_a_step_by_hand() -> None:
    """One unit that sees 1 and 5 has mean 3 and variance 4 (1/n, not 1/(n − 1))."""
    one, zero = np.ones((1, 1)), np.zeros(1)
    made = Network(
        W=(one.copy(), one.copy()),
        b=(zero.copy(), zero.copy()),
        gamma=(np.ones(1),),
        beta=(zero.copy(),),
        mu=(np.array([10.0]),),
        var=(np.array([20.0]),),
    )
    X, y = np.array([[1.0], [5.0]]), np.array([0, 0])
    step(made, X, y, Workspace.of(made, 2), eta=0.1, lam=0.0, alpha=0.75)
    assert made.mu[0] == pytest.approx(0.75 * 10 + 0.25 * 3)
    assert made.var[0] == pytest.approx(0.75 * 20 + 0.25 * 4)
    step(made, X, y, Workspace.of(made, 2), eta=0.1, lam=0.0, alpha=0.0)
    assert made.mu[0] == 3.0
    assert made.var[0] == 4.0


WIDE = (5, 7, 6, 4)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_buffers_carry_nothing_over(*, batch_norm: bool, dtype: type) -> None:
    """Steps with one workspace are, bit for bit, those with a fresh one each."""
    reused = network(WIDE, batch_norm=batch_norm, dtype=dtype)
    fresh = copied(reused)
    work = Workspace.of(reused, 6)
    for seed in range(5):
        X, y = batch(WIDE, 6, seed)
        X = X.astype(dtype)
        settings = {"eta": 0.1, "lam": 0.01, "alpha": 0.9}
        one = step(reused, X, y, work, **settings)
        other = step(fresh, X, y, Workspace.of(fresh, 6), **settings)
        assert one == other
        assert same_bytes(reused, fresh)


def test_the_batch_may_lie_in_the_workspace() -> None:
    """Training copies a batch to `work.X`; a step from there is the same, and leaves it alone."""
    one = network(WIDE, batch_norm=True)
    other, (X, y) = copied(one), batch(WIDE, 6)
    work = Workspace.of(one, 6)
    work.X[...] = X
    labels = y.copy()
    step(one, work.X, y, work, eta=0.1, lam=0.01, alpha=0.9)
    step(other, X, y, Workspace.of(other, 6), eta=0.1, lam=0.01, alpha=0.9)
    assert same_bytes(one, other)
    np.testing.assert_array_equal(work.X, X)
    np.testing.assert_array_equal(y, labels)


def test_gradients_leave_the_network_alone() -> None:
    """Only `step` changes parameters and moving averages."""
    made, (X, y) = network(WIDE, batch_norm=True), batch(WIDE, 6)
    before = copied(made)
    gradients(made, X, y, Workspace.of(made, 6))
    assert same_bytes(made, before)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_single_precision_stays(*, batch_norm: bool) -> None:
    """A float32 network and its buffers stay float32 and follow the float64 ones."""
    single = network(WIDE, batch_norm=batch_norm, dtype=np.float32)
    double = network(WIDE, batch_norm=batch_norm, dtype=np.float64)
    X, y = batch(WIDE, 9)
    work = Workspace.of(single, 9)
    for _ in range(3):
        loss = step(single, X.astype(np.float32), y, work, eta=0.05, lam=0.01, alpha=0.9)
        expected = step(double, X, y, Workspace.of(double, 9), eta=0.05, lam=0.01, alpha=0.9)
        assert loss == pytest.approx(expected, rel=1e-4)
    reference = double.arrays()
    for name, array in single.arrays().items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, reference[name], rtol=1e-3, atol=1e-4)
    _, found, caches = gradients(single, X.astype(np.float32), y, work)
    made = [*found.W, *found.b, *found.gamma, *found.beta, *(a for c in caches for a in c)]
    buffers = [work.X, *work.A, *work.H, *work.G, *work.gradient]
    assert {array.dtype for array in (*made, *buffers)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_step_allocates_no_activations(*, batch_norm: bool) -> None:
    """Of what has a batch's or a matrix's size, a step makes at most a mask at a time."""
    widths, n = (300, 300, 300, 10), 300
    made, (X, y) = network(widths, batch_norm=batch_norm), batch(widths, n)
    work = Workspace.of(made, n)
    step(made, X, y, work, eta=0.1, lam=0.01, alpha=0.9)
    tracemalloc.start()
    try:
        step(made, X, y, work, eta=0.1, lam=0.01, alpha=0.9)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 * 300 * 8 / 2


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_loss_that_is_not_finite_shows(*, bad: float, batch_norm: bool) -> None:
    """A weight that is not finite gives a loss that is not, which is how divergence is seen."""
    made, (X, y) = network(WIDE, batch_norm=batch_norm), batch(WIDE, 6)
    made.W[-1][0, 0] = bad
    X[:, :] = np.abs(X)
    with np.errstate(invalid="ignore", over="ignore"):
        loss = step(made, X, y, Workspace.of(made, 6), eta=0.1, lam=0.0, alpha=0.9)
    assert not math.isfinite(loss)
