"""Pictures side by side: images, and weights shown as such."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from reports.drawing.style import BLACK, WIDTH

LARGEST = 32
"""Pixels on a side that are shown at most; of larger images every 2nd, 3rd, … row and column."""
COLUMNS = 10
WORDS = 0.6
"""Room for the words below a picture, as a share of its height."""


def as_images(rows: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray | None:
    """Return flat rows as images, n × height × width × 3, grey ones too.

    None where the shape is none of images: height × width, with 1 or 3 colours first or last.
    """
    match shape:
        case (height, width):
            images = rows.reshape(-1, height, width, 1)
        case (1 | 3 as colours, height, width):
            images = np.moveaxis(rows.reshape(-1, colours, height, width), 1, -1)
        case (height, width, 1 | 3 as colours):
            images = rows.reshape(-1, height, width, colours)
        case _:
            return None
    step = -(-max(height, width) // LARGEST)
    images = images[:, ::step, ::step]
    return np.broadcast_to(images, (*images.shape[:3], 3))


def sheet_height(images: np.ndarray, *, words: bool = False) -> float:
    """Return the height in inches of a figure of the page's width that shows images in a sheet."""
    number, height, width = (int(size) for size in images.shape[:3])
    rows = -(-number // COLUMNS)
    return 0.1 + rows * WIDTH / COLUMNS * height / width * (1 + WORDS * words)


def sheet(images: np.ndarray, ax: Axes, words: Sequence[str] = ()) -> Axes:
    """Draw images of colours from 0 to 1 in rows, with words below each.

    What lies between them is the paper.
    """
    number, height, width, _ = images.shape
    rows = -(-number // COLUMNS)
    gap = max(1, height // 16)
    across, down = width + gap, height + (round(WORDS * height) if words else gap)
    pixels = np.zeros((rows * down, COLUMNS * across, 4))
    for place, image in enumerate(images):
        top, left = place // COLUMNS * down, place % COLUMNS * across
        pixels[top : top + height, left : left + width] = np.insert(image, 3, 1.0, axis=-1)
    ax.imshow(pixels, interpolation="none")
    for place, text in enumerate(words):
        top, left = place // COLUMNS * down + height, place % COLUMNS * across + width / 2
        ax.text(left, top, text, fontsize=6.5, ha="center", va="top", color=BLACK, in_layout=False)
    ax.set_axis_off()
    return ax
