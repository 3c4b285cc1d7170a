"""A story in a browser, on a server of its own process: from the token to two studies compared."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import NEEDED, PATIENCE, tab

pytestmark = [*NEEDED, pytest.mark.slow]
TINY = {
    "data": "digits",
    "hidden": "8",
    "cycle": "1epochs",
    "epochs": "3",
    "final-epochs": "3",
    "coarse": "1e-3,1e-2",
    "fine": "0.5,1",
    "lambda-bounds": "off",
    "replicate-top": "off",
    "fresh": "0",
}
LONG = TINY | {"epochs": "300", "coarse": "1e-4,1e-3,1e-2", "seed": "3"}
"""So long that it can be stopped on its way."""
expect.set_options(timeout=2 * PATIENCE)


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """Run the server; yield the address that it prints."""
    words = [sys.executable, "-m", "search.serve", "--port", "0", "--out", str(root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def fill(page: Page, fields: Mapping[str, str], name: str) -> None:
    """Fill in the form of a λ search that runs without Ray."""
    page.get_by_role("link", name="New study").first.click()
    page.get_by_role("link", name="Search the L2 strength λ, coarse to fine").click()
    for label, value in {**fields, "name": name, "who": "ann"}.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_text("How it runs").click()
    page.get_by_label("serial", exact=True).select_option("yes")


def state(page: Page) -> str:
    """Return the state that a study's page shows."""
    return page.locator(".standing .state").inner_text()


def test_from_the_token_to_two_studies_compared(browser: Browser, tmp_path: Path) -> None:
    """Log in, preview, submit, watch it end, submit another, stop it, retry it, fetch, compare.

    All the while no other host is asked for anything, and the console stays silent.
    """
    with serving(tmp_path / "runs") as address, tab(browser) as opened:
        page, home = opened.page, address.partition("?")[0]
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        opened.open(address)
        expect(page.get_by_text("There is no study in this folder yet.")).to_be_visible()

        fill(page, TINY, "tiny")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#preview")).to_contain_text("4 trials")
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("tiny")
        expect(page.locator(".standing")).to_contain_text("finished")
        expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_be_visible()

        fill(page, LONG, "long")
        page.get_by_role("button", name="Submit").click()
        expect(page.locator(".standing")).to_contain_text("running")
        page.get_by_role("button", name="Stop after the trials that run").click()
        expect(page.locator(".standing")).to_contain_text("unfinished")
        page.get_by_role("button", name="Retry").click()
        expect(page.locator(".standing")).to_contain_text("finished")
        assert state(page) == "finished"

        with page.expect_download() as fetched:
            page.get_by_role("link", name="archive.zip").click()
        fetched.value.save_as(tmp_path / "long.zip")
        with zipfile.ZipFile(tmp_path / "long.zip") as archive:
            assert archive.testzip() is None
            assert {"long/study.db", "long/spec.json", "long/report.html"} <= set(
                archive.namelist()
            )

        page.get_by_role("link", name="Studies", exact=True).click()
        for name in ("tiny", "long"):
            page.get_by_role("checkbox", name=f"Compare {name}").check()
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("long and tiny")
        expect(page.locator("main")).to_contain_text(
            "cannot be paired: they split their images with seeds 3 and 0"
        )
        assert [each for each in asked if not each.startswith((home, "data:"))] == []
        assert opened.complaints == []


def test_own_data_are_sent_with_the_form(browser: Browser, tmp_path: Path) -> None:
    """A file is chosen, previewed under the name that it has by then, and searched."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    X = rng.normal(size=(300, 6)).astype(np.float32) + np.eye(3, 6, dtype=np.float32)[y]
    np.savez(tmp_path / "mine.npz", X=X, y=y)
    with serving(tmp_path / "runs") as address, tab(browser) as opened:
        page = opened.page
        opened.open(address)
        fill(page, TINY | {"data": "auto", "batch-size": "20"}, "own")
        page.get_by_label("own data").set_input_files(tmp_path / "mine.npz")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_label("data", exact=True)).to_have_value("npz:mine.npz")
        expect(page.locator("#preview")).to_contain_text("4 trials")
        page.get_by_role("button", name="Submit").click()
        expect(page.locator(".standing")).to_contain_text("finished")
        expect(page.locator("main")).to_contain_text("npz:mine.npz")
        assert opened.complaints == []
