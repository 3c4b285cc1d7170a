"""Tables: CSV and Parquet files, of which one column is the labels."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kbn.data import load
from kbn.errors import DataError

module = importlib.import_module("kbn.data.table")
N = 40
FRAME = pd.DataFrame(
    {
        "wide": np.linspace(0.0, 1.0, N),
        "count": np.arange(N) % 7,
        "fresh": np.arange(N) % 2 == 0,
        "kind": np.array(["ant", "bee", "cow", "dog"])[np.arange(N) % 4],
    }
)
KINDS = pytest.mark.parametrize("kind", ["csv", "parquet"])


def write(folder: Path, kind: str, frame: pd.DataFrame = FRAME) -> Path:
    """Write a table; return its path."""
    path = folder / f"mine.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: '.[parquet]'")
        frame.to_parquet(path, index=False)
    return path


@KINDS
def test_what_was_written_is_read(tmp_path: Path, kind: str) -> None:
    """Every column but the target is a feature; the labels are its values."""
    path = write(tmp_path, kind)
    data = load(f"{kind}:{path}", target="kind")
    rows = np.concatenate([data.X, data.X_test])
    expected = FRAME[["wide", "count", "fresh"]].to_numpy(float)
    np.testing.assert_allclose(np.sort(rows[:, 0]), np.sort(expected[:, 0]))
    assert sorted(rows[:, 1]) == sorted(expected[:, 1])
    assert data.classes == ("ant", "bee", "cow", "dog")
    assert (data.name, data.title, data.image_shape) == (f"{kind}:{path}", "mine", None)
    assert len(data.y_test) == 8


@KINDS
@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.arange(N) % 3 + 4, ("4", "5", "6")),
        (np.arange(N) % 2 == 0, ("False", "True")),
        (1.0 * (np.arange(N) % 2) - 1.0, ("-1", "0")),
    ],
    ids=["from 4", "truths", "floats"],
)
def test_numbers_as_labels(
    tmp_path: Path, kind: str, labels: np.ndarray, classes: tuple[str, ...]
) -> None:
    """They need not be numbered from 0."""
    data = load(f"{kind}:{write(tmp_path, kind, FRAME.assign(kind=labels))}", target="kind")
    assert data.classes == classes
    assert data.labels is not None
    assert data.labels.tolist() == np.unique(labels).tolist()


def test_both_formats_are_one_data_set(tmp_path: Path) -> None:
    """The fingerprint is that of the numbers, whatever file held them."""
    prints = {
        load(f"{k}:{write(tmp_path, k)}", target="kind").fingerprint for k in ("csv", "parquet")
    }
    assert len(prints) == 1


BAD: dict[str, tuple[pd.DataFrame, str | None, str]] = {
    "no target": (FRAME, None, r"--target COLUMN .*it has 'wide', 'count', 'fresh', 'kind'"),
    "another target": (FRAME, "kinds", r"no column 'kinds', the target; did you mean 'kind'\?"),
    "texts": (FRAME.assign(wide="x"), "kind", r"column 'wide' holds \w+, which are no numbers"),
    "missing labels": (
        FRAME.assign(kind=FRAME["kind"].where(FRAME.index != 3)),
        "kind",
        r"1 of 40 rows have no 'kind', the first is row 3",
    ),
    "missing numbers": (
        FRAME.assign(wide=FRAME["wide"].where(FRAME.index != 5)),
        "kind",
        r"1 of 40 rows with NaN.*row 5",
    ),
    "measurements": (FRAME, "wide", r"column 'kind' holds"),
    "fractions as labels": (FRAME.drop(columns="kind"), "wide", "no whole numbers"),
    "nothing else": (FRAME[["kind"]], "kind", r"of shape \(40, 0\)"),
    "few": (FRAME[:9], "kind", "9 images in X; at least 10"),
}


@KINDS
@pytest.mark.parametrize(("frame", "target", "message"), BAD.values(), ids=BAD)
def test_tables_that_cannot_be_used(
    tmp_path: Path, kind: str, frame: pd.DataFrame, target: str | None, message: str
) -> None:
    """Each is an error of one line that names the file and the column."""
    path = write(tmp_path, kind, frame)
    with pytest.raises(DataError, match=message) as caught:
        load(f"{kind}:{path}", target=target)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@KINDS
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\xd8", b"PAR1\x00\x00PAR1", b'a,b\n"1,2\n'])
def test_files_of_another_kind(tmp_path: Path, kind: str, content: bytes) -> None:
    """What is no table is an error of one line."""
    path = write(tmp_path, kind)
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load(f"{kind}:{path}", target="kind")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@KINDS
def test_a_table_that_does_not_fit(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it takes is told from its size, or its head, before it is read."""
    path = write(tmp_path, kind)
    monkeypatch.setattr(module, "machine_bytes", lambda: 1_000)
    with pytest.raises(DataError, match="GB to read, and this machine has"):
        load(f"{kind}:{path}", target="kind")


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    """Pandas tells those of a file apart; of a frame's, which is meant cannot be told."""
    frame = pd.concat([FRAME, FRAME[["kind"]]], axis=1)
    with pytest.raises(DataError, match="two columns are called 'kind'"):
        module.frame_arrays(frame, "kind", "data")


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is said to be so."""
    with pytest.raises(DataError, match=r"there is no such file; name a .csv file"):
        load(f"csv:{tmp_path / 'absent.csv'}", target="kind")
