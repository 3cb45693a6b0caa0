"""The page *Senders*, and how often rules fired: the report of the last days."""

import time
from collections.abc import Mapping
from typing import Any, Final

from scp.console.desk import Desk
from scp.console.views.rules import Fired
from scp.ledger.reports import Report
from scp.ledger.reports import report as counted
from scp.reporting import report_document

_DAY_US: Final = 86_400_000_000


def report(desk: Desk, days: int) -> Report:
    """Return the report of the last ``days``, by sender, scanner and rule."""
    now = time.time_ns() // 1000
    with desk.readers.reading() as db:
        return counted(db, now, now - days * _DAY_US)


def document(desk: Desk, days: int) -> dict[str, Any]:
    """Return the same as a JSON document."""
    return dict(report_document(report(desk, days)))


def fired(desk: Desk, days: int) -> Mapping[str, Fired]:
    """Return how often each rule fired in the last days."""
    return {one.code: Fired(one.noted, one.warned, one.refused) for one in report(desk, days).rules}
