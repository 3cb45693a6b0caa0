"""All HTML pages but those of quarantine; the templates escape what they show."""

from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit

import structlog
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from scp.audit.catalogue import find
from scp.audit.series.result import SeriesVerdict
from scp.console import asking
from scp.console.access import Visitor, Wait
from scp.console.asking import ADesk, AForm, AViewer, address_of, cookie_of, field_of, viewer
from scp.console.desk import Desk
from scp.console.rendering import ASSETS, STATIC, asset_version, html
from scp.console.thumbnails import NoPicture
from scp.console.views import now as now_view
from scp.console.views import quarantine as quarantine_view
from scp.console.views import report as report_view
from scp.console.views import rules as rules_view
from scp.console.views import series as series_view
from scp.reporting import as_csv

router = APIRouter(dependencies=[Depends(viewer)])
public = APIRouter()
"""What everybody may request without signing in."""

_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_PICTURE_HEADERS: Final = {
    # A picture may also be opened by itself; then it must not run or load anything either.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
_MOST_LATE: Final = 6

_log = structlog.get_logger()


def page(template: str, desk: Desk, visitor: Visitor, here: str, status: int = 200, **values: Any) -> Response:
    """Return a page, with the values that every page needs."""
    return html(template, status, visitor=visitor, here=here, quarantined=now_view.quarantined(desk), **values)


def login_address(request: Request) -> str:
    """Return the address of the login page, which leads back to the page that was requested."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}"


@public.get("/static/{version}/{name}")
def static(version: str, name: str) -> Response:
    """Return one of our own files."""
    if name not in ASSETS or version != asset_version(name):
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such file.")
    return Response((STATIC / name).read_bytes(), media_type=ASSETS[name], headers=_FOR_EVER)


@public.get("/login")
def login_form(desk: ADesk, next: str = "/") -> Response:  # noqa: A002 - it is the field's name
    """Ask for name and password."""
    if not desk.access.has_users:
        return RedirectResponse(_own_path(next), HTTPStatus.SEE_OTHER)
    return _login_page(next)


@public.post("/login")
def login(request: Request, desk: ADesk, form: AForm) -> Response:
    """Sign in."""
    name, address, target = field_of(form, "name"), address_of(request), _own_path(field_of(form, "next"))
    password = next(iter(form.get("password", ())), "").encode()
    checked = desk.access.check_password(name, password, address)
    if isinstance(checked, Wait):
        _log.warning("console_login_throttled", address=address)
        response = _login_page(
            target, name, f"Too many wrong passwords. Try again in {checked.seconds} seconds.",
            HTTPStatus.TOO_MANY_REQUESTS,
        )  # fmt: skip
        response.headers["Retry-After"] = str(checked.seconds)
        return response
    if not checked:
        _log.warning("console_login_failed", address=address)
        return _login_page(target, name, "User name or password is wrong.", HTTPStatus.FORBIDDEN)
    _log.info("console_login", user=name, address=address)
    desk.access.sessions.close(cookie_of(request))
    response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    secure = request.url.scheme == "https"
    response.set_cookie(
        asking.SECURE_COOKIE if secure else asking.COOKIE, desk.access.sessions.open(name),
        httponly=True, secure=secure, samesite="lax", path="/",
    )  # fmt: skip
    return response


@router.post("/logout")
def logout(request: Request, desk: ADesk, visitor: AViewer, form: AForm) -> Response:
    """Sign out."""
    if visitor.is_token(field_of(form, asking.CSRF_FIELD)):
        desk.access.sessions.close(cookie_of(request))
    return RedirectResponse("/login" if desk.access.has_users else "/", HTTPStatus.SEE_OTHER)


def _login_page(target: str, name: str = "", message: str = "", status: int = HTTPStatus.OK) -> Response:
    return html(
        "login.html", status, visitor=None, here="", quarantined=0, next=_own_path(target), name=name, message=message
    )


def _own_path(target: str) -> str:
    """Return a path on this site to go on with; ``/`` if the target is on another site."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    is_ours = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_ours and target.isprintable() else "/"


@router.get("/")
def now(desk: ADesk, visitor: AViewer) -> Response:
    """Show what is going on."""
    return page("now.html", desk, visitor, "now", **_now(desk))


@router.get("/now/live")
def now_live(desk: ADesk) -> Response:
    """Return the part of *Now* that changes."""
    return html("now_live.html", **_now(desk))


def _now(desk: Desk) -> dict[str, Any]:
    return {"now": now_view.now(desk), "cases": quarantine_view.latest(desk, _MOST_LATE)}


@router.get("/series")
def series_list(
    desk: ADesk,
    visitor: AViewer,
    q: Annotated[str, Query(max_length=128)] = "",
    ae: Annotated[str, Query(max_length=16)] = "",
    verdict: Annotated[str, Query(max_length=16)] = "",
    before: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
) -> Response:
    """List series."""
    q, ae = q.strip(), ae.strip()
    wanted = next((one for one in SeriesVerdict if one == verdict), None)
    found = series_view.listed(desk, q, ae, wanted, before)
    return page("series_list.html", desk, visitor, "series", found=found, q=q, ae=ae, verdict=wanted)


@router.get("/series/{uid}")
def series(desk: ADesk, visitor: AViewer, uid: str, first: Annotated[int, Query(ge=0, le=10_000_000)] = 0) -> Response:
    """Show a series."""
    found = series_view.shown(desk, uid)
    if found is None:
        return _unstored(desk, visitor, uid)
    slices = series_view.slices(desk, uid, first)
    return page(
        "series.html", desk, visitor, "series", found=found, series=found.series, slices=slices, first=first,
        step=series_view.SLICES, refused=quarantine_view.of_series(desk, uid),
        middle=slices[len(slices) // 2].sop_instance_uid if slices else "",
    )  # fmt: skip


def _unstored(desk: ADesk, visitor: AViewer, uid: str) -> Response:
    """Say that nothing of a series is stored, if anything of it was received at all."""
    refused = series_view.refused(desk, uid)
    if refused is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such series.")
    return page(
        "series_unstored.html", desk, visitor, "series", uid=uid, refused=refused,
        cases=quarantine_view.of_series(desk, uid),
    )  # fmt: skip


@router.get("/series/{uid}/plot.svg")
def plot(desk: ADesk, uid: str) -> Response:
    """Draw where the slices of a series lie."""
    drawn = series_view.plot(desk, uid)
    if drawn is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is nothing to draw.")
    return Response(drawn, media_type="image/svg+xml", headers=_PICTURE_HEADERS)


@router.get("/instances/{uid}/thumbnail.png")
def thumbnail(desk: ADesk, uid: str) -> Response:
    """Show a thumbnail of an image."""
    found = series_view.instance(desk, uid)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such instance.")
    try:
        picture = desk.thumbnails.png(found[0], found[1])
    except NoPicture as why:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"No picture: {why}.") from None
    return Response(picture, media_type="image/png", headers=_PICTURE_HEADERS)


@router.get("/senders")
def senders(desk: ADesk, visitor: AViewer, days: Annotated[int, Query(ge=1, le=3660)] = 30) -> Response:
    """Show what each sender and scanner sends."""
    return page("senders.html", desk, visitor, "senders", report=report_view.document(desk, days), days=days)


@router.get("/senders.csv")
def senders_as_table(desk: ADesk, days: Annotated[int, Query(ge=1, le=3660)] = 30) -> Response:
    """Return the same as CSV, for a spreadsheet."""
    name = {"Content-Disposition": f'attachment; filename="auditscp-{days}-days.csv"'}
    return Response(as_csv(report_view.report(desk, days)), media_type="text/csv; charset=utf-8", headers=name)


@router.get("/rules")
def rules(desk: ADesk, visitor: AViewer, days: Annotated[int, Query(ge=1, le=3660)] = 30) -> Response:
    """List the rules."""
    found = rules_view.rules(desk.node.policy(), report_view.fired(desk, days))
    families = [(name, list(members)) for name, members in groupby(found, key=lambda rule: rule.family_name)]
    settings = desk.node.settings()
    return page(
        "rules.html", desk, visitor, "rules", families=families, days=days, profile=settings.audit.profile,
        peers=len(settings.peer),
    )  # fmt: skip


@router.get("/rules/{code}")
def rule(desk: ADesk, visitor: AViewer, code: str, days: Annotated[int, Query(ge=1, le=3660)] = 30) -> Response:
    """Show a rule's page."""
    found = find(code)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such rule.")
    fired = report_view.fired(desk, days).get(found.code, rules_view.Fired())
    shown = rules_view.page(found, desk.node.policy(), fired)
    return page("rule.html", desk, visitor, "rules", page=shown, days=days)
