"""The command that exports, as a part of `python -m search.studies`."""

from __future__ import annotations

from pathlib import Path

import pytest

from search import run
from search.service.shell import main
from tests.search.studies import SMALL


def call(*words: str) -> int:
    """Run the command in this process and return its exit code."""
    with pytest.raises(SystemExit) as exit_:
        main(["export", *words])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def test_a_study_is_exported_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into its own folder, or where it is asked for; the place is said, and nothing else."""
    run(SMALL, out=tmp_path, name="s", serial=True, quiet=True)
    assert call("s", "--to=csv", f"--out={tmp_path}") == 0
    assert call("s", "--to=csv", f"--out={tmp_path}", f"--into={tmp_path / 'here'}") == 0
    places = tmp_path / "s" / "export" / "csv", tmp_path / "here"
    assert capsys.readouterr().out.splitlines() == [str(place) for place in places]
    assert all((place / "trials.csv").is_file() for place in places)


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No study of that name, a name that leads elsewhere, a tool that is not known."""
    for words, why in {
        ("s", "--to=csv"): "does not exist",
        ("../s", "--to=csv"): "plain folder name",
    }.items():
        assert call(*words, f"--out={tmp_path}") == 2
        err = capsys.readouterr().err
        assert why in err
        assert err.count("\n") == 1
