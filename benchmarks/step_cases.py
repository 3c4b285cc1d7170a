"""What a step is timed on: networks, images, and each contestant's block of steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.blocks import OURS, TWIN, Contestant
from benchmarks.peers import HAS_TORCH, sklearn_epoch, torch_epoch, torch_losses
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
MEMBERS = 4
PACK, AS_ONE = f"ours, {MEMBERS}", f"products, {MEMBERS} as one"


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


def products(
    network: Network, rng: np.random.Generator, *, members: int = 1
) -> Callable[[np.ndarray], None]:
    """Return a function that does the matrix products of a block: forward, by W, by inputs.

    With several members it does those of as many networks, the first layer's as one product over
    the units of all.
    """

    def random(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    d, m, *more = network.widths
    X, W_1, A_1 = random(BATCH, d), random(d, members * m), random(BATCH, members * m)
    out_1, dW_1 = np.empty_like(A_1), np.empty_like(W_1)
    H = [random(members, BATCH, width) for width in (m, *more[:-1])]
    W = [random(members, *shape) for shape in pairwise((m, *more))]
    A = [random(members, BATCH, width) for width in more]
    out, dW, dH = ([np.empty_like(each) for each in arrays] for arrays in (A, W, H))

    def run(order: np.ndarray) -> None:
        for _ in order:
            np.matmul(X, W_1, out=out_1)
            for h, w, o in zip(H, W, out, strict=True):
                np.matmul(h, w, out=o)
            np.matmul(X.T, A_1, out=dW_1)
            for h, a, d in zip(H, A, dW, strict=True):
                np.matmul(h.mT, a, out=d)
            for a, w, d in zip(A, W, dH, strict=True):
                np.matmul(a, w.mT, out=d)

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
) -> dict[str, Contestant]:
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
    blocks: dict[str, Callable[[np.ndarray], object]] = {
        OURS: ours([network()], images),
        TWIN: ours([network()], images),
        PACK: ours([network(k) for k in range(MEMBERS)], images),
        "epoch": lambda _: next(whole),
    }
    for name, members in (("products", 1), (AS_ONE, MEMBERS)):
        blocks[name] = products(network(), rng, members=members)
    if HAS_TORCH:
        blocks["PyTorch"] = torch_epoch(network(), X, y, eta=ETA, lam=LAM)
    if not batch_norm:
        blocks["scikit-learn"] = sklearn_epoch(network(), X, y, eta=ETA, lam=LAM)
    return {
        name: timed(block, order, steps=STEPS * (MEMBERS if name in (PACK, AS_ONE) else 1))
        for name, block in blocks.items()
    }


def timed(block: Callable[[np.ndarray], object], order: np.ndarray, *, steps: int) -> Contestant:
    """Return a contestant that does a block and tells the core's microseconds a step."""

    def turn() -> dict[str, float]:
        start = time.process_time()
        block(order)
        return {"µs": 1e6 * (time.process_time() - start) / steps}

    return turn


def peak(seconds: float = 1.0) -> float:
    """Return the most of what one core's BLAS does on large float32 matrices, in GFLOP/s."""
    n, best, end = 1024, 0.0, time.perf_counter() + seconds
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((2, n, n), dtype=np.float32)
    C = np.empty_like(A)
    while time.perf_counter() < end:
        start = time.process_time()
        np.matmul(A, B, out=C)
        best = max(best, 2e-9 * n**3 / (time.process_time() - start))
    return best


def wide_is_equal(rng: np.random.Generator) -> bool:
    """Say whether one product over the units of several members gives the bytes of each alone."""
    X = rng.standard_normal((BATCH, INPUTS), dtype=np.float32)
    W = rng.standard_normal((4, INPUTS, 50), dtype=np.float32)
    wide = X @ np.concatenate(W, axis=1)
    return np.array_equal(wide, np.concatenate([X @ each for each in W], axis=1))


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
