"""The guard before every door: right host, right origin, JSON of a decent shape and size, safe headers on every answer.

It is the outermost layer: what it refuses has touched nothing else.
"""

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workbench.monitor.control.answers import refusal
from workbench.monitor.headers import safe_headers

LARGEST_BODY = 8_192
DEEPEST = 8
"""Levels of objects and lists in a request; ours have two."""
LARGEST_INTEGER = 2**63
BODY_SECONDS = 5.0
CONTENT_TYPES = {"application/json", "application/json;charset=utf-8"}
ONCE = ("host", "origin", "content-type", "content-length", "cookie")
HEADERS = safe_headers(
    (
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types phone",
    )
)
HTTPS_ONLY = "max-age=31536000"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Names under which the service answers; both are compared whole.

    Attributes
    ----------
    hosts : frozenset of str
        As in the header Host, with the port.
    origins : frozenset of str
        As in the header Origin: scheme, host, port.
    """

    hosts: frozenset[str]
    origins: frozenset[str]

    @property
    def encrypted(self) -> bool:
        """Whether every way to the service is encrypted."""
        return all(origin.startswith("https://") for origin in self.origins)


class RefusedError(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.kind, self.sentence = status, kind, sentence


class Guard:
    """ASGI layer around the service.

    Parameters
    ----------
    app : ASGI application
        The service.
    allowed : Allowed
        Names it answers to.
    refused : callable
        Told the kind of each refusal, and the address it came from.
    """

    def __init__(self, app: ASGIApp, allowed: Allowed, refused: Callable[[str, str], None]) -> None:
        self._app, self._allowed, self._refused = app, allowed, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        safe = self._safe(scope, send)
        try:
            checked = await self._checked(scope, receive)
        except RefusedError as error:
            self._refused(error.kind, address_of(scope))
            await refusal(error.status, error.kind, error.sentence)(scope, receive, safe)
            return
        await self._app(scope, checked, safe)

    def _safe(self, scope: Scope, send: Send) -> Send:
        """Send answers with the headers every one of them carries."""
        private = scope["path"].startswith("/api/")

        async def safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    # a report has a policy of its own, which allows less
                    headers.setdefault(name, value)
                if private:
                    headers["Cache-Control"] = "no-store"
                if self._allowed.encrypted:
                    headers["Strict-Transport-Security"] = HTTPS_ONLY
            await send(message)

        return safe

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        headers = Headers(scope=scope)
        for name in ONCE:
            if len(headers.getlist(name)) > 1:
                raise RefusedError(400, "headers", f"expected the header {name} once, got it more than once")
        if headers.get("host") not in self._allowed.hosts:
            raise RefusedError(421, "host", "this service does not answer under that host's name")
        if scope["method"] in {"GET", "HEAD"}:
            if headers.get("sec-fetch-site") in {"cross-site", "same-site"} and scope["path"].startswith("/api/"):
                raise RefusedError(403, "origin", "this may be asked only from the service's own page")
            return receive
        self._check_origin(headers)
        if headers.get("content-type", "").lower().replace(" ", "") not in CONTENT_TYPES:
            raise RefusedError(415, "content-type", "expected Content-Type: application/json")
        if headers.get("content-encoding", "identity") != "identity":
            raise RefusedError(415, "content-encoding", "expected a body that is not compressed")
        body = await self._body(headers, receive)
        try:
            check_json(body)
        except ValueError as error:
            raise RefusedError(400, "json", f"the body is not JSON as expected: {error}") from error
        return once(body, receive)

    def _check_origin(self, headers: Headers) -> None:
        same = headers.get("sec-fetch-site", "same-origin") == "same-origin"
        if headers.get("origin") not in self._allowed.origins or not same:
            raise RefusedError(403, "origin", "this may be asked only from the service's own page (header Origin)")

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        too_long = RefusedError(413, "size", f"a request has at most {LARGEST_BODY} bytes")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > len(str(LARGEST_BODY)) or int(length) > LARGEST_BODY:
            raise too_long
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RefusedError(400, "disconnected", "the request ended before its body")
                    body += message.get("body", b"")
                    if len(body) > LARGEST_BODY:
                        raise too_long
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError as error:
            raise RefusedError(408, "slow", f"the body was not there within {BODY_SECONDS:.0f} s") from error


def once(body: bytes, receive: Receive) -> Receive:
    """Give a body that has been read already to whoever comes next.

    Parameters
    ----------
    body : bytes
        All of it.
    receive : callable
        What follows: that the browser is gone.

    Returns
    -------
    callable
        For an ASGI application.
    """
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def address_of(scope: Scope) -> str:
    """Where a request comes from.

    Parameters
    ----------
    scope : Scope
        Of the request.

    Returns
    -------
    str
        Without the port.
    """
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def check_json(body: bytes) -> None:
    """Refuse what some reader further in could take for something else.

    Parameters
    ----------
    body : bytes
        Of a request.

    Raises
    ------
    ValueError
        Says what is wrong: no UTF-8, no JSON, NaN or an infinity, an integer that fits no register, a name that comes
        twice, NUL or half a character in a text, too many levels.
    """
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_once_each)
    except RecursionError as error:
        raise ValueError(f"more than {DEEPEST} levels") from error
    if not isinstance(found, dict):
        raise ValueError("expected an object")  # noqa: TRY004 -- what comes from outside is no type of ours
    level: list[object] = [found]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise ValueError(f"more than {DEEPEST} levels")


def _inside(value: object) -> list[object]:
    """Values in a value, itself checked."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list):
        return value
    if isinstance(value, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("a text holds NUL or half a character")
    if isinstance(value, int) and abs(value) >= LARGEST_INTEGER:
        raise ValueError("an integer is too large")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is too large")
    return []


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name comes twice in an object")
    return table


def _no_number(_word: str) -> NoReturn:
    raise ValueError("NaN and infinities are no numbers of JSON")
