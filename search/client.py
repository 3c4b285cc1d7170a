"""The service from Python, as from a notebook.

    from search import LambdaSearch
    from search.client import Service

    service = Service("http://127.0.0.1:8420/?token=…")
    name = service.submit(LambdaSearch(data="digits"), message="a first look")
    for row in service.watch(name):
        print(row["state"], row["progress"])
    service.fetch(name, "report.html", "report.html")

It takes `httpx`, which `pip install 'kbn-search[service]'` brings; everything else that the service
needs is needed where that runs.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from kbn.errors import InputError
from kbn.files import whole_file
from kbn.paths import user_path
from search.settings.spec import StudySpec

if TYPE_CHECKING:
    import httpx

TOKEN_VARIABLE = "KBN_SERVICE_TOKEN"  # noqa: S105 - where a token is, and none itself
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 330.0
"""How long the server may take to be reached; and to answer, as it reads data sets meanwhile."""
Row = dict[str, Any]
"""A study in a row, as `search.service.summary.Summary` has it."""


class ServiceError(InputError):
    """The service is not there, or does not do what it was asked to; the message says why.

    Parameters
    ----------
    errors
        Sentences by field, where single settings were wrong: `{"specification.eta_max": "…"}`.
    """

    def __init__(self, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.errors = dict(errors or {})


class Service:
    """A server's studies.

    Parameters
    ----------
    url
        Its address, as it printed it; the token may be in it.
    token
        Else taken from the address, or from `$KBN_SERVICE_TOKEN`.

    Raises
    ------
    InputError
        When the address is none, or there is no token. Methods raise `ServiceError` when the server
        is not there, and when it refuses what they ask for.
    """

    def __init__(self, url: str, *, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"--server {url}: an address is needed, as in http://127.0.0.1:8420")
        held = parse_qs(parts.query).get("token", [""])[0]
        token = token or held or os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise InputError(
                f"--server {url}: a token is needed: give the address as the server printed it, "
                f"with ?token=…, or set ${TOKEN_VARIABLE}"
            )
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._http = _client(self.url, token)

    def __repr__(self) -> str:
        return f"<Service {self.url}>"

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def list(self, **filters: Any) -> list[Row]:
        """Return the studies' rows, all pages; `state`, `kind`, `who`, `text`, `sort`, … as there.

        See `GET /studies` of the server's documentation.
        """
        rows: list[Row] = []
        while True:
            page = {"size": 1000, **filters, "page": len(rows) // 1000 + 1}
            found = self._ask("GET", "/studies", params=page)
            rows += found["studies"]
            if len(rows) >= found["total"] or not found["studies"]:
                return rows

    def summary(self, name: str) -> Row:
        """Return a study's row."""
        return self._row("GET", f"{_study(name)}/summary")

    def show(self, name: str) -> Row:
        """Return all of a study: its row, settings, findings, stages and trials."""
        return self._row("GET", _study(name))

    def compare(self, *names: str) -> Row:
        """Return studies, two or more, side by side: `findings`, and `text` in Markdown."""
        if len(names) < 2:
            raise InputError("a comparison takes two studies, or more; name another one")
        a, b, *more = names
        return self._row("GET", "/compare", params={"a": a, "b": b, "more": more})

    def submit(
        self,
        spec: StudySpec,
        *,
        name: str | None = None,
        message: str = "",
        who: str | None = None,
        first: bool = False,
        **execution: Any,
    ) -> str:
        """Queue a study, and return its name; the same specification and data are the same study.

        `execution` are settings of `search.Execution`: `serial`, `max_concurrent`, …
        """
        asked = self._wish(spec, name, execution) | {"message": message, "first": first}
        asked["who"] = _user() if who is None else who
        return str(self._ask("POST", "/studies", json=asked)["name"])

    def forecast(self, spec: StudySpec, *, name: str | None = None, **execution: Any) -> Row:
        """Return what a study would do: its `trials`, memory and `seconds`; nothing is queued."""
        asked = self._wish(spec, name, execution)
        found: Row = self._ask("POST", "/studies", params={"dry_run": True}, json=asked)["forecast"]
        return found

    def _wish(self, spec: StudySpec, name: str | None, execution: Mapping[str, Any]) -> Row:
        return {
            "kind": spec.kind,
            "specification": spec.plain(),
            "execution": dict(execution),
            "name": name,
        }

    def watch(self, name: str) -> Iterator[Row]:
        """Yield a study's row now and whenever it changes, to its end.

        Raises `ServiceError` when the server ends before.
        """
        with self._answers(), self._http.stream("GET", f"{_study(name)}/events") as answer:
            if answer.is_error:
                answer.read()
            _check(answer)
            for line in answer.iter_lines():
                kind, _, text = line.partition(": ")
                if kind == "event" and text == "end":
                    return
                if kind == "data":
                    yield json.loads(text)
        raise ServiceError(
            f"--server {self.url}: it has ended, and {name} may go on; watch it again"
        )

    def stop(self, name: str) -> Row:
        """Let a study end after the trials that run."""
        return self._row("POST", f"{_study(name)}/stop")

    def cancel(self, name: str) -> Row:
        """End a study now."""
        return self._row("POST", f"{_study(name)}/cancel")

    def retry(self, name: str, *, first: bool = False) -> Row:
        """Queue a study again, for what failed or was not begun."""
        asked = {"who": _user(), "first": first}
        return self._row("POST", f"{_study(name)}/retry", json=asked)

    def archive(self, name: str, *, away: bool = True) -> Row:
        """Put a study away, or take it back."""
        return self._row("POST", f"{_study(name)}/archive", params={"away": away})

    def delete(self, name: str) -> str:
        """Move a study into the bin; return its name there."""
        return str(self._ask("DELETE", _study(name))["deleted"])

    def restore(self, name: str) -> Row:
        """Move a study out of the bin."""
        return self._row("POST", f"/bin/{quote(name, safe='')}/restore")

    def log(self, name: str) -> str:
        """Return the end of what a study's driver has printed."""
        with self._answers():
            answer = self._http.get(f"{_study(name)}/log")
            _check(answer)
        return answer.text

    def fetch(self, name: str, file: str, to: str | Path) -> Path:
        """Write a file of a study to a path, whole or not at all: `report.html`, `archive.zip`.

        The others are `report.md`, `report.json`, `trials.csv`, `history.csv`, `layers.csv` and
        `model.npz`.
        """
        path = user_path("to", to)
        address = f"{_study(name)}/{quote(file, safe='')}"
        with self._answers(), self._http.stream("GET", address) as answer:
            if answer.is_error:
                answer.read()
            _check(answer)
            with whole_file(path) as temporary, temporary.open("wb") as written:
                for chunk in answer.iter_bytes():
                    written.write(chunk)
        return path

    def upload(self, file: str | Path) -> str:
        """Send a data set, an `.npz` file; return what specifications call it there."""
        path = user_path("file", file)
        try:
            content = path.open("rb")
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror})") from error
        with content:
            sent = {"file": (path.name, content, "application/octet-stream")}
            return str(self._ask("POST", "/data", files=sent)["data"])

    def _row(self, verb: str, address: str, **sent: Any) -> Row:
        found: Row = self._ask(verb, address, **sent)
        return found

    def _ask(self, verb: str, address: str, **sent: Any) -> Any:
        with self._answers():
            answer = self._http.request(verb, address, **sent)
            _check(answer)
            return answer.json()

    @contextmanager
    def _answers(self) -> Iterator[None]:
        """Turn what goes wrong on the way to the server and back into `ServiceError`."""
        import httpx  # noqa: PLC0415 - an extra

        try:
            yield
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise ServiceError(
                f"--server {self.url}: no answer ({reason}); is it there?"
            ) from error
        except json.JSONDecodeError as error:
            raise ServiceError(f"--server {self.url}: what answers there is no service") from error


def _client(url: str, token: str) -> httpx.Client:
    if find_spec("httpx") is None:
        raise InputError(
            "talking to a server needs httpx; install it with `pip install 'kbn-search[service]'`"
        )
    import httpx  # noqa: PLC0415 - an extra

    return httpx.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
    )


def _check(answer: httpx.Response) -> None:
    """Raise `ServiceError` for an answer that is a refusal, with the server's own sentence."""
    if not answer.is_error:
        return
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"{answer.status_code} {answer.reason_phrase}"
    if isinstance(detail, str):
        raise ServiceError(detail)
    errors = {".".join(map(str, each["loc"][1:])): str(each["msg"]) for each in detail}
    raise ServiceError("; ".join(errors.values()), errors)


def _study(name: str) -> str:
    return f"/studies/{quote(name, safe='')}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # there need be no name
        return ""
