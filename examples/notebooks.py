"""Writes the notebooks beside their scripts: `python examples/notebooks.py`.

A script's cells begin with `# %%`; those of `# %% [markdown]` are text. What a cell shows is not
kept: whoever runs the notebook sees it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = ("first_study", "scikit_learn")
_CELL = re.compile(r"^# %%( \[markdown\])?\n", re.MULTILINE)


def notebook(script: str) -> str:
    """Return a script as a notebook: equal scripts give equal text."""
    _, *parts = _CELL.split(script)
    cells = [
        _cell(text.strip(), number, words=bool(kind)) for number, (kind, text) in _pairs(parts)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    made = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _pairs(parts: list[str]) -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(zip(parts[::2], parts[1::2], strict=True)))


def _cell(text: str, number: int, *, words: bool) -> dict[str, object]:
    if words:
        text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
    cell: dict[str, object] = {
        "cell_type": "markdown" if words else "code",
        "id": f"cell-{number}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return cell if words else cell | {"execution_count": None, "outputs": []}


def main() -> None:
    """Write every notebook again."""
    for name in SCRIPTS:
        script = (HERE / f"{name}.py").read_text(encoding="utf-8")
        (HERE / f"{name}.ipynb").write_text(notebook(script), encoding="utf-8")


if __name__ == "__main__":
    main()
