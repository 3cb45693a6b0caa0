"""The page *Quarantine*: what was refused, the case of each object, and the acts."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog

from scp.console.access import Visitor
from scp.console.desk import Desk
from scp.ids import from_text
from scp.ledger.acts import Wanted
from scp.ledger.queries import HeldFilter, ReceiptFilter, entry_document, held, patient_fingerprint, receipts
from scp.outcomes import Outcome
from scp.quarantine.acts import Result, result_document
from scp.quarantine.listing import case_of

PAGE: Final = 50
MOST_REASON: Final = 500
_DAY_US: Final = 86_400_000_000
_FEW: Final = 20
_MOST_OF_SERIES: Final = 200

_log = structlog.get_logger()

_NO_RECEIPT: Final[dict[str, Any]] = {
    "type": "act", "done": False, "outcome": "impossible", "why": "there is no such receipt", "codes": [],
    "findings": [], "other": None, "act": None,
}  # fmt: skip


class Act(StrEnum):
    """What may be done with an object in quarantine."""

    RELEASE = "release"
    REPLACE = "replace"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases to list; empty texts do not filter. ``before`` is the last receipt of the preceding page."""

    ae: str = ""
    rule: str = ""
    series: str = ""
    study: str = ""
    patient: str = ""
    days: int | None = None
    state: Wanted = Wanted.HELD
    before: str | None = None


@dataclass(frozen=True, slots=True)
class CaseList:
    """A page of cases; with its ``before`` the next page can be asked for, None if this is the last."""

    cases: tuple[dict[str, Any], ...]
    before: str | None


def listed(desk: Desk, wanted: Filter) -> CaseList:
    """Return a page of cases, newest first."""
    since = time.time_ns() // 1000 - wanted.days * _DAY_US if wanted.days else None
    with desk.readers.reading() as db:
        found = held(
            db,
            HeldFilter(
                since=since,
                calling_ae_title=wanted.ae or None,
                rule=wanted.rule or None,
                series=wanted.series or None,
                study=wanted.study or None,
                patient=patient_fingerprint(desk.readers.path, wanted.patient) if wanted.patient else None,
                state=wanted.state.state,
                limit=PAGE + 1,
                before=_number(wanted.before) if wanted.before else None,
            ),
        )
    cases = tuple(dict(entry_document(one)) for one in found[:PAGE])
    return CaseList(cases, str(cases[-1]["receipt"]) if len(found) > PAGE else None)


def latest(desk: Desk, most: int) -> tuple[Mapping[str, Any], ...]:
    """Return the newest objects in quarantine."""
    with desk.readers.reading() as db:
        return tuple(entry_document(one) for one in held(db, HeldFilter(limit=most)))


def of_series(desk: Desk, uid: str) -> tuple[Mapping[str, Any], ...]:
    """Return the newest refused objects of a series, whatever became of them."""
    wanted = ReceiptFilter(series=uid, outcome=Outcome.REFUSE, limit=_MOST_OF_SERIES)
    with desk.readers.reading() as db:
        cases = [one for one in receipts(db, wanted) if one.state]
    return tuple(entry_document(one) for one in cases[:_FEW])


def case(desk: Desk, receipt: str) -> dict[str, Any] | None:
    """Return the case of a refused object; None if there is none."""
    number = _number(receipt)
    if number is None:
        return None
    with desk.readers.reading() as db:
        found = case_of(db, desk.node.store.folder, number)
    return None if found is None else dict(found)


def act(
    desk: Desk, visitor: Visitor, receipt: str, kind: Act, reason: str, *, force: bool = False, dry_run: bool = False
) -> tuple[bool, Mapping[str, Any]]:
    """Act on an object; return whether it was done, and the result. Raises BadReason if a needed reason is missing."""
    number, who = _number(receipt), f"console:{visitor.name}"
    if number is None:
        return False, _NO_RECEIPT | {"kind": kind.value, "receipt": receipt}
    reason, quarantine = reason.strip()[:MOST_REASON], desk.node.quarantine
    acts: Mapping[Act, Callable[[], Result]] = {
        Act.RELEASE: lambda: quarantine.release(number, who, reason, force=force, dry_run=dry_run),
        Act.REPLACE: lambda: quarantine.replace(number, who, reason, dry_run=dry_run),
        Act.DROP: lambda: quarantine.drop(number, who, reason, dry_run=dry_run),
    }
    result = acts[kind]()
    if result.done and not dry_run:
        _log.info("console_act", user=visitor.name, act=kind.value, receipt=receipt, outcome=result.outcome)
    return result.done, result_document(result)


def _number(receipt: str) -> int | None:
    try:
        return from_text(receipt)
    except ValueError:
        return None
