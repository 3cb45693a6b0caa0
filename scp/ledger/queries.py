"""Lists of receipts: newest first, by what people ask for, a page at a time.

Each list follows the index that fits its narrowest filter, and stops when the page is full; the other filters are
checked row by row. ``tests/unit/ledger/test_queries.py`` proves that no list reads a whole table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import apsw
import orjson

from scp.audit.catalogue import RULES
from scp.audit.finding import Severity
from scp.audit.tracked import fingerprint
from scp.ids import as_text, id_at
from scp.layout import Place, timestamp
from scp.ledger.acts import STATES, State
from scp.ledger.key import key_path, load_key
from scp.ledger.reading import fetch
from scp.ledger.scanners import COLUMNS
from scp.ledger.uid_key import key_of
from scp.outcomes import Outcome

PAGE: Final = 100
_RECENT: Final = 20_000
"""How many of the newest receipts are searched for a sender's before its associations are looked up."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A receipt as a list shows it. ``codes`` are the rules that warned or refused, the most severe first.

    ``original`` is the receipt under which the bytes are kept. ``state`` is what became of a refused object, None for
    one that never was in quarantine. ``tightened`` says with which status stricter profiles would have refused it.
    ``replaced_by`` is the receipt of the instance for which this one went to quarantine.
    """

    id: int
    received: int
    association: int
    calling_ae_title: str
    address: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    outcome: str
    status: int | None
    comment: str
    size: int
    path: str
    original: int
    tightened: Mapping[str, int]
    kept: Place
    codes: tuple[str, ...]
    scanner: Mapping[str, str]
    state: State | None
    replaced_by: int | None


@dataclass(frozen=True, slots=True)
class HeldFilter:
    """Which objects of the quarantine: those that fit everything that is set.

    ``rule`` is a code or a family, ``patient`` a fingerprint (:func:`patient_fingerprint`), ``before`` the last
    receipt of the previous page. A ``state`` or ``limit`` of None means all. Times are microseconds UTC since 1970.
    """

    since: int | None = None
    calling_ae_title: str | None = None
    rule: str | None = None
    series: str | None = None
    study: str | None = None
    patient: str | None = None
    state: State | None = State.HELD
    limit: int | None = PAGE
    before: int | None = None


@dataclass(frozen=True, slots=True)
class ReceiptFilter:
    """Which receipts: those that fit everything that is set.

    ``rule`` is a code that warned or refused, or a family; the rest is as in :class:`HeldFilter`.
    """

    since: int | None = None
    until: int | None = None
    calling_ae_title: str | None = None
    outcome: str | None = None
    status: int | None = None
    rule: str | None = None
    series: str | None = None
    instance: str | None = None
    limit: int | None = PAGE
    before: int | None = None


_SELECT: Final = f"""SELECT receipt.id, received, receipt.association, calling_ae_title, address,
    affected_sop_class_uid, affected_sop_instance_uid, series_instance_uid, study_instance_uid, outcome, status,
    comment, size, path, original, tightened, kept,
    (SELECT json_group_array(code) FROM (SELECT code FROM finding WHERE finding.receipt = receipt.id
        AND severity >= {Severity.WARN:d} ORDER BY severity DESC, position)),
    (SELECT kind FROM act WHERE act.receipt = receipt.id ORDER BY act.id DESC LIMIT 1),
    (SELECT act.receipt FROM act WHERE act.other = receipt.id ORDER BY act.id DESC LIMIT 1),
    {", ".join(f"scanner.{name}" for name in COLUMNS)}
    FROM receipt JOIN association ON association.id = receipt.association
    LEFT JOIN scanner ON scanner.id = receipt.scanner WHERE receipt.id = ?"""

_PLAIN: Final = tuple(one.name for one in fields(Entry))[:15]
"""The fields that are unchanged columns: the first fields of an entry, and the first columns of the statement."""

# What each field of a filter asks of a receipt.
_CONDITIONS: Final = {
    "since": "receipt.id >= :since",
    "until": "receipt.id < :until",
    "before": "receipt.id < :before",
    # From the receipt to its sender, as a sender may have had more associations than one would want to list.
    "calling_ae_title": """:calling_ae_title =
        (SELECT calling_ae_title FROM association WHERE association.id = receipt.association)""",
    "outcome": "outcome = :outcome",
    "status": "status = :status",
    "study": "study_instance_uid = :study",
    "series": "series_instance_uid = :series",
    "patient": "patient = :patient",
    "rule": f"""EXISTS (SELECT 1 FROM finding WHERE finding.receipt = receipt.id AND severity >= {Severity.WARN:d}
        AND code IN (SELECT value FROM json_each(:rule)))""",
}
_HELD: Final = f"FROM receipt INDEXED BY {{index}} WHERE kept = '{Place.QUARANTINE}'"
_HELD_INDEXES: Final = {
    "patient": "receipt_held_patient", "series": "receipt_held_series", "study": "receipt_held_study",
}  # fmt: skip
_ACTED: Final = f"""FROM receipt WHERE kept <> '{Place.QUARANTINE}' AND receipt.id IN (
    SELECT receipt FROM act INDEXED BY act_on_held WHERE former >= 'quarantine/' AND former < 'quarantine0'
    AND kind IN (SELECT value FROM json_each(:kinds)))"""

_ALL: Final = "FROM receipt WHERE TRUE"
_RECENT_ONES: Final = f"""FROM receipt WHERE
    receipt.id > ifnull((SELECT id FROM receipt ORDER BY id DESC LIMIT 1 OFFSET {_RECENT}), 0)"""
_BY_SENDER: Final = """FROM association INDEXED BY association_sender
    CROSS JOIN receipt INDEXED BY receipt_association ON receipt.association = association.id
    WHERE association.calling_ae_title = :sender"""
_BY_INSTANCE: Final = f"""FROM receipt WHERE receipt.id IN (
    SELECT id FROM instance WHERE key = :key AND uid = :instance UNION
    SELECT id FROM receipt INDEXED BY receipt_unstored_instance
    WHERE affected_sop_instance_uid = :instance AND kept <> '{Place.ARCHIVE}')"""
_BY_SERIES: Final = f"""FROM receipt WHERE receipt.id IN (
    SELECT instance.id FROM series CROSS JOIN instance ON instance.series = series.id WHERE series.uid = :series UNION
    SELECT id FROM receipt INDEXED BY receipt_unstored_series
    WHERE series_instance_uid = :series AND kept <> '{Place.ARCHIVE}')"""
_BY_RULE: Final = f"""FROM finding INDEXED BY finding_code CROSS JOIN receipt ON receipt.id = finding.receipt
    WHERE finding.code = :code AND finding.severity > {Severity.INFO:d}
    AND finding.position = (SELECT min(position) FROM finding AS first WHERE first.receipt = finding.receipt
        AND first.code = finding.code AND first.severity > {Severity.INFO:d})"""
_BY_STATUS: Final = f"""FROM receipt INDEXED BY receipt_status
    WHERE status = :status AND outcome <> '{Outcome.ACCEPT}'"""
_BY_OUTCOME: Final = f"""FROM receipt INDEXED BY receipt_outcome
    WHERE outcome = :outcome AND outcome <> '{Outcome.ACCEPT}'"""


def held(db: apsw.Connection, wanted: HeldFilter) -> list[Entry]:
    """Return what is, or was, in quarantine, newest first."""
    return [_entry(db, number) for number in held_numbers(db, wanted)]


def held_numbers(db: apsw.Connection, wanted: HeldFilter) -> list[int]:
    """Return the receipts of what is, or was, in quarantine, newest first."""
    kinds = [kind for kind, state in STATES.items() if wanted.state in (None, state)]
    values = _values(wanted) | {"kinds": orjson.dumps(kinds).decode()}
    index = next((index for name, index in _HELD_INDEXES.items() if values[name] is not None), "receipt_held")
    here = _HELD.format(index=index)
    sources = {None: (here, _ACTED), State.HELD: (here,)}.get(wanted.state, (_ACTED,))
    found = (number for source in sources for number in _numbers(db, source, values, wanted.limit))
    return sorted(found, reverse=True)[: wanted.limit]


def receipts(db: apsw.Connection, wanted: ReceiptFilter) -> list[Entry]:
    """Return receipts, newest first."""
    return [_entry(db, number) for number in _receipts(db, wanted)]


def patient_fingerprint(ledger: Path, patient_id: str) -> str:
    """Return the fingerprint of a Patient ID in a ledger. Raises LedgerFault if its key cannot be read."""
    return fingerprint(load_key(key_path(ledger)), patient_id.strip())


def codes_of(rule: str) -> list[str]:
    """Return the codes that a code or a family stands for."""
    asked = rule.upper()
    return [one.code for one in RULES if asked in (one.code, one.family)] or [asked]


def _receipts(db: apsw.Connection, wanted: ReceiptFilter) -> list[int]:
    values, limit = _values(wanted), wanted.limit
    if wanted.instance is not None:
        return _numbers(db, _BY_INSTANCE, values | {"key": key_of(wanted.instance)}, limit)
    if wanted.series is not None:
        return _numbers(db, _BY_SERIES, values, limit)
    if wanted.rule is not None:
        values.pop("rule")
        found = {
            number
            for code in codes_of(wanted.rule)
            for number in _numbers(db, _BY_RULE, values | {"code": code}, limit, "finding.receipt")
        }
        return sorted(found, reverse=True)[:limit]
    if wanted.status and wanted.outcome != Outcome.ACCEPT:  # 0000 is nearly everything, and any other is for no accept
        return _numbers(db, _BY_STATUS, values, limit)
    if wanted.outcome not in (None, Outcome.ACCEPT):
        return _numbers(db, _BY_OUTCOME, values, limit)
    if wanted.calling_ae_title is None:
        return _numbers(db, _ALL, values, limit)
    recent = _numbers(db, _RECENT_ONES, values, limit)
    if limit is not None and len(recent) == limit:
        return recent
    # A busy sender fills a page from the recent receipts; any other has few enough receipts to sort them all.
    return _numbers(db, _BY_SENDER, values | {"sender": values.pop("calling_ae_title")}, limit)


def _values(wanted: HeldFilter | ReceiptFilter) -> dict[str, Any]:
    """Return the values of a filter by the names of the conditions: times as receipt numbers, a rule as its codes."""
    values = {one.name: getattr(wanted, one.name) for one in fields(wanted)}
    for name in ("since", "until"):
        if values.get(name) is not None:
            values[name] = id_at(values[name])
    if wanted.rule is not None:
        values["rule"] = orjson.dumps(codes_of(wanted.rule)).decode()
    return values


def _numbers(
    db: apsw.Connection, source: str, values: Mapping[str, Any], limit: int | None, order: str = "receipt.id"
) -> list[int]:
    """Return the receipts of a source that match, newest first.

    ``order`` is the column with their number that the source's index is sorted by.
    """
    asked = "".join(f" AND {text}" for name, text in _CONDITIONS.items() if values.get(name) is not None)
    statement = f"SELECT receipt.id {source}{asked} ORDER BY {order} DESC LIMIT :most"
    return [row[0] for row in fetch(db, statement, {**values, "most": -1 if limit is None else limit})]


def _entry(db: apsw.Connection, number: int) -> Entry:
    (row,) = fetch(db, _SELECT, (number,))
    plain, (tightened, kept, codes, kind, winner, *scanner) = row[: len(_PLAIN)], row[len(_PLAIN) :]
    return Entry(
        **dict(zip(_PLAIN, plain, strict=True)),
        tightened=orjson.loads(tightened) if tightened else {},
        kept=Place(kept),
        codes=tuple(orjson.loads(codes)),
        scanner=dict(zip(COLUMNS, scanner, strict=True)) if scanner[0] is not None else {},
        state=State.HELD if kept == Place.QUARANTINE else STATES.get(kind),
        replaced_by=winner if kept == Place.QUARANTINE else None,
    )


def entry_document(entry: Entry) -> Mapping[str, Any]:
    """Return an entry as JSON shows it."""
    return {
        "receipt": as_text(entry.id),
        "received": timestamp(entry.received),
        "association": as_text(entry.association),
        "calling_ae_title": entry.calling_ae_title,
        "address": entry.address,
        "sop_class_uid": entry.sop_class_uid,
        "sop_instance_uid": entry.sop_instance_uid,
        "series_instance_uid": entry.series_instance_uid,
        "study_instance_uid": entry.study_instance_uid,
        "outcome": entry.outcome,
        "status": None if entry.status is None else f"{entry.status:04X}",
        "comment": entry.comment,
        "codes": list(entry.codes),
        "would_be": {profile: f"{status:04X}" for profile, status in entry.tightened.items()},
        "bytes": entry.size,
        "state": entry.state and entry.state.value,
        "kept": entry.kept.value,
        "path": entry.path,
        "original": as_text(entry.original),
        "replaced_by": None if entry.replaced_by is None else as_text(entry.replaced_by),
        "scanner": entry.scanner or None,
    }
