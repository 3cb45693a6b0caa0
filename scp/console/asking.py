"""What a request may rely on, as FastAPI dependencies: the desk, the visitor, and a form that is the visitor's own."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Query, Request
from fastapi.security import HTTPBasic
from starlette.requests import HTTPConnection

from scp.console.access import Visitor, Wait, is_address
from scp.console.desk import Desk

COOKIE: Final = "auditscp"
SECURE_COOKIE: Final = "__Host-auditscp"
POLLS: Final = "x-auditscp-poll"
"""A header of what a page requests by itself: it does not keep a session alive."""
_FORWARDED: Final = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})
"""Headers of what a proxy passes on: whoever asked it need not be on this machine, though the proxy is."""
CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "csrf"
_MOST_FIELDS: Final = 300
_FORM: Final = "application/x-www-form-urlencoded"


class _DescribedAsBasic(HTTPBasic):
    """Says in the description of the API how a user is named; :func:`viewer` reads it, as FastAPI takes ASCII only."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Leave the request alone."""


described_as_basic = _DescribedAsBasic(
    scheme_name="HTTPBasic", description="A user of [console.operators] or [console.viewers]."
)


class NotSignedIn(Exception):
    """Somebody must sign in first."""


Form = Mapping[str, list[str]]


def desk_of(request: Request) -> Desk:
    """Return what the console has of the node."""
    desk: Desk = request.app.state.desk
    return desk


def cookie_of(request: Request) -> str:
    """Return the token of a browser's session, or an empty text."""
    return request.cookies.get(SECURE_COOKIE if request.url.scheme == "https" else COOKIE, "")


def address_of(request: Request) -> str:
    """Return the address from which a request comes; an empty text if a proxy says something else instead of one."""
    host = request.client.host if request.client else ""
    return host if is_address(host) else ""


def viewer(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> Visitor:
    """Return who asks; whoever may look may go on. Raises NotSignedIn."""
    if not desk.access.has_users and not _FORWARDED.isdisjoint(request.headers.keys()):
        raise HTTPException(HTTPStatus.FORBIDDEN, "This came through a proxy, so from anywhere: [console] needs users.")
    found = desk.access.visitor(
        cookie_of(request),
        request.headers.get("authorization", ""),
        address_of(request),
        asked=POLLS not in request.headers,
    )
    if isinstance(found, Wait):
        raise HTTPException(
            HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong passwords.", {"Retry-After": str(found.seconds)}
        )
    if found is None:
        raise NotSignedIn
    return found


def operator(visitor: Annotated[Visitor, Depends(viewer)]) -> Visitor:
    """Return who asks; only operators may go on."""
    if not visitor.may_act:
        raise HTTPException(HTTPStatus.FORBIDDEN, "This needs an operator; you may look.")
    return visitor


async def form_of(request: Request) -> Form:
    """Read a form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "This takes a form.")
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The form cannot be read.") from None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def field_of(form: Form, name: str) -> str:
    """Return the first value of a field, without spaces around it; an empty text if there is none."""
    return next(iter(form.get(name, ())), "").strip()


def acting_by_form(visitor: Annotated[Visitor, Depends(operator)], form: Annotated[Form, Depends(form_of)]) -> Visitor:
    """Return the operator who sent a form from one of our own pages."""
    if visitor.csrf is not None and not visitor.is_token(field_of(form, CSRF_FIELD)):
        raise HTTPException(HTTPStatus.FORBIDDEN, "The form is out of date: load its page again.")
    return visitor


def acting_by_api(request: Request, visitor: Annotated[Visitor, Depends(operator)]) -> Visitor:
    """Return the operator who acts through the API.

    A session's cookie goes with whatever a browser sends, so its token must come too. Programs name their user with
    each request; and where nobody signs in, the Origin and a body of JSON tell them from other sites' pages.
    """
    if visitor.signed_in and not visitor.is_token(request.headers.get(CSRF_HEADER, "")):
        raise HTTPException(HTTPStatus.FORBIDDEN, "X-CSRF-Token is missing or out of date.")
    return visitor


ADesk = Annotated[Desk, Depends(desk_of)]
AViewer = Annotated[Visitor, Depends(viewer)]
AnOperator = Annotated[Visitor, Depends(acting_by_form)]
AnApiOperator = Annotated[Visitor, Depends(acting_by_api)]
AForm = Annotated[Form, Depends(form_of)]
BeforeReceipt = Annotated[
    str | None, Query(pattern="^[0-7][0-9A-HJKMNP-TV-Z]{12}$", description="`before` of the page before.")
]
"""Where a list of receipts goes on: one of them, as lists name it."""
