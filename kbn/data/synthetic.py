"""Made-up images, seeded: for benchmarks, demonstrations and tests."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from kbn.data.dataset import Dataset

LATENT = 12
"""Dimensions of the plane in which the classes lie."""
PROTOTYPES = 3
"""Clusters of a class: one straight cut cannot separate what lies in several places."""
SPREAD = 1.0
"""Standard deviation of a cluster, relative to that of the clusters' centres."""
NOISE = 0.6
"""Standard deviation of each pixel's noise, relative to that of the signal."""

BLOCK = 2_000
"""Images drawn at once: their floats take four times the space of their bytes."""


def synthetic(n: int = 12_000, *, inputs: int = 3072, classes: int = 10, seed: int = 0) -> Dataset:
    """Return `n` training images and a sixth as many for testing, as unsigned bytes.

    Each class is a few clusters in a space of few dimensions, seen through a random linear map
    with noise on every pixel; clusters overlap, so that no network can be right every time.
    """
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((classes, PROTOTYPES, LATENT))
    projection = rng.standard_normal((LATENT, inputs)).astype(np.float32)
    X, y = _draw(n, centres, projection, rng)
    X_test, y_test = _draw(max(classes, n // 6), centres, projection, rng)
    return Dataset(
        name=f"synthetic:{n}",
        title=f"synthetic images ({n} to train on)",
        source=f"made by kbn.data.synthetic with seed {seed}",
        X=X,
        y=y,
        X_test=X_test,
        y_test=y_test,
        classes=tuple(f"class {label}" for label in range(classes)),
        image_shape=(3, 32, 32) if inputs == 3072 else None,
        notes=("These images are made up; their figures say nothing about any real data.",),
    )


def _draw(
    n: int,
    centres: Float[np.ndarray, "k p l"],
    projection: Float[np.ndarray, "l d"],
    rng: np.random.Generator,
) -> tuple[np.ndarray, Int[np.ndarray, " n"]]:
    classes, prototypes, latent = centres.shape
    y = rng.permutation(np.arange(n) % classes)
    cluster = rng.integers(prototypes, size=n)
    points = centres[y, cluster] + SPREAD * rng.standard_normal((n, latent))
    scale = 40.0 / np.sqrt(latent)
    images = np.empty((n, projection.shape[1]), np.uint8)
    for start in range(0, n, BLOCK):
        block = points[start : start + BLOCK].astype(np.float32) @ projection
        block += NOISE * np.sqrt(latent) * rng.standard_normal(block.shape, np.float32)
        block *= scale
        block += 127.5
        images[start : start + BLOCK] = np.clip(block, 0, 255)
    return images, y.astype(np.int64)
