"""The page around a report: one file that needs no other, and asks no host for anything."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2

from reports.page.html import body
from reports.page.status import Status

_POLICY = (
    "default-src 'none'; img-src data:; style-src {style}; script-src {script}; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing is fetched, and no style or script runs but the page's own, whatever a text holds."""


def page(markdown: str, folder: Path, status: Status | None = None) -> str:
    """Return a report as one HTML page; the pictures it shows are read from `folder`.

    With the `status` of a running study the page shows it, and loads itself again.
    """
    loader = jinja2.PackageLoader("reports")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    style, script = (loader.get_source(environment, f"page.{kind}")[0] for kind in ("css", "js"))
    return environment.get_template("page.html.j2").render(
        body=body(markdown + (status.all_trials if status else ""), folder),
        status=status,
        running=body(status.running, folder).html if status else "",
        style=style,
        script=script,
        policy=_POLICY.format(style=_hash(style), script=_hash(script)),
    )


def _hash(text: str) -> str:
    """Return a text's hash as a content security policy names it."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
