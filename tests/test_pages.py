"""Every command and snippet of the pages is run, and the pages are a site that asks no host."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from kbn import data
from search.console import MODULES
from search.settings.setting import flag
from search.settings.spec import StudySpec
from search.study.command import _command
from search.study.kept import SPECIFICATIONS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ELSEWHERE = {"cluster.md", "service.md"}
"""Their commands take a cluster or a server, and are run in `tests/cluster` and `tests/search`."""
OF_OTHERS = {"make", "pip", ".venv/bin/pip", "python3", "uv", "kubectl", "docker", "ray", "ssh"}
OF_OTHERS |= {"sbatch", "npx"}
"""Programs that are not ours to run here."""
TINY = {
    "epochs": "2",
    "final_epochs": "2",
    "cycle": "2epochs",
    "hidden": "4",
    "fresh": "0",
    "replicate_top": "off",
    "architectures": "4/4,4",
}
"""Settings with which a command takes seconds, where the page does not give them."""


@dataclasses.dataclass(frozen=True)
class Shown:
    """A command as a page shows it: a module of ours, and its words."""

    module: str
    words: tuple[str, ...]

    @property
    def driver(self) -> type[StudySpec] | None:
        """The specification of the study that it runs; None where it runs none."""
        return SPECIFICATIONS.get(self.module.removeprefix("search."))

    def tiny(self) -> tuple[str, ...]:
        """Return its words for a small study of digits, in this process, whatever is there."""
        assert self.driver is not None
        varied = " ".join(self.words)
        more = ["--serial", "--quiet", "--overwrite"]
        names = {field.name for field in dataclasses.fields(self.driver)}
        for name, value in TINY.items():
            told = flag(name) in self.words or f"{name}=" in varied
            told |= "--scale" in self.words and name in {"cycle", "epochs"}  # it shortens both
            told |= "--ensemble" in self.words and name == "final_epochs"  # of its cycles' ends
            if name in names and name not in self.driver.refused and not told:
                more += [flag(name), value]
        if not any(word.startswith("npz:") for word in self.words):
            more += ["--data", "digits"]
        if "--dry-run" in self.words:
            more.remove("--overwrite")
        return (*self.words, *more)


def shown(text: str) -> Shown | None:
    """Return a line of a shell as a command of ours; None for one of others."""
    words = shlex.split(text, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):  # a variable for one command
        words = words[1:]
    if not words or words[0] in OF_OTHERS or words[0].startswith(("#", "cd")):
        return None
    if words[0] == "kbn-search":
        if words[1].startswith("-"):
            return Shown("search.console", tuple(words[1:]))
        (module,) = (found for name, found in MODULES.items() if name.startswith(words[1]))
        return Shown(module, tuple(words[2:]))
    program, dash_m, module, *rest = words
    assert (Path(program).name, dash_m) == ("python", "-m"), text
    return Shown(module, tuple(rest))


def blocks(page: Path, language: str) -> list[str]:
    """Return the blocks of a page that are in a language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


_INLINE = re.compile(r"`((?:python -m (?:search|kbn)\.|kbn-search )[^`]*)`")
_PLACEHOLDER = re.compile(r"[A-Z]{2,}|…|<")


@cache
def commands(page: Path) -> tuple[Shown, ...]:
    """Return the commands that a page shows, in blocks and in tables of commands, in its order."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    language, lines = "", list[str]()
    for line in text.splitlines():
        if line.startswith("```"):
            language = line.strip("`") if not language else ""
        elif language == "sh":
            lines.append(line)
        elif line.startswith("|"):
            lines += [each for each in _INLINE.findall(line) if not _PLACEHOLDER.search(each)]
    found = (shown(line) for line in dict.fromkeys(lines))
    return tuple(each for each in found if each is not None and each.module != "pytest")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_understood(page: Path) -> None:
    """Each is a module of ours, and the settings of each study are read as the command does."""
    for each in commands(page):
        assert each.module in {*MODULES.values(), "search.console"} or (
            each.module.startswith("benchmarks.")
        ), each
        if each.driver is not None:
            command = _command(each.driver, lambda spec, _: len(spec.experiments()))
            assert command.main(args=list(each.words), standalone_mode=False) >= 1


def run(folder: Path, *words: str) -> None:
    """Run Python with some words in a folder; fail with what it said."""
    done = subprocess.run(
        [sys.executable, "-P", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in ELSEWHERE], ids=lambda page: page.name
)
def test_commands_and_snippets_run(page: Path, tmp_path: Path) -> None:
    """In the order of the page, on handwritten digits, with settings that take seconds."""
    digits = data.load("digits")
    np.savez(tmp_path / "mine.npz", X=digits.X, y=digits.y)
    for each in commands(page):
        if each.module.startswith(("benchmarks.", "cluster.", "search.serve")):
            continue
        if each.module == "search.store":  # it needs a damaged store: tests/search/test_damage.py
            continue
        words = each.tiny() if each.driver else each.words
        if each.module == "search.console":
            run(tmp_path, "-c", "from search.console import main; main()", *words)
        else:
            run(tmp_path, "-m", each.module, *words)
    if snippets := "\n".join(blocks(page, "python")):
        folder = tmp_path if "runs/" in snippets else tmp_path / "apart"
        folder.mkdir(exist_ok=True)
        (folder / "snippets.py").write_text(snippets, encoding="utf-8")
        run(folder, "snippets.py")


class _Links(HTMLParser):
    """Collects what a page of HTML loads, links to, and can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.loads, self.links, self.anchors = set[str](), set[str](), set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if "src" in found or (tag == "link" and "href" in found):
            self.loads.add(found.get("src") or found["href"])
        elif tag == "a" and "href" in found:
            self.links.add(found["href"])


def parsed(path: Path) -> _Links:
    """Return what a page of HTML holds."""
    links = _Links()
    links.feed(path.read_text(encoding="utf-8"))
    return links


def leads_nowhere(page: Path, links: _Links, site: Path) -> Iterator[str]:
    """Yield what a page of the site loads or links to that is not there."""
    for target in {*links.loads, *links.links}:
        if re.match(r"https?:|data:|mailto:|javascript:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        inside = there.exists() and there.is_relative_to(site)
        if not inside or (anchor and anchor not in parsed(there).anchors):
            yield f"{page.name}: {target}"


@pytest.mark.slow
def test_the_site_is_whole_and_asks_no_host(tmp_path: Path) -> None:
    """It is built without a warning; every link leads somewhere; nothing is loaded from afar."""
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", tmp_path / "site"],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    site = tmp_path / "site"
    pages = [path for path in site.rglob("*.html") if path.name != "404.html"]
    assert len(pages) >= len(PAGES)
    for page in pages:
        links = parsed(page)
        assert [url for url in links.loads if re.match(r"(https?:)?//", url)] == []
        assert list(leads_nowhere(page, links, site)) == []


def test_every_page_is_in_the_menu() -> None:
    """A new page has a place there."""
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    assert {page.name for page in PAGES[1:]} == set(re.findall(r"([\w-]+\.md)", menu)) - {
        "README.md"
    }


def test_modules_that_pages_name_are_there() -> None:
    """Those of the reference page among them."""
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    for name in re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE):
        module, _, last = name.rpartition(".")
        try:
            import_module(name)
        except ModuleNotFoundError:
            assert hasattr(import_module(module), last), name
