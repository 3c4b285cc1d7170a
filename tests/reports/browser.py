"""A headless Chromium, driven over a pipe by its DevTools protocol."""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

PATIENCE = 60.0
"""Seconds after which the browser is said to hang."""
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
START = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""Starts a command with a pipe's ends as the files 3 and 4, the numbers that it expects."""


def find_chromium() -> str | None:
    """Return the browser's command, or None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


class Browser:
    """One tab of a browser with a new, empty profile; use as a context manager."""

    def __init__(self, command: str, profile: Path) -> None:
        self.events: list[dict[str, Any]] = []
        """What the tab reported since the last page was opened."""
        self._ids = itertools.count(1)
        self._received = b""
        self._session: str | None = None
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()

        words = [command, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, str(theirs_in), str(theirs_out), *words],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)

    def __enter__(self) -> Self:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._to)  # the end of its input is the end of the browser
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._from)

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol; return its result."""
        answer = self._ask(method, parameters)
        assert "error" not in answer, answer
        return answer["result"]

    def _ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                return answer
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._from], [], [], PATIENCE)
            assert ready, f"the browser said nothing for {PATIENCE:.0f} s"
            more = os.read(self._from, 1 << 20)
            assert more, "the browser ended"
            self._received += more
        message, _, self._received = self._received.partition(b"\0")
        return dict(json.loads(message))

    def open(self, path: Path) -> None:
        """Load a file, to its end."""
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("document.readyState === 'complete'")

    def wait_for(self, script: str) -> None:
        """Wait until an expression of JavaScript is true; it may fail while a page loads."""
        deadline = time.monotonic() + PATIENCE
        asked = {"expression": script, "returnByValue": True}
        while self._ask("Runtime.evaluate", asked).get("result", {}).get("result", {}) != {
            "type": "boolean",
            "value": True,
        }:
            assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s for {script}"
            time.sleep(0.02)

    def happened(self, method: str) -> list[dict[str, Any]]:
        """Return what was reported of an event."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript on the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Click in the middle of the first element of a CSS selector, as a mouse does."""
        script = (
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', inline: 'center'});"
            "const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2] })()"
        )
        x, y = self.run(script)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Give the page's window a size, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )

    def prefer(self, scheme: str) -> None:
        """Prefer light or dark pages."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def picture(self, x: float, y: float, width: float, height: float) -> np.ndarray:
        """Return a part of the page as it is seen: rows of pixels, each red, green and blue."""
        part = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", clip=part)["data"]
        with Image.open(BytesIO(b64decode(shot))) as image:
            return np.asarray(image.convert("RGB")).astype(int)

    def complaints(self) -> list[str]:
        """Return errors and warnings: of the console, of scripts, of the page's policy."""
        return [
            *(
                each["exceptionDetails"]["text"]
                for each in self.happened("Runtime.exceptionThrown")
            ),
            *(str(each) for each in self.happened("Runtime.consoleAPICalled")),
            *(each["entry"]["text"] for each in self.happened("Log.entryAdded")),
        ]

    def requests(self) -> list[str]:
        """Return the address of everything that the page asked for."""
        return [each["request"]["url"] for each in self.happened("Network.requestWillBeSent")]
