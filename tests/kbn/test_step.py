"""Back-propagation and the update, against derivatives of a cost written without either."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kbn.layers import EPS, affine_forward, relu_forward
from kbn.network import Network
from kbn.pack import Pack
from kbn.step import gradients, step
from kbn.workspace import Workspace
from tests.kbn.builders import copied, differences, network, one_step, same_bytes
from tests.kbn.oracle import (
    affine_backward,
    affine_backward_input,
    batch_norm_backward,
    batch_norm_forward,
    relu_backward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)

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


@settings(max_examples=60)
@given(**PROBLEMS)
def test_gradients_are_the_costs_derivatives(
    *, widths: tuple[int, ...], n: int, batch_norm: bool, seed: int
) -> None:
    """In any architecture, back-propagation gives the derivatives of the loss, to rounding."""
    made, (X, y) = network(widths, batch_norm=batch_norm, seed=seed), batch(widths, n, seed)
    loss, found, _ = gradients(made, X, y)
    assert loss == pytest.approx(cost(made, X, y, 0.0)[0].real, rel=1e-9)
    expected = derivatives(made, X, y, 0.0)
    for name in PARAMETERS:
        for one, other in zip(getattr(found, name), expected[name], strict=True):
            assert_close(one, other, relative=1e-8, absolute=1e-10)


@settings(max_examples=60)
@given(**PROBLEMS)
@example(widths=(2, 1, 3, 4, 2), n=7, batch_norm=True, seed=15675)
def test_gradients_agree_with_differences(
    *, widths: tuple[int, ...], n: int, batch_norm: bool, seed: int
) -> None:
    """Each gradient is the centred difference of the cost, λ‖W‖² included.

    Where a ReLU changes sides within the difference step there is no derivative to compare, and
    a unit that hardly varies over the batch bends within any step.
    """
    made, (X, y) = network(widths, batch_norm=batch_norm, seed=seed), batch(widths, n, seed)
    _, found, _ = gradients(made, X, y)
    _, sides, moments = cost(made, X, y, 0.0)
    assume(spread(moments))

    def value() -> float:
        moved, now, _ = cost(made, X, y, lam=0.1)
        assume(all(map(np.array_equal, sides, now)))
        return moved.real

    for name in PARAMETERS:
        for array, gradient in zip(getattr(made, name), getattr(found, name), strict=True):
            whole = gradient + 2 * 0.1 * array if name == "W" else gradient
            wide, narrow = (differences(value, array, h) for h in (1e-5, 5e-6))
            # Both are off by h² times a third derivative, which this combination is rid of.
            assert_close(whole, (4 * narrow - wide) / 3, relative=1e-6, absolute=1e-8)


def spread(moments: list[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Tell whether every normalised unit varies over the batch."""
    return all(var.min() > 1e-2 for _, var in moments)


def assert_close(one: np.ndarray, other: np.ndarray, *, relative: float, absolute: float) -> None:
    """Compare arrays by norms: single elements may be rounding noise."""
    norms = float(np.linalg.norm(one) + np.linalg.norm(other))
    assert np.linalg.norm(one - other) <= relative * norms + absolute


@settings(max_examples=60)
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
    loss = one_step(after, X, y, eta=eta, lam=lam, alpha=alpha)
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


WIDE = (5, 7, 6, 4)


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
    one_step(made, X, y, eta=0.1, lam=0.0, alpha=0.75)
    assert made.mu[0] == pytest.approx(0.75 * 10 + 0.25 * 3)
    assert made.var[0] == pytest.approx(0.75 * 20 + 0.25 * 4)
    one_step(made, X, y, eta=0.1, lam=0.0, alpha=0.0)
    assert made.mu[0] == 3.0
    assert made.var[0] == 4.0


WIDE = (5, 7, 6, 4)


@settings(max_examples=60)
@given(**PROBLEMS, eta=st.floats(1e-4, 1.0), lam=st.floats(0.0, 0.5), alpha=st.floats(0.0, 1.0))
def test_a_step_is_the_plain_formulas(
    *,
    widths: tuple[int, ...],
    n: int,
    batch_norm: bool,
    seed: int,
    eta: float,
    lam: float,
    alpha: float,
) -> None:
    """The fast step gives what the operations of `tests.kbn.oracle` give, one after the other."""
    made, (X, y) = network(widths, batch_norm=batch_norm, seed=seed), batch(widths, n, seed)
    fast, plain = copied(made), copied(made)
    _, _, moments = cost(made, X, y, 0.0)
    assume(spread(moments))
    loss = one_step(fast, X, y, eta=eta, lam=lam, alpha=alpha)
    assert loss == pytest.approx(plain_step(plain, X, y, eta, lam, alpha), rel=1e-13)
    for one, other in zip(fast.arrays().values(), plain.arrays().values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def plain_step(
    made: Network, X: np.ndarray, y: np.ndarray, eta: float, lam: float, alpha: float
) -> float:
    """Do one step with the operations of `tests.kbn.oracle`, batch first, nothing reused."""
    inputs, caches, last = [X], [], len(made.W) - 1
    for l in range(last):
        Y = affine_forward(inputs[-1], made.W[l], made.b[l])
        if made.batch_norm:
            Y, cache = batch_norm_forward(Y, made.gamma[l], made.beta[l])
            caches.append(cache)
        inputs.append(relu_forward(Y))
    loss, P = softmax_cross_entropy_forward(
        affine_forward(inputs[-1], made.W[last], made.b[last]), y
    )
    G = softmax_cross_entropy_backward(P, y)
    for l in reversed(range(last + 1)):
        dW, db = affine_backward(G, inputs[l])
        below = affine_backward_input(G, made.W[l])
        made.W[l][...] = (1 - 2 * eta * lam) * made.W[l] - eta * dW
        if l == last or not made.batch_norm:
            made.b[l][...] -= eta * db
        if l:
            G = relu_backward(below, inputs[l])
            if made.batch_norm:
                mu, var = caches[l - 1].mu, caches[l - 1].var
                G, dgamma, dbeta = batch_norm_backward(G, made.gamma[l - 1], caches[l - 1])
                made.gamma[l - 1][...] -= eta * dgamma
                made.beta[l - 1][...] -= eta * dbeta
                made.mu[l - 1][...] = alpha * made.mu[l - 1] + (1 - alpha) * mu
                made.var[l - 1][...] = alpha * made.var[l - 1] + (1 - alpha) * var
    return loss


def loaded(made: Network, X: np.ndarray, y: np.ndarray) -> tuple[Pack, Workspace]:
    """Return a pack of one and buffers that hold a batch."""
    pack = Pack.of([made])
    work = Workspace.of(pack, len(X))
    work.load(X, y, np.arange(len(X)))
    return pack, work


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_buffers_carry_nothing_over(*, batch_norm: bool, dtype: type) -> None:
    """Steps with one workspace are, bit for bit, those with a fresh one each."""
    fresh = network(WIDE, batch_norm=batch_norm, dtype=dtype)
    pack = Pack.of([fresh])
    work = Workspace.of(pack, 6)
    for seed in range(5):
        X, y = batch(WIDE, 6, seed)
        X = X.astype(dtype)
        work.load(X, y, np.arange(6))
        (one,) = step(pack, work, eta=[0.1], lam=[0.01], alpha=0.9)
        assert one == one_step(fresh, X, y, eta=0.1, lam=0.01, alpha=0.9)
        assert same_bytes(pack.member(0), fresh)


def test_a_batch_is_rows_of_the_images() -> None:
    """Rows are taken in the order asked for, with their labels; a step leaves the batch alone."""
    X, y = batch(WIDE, 9)
    pack = Pack.of([network(WIDE, batch_norm=True)])
    work = Workspace.of(pack, 3, images=X)
    for rows in (np.array([7, 0, 7]), np.array([1, 2, 8])):
        work.load(X, y, rows)
        step(pack, work, eta=[0.1], lam=[0.01], alpha=0.9)
        np.testing.assert_array_equal(work.X, X[rows])
        np.testing.assert_array_equal(work.labels, 3 * y[rows] + np.arange(3))


def test_gradients_leave_the_network_alone() -> None:
    """Only `step` changes parameters and moving averages."""
    made, (X, y) = network(WIDE, batch_norm=True), batch(WIDE, 6)
    before = copied(made)
    gradients(made, X, y)
    assert same_bytes(made, before)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_single_precision_stays(*, batch_norm: bool) -> None:
    """A float32 network and its buffers stay float32 and follow the float64 ones."""
    single = network(WIDE, batch_norm=batch_norm, dtype=np.float32)
    double = network(WIDE, batch_norm=batch_norm, dtype=np.float64)
    X, y = batch(WIDE, 9)
    rates = {"eta": 0.05, "lam": 0.01, "alpha": 0.9}
    for _ in range(3):
        loss = one_step(single, X.astype(np.float32), y, **rates)
        assert loss == pytest.approx(one_step(double, X, y, **rates), rel=1e-4)
    reference = double.arrays()
    for name, array in single.arrays().items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, reference[name], rtol=1e-3, atol=1e-4)
    _, found, work = gradients(single, X.astype(np.float32), y)
    made = [*found.W, *found.b, *found.gamma, *found.beta]
    for name, value in vars(work).items():
        whole = name in ("labels", "first_class")
        made += [] if whole else value if isinstance(value, tuple) else [value]
    assert {array.dtype for array in made} == {np.dtype(np.float32)}


@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_step_allocates_no_activations(*, batch_norm: bool) -> None:
    """Of what has a batch's or a matrix's size, a step makes nothing."""
    widths, n = (300, 300, 300, 10), 300
    pack, work = loaded(network(widths, batch_norm=batch_norm), *batch(widths, n))
    rates: dict[str, Any] = {"eta": [0.1], "lam": [0.01], "alpha": 0.9}
    step(pack, work, **rates)
    tracemalloc.start()
    try:
        step(pack, work, **rates)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 * 300


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_loss_that_is_not_finite_shows(*, bad: float, batch_norm: bool) -> None:
    """A weight that is not finite gives a loss that is not, which is how divergence is seen."""
    made, (X, y) = network(WIDE, batch_norm=batch_norm), batch(WIDE, 6)
    made.W[-1][0, 0] = bad
    X[:, :] = np.abs(X)
    with np.errstate(invalid="ignore", over="ignore"):
        loss = one_step(made, X, y, eta=0.1, lam=0.0, alpha=0.9)
    assert not math.isfinite(loss)
