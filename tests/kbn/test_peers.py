"""PyTorch, where it is installed, computes the same: an optional peer, never needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.step_cases import AGREE_STEPS, CASES, agreement
from kbn.data import Split, split, synthetic
from kbn.inference import predict_proba
from kbn.initialise import he, initialise
from kbn.layers import EPS
from kbn.network import Network
from kbn.schedule import Schedule, triangular
from kbn.streams import BATCHES, WEIGHTS, stream
from kbn.train import train

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[peers]'")

EPOCHS, BATCH, LAM, ALPHA, SEED = 12, 60, 1e-3, 0.8, 5


@pytest.mark.parametrize(("hidden", "batch_norm"), CASES)
def test_losses_agree_with_pytorch(hidden: tuple[int, ...], *, batch_norm: bool) -> None:
    """From equal weights and batches, in float64, the losses of 200 steps are the same."""
    assert AGREE_STEPS == 200
    assert agreement(hidden, batch_norm=batch_norm) < 1e-10


@pytest.mark.parametrize("hidden", [(7,), (20, 10), (12, 9, 6)])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_training_agrees_with_pytorch(hidden: tuple[int, ...], *, batch_norm: bool) -> None:
    """A step an epoch, each is the same: moving averages, cycles of η and answers, too."""
    parts = split(
        synthetic.synthetic(80, inputs=15, classes=3),
        validation=20,
        seed=SEED,
        stratified=False,
        dtype=np.float64,
    )
    start = initialise(
        inputs=15,
        hidden=hidden,
        classes=3,
        batch_norm=batch_norm,
        init=he(),
        rng=stream(SEED, 0, WEIGHTS),
        dtype=np.float64,
    )
    schedule = triangular(1e-3, 0.2, 5)
    ours = train(
        start,
        parts,
        epochs=EPOCHS,
        batch_size=BATCH,
        lam=LAM,
        alpha=ALPHA,
        schedule=schedule,
        rng=stream(SEED, 0, BATCHES),
    )
    theirs, losses, P = by_pytorch(start, parts, schedule)
    np.testing.assert_allclose(
        [record.validation_loss for record in ours.records], losses, rtol=0, atol=1e-10
    )
    without_effect = {f"b{l}" for l in range(1, len(hidden) + 1)} if batch_norm else set()
    for name, array in ours.network.arrays().items():
        if name not in without_effect:
            np.testing.assert_allclose(array, theirs[name], rtol=0, atol=1e-9, err_msg=name)
    found = predict_proba(ours.network, parts.X_validation)
    np.testing.assert_allclose(found, P, rtol=0, atol=1e-10)


def by_pytorch(
    start: Network, parts: Split, schedule: Schedule
) -> tuple[dict[str, np.ndarray], list[float], np.ndarray]:
    """Return parameters, validation losses and probabilities of the same training by PyTorch."""
    layers = modules(start)
    weights = [layer.weight for layer in layers if isinstance(layer, torch.nn.Linear)]
    sets = (parts.X_train, parts.y_train, parts.X_validation, parts.y_validation)
    X, y, X_validation, y_validation = map(torch.from_numpy, sets)
    rng, losses = stream(SEED, 0, BATCHES), []
    for epoch in range(EPOCHS):
        rows = rng.permutation(len(X))[:BATCH]
        layers.train()
        for layer in layers:
            if isinstance(layer, torch.nn.BatchNorm1d):
                layer.momentum = 1.0 - ALPHA if epoch else 1.0
        loss = torch.nn.functional.cross_entropy(layers(X[rows]), y[rows])
        cost = loss + LAM * sum((W**2).sum() for W in weights)
        layers.zero_grad()
        cost.backward()
        with torch.no_grad():
            for parameter in layers.parameters():
                parameter -= schedule(epoch) * parameter.grad
        layers.eval()
        with torch.no_grad():
            S = layers(X_validation)
            losses.append(float(torch.nn.functional.cross_entropy(S, y_validation)))
    return parameters(layers), losses, S.softmax(dim=1).numpy()


def modules(start: Network) -> Any:
    """Return a network's layers as PyTorch's, with its parameters."""
    layers: list[Any] = []
    for l, (W, b) in enumerate(zip(start.W, start.b, strict=True)):
        layers.append(torch.nn.Linear(*W.shape, dtype=torch.float64))
        layers[-1].weight.data = torch.from_numpy(W.T.copy())
        layers[-1].bias.data = torch.from_numpy(b.copy())
        if l < len(start.hidden):
            layers += [biased(W.shape[1])] * start.batch_norm + [torch.nn.ReLU()]
    return torch.nn.Sequential(*layers)


def biased(units: int) -> Any:
    """Return PyTorch's batch normalisation, told to keep the biased variance, as ours does."""

    class Biased(torch.nn.BatchNorm1d):  # type: ignore[misc, name-defined]
        def forward(self, A: Any) -> Any:
            if self.training:
                with torch.no_grad():
                    self.running_mean.lerp_(A.mean(dim=0), self.momentum)
                    self.running_var.lerp_(A.var(dim=0, unbiased=False), self.momentum)
                return torch.nn.functional.batch_norm(
                    A, None, None, self.weight, self.bias, training=True, eps=self.eps
                )
            return super().forward(A)

    return Biased(units, eps=EPS, dtype=torch.float64)


def parameters(layers: Any) -> dict[str, np.ndarray]:
    """Return PyTorch's parameters under our names."""
    linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
    normed = [layer for layer in layers if isinstance(layer, torch.nn.BatchNorm1d)]
    found = {f"W{l}": layer.weight.T for l, layer in enumerate(linear, start=1)}
    found |= {f"b{l}": layer.bias for l, layer in enumerate(linear, start=1)}
    for name, of in (
        *(("gamma", "weight"), ("beta", "bias")),
        *(("mu", "running_mean"), ("var", "running_var")),
    ):
        found |= {f"{name}{l}": getattr(layer, of) for l, layer in enumerate(normed, start=1)}
    return {name: tensor.detach().numpy() for name, tensor in found.items()}
