"""Who may ask: host, origin, token, sizes; and what browsers are told with every answer.

A page of another site must neither read nor do anything here, whatever a user's browser is made to
send: the name that it asks for has to be one of this server's (a name of somebody else may come to
point here), what changes something has to come from a page of this server, and everything needs the
token, which a browser keeps in a cookie that no other site's requests carry.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = ("GET", "HEAD", "OPTIONS")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
TOKEN = "token"  # noqa: S105 - where it is, and none itself
"""What an address calls it."""
LARGEST_BODY = 2**20
"""Bytes of what is sent, but for an upload."""
POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "font", "connect", "frame")),
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
"""What a page of ours may load: nothing from elsewhere, and no script that is written into it."""
SANDBOXED = (
    "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'"
)
"""The same for a study's report, which holds its pictures and its script itself: it is shown as if
it came from nowhere, so that nothing in it could ask this server for anything."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all, forms would come from nowhere
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Rules:
    """What is asked of a request."""

    token: str
    hosts: Collection[str] = ()
    """Names under which the server is reached, beside those of this machine to itself."""
    read_only: bool = False
    largest_upload: int = 2**30
    """Bytes of what is sent to `uploads`."""
    uploads: Collection[str] = ("/data", "/view/new")
    """Where files come in."""

    @property
    def cookie(self) -> str:
        """The cookie's name: servers on one machine share its cookies, and not their tokens."""
        return f"kbn-{hashlib.sha256(self.token.encode()).hexdigest()[:12]}"


Refuse = Callable[[Headers, int, str], Response]


class Guard:
    """Lets requests through that keep the rules; a middleware.

    Parameters
    ----------
    app
        What answers them.
    rules
        What is asked of them.
    refuse
        Makes the answer to a request that is refused, of its headers, a status and a sentence.
    free
        What the paths of that begin with which needs no token.
    """

    def __init__(self, app: ASGIApp, rules: Rules, *, refuse: Refuse, free: str) -> None:
        self._app, self._rules, self._refuse, self._free = app, rules, refuse, free
        self._hosts = {name.lower() for name in (*LOOPBACK, *rules.hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        try:
            signed_in = self._check(scope, headers)
        except _RefusalError as refusal:
            answer = self._refuse(headers, refusal.status, str(refusal))
            await answer(scope, receive, _with_headers(send))
            return
        if signed_in is not None:
            await signed_in(scope, receive, _with_headers(send))
            return
        await self._app(scope, _limited(receive, self._largest(scope)), _with_headers(send))

    def _check(self, scope: Scope, headers: Headers) -> Response | None:
        """Raise `_RefusalError` for a request that breaks a rule.

        Return the answer to one that brings the token in its address; None for all others.
        """
        host, changes = headers.get("host", ""), scope["method"] not in SAFE
        if _name_of(host) not in self._hosts:
            raise _RefusalError(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"this server is not called {_name_of(host)[:80]!r}; --host-name names it so",
            )
        if changes and not _of_ours(headers, host):
            raise _RefusalError(
                HTTPStatus.FORBIDDEN, "the request comes from a page of another site"
            )
        if scope["path"].startswith(self._free) and not changes:
            return None
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(name == TOKEN for name, _ in given) and not changes:
            return self._signed_in(scope, given)
        if not self._knows(_token_in(headers, self._rules.cookie)):
            raise _RefusalError(
                HTTPStatus.UNAUTHORIZED,
                "a token is needed: open the address that the server printed when it started, or "
                "send the header `Authorization: Bearer TOKEN`",
            )
        if changes and self._rules.read_only:
            raise _RefusalError(
                HTTPStatus.FORBIDDEN, "this server only shows: it was started with --read-only"
            )
        if _length(headers) > self._largest(scope):
            raise _RefusalError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {self._largest(scope):,} bytes"
            )
        return None

    def _signed_in(self, scope: Scope, given: list[tuple[str, str]]) -> Response:
        """Keep the token that an address holds in a cookie, and take it out of the address."""
        if not self._knows(dict(given)[TOKEN]):
            raise _RefusalError(HTTPStatus.UNAUTHORIZED, "this is not the token of this server")
        path = "/" + scope["path"].lstrip("/\\")  # two of them would begin another host's address
        rest = urlencode([each for each in given if each[0] != TOKEN])
        target = f"{path}?{rest}" if rest else path
        answer = RedirectResponse(target, HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            self._rules.cookie,
            self._rules.token,
            httponly=True,
            samesite="strict",
            secure=scope["scheme"] == "https",
        )
        return answer

    def _knows(self, token: str) -> bool:
        """Say whether it is the token, in a time that does not depend on how much of it is."""
        return hmac.compare_digest(token.encode(), self._rules.token.encode())

    def _largest(self, scope: Scope) -> int:
        upload = scope["path"] in self._rules.uploads
        return self._rules.largest_upload if upload else LARGEST_BODY


def _token_in(headers: Headers, cookie: str) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    return cookie_parser(headers.get("cookie", "")).get(cookie, "")


def _name_of(host: str) -> str:
    """Return the name in a `Host` header, without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _of_ours(headers: Headers, host: str) -> bool:
    """Say whether what changes something is sent by a page of this server, or by no page."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _length(headers: Headers) -> int:
    given = headers.get("content-length", "0")
    return int(given[:20]) if given.isdecimal() else 0


class _RefusalError(Exception):
    """A request breaks a rule; the message says which."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


def _limited(receive: Receive, largest: int) -> Receive:
    """Return what hands a request on, and raises when it is longer than it may be."""
    received = 0

    async def hand_on() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > largest:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {largest:,} bytes")
        return message

    return hand_on


def _with_headers(send: Send) -> Send:
    """Return what sends an answer with the headers that every answer has, unless it has its own."""

    async def send_with(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with
