"""Removes old studies and quarantined objects from the ledger: what is old enough, and what is recorded about it.

A study leaves as a whole, because others are compared with its first instance, and because a series with half of its
slices is worse than none. Its receipts stay, and each gets an act that says when and why its object left. If an
instance of it is sent again, it is a new one: nothing is left of which it could be a duplicate.

Times are microseconds UTC since 1970. Every function may raise apsw.Error; those that write have to be called in a
transaction.
"""

from dataclasses import dataclass
from typing import Final

import apsw

from scp.ids import new_id
from scp.layout import Place
from scp.ledger.acts import Act, ActKind, move, record
from scp.ledger.reading import fetch

WHO: Final = "retention"

# Old is a study about which no request came lately: none that stored something, and none that did not, such as a
# duplicate. The last condition is for series of which everything was refused, so that they have no row.
_OLD_STUDIES: Final = """SELECT study.id, study.uid FROM study JOIN receipt ON receipt.id = study.reference
    WHERE received < ?1 AND study.uid <> '' AND NOT EXISTS (SELECT 1 FROM series
        JOIN instance ON instance.series = series.id JOIN receipt ON receipt.id = instance.id
        WHERE series.study = study.id AND received >= ?1)
    AND NOT EXISTS (SELECT 1 FROM series JOIN receipt ON receipt.series_instance_uid = series.uid
        WHERE series.study = study.id AND kept <> 'archive' AND received >= ?1)
    AND NOT EXISTS (SELECT 1 FROM receipt INDEXED BY receipt_unstored_series
        WHERE series_instance_uid IN (SELECT series_instance_uid FROM receipt INDEXED BY receipt_held_study
            WHERE study_instance_uid = study.uid AND kept = 'quarantine')
        AND kept <> 'archive' AND study_instance_uid = study.uid AND received >= ?1)"""
_INSTANCES: Final = """SELECT instance.id, path, size, instance.study, series.uid FROM series
    JOIN instance ON instance.series = series.id JOIN receipt ON receipt.id = instance.id
    WHERE series.study = ? ORDER BY instance.id"""
# An object that was sent again just now, and found to be there already, must not vanish under its sender's eyes.
# Admissions wait for this, so it must not go through what was stored, which these indexes leave out.
_OLD_OBJECTS: Final = """SELECT id, path, size FROM receipt INDEXED BY receipt_held
    WHERE kept = 'quarantine' AND received < ?1 AND NOT EXISTS (
        SELECT 1 FROM receipt AS again INDEXED BY receipt_unstored_instance
        WHERE again.affected_sop_instance_uid = receipt.affected_sop_instance_uid AND again.kept <> 'archive'
        AND again.kept = 'nowhere' AND again.original = receipt.id AND again.received >= ?2)
    ORDER BY id LIMIT ?3"""
_OF_SERIES: Final = ("series_finding", "series_audit", "stack", "variant", "instance")


@dataclass(frozen=True, slots=True)
class Leaving:
    """An object that leaves: its receipt, where it is, and the bytes of its Data Set."""

    receipt: int
    path: str
    size: int


def old_studies(db: apsw.Connection, before: int) -> list[tuple[int, str]]:
    """Return number and Study Instance UID of the studies about which no request came since a time."""
    return [(number, uid) for number, uid in fetch(db, _OLD_STUDIES, (before,))]


def is_old(db: apsw.Connection, study: int, before: int) -> bool:
    """Whether a study is still there, and no request about it came since a time."""
    return bool(fetch(db, f"{_OLD_STUDIES} AND study.id = ?2", (before, study)))


def instances(db: apsw.Connection, study: int) -> list[Leaving] | None:
    """Return what the archive has of a study, oldest first; None if the study cannot leave as a whole.

    That is so if it shares a series with another study (ENT-201 need not refuse that), or has objects that lie
    elsewhere because they belong to no series.
    """
    found = fetch(db, _INSTANCES, (study,))
    if not all(own == study and series for *_, own, series in found):
        return None
    return [Leaving(receipt, path, size) for receipt, path, size, *_ in found]


def old_objects(db: apsw.Connection, before: int, resent_before: int, most: int) -> list[Leaving]:
    """Return the oldest quarantined objects that came before a time, and were not sent again since another."""
    return [Leaving(*row) for row in fetch(db, _OLD_OBJECTS, (before, resent_before, most))]


def remove_study(db: apsw.Connection, study: int, leaving: list[Leaving], now: int, reason: str) -> None:
    """Record that a study was removed."""
    remove_objects(db, leaving, now, reason)
    for table in _OF_SERIES:
        db.execute(f"DELETE FROM {table} WHERE series IN (SELECT id FROM series WHERE study = ?)", (study,))
    db.execute("DELETE FROM series WHERE study = ?", (study,))
    db.execute("DELETE FROM study WHERE id = ?", (study,))


def remove_objects(db: apsw.Connection, leaving: list[Leaving], now: int, reason: str) -> None:
    """Record that quarantined objects were removed: an act for each, and their receipts are no longer kept anywhere."""
    for one in leaving:
        record(db, Act(new_id(), now, ActKind.EXPIRE, WHO, reason, one.receipt, "", one.path))
        move(db, one.receipt, Place.NOWHERE, "")
