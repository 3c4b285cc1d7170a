"""Each operation against a formula written another way, and against differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn.layers import EPS, affine_forward, cross_entropies, relu_forward
from tests.kbn.builders import differences
from tests.kbn.oracle import (
    BatchNormCache,
    affine_backward,
    affine_backward_input,
    batch_norm_backward,
    batch_norm_forward,
    relu_backward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)

SIZES = st.integers(1, 6)
SEEDS = st.integers(0, 2**32)


def normal(*shape: int, seed: int = 0, dtype: type = float) -> np.ndarray:
    """Return a standard normal array."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


# Affine


@given(n=SIZES, d=SIZES, m=SIZES, seed=SEEDS)
def test_affine_is_a_weighted_sum(n: int, d: int, m: int, seed: int) -> None:
    """Each output is b plus the inputs weighted by W, summed exactly."""
    H, W, b = normal(n, d, seed=seed), normal(d, m, seed=seed), normal(m, seed=seed)
    A = affine_forward(H, W, b)
    for i, j in np.ndindex(n, m):
        expected = math.fsum([b[j], *(H[i, k] * W[k, j] for k in range(d))])
        assert A[i, j] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(n=SIZES, d=SIZES, m=SIZES, seed=SEEDS)
def test_affine_derivatives(n: int, d: int, m: int, seed: int) -> None:
    """Derivatives by W, b and H are those of the sum of G·A."""
    H, W, b = normal(n, d, seed=seed), normal(d, m, seed=seed), normal(m, seed=seed)
    G = normal(n, m, seed=seed + 1)

    def cost() -> float:
        return float(np.sum(G * affine_forward(H, W, b)))

    dW, db = affine_backward(G, H)
    np.testing.assert_allclose(dW, differences(cost, W, 1e-3), atol=1e-9)
    np.testing.assert_allclose(db, differences(cost, b, 1e-3), atol=1e-9)
    np.testing.assert_allclose(affine_backward_input(G, W), differences(cost, H, 1e-3), atol=1e-9)
    np.testing.assert_allclose(dW, np.einsum("nd,nm->dm", H, G), atol=1e-13)
    np.testing.assert_allclose(db, np.einsum("nm->m", G), atol=1e-13)
    np.testing.assert_allclose(
        affine_backward_input(G, W), np.einsum("nm,dm->nd", G, W), atol=1e-13
    )


# ReLU


def test_relu_keeps_what_is_above_zero() -> None:
    """Negative numbers become 0, the others stay; a NaN stays, so that divergence shows."""
    A = np.array([[-math.inf, -2.5, -0.0, 0.0, 5e-324, 3.0, math.inf, math.nan]])
    expected = [[0.0, 0.0, 0.0, 0.0, 5e-324, 3.0, math.inf, math.nan]]
    np.testing.assert_array_equal(relu_forward(A), expected)


@given(n=SIZES, m=SIZES, seed=SEEDS)
def test_relu_derivative(n: int, m: int, seed: int) -> None:
    """G passes where A is above 0 and nowhere else."""
    A, G = normal(n, m, seed=seed), normal(n, m, seed=seed + 1)
    A += 1e-3 * np.sign(A)  # no kink within the difference step
    dA = relu_backward(G, relu_forward(A))
    np.testing.assert_array_equal(dA, np.where(A > 0, G, 0))
    numerical = differences(lambda: float(np.sum(G * relu_forward(A))), A, 5e-4)
    np.testing.assert_allclose(dA, numerical, atol=1e-9)


def test_relu_derivative_at_zero() -> None:
    """At the kink itself the derivative is 0."""
    A = np.zeros((2, 3))
    np.testing.assert_array_equal(relu_backward(np.ones((2, 3)), relu_forward(A)), A)


# Batch normalisation


@given(
    n=st.integers(2, 9),
    m=SIZES,
    seed=SEEDS,
    scale=st.floats(1e-2, 1e3),
    shift=st.floats(-1e3, 1e3),
)
def test_batch_norm_normalises(n: int, m: int, seed: int, scale: float, shift: float) -> None:
    """With γ = 1 and β = 0 each unit has mean 0 and, ε aside, biased variance 1."""
    A = shift + scale * normal(n, m, seed=seed)
    Y, cache = batch_norm_forward(A, np.ones(m), np.zeros(m))
    var = [math.fsum((a - math.fsum(unit) / n) ** 2 for a in unit) / n for unit in A.T.tolist()]
    share = np.array([v / (v + EPS) for v in var])
    rounding = 1e-12 * (1 + np.abs(A).max() / A.std(axis=0).min())
    np.testing.assert_allclose(Y.mean(axis=0), 0, atol=rounding)
    np.testing.assert_allclose(np.mean(Y**2, axis=0), share, atol=10 * rounding)
    np.testing.assert_allclose(
        cache.mu, [math.fsum(unit) / n for unit in A.T], rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(cache.var, var, rtol=10 * rounding)


def test_batch_norm_with_a_usual_spread_has_variance_1() -> None:
    """ε is so small that a unit of variance 1 keeps it to eight digits."""
    A = normal(50, 4) * 3.0 + 7.0
    Y, _ = batch_norm_forward(A, np.ones(4), np.zeros(4))
    np.testing.assert_allclose(Y.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(Y.var(axis=0), 1, rtol=1e-8)


@given(n=st.integers(2, 9), m=SIZES, seed=SEEDS)
def test_batch_norm_formula(n: int, m: int, seed: int) -> None:
    """Y is γ(A − μ)/√(var + ε) + β, and the cache holds x̂, 1/√(var + ε), μ and var."""
    A, gamma, beta = normal(n, m, seed=seed), normal(m, seed=seed), normal(m, seed=seed + 1)
    before = A.copy()
    Y, cache = batch_norm_forward(A, gamma, beta)
    xhat = (A - np.mean(A, axis=0)) / np.hypot(np.std(A, axis=0), math.sqrt(EPS))
    np.testing.assert_allclose(cache.xhat, xhat, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(cache.inv_std**-2, np.var(A, axis=0) + EPS, rtol=1e-12)
    np.testing.assert_allclose(Y, gamma * xhat + beta, atol=1e-8)
    np.testing.assert_array_equal(A, before)


@given(n=st.integers(2, 9), m=SIZES, seed=SEEDS)
def test_batch_norm_derivatives_by_the_jacobian(n: int, m: int, seed: int) -> None:
    """∂x̂ᵢ/∂Aⱼ = (δᵢⱼ − 1/n − x̂ᵢx̂ⱼ/n)/√(var + ε), unit by unit."""
    A, gamma, beta = normal(n, m, seed=seed), normal(m, seed=seed), normal(m, seed=seed + 1)
    G = normal(n, m, seed=seed + 2)
    _, cache = batch_norm_forward(A, gamma, beta)
    xhat, std = cache.xhat.copy(), np.sqrt(A.var(axis=0) + EPS)
    dA, dgamma, dbeta = batch_norm_backward(G, gamma, cache)
    for j in range(m):
        jacobian = (np.eye(n) - 1 / n - np.outer(xhat[:, j], xhat[:, j]) / n) / std[j]
        np.testing.assert_allclose(
            dA[:, j], gamma[j] * jacobian @ G[:, j], rtol=1e-9, atol=1e-12 * (1 + std[j] ** -2)
        )
        assert dgamma[j] == pytest.approx(math.fsum(G[:, j] * xhat[:, j]), abs=1e-12)
        assert dbeta[j] == pytest.approx(math.fsum(G[:, j]), abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 8])
@pytest.mark.parametrize("seed", range(5))
def test_batch_norm_derivatives_by_differences(n: int, seed: int) -> None:
    """Derivatives by A, γ and β are those of the sum of G·Y."""
    A = normal(n, 4, seed=seed) + np.arange(float(n))[:, None]  # spread at every seed
    gamma, beta, G = normal(4, seed=seed), normal(4, seed=seed + 1), normal(n, 4, seed=seed + 2)

    def cost() -> float:
        return float(np.sum(G * batch_norm_forward(A, gamma, beta)[0]))

    dA, dgamma, dbeta = batch_norm_backward(G, gamma, batch_norm_forward(A, gamma, beta)[1])
    np.testing.assert_allclose(dA, differences(cost, A), atol=1e-7)
    np.testing.assert_allclose(dgamma, differences(cost, gamma), atol=1e-8)
    np.testing.assert_allclose(dbeta, differences(cost, beta), atol=1e-8)


@pytest.mark.parametrize("n", [1, 5])
def test_batch_norm_of_a_constant_unit(n: int) -> None:
    """A unit with no spread comes out as β, and its derivatives are finite."""
    A, gamma, beta = np.full((n, 2), 3.0), np.array([2.0, 3.0]), np.array([0.5, -1.0])
    Y, cache = batch_norm_forward(A, gamma, beta)
    np.testing.assert_array_equal(Y, np.tile(beta, (n, 1)))
    dA, dgamma, _ = batch_norm_backward(normal(n, 2), gamma, cache)
    assert np.isfinite(dA).all()
    np.testing.assert_array_equal(dgamma, 0)


def test_a_large_mean_does_not_swallow_the_spread() -> None:
    """The variance is right where squares of the values would cancel."""
    A = 1e8 + normal(64, 3)
    Y, _ = batch_norm_forward(A, np.ones(3), np.zeros(3))
    np.testing.assert_allclose(Y.var(axis=0), 1, rtol=1e-6)


# Softmax and cross-entropy


@given(n=SIZES, k=SIZES, seed=SEEDS, scale=st.floats(0, 50))
def test_softmax_cross_entropy_formula(n: int, k: int, seed: int, scale: float) -> None:
    """Loss is the mean of log Σ exp(s) − s_y; P is exp(s)/Σ exp(s) and sums to 1."""
    S = scale * normal(n, k, seed=seed)
    before = S.copy()
    y = np.random.default_rng(seed).integers(k, size=n)
    loss, P = softmax_cross_entropy_forward(S, y)
    log_sum = np.logaddexp.reduce(S, axis=1)
    expected = math.fsum(log_sum[i] - S[i, y[i]] for i in range(n)) / n
    assert loss == pytest.approx(expected, rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(P, np.exp(S - log_sum[:, None]), rtol=1e-11)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_array_equal(S, before)


@given(n=SIZES, k=SIZES, seed=SEEDS, scale=st.floats(0, 50))
def test_cross_entropies_are_those_of_single_images(
    n: int, k: int, seed: int, scale: float
) -> None:
    """Each is the loss of a batch that holds this image alone."""
    S = scale * normal(n, k, seed=seed)
    y = np.random.default_rng(seed).integers(k, size=n)
    alone = [softmax_cross_entropy_forward(S[i : i + 1], y[i : i + 1])[0] for i in range(n)]
    np.testing.assert_allclose(cross_entropies(S.copy(), y), alone, rtol=1e-12, atol=1e-12)


@given(n=SIZES, k=SIZES, seed=SEEDS)
def test_softmax_cross_entropy_derivative(n: int, k: int, seed: int) -> None:
    """The derivative by the scores is (P − one-hot)/n, and that is the loss's own."""
    S = 2.0 * normal(n, k, seed=seed)
    y = np.random.default_rng(seed).integers(k, size=n)
    _, P = softmax_cross_entropy_forward(S, y)
    expected = (P - np.eye(k)[y]) / n
    G = softmax_cross_entropy_backward(P, y)
    np.testing.assert_allclose(G, expected, rtol=1e-14)
    numerical = differences(lambda: softmax_cross_entropy_forward(S, y)[0], S)
    np.testing.assert_allclose(G, numerical, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("row", "label", "loss", "probabilities"),
    [
        ([1e4, -1e4], 0, 0.0, [1.0, 0.0]),
        ([1e4, -1e4], 1, 2e4, [1.0, 0.0]),
        ([-1e4, -1e4], 1, math.log(2), [0.5, 0.5]),
        ([1e4, 1e4], 0, math.log(2), [0.5, 0.5]),
        ([1e4, 0.0, 1e4, -1e4], 2, math.log(2), [0.5, 0.0, 0.5, 0.0]),
        ([1e4, 0.0, 1e4, -1e4], 3, 2e4 + math.log(2), [0.5, 0.0, 0.5, 0.0]),
        ([-1e4, -1e4, -1e4, -1e4], 0, math.log(4), [0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_huge_scores(
    dtype: type, row: list[float], label: int, loss: float, probabilities: list[float]
) -> None:
    """Scores of ±10⁴ give the exact loss and probabilities: nothing overflows, no log of 0."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found, P = softmax_cross_entropy_forward(np.array([row], dtype), np.array([label]))
        G = softmax_cross_entropy_backward(P.copy(), np.array([label]))
    assert found == pytest.approx(loss, rel=4 * float(np.finfo(dtype).eps))
    np.testing.assert_array_equal(P, [probabilities])
    np.testing.assert_array_equal(G, [np.array(probabilities) - np.eye(len(row))[label]])


def test_one_class() -> None:
    """With one class there is nothing to be wrong about."""
    loss, P = softmax_cross_entropy_forward(normal(3, 1), np.zeros(3, np.int64))
    assert loss == 0.0
    np.testing.assert_array_equal(P, 1)


# Buffers and precision


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_buffers_do_not_show(dtype: type) -> None:
    """With `out` the result is written there, and is the same to the last bit."""
    X, W = normal(4, 3, dtype=dtype), normal(3, 5, dtype=dtype)
    b, G = normal(5, dtype=dtype), normal(4, 5, dtype=dtype)
    y = np.array([0, 4, 2, 2])
    A = affine_forward(X, W, b)
    into, dW, dH = (np.full_like(array, np.nan) for array in (A, W, X))
    assert affine_forward(X, W, b, out=into) is into
    np.testing.assert_array_equal(into, A)

    assert affine_backward(G, X, out=dW)[0] is dW
    np.testing.assert_array_equal(dW, affine_backward(G, X)[0])
    assert affine_backward_input(G, W, out=dH) is dH
    np.testing.assert_array_equal(dH, affine_backward_input(G, W))

    assert relu_forward(A, out=into) is into
    np.testing.assert_array_equal(into, relu_forward(A))
    through = G.copy()
    assert relu_backward(through, A, out=through) is through
    np.testing.assert_array_equal(through, relu_backward(G, A))

    loss, P = softmax_cross_entropy_forward(A, y)
    again, into = softmax_cross_entropy_forward(A, y, out=A)
    assert into is A
    assert again == loss
    np.testing.assert_array_equal(into, P)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_over_its_own_inputs(dtype: type) -> None:
    """A may be overwritten by x̂, and G by ∂L/∂A: both are the same as with new arrays."""
    A, G = normal(6, 3, dtype=dtype), normal(6, 3, seed=1, dtype=dtype)
    gamma, beta = normal(3, dtype=dtype), normal(3, seed=1, dtype=dtype)
    Y, cache = batch_norm_forward(A, gamma, beta)
    cache = BatchNormCache(*(array.copy() for array in cache))
    over, into = A.copy(), np.full_like(A, np.nan)
    Y_again, cache_again = batch_norm_forward(over, gamma, beta, xhat=over, out=into)
    assert Y_again is into
    assert cache_again.xhat is over
    np.testing.assert_array_equal(Y_again, Y)
    for one, other in zip(cache_again, cache, strict=True):
        np.testing.assert_array_equal(one, other)

    expected = batch_norm_backward(G, gamma, cache)
    found = batch_norm_backward(G, gamma, cache_again, out=G)
    assert found[0] is G
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_single_precision_stays() -> None:
    """Of float32 arrays, every operation makes float32 arrays close to the float64 ones."""

    def results(dtype: type) -> list[np.ndarray]:
        X, W, b = normal(8, 3, dtype=dtype), normal(3, 5, dtype=dtype), normal(5, dtype=dtype)
        y = np.arange(8) % 5
        A = affine_forward(X, W, b)
        Y, cache = batch_norm_forward(A, b, b)
        H = relu_forward(Y)
        _, P = softmax_cross_entropy_forward(H, y)
        found = [A.copy(), Y.copy(), *(array.copy() for array in cache), H, P.copy()]
        G = softmax_cross_entropy_backward(P, y)
        dY = relu_backward(G, H)
        back = batch_norm_backward(dY, b, cache)
        return [*found, G, dY, *back, *affine_backward(back[0], X), affine_backward_input(G, W)]

    for single, double in zip(results(np.float32), results(np.float64), strict=True):
        assert single.dtype == np.float32
        assert double.dtype == np.float64
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)
