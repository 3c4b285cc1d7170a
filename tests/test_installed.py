"""From `pip install` to two studies compared, as somebody does it who has no clone."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TINY = (
    *("--data=digits", "--hidden=8", "--cycle=1epochs", "--epochs=3", "--final-epochs=3"),
    *("--coarse=1e-3,1e-2", "--fine=0.5,1", "--replicate-top=off", "--fresh=0", "--serial"),
)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the commands of an environment that the project's wheel was installed into.

    What it depends on is that of this process, by its path alone: no index is asked.
    """
    place = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(place), str(ROOT)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        parts = {"search/service/templates/base.html.j2", "search/service/static/service.css"}
        assert parts <= set(packed.namelist())
    venv.create(place / "env", with_pip=False)
    binaries = place / "env" / "bin"
    (packages,) = (place / "env" / "lib").glob("python*/site-packages")
    dependencies = [each for each in sys.path if each.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(dependencies or site.getsitepackages()))
    into = ["--python", str(binaries / "python"), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, *into], check=True)
    return binaries


@pytest.mark.slow
def test_from_pip_install_to_a_compared_pair(commands: Path, tmp_path: Path) -> None:
    """Two searches by the installed command, a list of them, and what they say side by side."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words: str) -> str:
        """Run an installed command in an empty folder; return what it prints."""
        return subprocess.run(
            [commands / words[0], *words[1:]],
            check=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
        ).stdout

    where = run("python", "-c", "import search; print(search.__file__)")
    assert Path(where.strip()).is_relative_to(commands.parent)
    run("kbn-search", "lambda", *TINY, "--name=narrow")
    run("kbn-search", "lambda", *TINY, "--hidden=16", "--name=wide")
    listed = run("python", "-m", "search.studies", "list")
    assert "narrow" in listed
    assert "wide" in listed
    text = run("python", "-m", "search.studies", "compare", "narrow", "wide")
    assert "**narrow** and **wide** validate on the same 144 images" in text
    assert "| hidden" in text.partition("## Settings that differ")[2]
    assert (tmp_path / "runs" / "wide" / "report.html").is_file()
