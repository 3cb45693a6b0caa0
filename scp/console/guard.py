"""What holds for every request, before anything else looks at it, and for every response.

* The Host must be one of ours: somebody may point another name at this machine (DNS rebinding).
* A request that may change something must come from our own pages: if Origin or Sec-Fetch-Site say otherwise, it is
  refused, whoever the visitor is.
* A body must be small, and complete in time.
* Browsers may not show responses in frames, guess their type, load anything from elsewhere, or cache anything but our
  static files.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scp.console.access import is_this_machine
from scp.errors import place_of

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_BODY: Final = 64 * 1024
_BODY_SECONDS: Final = 20.0
_OWN_SITE: Final = frozenset({"", "same-origin", "none"})

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'", "connect-src 'self'",
        "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip

_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer", with which browsers send "Origin: null" even with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
_HSTS: Final = "max-age=31536000"

_log = structlog.get_logger()


def response_headers(*, tls: bool) -> Mapping[str, str]:
    """Return the headers of every response that does not have others of the same name."""
    return {**_HEADERS, "strict-transport-security": _HSTS} if tls else _HEADERS


class Guard:
    """ASGI middleware; see the module's docstring. ``names`` is None if any Host is allowed."""

    def __init__(self, app: ASGIApp, names: Collection[str] | None, *, tls: bool) -> None:
        self._app = app
        self._names = None if names is None else frozenset(names)
        self._tls = tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def guarded_send(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                self._add_headers(message)
            await send(message)

        refusal = self._refusal(Headers(scope=scope), str(scope["method"]))
        try:
            if refusal:
                await _say(*refusal)(scope, receive, guarded_send)
            else:
                await self._app(scope, _Body(receive, scope).receive, guarded_send)
        except ClientDisconnect:
            pass  # there is nobody to answer
        except Exception as error:  # noqa: BLE001 - a page that fails must not take the server with it, nor tell why
            _log.error("console_failed", path=_route(scope), error=type(error).__name__, place=place_of(error))
            if not began:
                await _say(HTTPStatus.INTERNAL_SERVER_ERROR, "This page failed; the log says where.")(
                    scope, receive, guarded_send
                )

    def _refusal(self, headers: Headers, method: str) -> tuple[HTTPStatus, str] | None:
        host = headers.get("host", "")
        name = host_of(host)
        if self._names is not None and not (name in self._names or is_this_machine(name)):
            return HTTPStatus.MISDIRECTED_REQUEST, "This console is not called by this name: see [console] names."
        if method in _SAFE:
            return None
        origin = headers.get("origin")
        is_own = origin is None or _is_of(origin, host)
        if not is_own or headers.get("sec-fetch-site", "") not in _OWN_SITE:
            return HTTPStatus.FORBIDDEN, "This request comes from another site."
        return None

    def _add_headers(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in response_headers(tls=self._tls).items():
            headers.setdefault(name, value)


_TOO_LARGE: Final = HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A request has at most 64 KiB.")


class _Body:
    """Reads a request's body within bounds."""

    def __init__(self, receive: Receive, scope: Scope) -> None:
        self._receive = receive
        self._left = _MOST_BODY
        self._until: float | None = None
        self._is_complete = False
        length = Headers(scope=scope).get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length) > _MOST_BODY:
            self._left = 0

    async def receive(self) -> Message:
        """Return the next piece of the body. After the last one, this only returns when the connection ends."""
        if self._is_complete:
            return await self._receive()
        if self._left <= 0:
            raise _TOO_LARGE
        now = asyncio.get_running_loop().time()
        if self._until is None:  # time counts from when the body is first read, which may be late on a busy node
            self._until = now + _BODY_SECONDS
        try:
            message = await asyncio.wait_for(self._receive(), self._until - now)
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The request was not complete in time.") from None
        self._left -= len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._left < 0:
            raise _TOO_LARGE
        return message


def _is_of(origin: str, host: str) -> bool:
    """Whether an Origin is the site that a Host header names."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def host_of(host: str) -> str:
    """Return the name or address of a Host header, in lower case, without the port and without brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _say(status: HTTPStatus, words: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    return JSONResponse({"detail": words}, status)


def _route(scope: Scope) -> str | None:
    """Return the pattern of the path, never the path itself: it may hold what somebody searched for."""
    return getattr(scope.get("route"), "path", None)
