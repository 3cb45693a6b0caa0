"""The FastAPI dependencies of endpoints: the desk, the visitor, and a form that comes from the visitor's own page."""

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
"""Header of requests that a page makes by itself: these do not keep a session alive."""
_FORWARDED: Final = ("forwarded", "via", "x-forwarded-", "x-real-ip")
"""How the headers begin that proxies add: the proxy may be on this machine, but the visitor need not be."""
CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "csrf"
_MOST_FIELDS: Final = 300
_FORM: Final = "application/x-www-form-urlencoded"


class _DescribedAsBasic(HTTPBasic):
    """HTTP Basic for the API's description only; :func:`viewer` reads the header, as FastAPI's own reads only ASCII."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Do nothing."""


described_as_basic = _DescribedAsBasic(
    scheme_name="HTTPBasic", description="A user of [console.operators] or [console.viewers]."
)


class NotSignedIn(Exception):
    """Somebody must sign in first."""


Form = Mapping[str, list[str]]


def desk_of(request: Request) -> Desk:
    """Return the desk: what endpoints work with."""
    desk: Desk = request.app.state.desk
    return desk


def cookie_of(request: Request) -> str:
    """Return the token of a browser's session, or an empty text."""
    return request.cookies.get(SECURE_COOKIE if request.url.scheme == "https" else COOKIE, "")


def address_of(request: Request) -> str:
    """Return the address from which a request comes; an empty text if a proxy gives anything but an address."""
    host = request.client.host if request.client else ""
    return host if is_address(host) else ""


def viewer(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> Visitor:
    """Return who asks. Raises NotSignedIn if that is unknown, HTTPException after too many wrong passwords."""
    if not desk.access.has_users and any(name.startswith(_FORWARDED) for name in request.headers):
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
    """Return who asks. Raises HTTPException for anybody but operators."""
    if not visitor.may_act:
        raise HTTPException(HTTPStatus.FORBIDDEN, "This needs an operator; you may look.")
    return visitor


async def form_of(request: Request) -> Form:
    """Return the fields of a form. Raises HTTPException if the body is not a form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be a form.")
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The form cannot be read.") from None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def field_of(form: Form, name: str) -> str:
    """Return the first value of a field, without spaces around it; an empty text if there is no such field."""
    return next(iter(form.get(name, ())), "").strip()


def acting_by_form(visitor: Annotated[Visitor, Depends(operator)], form: Annotated[Form, Depends(form_of)]) -> Visitor:
    """Return the operator who sent a form. Raises HTTPException unless the form is from one of our own pages."""
    if visitor.csrf is not None and not visitor.is_token(field_of(form, CSRF_FIELD)):
        raise HTTPException(HTTPStatus.FORBIDDEN, "The form is out of date: load its page again.")
    return visitor


def acting_by_api(request: Request, visitor: Annotated[Visitor, Depends(operator)]) -> Visitor:
    """Return the operator who acts through the API.

    A browser sends the cookie of a session with every request, whichever page makes it, so the session's token must
    come as well. Programs name their user with each request. Where nobody signs in, pages of other sites are told by
    their Origin, and because they cannot send a body of JSON without asking first.
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
    str | None, Query(pattern="^[0-7][0-9A-HJKMNP-TV-Z]{12}$", description="`before` of the preceding page.")
]
"""The identifier of a receipt after which a list goes on."""
