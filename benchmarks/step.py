"""A training step against its own matrix products, on one core: `make bench`.

Both are timed in turns, so that what else the machine does meets both alike; the figures are
medians and quartiles. The step is all that training does for a batch: gathering its images,
forward, backward, update. The products are the same shapes, into the same buffers.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from tabulate import tabulate
from threadpoolctl import threadpool_info, threadpool_limits

from kbn.initialise import he, initialise
from kbn.pack import Pack
from kbn.step import step
from kbn.workspace import Workspace

INPUTS, CLASSES, BATCH, IMAGES = 3072, 10, 100, 9_000
NINE = (50, 50, 30, 20, 20, 10, 10, 10, 10)
CASES = (((50, 50), True), ((50, 50), False), (NINE, True), (NINE, False))


def products(widths: tuple[int, ...], rng: np.random.Generator) -> Callable[[], None]:
    """Return a function that does a step's matrix products: forward, by weights, by inputs."""

    def random(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    H = [random(BATCH, m) for m in widths[:-1]]
    W = [random(d, m) for d, m in pairwise(widths)]
    A = [random(BATCH, m) for m in widths[1:]]
    dW = [np.empty_like(each) for each in W]
    dH = [np.empty_like(each) for each in H]

    def run() -> None:
        for h, w, a in zip(H, W, A, strict=True):
            np.matmul(h, w, out=a)
        for h, a, dw in zip(H, A, dW, strict=True):
            np.matmul(h.T, a, out=dw)
        for a, w, dh in zip(A[1:], W[1:], dH[1:], strict=True):
            np.matmul(a, w.T, out=dh)

    return run


def case(
    hidden: tuple[int, ...], *, batch_norm: bool, rng: np.random.Generator
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return a step and its matrix products, as functions without arguments."""
    network = initialise(
        inputs=INPUTS, hidden=hidden, classes=CLASSES, batch_norm=batch_norm, init=he(), rng=rng
    )
    X = rng.standard_normal((IMAGES, INPUTS), dtype=np.float32)
    y = rng.integers(CLASSES, size=IMAGES)
    pack = Pack.of([network])
    work = Workspace.of(pack, BATCH, images=X)

    def full_step() -> None:
        work.load(X, y, rng.integers(IMAGES, size=BATCH))
        step(pack, work, eta=[1e-3], lam=[1e-3], alpha=0.9)

    return full_step, products(network.widths, rng)


def interleaved(functions: tuple[Callable[[], None], ...], rounds: int) -> np.ndarray:
    """Return the times of functions called in turns, in µs, one row a round."""
    times = np.empty((rounds, len(functions)))
    for row in times:
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            row[i] = 1e6 * (time.perf_counter() - start)
    return times[rounds // 10 :]  # the first tenth warms up


def quartiles(values: np.ndarray) -> str:
    """Return a median with its quartiles."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return f"{middle:.4g} ({low:.4g} to {high:.4g})"


def cpu() -> str:
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main() -> None:
    """Time every case and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2_000, help="steps timed a case")
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    rows = []
    with threadpool_limits(limits=1):
        for hidden, batch_norm in CASES:
            times = interleaved(case(hidden, batch_norm=batch_norm, rng=rng), rounds)
            rows.append(
                (
                    f"[{', '.join(map(str, hidden))}]",
                    "yes" if batch_norm else "no",
                    quartiles(times[:, 0]),
                    quartiles(times[:, 1]),
                    quartiles(times[:, 0] / times[:, 1]),
                )
            )
    headers = ("hidden", "batch norm", "step, µs", "its matrix products, µs", "ratio")
    print(tabulate(rows, headers=headers, disable_numparse=True))
    blas = next(pool for pool in threadpool_info() if pool["user_api"] == "blas")
    print(
        f"\nmedian (quartiles) of {rounds} steps in turns; float32, batch {BATCH}, "
        f"{INPUTS} inputs, one thread\n{cpu()}, NumPy {np.__version__}, {blas['internal_api']} "
        f"{blas['version']} {blas.get('architecture', '')}"
    )


if __name__ == "__main__":
    main()
