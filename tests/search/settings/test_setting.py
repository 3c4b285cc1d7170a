"""Settings as fields: read from TOML, and from whatever a caller gives."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from pathlib import Path
from typing import Any

import pytest

from kbn.errors import InputError
from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.experiments.loss_evolution import LossEvolution
from search.experiments.paper import Paper
from search.experiments.range_test import RangeTest
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.settings.execution import Execution
from search.settings.setting import Settings, read_toml
from search.space.narrow import Zoom

KNOWN = [field.name for field in dataclasses.fields(LambdaSearch)]


def test_a_toml_file_takes_what_the_flags_take(tmp_path: Path) -> None:
    """Numbers, lists and text read as the flags do, with dashes or underscores."""
    path = tmp_path / "study.toml"
    path.write_text(
        'data = "digits"\nbatch-size = 50\nbatch_norm = false\nhidden = [30, 20]\n'
        'coarse = [1e-4, 1e-2]\nfine = "zoom:3"\nserial = true\n'
    )
    read = read_toml(path, [*KNOWN, *(field.name for field in dataclasses.fields(Execution))])
    assert read.pop("serial") is True
    assert LambdaSearch(**read) == LambdaSearch(
        data="digits",
        batch_size=50,
        batch_norm=False,
        hidden=(30, 20),
        coarse=(1e-4, 1e-2),
        fine=Zoom(3),
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("epoch = 3", "no setting 'epoch'; the nearest is 'epochs'"),
        ("batchsize = 3", "the nearest is 'batch-size'"),
        ("epochs = ", "not valid TOML"),
    ],
)
def test_a_bad_toml_file_is_named(tmp_path: Path, content: str, sentence: str) -> None:
    """A key that does not exist is answered with the nearest one that does."""
    path = tmp_path / "study.toml"
    path.write_text(content)
    with pytest.raises(InputError) as error:
        read_toml(path, KNOWN)
    assert sentence in str(error.value)
    assert str(path) in str(error.value)


def test_a_setting_named_twice_is_refused(tmp_path: Path) -> None:
    """TOML takes a key's two spellings for two keys; neither is dropped without a word."""
    path = tmp_path / "study.toml"
    path.write_text("batch-size = 50\nbatch_size = 100\n", encoding="utf-8")
    with pytest.raises(InputError, match="'batch-size' and 'batch_size' are one setting"):
        read_toml(path, KNOWN)


def test_a_missing_toml_file_is_named(tmp_path: Path) -> None:
    """The message names the file and the system's reason."""
    with pytest.raises(InputError, match=r"none\.toml: cannot be read"):
        read_toml(tmp_path / "none.toml", KNOWN)


def test_a_toml_file_of_an_editor_that_marks_it(tmp_path: Path) -> None:
    """The three bytes that some editors begin a file with are no key."""
    path = tmp_path / "spec.toml"
    path.write_bytes(b"\xef\xbb\xbfepochs = 3\n")
    assert read_toml(path, ["epochs"]) == {"epochs": 3}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = " + b"[" * 50_000, "not valid TOML"),
        (b"epochs = \xff", "no UTF-8"),
        (b"x" * 2**21, "longer than"),
        (b'"\x1b[2J" = 1', "not valid TOML"),
        (b'"\\u001b[2J" = 1', r"no setting '\\x1b\[2J'"),
    ],
)
def test_a_toml_file_of_somebody_else(tmp_path: Path, content: bytes, message: str) -> None:
    """Whatever it holds, one line that can be read."""
    path = tmp_path / "spec.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_toml(path, ["epochs"])
    assert str(caught.value).isprintable()


def nested(depth: int) -> list[Any]:
    """Return a list in a list, and so on."""
    return [nested(depth - 1)] if depth else []


ANYTHING: tuple[Any, ...] = (
    *({}, [], [[1]], [[[]]], {"a": 1}, [None], [{}], (1,), nested(200)),
    *(math.nan, math.inf, 1e308, 10**400, -1, True, None, b"x", 0.1j, object()),
    *("", " ", "1" * 5_000, "1e999999999", "\x1b[2J", "\ud800", dt.date(2024, 1, 1)),
)
SPECS = (Execution, LambdaSearch, CoarseFine, LossEvolution, SigmaBatchNorm, Paper, RangeTest)


@pytest.mark.parametrize("spec", SPECS)
def test_settings_of_any_type(spec: type[Settings]) -> None:
    """Each is taken, or refused in one line that names its flag; TOML and callers give anything."""
    messages = []
    for field in dataclasses.fields(spec):
        for value in ANYTHING:
            try:
                spec(**{field.name: value})
            except InputError as error:
                messages.append(str(error))
    assert all(message.isprintable() for message in messages)
    assert max(map(len, messages)) < 1_000
    assert len(messages) > len(dataclasses.fields(spec)) * len(ANYTHING) / 3
