"""PyTorch, where it is installed, computes the same: an optional peer, never needed."""

from __future__ import annotations

import pytest

from benchmarks.step_cases import AGREE_STEPS, CASES, agreement

pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[peers]'")


@pytest.mark.parametrize(("hidden", "batch_norm"), CASES)
def test_losses_agree_with_pytorch(hidden: tuple[int, ...], *, batch_norm: bool) -> None:
    """From equal weights and batches, in float64, the losses of 200 steps are the same."""
    assert AGREE_STEPS == 200
    assert agreement(hidden, batch_norm=batch_norm) < 1e-10
