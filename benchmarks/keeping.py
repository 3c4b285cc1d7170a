"""Where measurements are kept until a page is written from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kbn.files import whole_file

RESULTS = Path(__file__).parent / "results"


def keep(name: str, results: Mapping[str, Any]) -> None:
    """Write results as `benchmarks/results/NAME.json`."""
    RESULTS.mkdir(exist_ok=True)
    with whole_file(RESULTS / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
