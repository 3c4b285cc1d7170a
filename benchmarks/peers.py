"""What else trains such networks: the same steps in PyTorch and in scikit-learn.

PyTorch is optional: `pip install '.[peers]'`. Without it its columns are empty.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from kbn.layers import EPS
from kbn.network import Network

HAS_TORCH = importlib.util.find_spec("torch") is not None

Epoch = Callable[[np.ndarray], None]
"""Does a step for each row of an array of image numbers, (steps, batch)."""


def torch_module(network: Network) -> Any:
    """Return the network as a PyTorch module of the same precision, for one thread."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    layers: list[Any] = []
    for l, (W, b) in enumerate(zip(network.W, network.b, strict=True)):
        linear = torch.nn.Linear(*W.shape)
        linear.weight.data = torch.from_numpy(W.T.copy())
        linear.bias.data = torch.from_numpy(b.copy())
        layers.append(linear)
        if l < len(network.hidden):
            if network.batch_norm:
                norm = torch.nn.BatchNorm1d(W.shape[1], eps=EPS)
                norm.weight.data = torch.from_numpy(network.gamma[l].copy())
                norm.bias.data = torch.from_numpy(network.beta[l].copy())
                layers.append(norm)
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers).to(layers[0].weight.dtype)


class TorchTraining:
    """A network's training in PyTorch; λ acts on the weights alone, as ours does."""

    def __init__(self, network: Network, X: np.ndarray, y: np.ndarray, *, lam: float) -> None:
        import torch  # noqa: PLC0415

        self._module = torch_module(network)
        weights = [each.weight for each in self._module if isinstance(each, torch.nn.Linear)]
        others = [p for p in self._module.parameters() if not any(p is w for w in weights)]
        groups: list[dict[str, Any]] = [
            {"params": weights, "weight_decay": 2 * lam},
            {"params": others},
        ]
        self._optimiser = torch.optim.SGD(groups, lr=0.0)
        self._criterion = torch.nn.CrossEntropyLoss()
        self._images, self._labels = torch.from_numpy(X), torch.from_numpy(y)
        self._tensor, self._no_grad = torch.from_numpy, torch.no_grad

    def step(self, rows: np.ndarray, eta: float) -> Any:
        """Do a step on the images of the given numbers; return their loss before it."""
        batch = self._tensor(rows)
        for group in self._optimiser.param_groups:
            group["lr"] = eta
        self._optimiser.zero_grad()
        loss = self._criterion(self._module(self._images[batch]), self._labels[batch])
        loss.backward()
        self._optimiser.step()
        return loss

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the share of images labelled right, with the moving averages."""
        self._module.eval()
        with self._no_grad():
            found = self._module(self._tensor(X)).argmax(dim=1)
        self._module.train()
        return float(np.mean(found.numpy() == y))


def torch_losses(
    network: Network, X: np.ndarray, y: np.ndarray, order: np.ndarray, *, eta: float, lam: float
) -> Iterator[float]:
    """Yield the loss of each of PyTorch's steps."""
    training = TorchTraining(network, X, y, lam=lam)
    for rows in order:
        yield training.step(rows, eta).item()


def torch_epoch(network: Network, X: np.ndarray, y: np.ndarray, *, eta: float, lam: float) -> Epoch:
    """Return a function that trains with PyTorch."""
    training = TorchTraining(network, X, y, lam=lam)

    def run(order: np.ndarray) -> None:
        for rows in order:
            training.step(rows, eta).item()

    return run


def sklearn_epoch(
    network: Network, X: np.ndarray, y: np.ndarray, *, eta: float, lam: float
) -> Epoch:
    """Return a function that trains with scikit-learn, which draws its own order of batches."""
    classes = np.arange(network.widths[-1])

    def run(order: np.ndarray) -> None:
        steps, batch = order.shape
        model.batch_size = batch
        model.partial_fit(X[: steps * batch], y[: steps * batch], classes=classes)

    model = MLPClassifier(
        hidden_layer_sizes=network.hidden,
        solver="sgd",
        alpha=2 * lam,
        learning_rate_init=eta,
        momentum=0.0,
        random_state=0,
    )
    warnings.simplefilter("ignore", ConvergenceWarning)
    return run
