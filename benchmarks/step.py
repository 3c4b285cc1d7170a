"""A training step against its own matrix products, PyTorch and scikit-learn, on one core.

    python -m benchmarks.step --page docs/performance.md

All train the same networks on the same images and batches, gather of the batch included, in
blocks of steps that are timed in turns, in seconds of the core, which other processes on it do
not add to; the figures are medians and quartiles over blocks. The
matrix products are those of a step, in the same shapes, with nothing around them. PyTorch is
first checked to compute the same: from equal weights and batches, 200 losses agree.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from tabulate import tabulate
from threadpoolctl import threadpool_limits

from benchmarks.peers import HAS_TORCH, sklearn_epoch, torch_epoch, torch_losses
from benchmarks.performance import write_page
from benchmarks.timing import interleaved, machine, peak, quartiles
from kbn.initialise import he, initialise
from kbn.network import Network
from kbn.pack import Pack
from kbn.schedule import constant
from kbn.step import step
from kbn.train import train_epochs
from kbn.workspace import Workspace

INPUTS, CLASSES, BATCH, STEPS = 3072, 10, 100, 90
ETA, LAM, ALPHA = 1e-2, 1e-3, 0.9
NINE = (50, 50, 30, 20, 20, 10, 10, 10, 10)
CASES = (((50, 50), True), ((50, 50), False), (NINE, True), (NINE, False))
AGREE_STEPS = 200


@dataclass(frozen=True)
class Images:
    """Random images in float32: nine tenths to train on, a tenth to validate on."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator) -> Images:
        """Draw the images of one epoch."""
        n = BATCH * STEPS
        X = rng.standard_normal((n + n // 9, INPUTS), dtype=np.float32)
        y = rng.integers(CLASSES, size=len(X))
        return cls(X[:n], y[:n], X[n:], y[n:])


def products(network: Network, rng: np.random.Generator) -> Callable[[], None]:
    """Return a function that does the matrix products of a block: forward, by W, by inputs."""

    def random(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    widths = network.widths
    H = [random(BATCH, m) for m in widths[:-1]]
    W = [random(d, m) for d, m in pairwise(widths)]
    A = [random(BATCH, m) for m in widths[1:]]
    out, dW, dH = ([np.empty_like(each) for each in arrays] for arrays in (A, W, H))

    def run() -> None:
        for _ in range(STEPS):
            for h, w, o in zip(H, W, out, strict=True):
                np.matmul(h, w, out=o)
            for h, a, d in zip(H, A, dW, strict=True):
                np.matmul(h.T, a, out=d)
            for a, w, d in zip(A[1:], W[1:], dH[1:], strict=True):
                np.matmul(a, w.T, out=d)

    return run


def ours(networks: list[Network], images: Images) -> Callable[[np.ndarray], None]:
    """Return a function that trains a pack for a block."""
    pack = Pack.of(networks)
    work = Workspace.of(pack, BATCH, images=images.X_train)
    K = len(networks)

    def run(order: np.ndarray) -> None:
        for rows in order:
            work.load(images.X_train, images.y_train, rows)
            step(pack, work, eta=[ETA] * K, lam=[LAM] * K, alpha=ALPHA)

    return run


def case(
    hidden: tuple[int, ...], *, batch_norm: bool, images: Images, rng: np.random.Generator
) -> dict[str, Callable[[], None]]:
    """Return each contestant's block of steps, all on the same batches."""

    def network(k: int = 0) -> Network:
        return initialise(
            inputs=INPUTS,
            hidden=hidden,
            classes=CLASSES,
            batch_norm=batch_norm,
            init=he(),
            rng=np.random.default_rng(k),
        )

    order = rng.permutation(BATCH * STEPS).reshape(STEPS, BATCH)
    X, y = images.X_train, images.y_train
    blocks = {
        "ours": ours([network()], images),
        "ours, 4": ours([network(k) for k in range(4)], images),
    }
    if HAS_TORCH:
        blocks["PyTorch"] = torch_epoch(network(), X, y, eta=ETA, lam=LAM)
    if not batch_norm:
        blocks["scikit-learn"] = sklearn_epoch(network(), X, y, eta=ETA, lam=LAM)
    whole = train_epochs(
        network(),
        images,
        epochs=10**6,
        batch_size=BATCH,
        lam=LAM,
        alpha=ALPHA,
        schedule=constant(ETA, ETA, 2),
        rng=rng,
    )
    contestants: dict[str, Callable[[], None]] = {"products": products(network(), rng)}
    for name, block in blocks.items():
        contestants[name] = lambda block=block: block(order)  # type: ignore[misc]

    def epoch() -> None:
        next(whole)

    contestants["epoch"] = epoch
    return contestants


def agreement(hidden: tuple[int, ...], *, batch_norm: bool) -> float:
    """Return the largest difference between our losses and PyTorch's, in float64."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2_000, 200)), rng.integers(CLASSES, size=2_000)
    network = initialise(
        inputs=200,
        hidden=hidden,
        classes=CLASSES,
        batch_norm=batch_norm,
        init=he(),
        rng=rng,
        dtype=np.float64,
    )
    order = rng.integers(len(X), size=(AGREE_STEPS, BATCH))
    pack = Pack.of([network])
    work = Workspace.of(pack, BATCH)
    losses = []
    for rows in order:
        work.load(X, y, rows)
        losses += step(pack, work, eta=[0.05], lam=[LAM], alpha=ALPHA).tolist()
    theirs = list(torch_losses(network, X, y, order, eta=0.05, lam=LAM))
    return float(np.max(np.abs(np.subtract(losses, theirs))))


def measure(rounds: int) -> list[dict[str, str]]:
    """Time every case; return a row each."""
    rng = np.random.default_rng(0)
    images = Images.random(rng)
    rows = []
    for hidden, batch_norm in CASES:
        blocks = case(hidden, batch_norm=batch_norm, images=images, rng=rng)
        times = interleaved(blocks, rounds)
        per_step = {name: 1e6 * each / STEPS for name, each in times.items()}
        per_step["ours, 4"] /= 4
        fixed = 100 * (1 - times["ours"] / times["epoch"])
        row = {"hidden": f"{list(hidden)}", "batch norm": "yes" if batch_norm else "no"}
        for name in ("products", "ours", "ours, 4", "PyTorch", "scikit-learn"):
            row[f"{name}, µs"] = quartiles(per_step[name]) if name in per_step else "–"
        for name, base in (
            ("ours", "products"),
            ("ours, 4", "products"),
            ("ours", "PyTorch"),
            ("ours, 4", "PyTorch"),
            ("ours", "scikit-learn"),
        ):
            known = base in per_step
            row[f"{name} / {base}"] = (
                quartiles(per_step[name] / per_step[base], ".2f") if known else "–"
            )
        row["epoch's fixed costs, %"] = quartiles(fixed)
        rows.append(row)
        print(tabulate([list(item) for item in row.items()], disable_numparse=True), "\n")
    return rows


def main() -> None:
    """Check, time, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40, help="blocks timed a case")
    parser.add_argument("--page", type=Path, help="Markdown file to write")
    asked = parser.parse_args()
    with threadpool_limits(limits=1):
        checks = {}
        for hidden, batch_norm in CASES if HAS_TORCH else ():
            name = f"{list(hidden)}{', batch norm' if batch_norm else ''}"
            checks[name] = agreement(hidden, batch_norm=batch_norm)
            print(f"{name}: {AGREE_STEPS} losses agree with PyTorch's to {checks[name]:.1e}")
        best = peak()
        print(f"large float32 products: {best:.0f} GFLOP/s\n")
        rows = measure(asked.rounds)
        about = f"{asked.rounds} blocks of {STEPS} steps in turns; {machine()}"
        print(about)
    if asked.page:
        write_page(asked.page, rows=rows, checks=checks, peak=best, about=about)


if __name__ == "__main__":
    main()
