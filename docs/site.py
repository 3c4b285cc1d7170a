"""What the site does to a page before it is laid out: see `mkdocs.yml`."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import search
from search.settings.values import show

_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")
_REPORT = re.compile(r"\((examples/)?([\w-]+)/report\.md\)")
_SETTINGS = re.compile(r"<!-- settings: (\w+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with its tables of settings.

    Links to files beside `docs/` become their names, since the site does not hold those; links to
    example reports lead to their own pages.
    """
    markdown = _OUTSIDE.sub(r"`\1`", markdown)
    markdown = _REPORT.sub(r"(\1\2/report.html)", markdown)
    return _SETTINGS.sub(lambda found: settings(getattr(search, found[1])), markdown)


def settings(specification: Any) -> str:
    """Return the settings of a specification as a table."""
    rows = ["| setting | default | |", "| --- | --- | --- |"]
    for field in dataclasses.fields(specification):
        default = "" if field.default in (None, ()) else f"`{show(field.default)}`"
        about = str(field.metadata["help"]).replace("|", "\\|").replace("<", "&lt;")
        rows.append(f"| `{field.name}` | {default} | {about} |")
    return "\n".join(rows)
