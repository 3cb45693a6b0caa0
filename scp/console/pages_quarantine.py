"""The pages of quarantine: the list, the case, and the acts."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import RedirectResponse, Response

from scp.console.access import Visitor
from scp.console.asking import ADesk, AForm, AnOperator, AViewer, BeforeReceipt, field_of, viewer
from scp.console.desk import Desk
from scp.console.pages import page
from scp.console.views import case as case_view
from scp.console.views import quarantine as view
from scp.ledger.acts import Wanted
from scp.quarantine.acts import BadReason

router = APIRouter(dependencies=[Depends(viewer)])

_MOST_AT_ONCE: Final = 100
"""Most objects for one request: more than a page of the list shows."""


@router.get("/quarantine")
def cases(
    desk: ADesk,
    visitor: AViewer,
    ae: Annotated[str, Query(max_length=16)] = "",
    rule: Annotated[str, Query(max_length=7)] = "",
    series: Annotated[str, Query(max_length=64)] = "",
    study: Annotated[str, Query(max_length=64)] = "",
    patient: Annotated[str, Query(max_length=64)] = "",
    days: Annotated[str, Query(max_length=4, pattern=r"^\d*$")] = "",
    state: Wanted = Wanted.HELD,
    before: BeforeReceipt = None,
) -> Response:
    """List what was refused."""
    wanted = view.Filter(
        ae.strip(), rule.strip().upper(), series.strip(), study.strip(), patient.strip(),
        int(days) if days and int(days) else None, state, before,
    )  # fmt: skip
    return page("quarantine.html", desk, visitor, "quarantine", wanted=wanted, found=view.listed(desk, wanted))


@router.get("/quarantine/{receipt}")
def case(desk: ADesk, visitor: AViewer, receipt: str, done: str = "") -> Response:
    """Show a case."""
    return _case_page(desk, visitor, receipt, done=done)


@router.post("/quarantine/{receipt}/{act}")
def act(desk: ADesk, visitor: AnOperator, form: AForm, receipt: str, act: view.Act) -> Response:
    """Act on one object."""
    reason, force = field_of(form, "reason"), bool(field_of(form, "force"))
    try:
        done, result = view.act(desk, visitor, receipt, act, reason, force=force)
    except BadReason:
        return _case_page(
            desk, visitor, receipt, status=HTTPStatus.UNPROCESSABLE_ENTITY, problem="Say why: the reason is kept."
        )
    if done:
        return RedirectResponse(f"/quarantine/{receipt}?done={result['outcome']}", HTTPStatus.SEE_OTHER)
    return _case_page(desk, visitor, receipt, status=HTTPStatus.CONFLICT, result=result)


@router.post("/quarantine")
def act_on_several(desk: ADesk, visitor: AnOperator, form: AForm) -> Response:
    """Act on the selected objects, one after the other, and say what became of each."""
    receipts = form.get("receipt", [])[:_MOST_AT_ONCE]
    try:
        wanted = view.Act(field_of(form, "act"))
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "There is no such act.") from None
    reason = field_of(form, "reason")
    if not receipts:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "Nothing was selected.")
    if wanted is not view.Act.RELEASE and not reason:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "Say why: the reason is kept.")
    results = [view.act(desk, visitor, one, wanted, reason)[1] for one in receipts]
    return page("acted.html", desk, visitor, "quarantine", results=results, act=wanted)


def _case_page(
    desk: Desk, visitor: Visitor, receipt: str, status: int = HTTPStatus.OK, done: str = "", **more: Any
) -> Response:
    found = view.case(desk, receipt)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such case.")
    decisive = case_view.decisive(found)
    values = {"problem": "", "result": None} | more
    return page(
        "case.html", desk, visitor, "quarantine", status, case=found, receipt=receipt, done=done, decisive=decisive,
        is_displaced=case_view.is_displaced(found), findings=case_view.by_weight(found), sides=case_view.sides,
        advice=case_view.advice(decisive), **values,
    )  # fmt: skip
