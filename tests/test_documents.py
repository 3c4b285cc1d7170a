"""What README and examples show works as shown."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.experiments.loss_evolution import LossEvolution
from search.experiments.range_test import RangeTest
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.settings.execution import Execution
from search.settings.setting import flag
from search.study.command import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.slow
@pytest.mark.ray
def test_the_library_example_runs(tmp_path: Path) -> None:
    """It searches on embedded Ray and labels images with the saved network."""
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "library.py", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said, true = (line.split()[1:] for line in done.stdout.splitlines()[-2:])
    assert len(said) == len(true) == 10
    assert sum(a == b for a, b in zip(said, true, strict=True)) >= 8


def test_the_specification_example_is_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of its keys are settings."""
    with pytest.raises(SystemExit) as exit_:
        main(
            LambdaSearch,
            [f"--spec={ROOT / 'examples' / 'search.toml'}", "--dry-run", f"--out={tmp_path}"],
        )
    assert exit_.value.code == 0
    assert "from-a-file" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every file that a page links to or shows is there."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_readme_names_flags_that_exist() -> None:
    """Each flag in the README is one of a command shown there."""
    commands = (LambdaSearch, CoarseFine, LossEvolution, SigmaBatchNorm, RangeTest, Execution)
    fields = [field for command in commands for field in dataclasses.fields(command)]
    known = {flag(field.name) for field in fields} | {"--spec", "--help"}
    known |= {"--editable", "--constraint", "--python"}  # of pip and uv
    known |= {"--no-batch-norm"}  # of the gradient check
    known |= {"--numprocesses", "--dist"}  # of pytest
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {*re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)} <= known
