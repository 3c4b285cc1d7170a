"""A folder of pictures for each class."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kbn.data import load
from kbn.errors import DataError

module = importlib.import_module("kbn.data.folder")
RNG = np.random.default_rng(0)


def picture(path: Path, *, size: tuple[int, int] = (4, 3), mode: str = "RGB") -> np.ndarray:
    """Write a picture of random pixels; return them, height × width and, of colours, × 3."""
    shape = size[::-1] if mode in {"L", "I;16"} else (*size[::-1], len(mode))
    pixels = RNG.integers(256, size=shape, dtype=np.uint16 if mode == "I;16" else np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def classes(folder: Path, *, each: int = 8, mode: str = "RGB") -> dict[str, list[np.ndarray]]:
    """Write a folder of pictures for each of two classes; return their pixels."""
    return {
        name: [picture(folder / name / f"{k:02}.png", mode=mode) for k in range(each)]
        for name in ("ant", "bee")
    }


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_each_folder_is_a_class(tmp_path: Path, mode: str) -> None:
    """Colours come first in an image's shape; grey pictures have none."""
    written = classes(tmp_path, mode=mode)
    (tmp_path / "ant" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "readme.txt").write_text("two classes")
    data = load(f"folder:{tmp_path}")
    assert data.classes == ("ant", "bee")
    assert data.image_shape == ((3, 3, 4) if mode == "RGB" else (3, 4))
    rows = {row.tobytes() for row in (*data.X, *data.X_test)}
    expected = [pixels for each in written.values() for pixels in each]
    if mode == "RGB":
        expected = [np.moveaxis(pixels, -1, 0) for pixels in expected]
    assert rows == {pixels.tobytes() for pixels in expected}
    assert len(data.y_test) == 3


def test_parts_to_train_and_to_test_on(tmp_path: Path) -> None:
    """Folders called train and test hold the classes of each."""
    classes(tmp_path / "train", each=7)
    classes(tmp_path / "test", each=2)
    data = load(f"folder:{tmp_path}")
    assert (len(data.y), len(data.y_test), data.notes) == (14, 4, ())


def test_one_colour_picture_makes_all_colour(tmp_path: Path) -> None:
    """Grey ones among them have three equal colours, and transparency is left out."""
    grey = classes(tmp_path, mode="L")["ant"][0]
    picture(tmp_path / "bee" / "clear.png", mode="RGBA")
    data = load(f"folder:{tmp_path}")
    assert data.image_shape == (3, 3, 4)
    rows = np.concatenate([data.X, data.X_test])
    assert np.tile(grey.ravel(), 3).tolist() in rows.tolist()


def test_a_picture_of_another_size(tmp_path: Path) -> None:
    """It is named with both sizes."""
    classes(tmp_path)
    picture(tmp_path / "bee" / "zz.png", size=(5, 3))
    with pytest.raises(DataError, match=r"zz.png has 5 × 3 pixels and 00.png 4 × 3"):
        load(f"folder:{tmp_path}")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(40), b"%!PS-Adobe"]
)
def test_a_file_that_is_no_picture(tmp_path: Path, content: bytes) -> None:
    """It is named; nothing that only looks like a picture is run."""
    classes(tmp_path)
    (tmp_path / "bee" / "zz.png").write_bytes(content)
    with pytest.raises(DataError, match=r"zz.png .*remove it"):
        load(f"folder:{tmp_path}")


def test_a_picture_cut_off(tmp_path: Path) -> None:
    """What its head promises has to be there."""
    classes(tmp_path)
    path = tmp_path / "bee" / "zz.png"
    picture(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"zz.png cannot be read, or is damaged"):
        load(f"folder:{tmp_path}")


def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of more pixels than Pillow thinks safe is refused by its head."""
    classes(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    with pytest.raises(DataError, match="unpacks to more pixels than are read"):
        load(f"folder:{tmp_path}")


def test_pictures_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are counted before one is unpacked."""
    classes(tmp_path)
    monkeypatch.setattr(module, "machine_bytes", lambda: 1_000)
    with pytest.raises(DataError, match=r"16 pictures of 4 × 3 pixels take .* GB"):
        load(f"folder:{tmp_path}")


def test_more_than_eight_bits(tmp_path: Path) -> None:
    """Pixels that would be cut are refused."""
    classes(tmp_path)
    picture(tmp_path / "bee" / "zz.png", mode="I;16")
    with pytest.raises(DataError, match="save it with eight bits a colour"):
        load(f"folder:{tmp_path}")


def test_no_folders(tmp_path: Path) -> None:
    """A folder without classes, one without pictures and none at all are told apart."""
    with pytest.raises(DataError, match="holds no folder of pictures for each class"):
        load(f"folder:{tmp_path}")
    with pytest.raises(DataError, match="there is no such folder"):
        load(f"folder:{tmp_path / 'absent'}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no pictures"):
        load(f"folder:{tmp_path}")
