"""Draws the pages of the service that stand here: `python docs/examples/pages.py`.

It submits small searches on the digits, and takes pictures of the pages that a server shows of
them, in the Chromium that is installed. It takes what tests need (`.[dev]`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import sync_playwright

from search import LambdaSearch
from search.client import Service

HERE = Path(__file__).resolve().parent
SEARCH = LambdaSearch(data="digits", hidden=(20,))
STUDIES = {
    "digits": (SEARCH, "ann", "a first look"),
    "digits-wide": (replace(SEARCH, hidden=(100,)), "ann", "do wider networks need more?"),
    "digits-no-batch-norm": (replace(SEARCH, batch_norm=False), "bob", ""),
    "digits-long": (replace(SEARCH, epochs=400), "bob", "does it go on?"),
    "digits-deep": (replace(SEARCH, hidden=(50, 50, 50)), "ann", ""),
}
"""Names, specifications, who asks for them and what for; the last two run and wait meanwhile."""
ENDED = 3
SHOTS = {
    "studies": ("/", "light", (1280, 640)),
    "study": ("/view/studies/digits", "light", (1280, 900)),
    "new-study": ("/view/new?kind=lambda_coarse_fine", "light", (1280, 900)),
    "compare": ("/view/compare?study=digits&study=digits-wide", "light", (1280, 1150)),
    "studies-phone": ("/", "dark", (390, 844)),
}
COLOURS = 256
"""Of a picture, so that its file stays small."""


def main() -> None:
    """Run the studies, then replace the pictures here."""
    with TemporaryDirectory() as place:
        words = ["-m", "search.serve", "--port", "0", "--out", f"{place}/runs"]
        server = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, *words], stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1]
        )
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            service = Service(address)
            _submit(service)
            _draw(address)
            for name in list(STUDIES)[: ENDED - 1 : -1]:
                service.cancel(name)
        finally:
            server.terminate()
            server.wait()


def _submit(service: Service) -> None:
    """Submit the studies; wait for those that are to end, and for the next to be on its way."""
    for name, (spec, who, message) in STUDIES.items():
        service.submit(spec, name=name, who=who, message=message, serial=True)
    for name in list(STUDIES)[:ENDED]:
        for _ in service.watch(name):
            pass
    next(row for row in service.watch(list(STUDIES)[ENDED]) if row["curve"])


def _draw(address: str) -> None:
    """Take the pictures, at the address that the server printed."""
    home = address.partition("?")[0].rstrip("/")
    pictures = HERE / "pages"
    pictures.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
        for name, (path, scheme, (width, height)) in SHOTS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                device_scale_factor=1,
                is_mobile=width < 500,
            )
            page = context.new_page()
            page.goto(address)
            page.goto(home + path, wait_until="load")
            picture = pictures / f"{name}.png"
            page.screenshot(path=picture)
            with Image.open(picture) as taken:
                taken.convert("RGB").quantize(COLOURS).save(picture, optimize=True)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
