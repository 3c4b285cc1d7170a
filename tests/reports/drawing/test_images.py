"""Pictures side by side."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from reports.drawing.images import COLUMNS, LARGEST, as_images, sheet, sheet_height
from reports.drawing.style import WIDTH


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((4, 5), (1, 2)),
        ((1, 4, 5), (1, 2, 3)),
        ((4, 5, 1), (1, 2, 3)),
        ((3, 4, 5), (2, 3, 1)),
        ((4, 5, 3), (1, 2, 3)),
    ],
)
def test_rows_become_images(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    """Grey or in colours, which may be the first axis or the last."""
    whole = np.random.default_rng(0).random((2, *shape))
    images = as_images(whole.reshape(2, -1), shape)
    assert images is not None
    expected = whole.transpose(0, *axes)
    if len(axes) == 2:
        expected = expected[..., np.newaxis]
    elif shape[0] == 1:
        expected = np.moveaxis(whole, 1, -1)
    assert np.array_equal(images, np.broadcast_to(expected, (2, 4, 5, 3)))


@pytest.mark.parametrize("shape", [None, (20,), (2, 4, 5), (4, 5, 4), (2, 3, 4, 5)])
def test_what_is_no_image_is_none(shape: tuple[int, ...] | None) -> None:
    """A flat row, two or four colours, a volume."""
    assert as_images(np.zeros((2, int(np.prod(shape or (20,))))), shape) is None


def test_large_images_are_shown_smaller() -> None:
    """Of each row and column as many as can be seen."""
    images = as_images(np.arange(100.0 * 40).reshape(1, -1), (100, 40))
    assert images is not None
    assert images.shape == (1, 25, 10, 3)
    assert max(images.shape[1:3]) <= LARGEST
    assert images[0, 1, 1].tolist() == [4 * 40 + 4.0] * 3


def test_a_sheet_holds_every_image_at_its_place() -> None:
    """Row by row; what lies between is transparent, so that the paper shows, light or dark."""
    images = np.random.default_rng(0).random((COLUMNS + 2, 4, 4, 3))
    ax = sheet(images, Figure().subplots(), [f"n {k}" for k in range(len(images))])
    pixels = np.asarray(ax.images[0].get_array())
    assert np.array_equal(pixels[:4, :4, :3], images[0])
    second_row = np.flatnonzero(pixels[4:, 0, 3])[0] + 4
    assert np.array_equal(pixels[second_row : second_row + 4, 5:9, :3], images[COLUMNS + 1])
    assert pixels[..., 3].sum() == images[..., 0].size
    assert [text.get_text() for text in ax.texts] == [f"n {k}" for k in range(len(images))]
    lefts, tops = zip(*(text.get_position() for text in ax.texts), strict=True)
    assert (lefts[0], tops[0]) == (lefts[COLUMNS], 4.0)
    assert tops[COLUMNS] == second_row + 4


def test_a_sheet_s_figure_is_as_high_as_its_rows() -> None:
    """Images keep their shape at the page's width."""
    one, two = (sheet_height(np.zeros((n, 8, 4, 3))) for n in (COLUMNS, COLUMNS + 1))
    assert two - one == pytest.approx(2 * WIDTH / COLUMNS)
    assert sheet_height(np.zeros((1, 8, 4, 3)), words=True) > one
