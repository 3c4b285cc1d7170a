"""A headless Chromium, driven by Playwright, and its tabs, which note what pages ask for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright

PATIENCE = 60_000.0
"""Milliseconds after which the browser, or a page, is said to hang."""
QUIET = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
DESK, PHONE = (1280, 900), (390, 844)
"""Sizes of windows, in CSS pixels."""


def find_chromium() -> str | None:
    """Return the browser's command, or None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


NEEDED = (
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no `chromium` on this machine's path"),
)
"""Marks of tests that open pages."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser with a new, empty profile."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=find_chromium(), args=list(QUIET), timeout=PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Tab:
    """A page, and what has come of it since the last one was opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    """The address of everything that was asked for."""
    complaints: list[str] = field(default_factory=list)
    """Errors, warnings and all else on the console: of scripts, of the page's policy."""
    loads: int = 0
    """Times that a page was loaded to its end."""

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("load", lambda _: self._loaded())

    def _loaded(self) -> None:
        self.loads += 1

    def open(self, address: Path | str) -> None:
        """Load a file or an address, to its end."""
        self.requests.clear()
        self.complaints.clear()
        self.loads = 0
        self.page.goto(address.as_uri() if isinstance(address, Path) else address)

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript on the page."""
        return self.page.evaluate(script)

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true, which may fail while a page loads.

        Playwright's own waiting needs `eval`, which a page's policy forbids.
        """
        deadline = time.monotonic() + PATIENCE / 1000
        while not self._is_true(script):
            assert time.monotonic() < deadline, f"waited for {script}"
            self.page.wait_for_timeout(20)

    def _is_true(self, script: str) -> bool:
        try:
            return bool(self.run(script))
        except Error:
            return False

    def picture(self, x: float, y: float, width: float, height: float) -> np.ndarray:
        """Return a part of the page as it is seen: rows of pixels, each red, green and blue."""
        part = {"x": x, "y": y, "width": width, "height": height}
        shot = self.page.screenshot(clip=part, full_page=True)  # type: ignore[arg-type]
        with Image.open(BytesIO(shot)) as image:
            return np.asarray(image.convert("RGB")).astype(int)


@contextmanager
def tab(
    browser: Browser,
    *,
    size: tuple[int, int] = DESK,
    scheme: Literal["light", "dark"] = "light",
    **options: Any,
) -> Iterator[Tab]:
    """Open a tab with a profile of its own; a window of a phone's size is a phone's."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        is_mobile=size == PHONE,
        color_scheme=scheme,
        **options,
    )
    context.set_default_timeout(PATIENCE)
    try:
        yield Tab(context.new_page())
    finally:
        context.close()
