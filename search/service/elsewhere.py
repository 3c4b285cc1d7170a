"""Questions that are answered in a process of their own, which the server asks and outlives.

What data take, in memory or time, and what a damaged file does to its reader, is that process's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from kbn.errors import InputError
from search.store.decode import fields_of

HOME = Path(__file__).resolve().parents[2]
"""Where this project's packages are; a process that begins there finds them first."""
LONGEST = 300.0
"""Seconds that an answer may take."""


def asked(module: str, question: Any) -> dict[str, Any]:
    """Return what a module answers, which reads JSON and prints a JSON object.

    Raises `InputError`, with its last line, where it ends with another exit code than 0.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a module of ours
            [sys.executable, "-m", module],
            input=json.dumps(question),
            capture_output=True,
            encoding="utf-8",
            timeout=LONGEST,
            check=False,
            cwd=HOME,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"the data were not read within {LONGEST:.0f} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["the data cannot be read"]
        raise InputError(said[-1].removeprefix("error: "))
    return fields_of(done.stdout)
