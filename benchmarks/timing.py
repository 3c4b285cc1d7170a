"""Timing in turns, and what it was timed on."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info


def interleaved(functions: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, np.ndarray]:
    """Return the core's seconds of functions called in turns: what else runs meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds + 1):
        for name, function in functions.items():
            start = time.process_time()
            function()
            times[name].append(time.process_time() - start)
    return {name: np.array(each[1:]) for name, each in times.items()}  # the first round warms up


def quartiles(values: np.ndarray, digits: str = ".0f") -> str:
    """Return a median with its quartiles."""
    low, middle, high = (format(value, digits) for value in np.percentile(values, (25, 50, 75)))
    return f"{middle} ({low} to {high})"


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


def machine(*more: str) -> str:
    """Return the processor, and the versions of what computes, and of `more` libraries."""
    libraries = ("numpy", "scipy", "scikit-learn", "torch", *more)
    found = {each.metadata["Name"].lower(): each.version for each in metadata.distributions()}
    versions = [f"{name} {found[name]}" for name in libraries if name in found]
    pools = {
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '')})"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    parts = (cpu(), f"Python {platform.python_version()}", *versions, *sorted(pools))
    return ", ".join(parts)


def cpu() -> str:
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
