"""What people are to be notified of, read from the ledger: refusals by association, and audits of series.

The ledger remembers all of it, so a notifier only has to remember the last number that it has reported. The receipts of
one association are written in the order of their numbers, and so are audits.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import apsw

from scp.audit.finding import Severity
from scp.ledger.reading import fetch

_MOST_SERIES: Final = 20

_REFUSED_SINCE: Final = """SELECT association, min(id), max(id) FROM receipt
    WHERE outcome = 'refuse' AND association >= ? GROUP BY association ORDER BY association"""
_FIRST_AFTER: Final = "SELECT min(id) FROM receipt WHERE outcome = 'refuse' AND association = ? AND id > ?"
_SENDER: Final = "SELECT calling_ae_title, called_ae_title, address FROM association WHERE id = ?"
_CODE: Final = f"""(SELECT code FROM finding WHERE finding.receipt = receipt.id AND severity = {Severity.REFUSE:d}
    ORDER BY position LIMIT 1)"""
_OF_ASSOCIATION: Final = "FROM receipt WHERE outcome = 'refuse' AND association = ? AND id > ? AND id <= ?"
_BY_CODE: Final = f"SELECT {_CODE} AS code, status, count(*) {_OF_ASSOCIATION} GROUP BY code, status"
_SERIES: Final = f"""SELECT DISTINCT series_instance_uid {_OF_ASSOCIATION} AND series_instance_uid <> ''
    LIMIT {_MOST_SERIES}"""
_CASES: Final = (
    f"SELECT original, {_CODE} AS code, status, affected_sop_instance_uid {_OF_ASSOCIATION} ORDER BY id LIMIT ?"
)
_AUDITS: Final = """SELECT series_audit.id, series.uid, study.uid, verdict, instances, made FROM series_audit
    JOIN series ON series.id = series_audit.series JOIN study ON study.id = series.study
    WHERE series_audit.id > ? AND verdict <> 'consistent' AND (
        verdict IS NOT (SELECT verdict FROM series_audit AS former WHERE former.series = series_audit.series
            AND former.id < series_audit.id ORDER BY id DESC LIMIT 1)
        OR EXISTS (SELECT 1 FROM series_finding WHERE series_finding.series = series_audit.series
            AND opened = series_audit.id))
    ORDER BY series_audit.id LIMIT ?"""
_OPEN_FINDINGS: Final = f"""SELECT code FROM series_finding WHERE opened <= ?
    AND (closed IS NULL OR closed > ?)
    AND severity >= {Severity.WARN:d} AND series = (SELECT series FROM series_audit WHERE id = ?)"""


@dataclass(frozen=True, slots=True)
class Untold:
    """An association with refusals that nobody was notified of: the receipts of the first and the last of them."""

    association: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Case:
    """One refused object: the receipt under which its bytes are kept, and why it was refused."""

    receipt: int
    code: str
    status: int
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """What was refused on an association, counted by code and by status.

    ``series`` and ``cases`` are the first few. A code may be empty: a command set can be refused without a rule.
    """

    association: int
    calling_ae_title: str
    called_ae_title: str
    address: str
    refused: int
    by_code: Mapping[str, int]
    by_status: Mapping[int, int]
    series: tuple[str, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit of a series that found something; ``codes`` counts the findings that it left open."""

    audit: int
    codes: Mapping[str, int]
    series_instance_uid: str
    study_instance_uid: str
    verdict: str
    instances: int
    made: int


def untold(db: apsw.Connection, since: int, told: Mapping[int, int]) -> list[Untold]:
    """Return the associations, oldest first, that have refusals nobody was notified of.

    ``since`` is the number of the first association to look at; ``told`` maps associations to the receipt of the last
    refusal that was notified.
    """
    found = []
    for association, first, last in fetch(db, _REFUSED_SINCE, (since,)):
        reached = told.get(association, 0)
        if last > reached:
            begins = first if first > reached else fetch(db, _FIRST_AFTER, (association, reached))[0][0]
            found.append(Untold(association, begins, last))
    return found


def refusals(db: apsw.Connection, one: Untold, cases: int) -> Refusals:
    """Return what to say about an association, with at most ``cases`` cases."""
    part = (one.association, one.first - 1, one.last)
    by_code: Counter[str] = Counter()
    by_status: Counter[int] = Counter()
    for code, status, number in fetch(db, _BY_CODE, part):
        by_code[code or ""] += number
        by_status[status] += number
    calling, called, address = fetch(db, _SENDER, (one.association,))[0]
    return Refusals(
        association=one.association,
        calling_ae_title=calling,
        called_ae_title=called,
        address=address,
        refused=by_status.total(),
        by_code=by_code,
        by_status=by_status,
        series=tuple(uid for (uid,) in fetch(db, _SERIES, part)),
        cases=tuple(Case(receipt, code or "", *rest) for receipt, code, *rest in fetch(db, _CASES, (*part, cases))),
    )


def audits(db: apsw.Connection, after: int, most: int) -> list[Audited]:
    """Return the audits with a number above ``after`` that found something new, oldest first, ``most`` at most.

    That is another verdict than the audit before, or a new finding. Audits of consistent series are left out.
    """
    return [Audited(audit, _codes(db, audit), *rest) for audit, *rest in fetch(db, _AUDITS, (after, most))]


def last_audit(db: apsw.Connection, before: int) -> int:
    """Return the number of the newest audit made before a time, 0 if there is none."""
    found = fetch(db, "SELECT id FROM series_audit WHERE made < ? ORDER BY id DESC LIMIT 1", (before,))
    return found[0][0] if found else 0


def _codes(db: apsw.Connection, audit: int) -> Mapping[str, int]:
    return Counter(code for (code,) in fetch(db, _OPEN_FINDINGS, (audit, audit, audit)))
