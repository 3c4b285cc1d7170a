"""A process that runs many studies lives through all of them, and is as it was at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDIES = int(os.environ.get("KBN_STUDIES", "80"))
"""Half an hour of CI has room for so many; KBN_STUDIES=200 runs more of them."""


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(1800)
def test_many_studies_in_one_process(tmp_path: Path) -> None:
    """Half of them on Ray, beside others, with garbage collected and Ctrl-C at random moments.

    An object of Ray's that dies at the wrong one would end the process, and so would a Ray that was
    cut in two. No folder of Ray's stays. Ray itself leaves up to two sockets of each run open.
    """
    folder = tmp_path / "temporary"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.search.many", tmp_path, str(STUDIES), "20"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "RAY_TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["serial"] == ["finished"] * (STUDIES // 2)
    assert len(found["on Ray"]) == STUDIES // 2
    assert set(found["on Ray"]) == {"finished", "stopped"}
    assert list(folder.iterdir()) == []
    first, *_, last = found["open files"]
    assert last - first <= STUDIES
