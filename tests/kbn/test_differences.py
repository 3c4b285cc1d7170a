"""Derivatives by differences against those of back-propagation, where the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kbn.differences import KinkError, ParameterCheck, check, problem
from kbn.errors import InputError
from kbn.network import Network
from tests.kbn.builders import copied, network, same_bytes


def test_a_wrong_share_of_lam_is_found() -> None:
    """The cost's λ‖W‖² is checked too: differences with another λ disagree in W alone."""
    made, X, y = problem(inputs=3, hidden=(4,), classes=3, batch=6, batch_norm=False, seed=0)
    without, with_lam = (
        {each.name: each for each in check(made, X, y, lam=lam)} for lam in (0, 0.1)
    )
    for l in range(2):
        assert with_lam[f"w{l}"].analytic != pytest.approx(without[f"w{l}"].analytic)
        assert with_lam[f"b{l}"].analytic == without[f"b{l}"].analytic
    assert all(each.passed for each in with_lam.values())


def test_norms_by_hand() -> None:
    """With all weights 0 both images have equal scores: ∂L/∂b is the mean of P − one-hot."""
    made = network((2, 3, 2), batch_norm=False)
    for array in made.arrays().values():
        array[...] = 0.0
    made.b[0][...] = 1.0
    X, y = np.ones((2, 2)), np.array([1, 1])
    found = {each.name: each for each in check(made, X, y, lam=0.0)}
    assert found["b1"].analytic == pytest.approx(np.hypot(0.5, 0.5))
    assert found["b1"].numerical == pytest.approx(np.hypot(0.5, 0.5))
    assert found["w1"].analytic == pytest.approx(np.hypot(0.5, 0.5) * np.sqrt(3))
    assert not found["w0"].effect
    assert found["w0"].passed


def test_the_relative_error() -> None:
    """A parameter passes below the tolerance, or where it has no effect."""
    one = ParameterCheck("w0", analytic=1.0, numerical=1.0, relative_error=9e-8, effect=True)
    assert one.passed
    assert not replace(one, relative_error=1e-7).passed
    assert not replace(one, relative_error=float("nan")).passed
    assert replace(one, relative_error=1.0, effect=False).passed


def test_the_network_is_left_alone() -> None:
    """Checking changes nothing of what it is given."""
    made, X, y = problem(inputs=3, hidden=(4, 2), classes=3, batch=6, batch_norm=True, seed=0)
    before, images, labels = copied(made), X.copy(), y.copy()
    check(made, X, y, lam=0.01)
    assert same_bytes(made, before)
    np.testing.assert_array_equal(X, images)
    np.testing.assert_array_equal(y, labels)


def test_single_precision_is_refused() -> None:
    """Differences in float32 would be rounding noise."""
    made = network((3, 4, 2), batch_norm=True, dtype=np.float32)
    with pytest.raises(InputError, match="a float32 network: float64 is needed"):
        check(made, np.ones((2, 3)), np.array([0, 1]), lam=0.0)


def test_a_kink_is_no_wrong_gradient() -> None:
    """Where a ReLU changes sides within the difference step, that is said, not a failure."""
    made, X, y = problem(inputs=3, hidden=(4,), classes=3, batch=6, batch_norm=False, seed=0)
    made.b[0][0] -= X[0] @ made.W[0][:, 0] + made.b[0][0] - 1e-6
    with pytest.raises(KinkError, match="a ReLU changes sides"):
        check(made, X, y, lam=0.0)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_problems_are_away_from_special_values(*, batch_norm: bool) -> None:
    """No bias is 0 and no γ is 1, whose gradients could hide a mistake; the seed decides."""

    def made(seed: int) -> tuple[Network, np.ndarray, np.ndarray]:
        return problem(
            inputs=3, hidden=(4, 5), classes=10, batch=6, batch_norm=batch_norm, seed=seed
        )

    drawn, X, y = made(0)
    assert {array.dtype for array in drawn.arrays().values()} == {np.dtype(np.float64)}
    assert drawn.widths == (3, 4, 5, 10)
    assert (X.shape, y.shape) == ((6, 3), (6,))
    for array in (*drawn.b, *drawn.beta):
        assert np.all(array != 0)
    for array in drawn.gamma:
        assert np.all(array != 1)
    assert same_bytes(drawn, made(0)[0])
    assert not same_bytes(drawn, made(1)[0])
