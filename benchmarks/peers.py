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


def torch_losses(
    network: Network,
    X: np.ndarray,
    y: np.ndarray,
    order: np.ndarray,
    *,
    eta: float,
    lam: float,
    module: Any = None,
) -> Iterator[float]:
    """Yield the loss of each of PyTorch's steps; λ acts on the weights alone, as ours does."""
    import torch  # noqa: PLC0415

    module = module or torch_module(network)
    weights = [each.weight for each in module if isinstance(each, torch.nn.Linear)]
    others = [p for p in module.parameters() if not any(p is weight for weight in weights)]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": 2 * lam},
        {"params": others},
    ]
    optimiser = torch.optim.SGD(groups, lr=eta)
    criterion = torch.nn.CrossEntropyLoss()
    images, labels = torch.from_numpy(X), torch.from_numpy(y)
    for rows in torch.from_numpy(order):
        optimiser.zero_grad()
        loss = criterion(module(images[rows]), labels[rows])
        loss.backward()
        optimiser.step()
        yield loss.item()


def torch_epoch(network: Network, X: np.ndarray, y: np.ndarray, *, eta: float, lam: float) -> Epoch:
    """Return a function that trains with PyTorch."""
    module = torch_module(network)

    def run(order: np.ndarray) -> None:
        for _ in torch_losses(network, X, y, order, eta=eta, lam=lam, module=module):
            pass

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
