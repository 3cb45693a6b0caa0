"""Series in the ledger: what the audit reads of one, and what it writes.

Every function takes the caller's connection and may raise apsw.Error; those that write have to be called in a
transaction. Times are microseconds UTC since 1970.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from scp.audit.finding import Severity
from scp.audit.rules.dup_series import same_pixels_under_another_uid
from scp.audit.series.member import Context, Member
from scp.audit.series.result import SeriesAudit, SeriesFinding, stack_document
from scp.audit.tracked import variant_of
from scp.dicom.geometry import read_geometry
from scp.ids import new_id
from scp.ledger.reading import fetch
from scp.ledger.rows import dumps, dumps_optional, loads_value
from scp.ledger.uid_key import by_uid

# A fingerprint of the instances and the refused objects of a series: their receipt numbers, counted and added up. The
# modulus keeps the sum of a million of them within 63 bits.
COVERS: Final = """(SELECT count(*) || '.' || ifnull(sum(id % 1000000007), 0) FROM instance
        WHERE instance.series = series.id)
    || '/' || (SELECT count(*) || '.' || ifnull(sum(id % 1000000007), 0) FROM receipt
        WHERE series_instance_uid = series.uid AND kept <> 'archive' AND kept = 'quarantine')"""

_SERIES: Final = f"""SELECT series.id, study.uid, {COVERS} FROM series JOIN study ON study.id = series.study
    WHERE series.uid = ?"""
_MEMBERS: Final = """SELECT id, uid, sop_class_uid, number, slot, concatenation_uid, in_concatenation_number, geometry
    FROM instance WHERE series = ?"""
_VARIANTS: Final = "SELECT tracked FROM variant WHERE series = ?"
# Each refused object once, without those that were refused for their own sake and have been stored since, put right.
_REFUSED: Final = """SELECT code, count(*) FROM (SELECT receipt.affected_sop_instance_uid AS uid,
        (SELECT code FROM finding WHERE finding.receipt = receipt.id AND severity = ?2
            ORDER BY position LIMIT 1) AS code
    FROM receipt WHERE series_instance_uid = ?1 AND kept <> 'archive' AND kept = 'quarantine')
    WHERE code IS NOT NULL AND (code GLOB 'DUP-*' OR uid NOT IN (SELECT instance.uid FROM instance
        JOIN series ON series.id = instance.series WHERE series.uid = ?1)) GROUP BY code"""
_PATHS: Final = "SELECT path FROM receipt WHERE id = ?"
_NEWEST: Final = "SELECT id, verdict, covers FROM series_audit WHERE series = ? ORDER BY id DESC LIMIT 1"
_UNJUDGED: Final = """SELECT uid FROM series INDEXED BY series_open WHERE is_open AND uid <> ''
    AND EXISTS (SELECT 1 FROM instance WHERE instance.series = series.id) ORDER BY id LIMIT ?"""
_CLOSE: Final = f"UPDATE series SET is_open = 0 WHERE id = ? AND is_open AND {COVERS} = ?"

# An audit gets a number larger than any before, including those of audits that retention removed or a lost ledger had.
# Notifications remember by this number how far they came, and SQLite would use the last number again once it is free.
_INSERT_AUDIT: Final = """INSERT INTO series_audit
    (id, series, made, verdict, instances, images, covers, refused, stacks)
    VALUES (max(?, (SELECT ifnull(max(id), 0) + 1 FROM series_audit)), ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"""
_INSERT_FINDING: Final = f"INSERT INTO series_finding VALUES (NULL, {', '.join('?' * 12)})"
FINDING: Final = 'code, "case", severity, message, stack, tags, instances, expected, found'
"""The columns that :func:`finding_of` reads."""
_OPEN_FINDINGS: Final = f"SELECT id, {FINDING} FROM series_finding WHERE series = ? AND closed IS NULL ORDER BY id"


@dataclass(frozen=True, slots=True)
class SeriesContent:
    """What the ledger has of a series: its number, its members and their context, and a fingerprint of all that."""

    number: int
    members: tuple[Member, ...]
    context: Context
    covers: str


@dataclass(frozen=True, slots=True)
class Written:
    """What an audit changed in the ledger: nothing unless it ``is_new``; ``audit`` is the number of the newest."""

    audit: int
    is_new: bool
    opened: tuple[SeriesFinding, ...] = ()
    closed: int = 0


def read_series(db: apsw.Connection, uid: str) -> SeriesContent | None:
    """Return what the ledger has of a series; None if it does not know it, or has no instance of it.

    Objects of no patient are kept under an empty UID: they belong to no series, and are none together.
    """
    found = db.execute(_SERIES, (uid,)).fetchone() if uid else None
    if found is None:
        return None
    number, study, covers = found
    members = tuple(Member._make((*row[:7], read_geometry(row[7]))) for row in db.execute(_MEMBERS, (number,)))
    if not members:
        return None
    variants = {
        variant_of(values): values for values in (orjson.loads(row[0]) for row in db.execute(_VARIANTS, (number,)))
    }
    context = Context(
        series_instance_uid=uid, study_instance_uid=study, modality=_modality(members, variants), variants=variants,
        refused=dict(db.execute(_REFUSED, (uid, int(Severity.REFUSE)))), copies=_copies(db, number, members),
    )  # fmt: skip
    return SeriesContent(number, members, context, covers)


def _copies(db: apsw.Connection, series: int, members: Sequence[Member]) -> tuple[tuple[int, ...], ...] | None:
    """Return the copies of pixel data that an earlier audit found and whose instances are all still there.

    Pixel data do not change, and are not read for every audit.
    """
    by_uid = {one.sop_instance_uid: one.id for one in members}
    found = [one.instances for _, one in open_findings(db, series) if one.code == same_pixels_under_another_uid.code]
    return tuple(tuple(by_uid[uid] for uid in uids) for uids in found if by_uid.keys() >= set(uids)) or None


def _modality(members: Sequence[Member], variants: Mapping[str, Mapping[str, str]]) -> str:
    """Return the Modality that most instances have."""
    counted = Counter(variants.get(one.geometry.variant, {}).get("modality", "") for one in members)
    return min(counted, key=lambda one: (-counted[one], one))


def paths_of(db: apsw.Connection, members: Sequence[Member]) -> dict[int, str]:
    """Return the paths of members' objects in the data folder, by receipt number."""
    return {one.id: db.execute(_PATHS, (one.id,)).get for one in members}


def absent(db: apsw.Connection, uids: Sequence[str]) -> tuple[str, ...]:
    """Return those of the SOP Instance UIDs that are not stored."""
    is_there = "SELECT 1 FROM instance WHERE key = ? AND uid = ?"
    return tuple(uid for uid in uids if db.execute(is_there, by_uid(uid)).get is None)


def unjudged(db: apsw.Connection, most: int = -1) -> list[str]:
    """Return the UIDs of series that have changed since their last audit or never had one, oldest first.

    ``most`` limits how many; by default all are returned.
    """
    return [row[0] for row in fetch(db, _UNJUDGED, (most,))]


def last_act(db: apsw.Connection) -> int:
    """Return the number of the newest act on an object, 0 if there is none."""
    number: int = db.execute("SELECT ifnull(max(id), 0) FROM act").get
    return number


def acted_on(db: apsw.Connection, after: int) -> list[str]:
    """Return the UIDs of the series on whose objects there were acts after the one with this number."""
    return [
        row[0]
        for row in fetch(
            db,
            "SELECT DISTINCT series_instance_uid FROM act JOIN receipt ON receipt.id IN (act.receipt, act.other)"
            " WHERE act.id > ? AND series_instance_uid <> ''",
            (after,),
        )
    ]


def all_series(db: apsw.Connection) -> list[str]:
    """Return the UIDs of all series that have instances, in the order in which they came."""
    return [
        row[0]
        for row in fetch(
            db,
            "SELECT uid FROM series WHERE uid <> '' AND EXISTS (SELECT 1 FROM instance WHERE series = series.id)"
            " ORDER BY id",
        )
    ]


def write_audit(db: apsw.Connection, kept: SeriesContent, audit: SeriesAudit, made: int) -> Written:
    """Write an audit: findings that no longer hold are closed, new ones are opened; none is ever deleted."""
    db.execute(_CLOSE, (kept.number, kept.covers))  # the series stays open if something came after it was read
    newest = db.execute(_NEWEST, (kept.number,)).fetchone()
    before = {_key(finding): number for number, finding in open_findings(db, kept.number)}
    now = {_key(finding): finding for finding in audit.findings}
    opened = tuple(finding for key, finding in now.items() if key not in before)
    closed = [number for key, number in before.items() if key not in now]
    if newest and newest[1:] == (audit.verdict.value, kept.covers) and not opened and not closed:
        return Written(newest[0], is_new=False)
    number = db.execute(
        _INSERT_AUDIT,
        (
            new_id(), kept.number, made, audit.verdict.value, audit.instances, audit.images, kept.covers,
            dumps(dict(audit.refused)), dumps([stack_document(stack) for stack in audit.stacks]),
        ),
    ).get  # fmt: skip
    for gone in closed:
        db.execute("UPDATE series_finding SET closed = ? WHERE id = ?", (number, gone))
    for finding in opened:
        db.execute(_INSERT_FINDING, (kept.number, number, None, *_finding_row(finding)))
    return Written(number, is_new=True, opened=opened, closed=len(closed))


def open_findings(db: apsw.Connection, series: int) -> list[tuple[int, SeriesFinding]]:
    """Return the findings that hold of a series, each with its number; ``series`` is the number of the series."""
    return [(row[0], finding_of(row[1:])) for row in fetch(db, _OPEN_FINDINGS, (series,))]


def _key(finding: SeriesFinding) -> tuple[Any, ...]:
    """Return what makes a finding the same one as in an earlier audit."""
    return finding.code, finding.case, finding.severity, finding.message, finding.stack


def _finding_row(finding: SeriesFinding) -> tuple[Any, ...]:
    return (
        finding.code, finding.case, int(finding.severity), finding.message, finding.stack, dumps(finding.tags),
        dumps(finding.instances), dumps_optional(finding.expected), dumps_optional(finding.found),
    )  # fmt: skip


def finding_of(row: tuple[Any, ...]) -> SeriesFinding:
    """Read a finding from its columns."""
    code, case, severity, message, stack, tags, instances, expected, found = row
    return SeriesFinding(
        code=code, case=case, severity=Severity(severity), message=message, stack=stack,
        tags=tuple(orjson.loads(tags)), instances=tuple(orjson.loads(instances)),
        expected=loads_value(expected), found=loads_value(found),
    )  # fmt: skip
