"""The console as one ASGI application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

import anyio.to_thread
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from scp.console import api, pages, pages_quarantine
from scp.console.access import is_this_machine
from scp.console.asking import CSRF_HEADER, NotSignedIn
from scp.console.desk import Desk
from scp.console.guard import Guard
from scp.console.rates import STEP_SECONDS
from scp.console.readers import TooSlow
from scp.console.rendering import html
from scp.errors import NodeFault
from scp.version import __version__

_THREADS: Final = 4
"""Requests that are worked on at one time; others wait, so that receiving need not."""
_DESCRIPTION: Final = """What the console shows, as JSON, and its acts.

Sign in as in a browser, or name a user with each request (HTTP Basic). Viewers may read, operators may also act.
Identifiers of receipts are text. Times are UTC (RFC 3339). For the next page of a list, pass on its `before`."""


def make_app(desk: Desk) -> FastAPI:
    """Return the application of a console."""
    settings = desk.node.settings().console
    app = FastAPI(
        title="auditscp",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url=None,  # served by the API's own router, which needs a viewer
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.desk = desk
    for router in (pages.public, pages.router, pages_quarantine.router):
        app.include_router(router, include_in_schema=False)
    app.include_router(api.router)
    app.include_router(api.monitoring)
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NodeFault, _fault)
    names = settings.names or (() if is_this_machine(settings.host) else None)
    app.add_middleware(Guard, names=names, tls=settings.tls)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    watching = asyncio.create_task(_look(app.state.desk))
    yield
    watching.cancel()
    app.state.desk.readers.close()


async def _look(desk: Desk) -> None:
    while True:
        await asyncio.sleep(STEP_SECONDS)
        desk.lately.look()


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))


def _not_signed_in(request: Request, _: Exception) -> Response:
    if not _wants_json(request):
        if request.method == "GET" and "x-auditscp-poll" not in request.headers:
            return RedirectResponse(pages.login_address(request), HTTPStatus.SEE_OTHER)
        return _page(HTTPStatus.UNAUTHORIZED, "You are not signed in any more.")
    # When a script of ours asks, the browser must not open its own window for a password.
    challenge = {} if CSRF_HEADER in request.headers else {"WWW-Authenticate": 'Basic realm="auditscp"'}
    return JSONResponse({"detail": "Sign in first."}, HTTPStatus.UNAUTHORIZED, challenge)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException | StarletteHTTPException)
    if _wants_json(request):
        return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    page = _page(HTTPStatus(error.status_code), str(error.detail))
    page.headers.update(error.headers or {})
    return page


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # What is wrong, and where, but not the value, which may be anything.
    problems = [{"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]} for one in error.errors()]
    if _wants_json(request):
        return JSONResponse({"detail": problems}, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _page(HTTPStatus.BAD_REQUEST, "The address or the form is not as it should be.")


def _fault(request: Request, error: Exception) -> Response:
    words = (
        "This took too long. Ask for less: fewer days, or a more exact search."
        if isinstance(error, TooSlow)
        else f"The node has a fault: {error}."
    )
    if _wants_json(request):
        return JSONResponse({"detail": words}, HTTPStatus.SERVICE_UNAVAILABLE)
    return _page(HTTPStatus.SERVICE_UNAVAILABLE, words)


def _page(status: HTTPStatus, words: str) -> Response:
    return html(
        "error.html",
        status,
        visitor=None,
        here="",
        quarantined=0,
        title=status.phrase,
        message=words,
        number=status.value,
    )
