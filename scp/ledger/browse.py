"""Series and their instances, a page at a time: newest first, from where the previous page ended.

Every statement follows an index. The list of all series stops after a page, whatever the size of the ledger; a filter
by sender or verdict that few series fit has to look at all of them, and what fits the beginning of a UID is sorted.
Times are microseconds UTC since 1970. Patients are found by the fingerprint of what was asked for: the ledger knows
nothing else of them.
"""

from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from scp.audit.finding import Severity
from scp.audit.series.result import SeriesVerdict
from scp.ledger.reading import fetch
from scp.ledger.uid_key import by_uid
from scp.outcomes import Outcome

_AFTER_DIGITS: Final = ":"
"""Sorts behind every character of a UID."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series.

    ``received``, ``calling_ae_title``, ``address`` and ``shared`` (the tracked values) are those of its first instance.
    ``verdict`` is that of its newest audit, None if it was never audited.
    """

    number: int
    uid: str
    study_uid: str
    received: int
    calling_ae_title: str
    address: str
    shared: dict[str, str]
    instances: int
    refused: int
    verdict: SeriesVerdict | None


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """A stored instance of a series.

    ``codes`` are the rules that warn, in order; ``overruled`` those that refuse it, though a person released it.
    """

    receipt: int
    uid: str
    number: int | None
    sop_class_uid: str
    transfer_syntax: str
    received: int
    calling_ae_title: str
    size: int
    outcome: Outcome
    status: int | None
    codes: tuple[str, ...]
    overruled: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class SeriesFilter:
    """Which series to list: those that fit everything that is set.

    ``uid`` is the beginning of the UID of a series or study, or the UID of an instance; ``fingerprint`` is that of a
    Patient ID or Accession Number. If both are set, a series need fit only one of them. ``before`` is the number of the
    last row of the previous page, None for the first page.
    """

    uid: str = ""
    fingerprint: str = ""
    calling_ae_title: str = ""
    verdict: SeriesVerdict | None = None
    before: int | None = None
    limit: int = 50


_SELECT_SERIES: Final = """
    SELECT series.id, series.uid, study.uid, receipt.received, calling_ae_title, address, series.tracked,
        (SELECT count(*) FROM instance INDEXED BY instance_number WHERE instance.series = series.id),
        (SELECT count(*) FROM receipt AS refused
            WHERE refused.series_instance_uid = series.uid AND refused.kept <> 'archive'
            AND refused.outcome = 'refuse'),
        (SELECT verdict FROM series_audit WHERE series_audit.series = series.id ORDER BY id DESC LIMIT 1) AS verdict
    FROM series
    JOIN study ON study.id = series.study
    JOIN receipt ON receipt.id = series.reference
    JOIN association ON association.id = receipt.association"""

_SELECT_INSTANCES: Final = f"""
    SELECT instance.id, instance.uid, number, sop_class_uid, instance.transfer_syntax, received, calling_ae_title, size,
        outcome, status,
        (SELECT json_group_array(code) FROM finding WHERE receipt = instance.id AND severity = {Severity.WARN:d}),
        (SELECT json_group_array(code) FROM finding WHERE receipt = instance.id AND severity = {Severity.REFUSE:d}),
        path
    FROM instance
    JOIN receipt ON receipt.id = instance.id
    JOIN association ON association.id = receipt.association
    WHERE instance.series = (SELECT id FROM series WHERE uid = ?)
    ORDER BY number, instance.id LIMIT ? OFFSET ?"""


def series_page(db: apsw.Connection, wanted: SeriesFilter) -> list[SeriesRow]:
    """Return a page of series, newest first."""
    conditions, values = ["series.uid <> ''"], list[Any]()  # objects of no patient are no series together
    if wanted.uid or wanted.fingerprint:
        condition, more = _matching(wanted)
        conditions.append(condition)
        values += more
    if wanted.calling_ae_title:
        conditions.append("calling_ae_title = ?")
        values.append(wanted.calling_ae_title)
    if wanted.verdict is not None:
        conditions.append("verdict = ?")
        values.append(wanted.verdict.value)
    if wanted.before is not None:
        conditions.append("series.id < ?")
        values.append(wanted.before)
    statement = f"{_SELECT_SERIES} WHERE {' AND '.join(conditions)} ORDER BY series.id DESC LIMIT ?"
    return [_series(row) for row in fetch(db, statement, (*values, wanted.limit))]


def one_series(db: apsw.Connection, uid: str) -> SeriesRow | None:
    """Return the series with this UID."""
    found = fetch(db, f"{_SELECT_SERIES} WHERE series.uid = ?", (uid,))
    return _series(found[0]) if found else None


def instances_page(db: apsw.Connection, series_uid: str, limit: int, offset: int = 0) -> list[InstanceRow]:
    """Return a page of the stored instances of a series by Instance Number, those without one first."""
    return [_instance(row) for row in fetch(db, _SELECT_INSTANCES, (series_uid, limit, offset))]


def one_instance(db: apsw.Connection, uid: str) -> tuple[int, str, str] | None:
    """Return receipt, path and Series Instance UID of a stored instance; None if it is not stored."""
    row: tuple[int, str, str] | None = db.execute(
        "SELECT receipt.id, receipt.path, series.uid FROM instance JOIN receipt ON receipt.id = instance.id"
        " JOIN series ON series.id = instance.series WHERE instance.key = ? AND instance.uid = ?",
        by_uid(uid),
    ).fetchone()
    return row


def _matching(wanted: SeriesFilter) -> tuple[str, list[Any]]:
    """Return the condition that finds what somebody typed, and its values."""
    conditions, values = list[str](), list[Any]()
    if wanted.fingerprint:
        for name in ("patient", "accession_number"):
            conditions.append(f"series.study IN (SELECT id FROM study WHERE json_extract(tracked, '$.{name}') = ?)")
            values.append(wanted.fingerprint)
    if wanted.uid:
        ends = [wanted.uid, wanted.uid + _AFTER_DIGITS]
        conditions += [
            "series.id IN (SELECT id FROM series WHERE uid BETWEEN ? AND ?)",
            "series.study IN (SELECT id FROM study WHERE uid BETWEEN ? AND ?)",
            "series.id IN (SELECT series FROM instance WHERE key = ? AND uid = ?)",
        ]
        values += [*ends, *ends, *by_uid(wanted.uid)]
    return f"({' OR '.join(conditions)})", values


def _series(row: Any) -> SeriesRow:
    plain, (shared, instances, refused, verdict) = row[:6], row[6:]
    values = (*plain, orjson.loads(shared), instances, refused, SeriesVerdict(verdict) if verdict else None)
    return SeriesRow(*values)


def _instance(row: Any) -> InstanceRow:
    plain, (outcome, status, codes, overruled, path) = row[:8], row[8:]
    values = (*plain, Outcome(outcome), status, tuple(orjson.loads(codes)), tuple(orjson.loads(overruled)), path)
    return InstanceRow(*values)
