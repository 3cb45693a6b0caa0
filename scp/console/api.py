"""The HTTP API: what the pages show, as JSON, and the acts; also ``/healthz``, ``/readyz`` and ``/metrics``."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from scp.audit.catalogue import find
from scp.audit.rule import Rule
from scp.audit.series.result import SeriesVerdict
from scp.console.asking import ADesk, AnApiOperator, AViewer, BeforeReceipt, described_as_basic, viewer
from scp.console.views import now as now_view
from scp.console.views import quarantine as quarantine_view
from scp.console.views import report as report_view
from scp.console.views import rules as rules_view
from scp.console.views import series as series_view
from scp.ledger.acts import Wanted
from scp.observe.metrics import CONTENT_TYPE
from scp.quarantine.acts import BadReason


class Refusal(BaseModel):
    """Why a request was refused: a sentence, or a list of what is wrong with it."""

    detail: str | list[dict[str, Any]]


class Order(BaseModel):
    """What is to be done with an object in quarantine, and why."""

    model_config = ConfigDict(extra="forbid")

    act: quarantine_view.Act = Field(description="`release` judges again and admits what no rule refuses.")
    reason: str = Field(
        default="", max_length=quarantine_view.MOST_REASON, description="Needed for all but a release without force."
    )
    force: bool = Field(default=False, description="Release it whatever the rules say; this replaces nothing.")
    dry_run: bool = Field(default=False, description="Only say what would be done.")


class Me(BaseModel):
    """Who asks. Requests of a browser's session that act must send ``csrf`` as X-CSRF-Token."""

    name: str
    may_act: bool
    csrf: str | None


_Responses = dict[int | str, dict[str, Any]]


def _refusals(words: Mapping[HTTPStatus, str]) -> _Responses:
    return {status.value: {"model": Refusal, "description": text} for status, text in words.items()}


_TO_ANYBODY: Final = _refusals(
    {
        HTTPStatus.BAD_REQUEST: "The request is not valid HTTP, or its body is not text.",
        HTTPStatus.MISDIRECTED_REQUEST: "The console is not called by this name (Host).",
        HTTPStatus.INTERNAL_SERVER_ERROR: "The request failed; the log says where.",
    }
)
_REFUSALS: Final = _TO_ANYBODY | _refusals(
    {
        HTTPStatus.UNAUTHORIZED: "Nobody is signed in.",
        HTTPStatus.FORBIDDEN: "The user may not do this, or the request comes from another site.",
        HTTPStatus.UNPROCESSABLE_ENTITY: "The request is not as described.",
        HTTPStatus.TOO_MANY_REQUESTS: "Too many wrong passwords.",
        HTTPStatus.SERVICE_UNAVAILABLE: "The node has a fault, or this took too long.",
    }
)
_OF_BODIES: Final = _refusals(
    {
        HTTPStatus.REQUEST_TIMEOUT: "The body was not complete in time.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    }
)
_NOT_FOUND: Final = _refusals({HTTPStatus.NOT_FOUND: "There is none."})

# Every request needs a viewer; the acts also need an operator.
_FOR_VIEWERS: Final = [Depends(described_as_basic), Depends(viewer)]

router = APIRouter(prefix="/api/v1", responses=_REFUSALS, dependencies=_FOR_VIEWERS)
monitoring = APIRouter(tags=["monitoring"])

Days = Annotated[int, Query(ge=1, le=3660, description="How far to look back.")]
ReceiptId = Annotated[str, Path(pattern="^[0-9A-HJKMNP-TV-Z]{13}$", description="The identifier of a receipt.")]
Uid = Annotated[str, Path(max_length=64, pattern=r"^[0-9.]+$", description="A UID.")]


def _there(found: Any) -> Any:
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is none.")
    return found


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> Response:
    """Describe this API."""
    return JSONResponse(request.app.openapi())


@router.get("/me")
def me(visitor: AViewer) -> Me:
    """Return who asks."""
    return Me(name=visitor.name, may_act=visitor.may_act, csrf=visitor.csrf)


@router.get("/now")
def now(desk: ADesk) -> now_view.Now:
    """Return what is going on: associations in progress, rates, health."""
    return now_view.now(desk)


@router.get("/series")
def series_list(
    desk: ADesk,
    q: Annotated[
        str, Query(max_length=128, description="A UID or its beginning, a Patient ID or an Accession Number.")
    ] = "",
    ae: Annotated[str, Query(max_length=16, description="Calling AE title.")] = "",
    verdict: Annotated[SeriesVerdict | None, Query(description="Verdict of the newest audit.")] = None,
    before: Annotated[int | None, Query(ge=0, lt=2**63, description="`before` of the preceding page.")] = None,
) -> series_view.SeriesList:
    """List series, newest first."""
    return series_view.listed(desk, q.strip(), ae.strip(), verdict, before)


@router.get("/series/{uid}", responses=_NOT_FOUND)
def series(desk: ADesk, uid: Uid) -> series_view.SeriesPage:
    """Return one series: what is known about it, and what its audit found."""
    found = series_view.shown(desk, uid)
    if found is None and (refused := series_view.refused(desk, uid)):
        raise HTTPException(HTTPStatus.NOT_FOUND, f"Nothing of it is stored; {refused}.")
    known: series_view.SeriesPage = _there(found)
    return known


@router.get("/series/{uid}/instances", responses=_NOT_FOUND)
def instances(
    desk: ADesk,
    uid: Uid,
    first: Annotated[int, Query(ge=0, le=10_000_000, description="Counted from 0.")] = 0,
) -> tuple[series_view.Slice, ...]:
    """List at most 100 stored instances of a series, by Instance Number."""
    _there(series_view.one(desk, uid))
    return series_view.slices(desk, uid, first)


@router.get("/quarantine")
def quarantine(
    desk: ADesk,
    ae: Annotated[str, Query(max_length=16, description="Calling AE title.")] = "",
    rule: Annotated[str, Query(max_length=7, description="Code or family of the rule that refused.")] = "",
    series: Annotated[str, Query(max_length=64, description="Series Instance UID.")] = "",
    study: Annotated[str, Query(max_length=64, description="Study Instance UID.")] = "",
    patient: Annotated[str, Query(max_length=64, description="Patient ID.")] = "",
    days: Annotated[int | None, Query(ge=1, le=3660, description="How far to look back.")] = None,
    state: Wanted = Wanted.HELD,
    before: BeforeReceipt = None,
) -> quarantine_view.CaseList:
    """List objects that were refused, newest first."""
    wanted = quarantine_view.Filter(ae, rule, series, study, patient, days, state, before)
    return quarantine_view.listed(desk, wanted)


@router.get("/quarantine/{receipt}", responses=_NOT_FOUND)
def case(desk: ADesk, receipt: ReceiptId) -> dict[str, Any]:
    """Return the case of a refused object: both sides of every finding. It may hold patient data."""
    found: dict[str, Any] = _there(quarantine_view.case(desk, receipt))
    return found


@router.post(
    "/quarantine/{receipt}/act",
    responses=_OF_BODIES
    | {HTTPStatus.CONFLICT.value: {"model": dict[str, Any], "description": "It was not done, and why."}},
)
def act(desk: ADesk, visitor: AnApiOperator, receipt: ReceiptId, order: Annotated[Order, Body()]) -> Any:
    """Release, replace or drop an object. Every act is recorded, with who did it and why."""
    try:
        done, result = quarantine_view.act(
            desk, visitor, receipt, order.act, order.reason, force=order.force, dry_run=order.dry_run
        )
    except BadReason as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
    return JSONResponse(result, HTTPStatus.OK if done else HTTPStatus.CONFLICT)


@router.get("/senders")
def senders(desk: ADesk, days: Days = 30) -> dict[str, Any]:
    """Return counts and rates for each sender, scanner and rule."""
    return report_view.document(desk, days)


@router.get("/rules")
def rules(desk: ADesk, days: Days = 30) -> tuple[rules_view.RuleEntry, ...]:
    """List every rule, its severity on this node, and how often it fired."""
    return rules_view.rules(desk.node.policy(), report_view.fired(desk, days))


@router.get("/rules/{code}", responses=_NOT_FOUND)
def rule(
    desk: ADesk,
    code: Annotated[str, Path(max_length=7)],
    days: Days = 30,
) -> rules_view.RulePage:
    """Return one rule with its documentation."""
    found: Rule = _there(find(code))
    return rules_view.page(found, desk.node.policy(), report_view.fired(desk, days).get(found.code, rules_view.Fired()))


@monitoring.get("/healthz", responses=_TO_ANYBODY)
async def healthz() -> dict[str, str]:
    """Whether the process answers. For everybody, without signing in."""
    return {"status": "ok"}


@monitoring.get(
    "/readyz", responses=_TO_ANYBODY | {HTTPStatus.SERVICE_UNAVAILABLE.value: {"description": "The node cannot store."}}
)
def readyz(desk: ADesk) -> Response:
    """Whether the node can store, that is, disk and ledger work. For everybody, so it does not say what is wrong."""
    try:
        now_view.quarantined(desk)
        is_well = now_view.health(desk).is_well
    except Exception:  # noqa: BLE001 - whatever it is, the node is not ready
        is_well = False
    return JSONResponse(
        {"status": "ready" if is_well else "unhealthy"}, HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
    )


@monitoring.get("/metrics", responses=_REFUSALS, dependencies=_FOR_VIEWERS)
def metrics(desk: ADesk) -> Response:
    """Return metrics for Prometheus."""
    return Response(desk.node.metrics(), media_type=CONTENT_TYPE)
