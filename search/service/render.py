"""Pages as text: templates, what they may say, and the files that they load."""

from __future__ import annotations

import importlib.util
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup, escape
from starlette.datastructures import Headers

from reports.page.html import unbroken
from reports.parts.text import NONE, count, moment, share
from search.running.tally import time_text
from search.service.sparkline import HEIGHT, WIDTH, sparkline
from search.service.summary import Summary
from search.settings.values import show
from search.space.axis import AXES

HERE = Path(__file__).parent
STATIC = "/static/"
"""Where what pages load is: it is the same for everybody, and needs no token."""
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@cache
def _files() -> dict[str, Path]:
    """Return the files that pages load: our own, and the look of a study's report."""
    found = importlib.util.find_spec("reports")
    assert found is not None
    assert found.origin is not None
    look = Path(found.origin).parent / "templates"
    own = {path.name: path for path in (HERE / "static").iterdir() if path.suffix in _TYPES}
    return own | {name: look / name for name in ("page.css", "page.js")}


def static_file(name: str) -> Response | None:
    """Return a file that pages load; None where there is none of this name."""
    path = _files().get(name)
    if path is None:
        return None
    kept = {"Cache-Control": "no-cache"}
    return Response(path.read_bytes(), media_type=_TYPES[path.suffix], headers=kept)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "share": share,
        "moment": moment,
        "time_left": time_text,
        "count": count,
        "spark": _spark,
        "unbroken": lambda text: Markup(unbroken(str(escape(text)))),  # noqa: S704 - escaped before
        "setting": _setting,
    }
    environment.globals |= {"spark_width": WIDTH, "spark_height": HEIGHT, "static": STATIC}
    environment.globals["symbols"] = {f"params_{axis.name}": axis.symbol for axis in AXES.values()}
    return environment


def _spark(row: Summary) -> Any:
    return sparkline(row.curve, symbol=row.curve_axis, logarithmic=row.curve_log)


def _setting(value: Any) -> str:
    """Return a trial's setting, or a specification's, as one types it."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return show(value)


def html(template: str, status: int = HTTPStatus.OK, **context: Any) -> HTMLResponse:
    """Return a page."""
    return HTMLResponse(text(template, **context), status)


def text(template: str, **context: Any) -> str:
    """Return a page, or a part of one, as text."""
    return _environment().get_template(template).render(context)


def wants_page(headers: Headers) -> bool:
    """Say whether it is a person who asks, with a browser."""
    return "text/html" in headers.get("accept", "")


def refusal(status: int, why: str) -> HTMLResponse:
    """Return what a person is shown in place of a page; without a token, where to enter it."""
    if status == HTTPStatus.UNAUTHORIZED:
        return html("login.html.j2", status, why=why)
    return html("problem.html.j2", status, why=why, title=HTTPStatus(status).phrase)
