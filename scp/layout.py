"""Where things are in the data folder. Paths are relative to it, with forward slashes, as the ledger keeps them.

::

    ledger.sqlite3
    fingerprint.key                         the key of the fingerprints in the ledger
    .lock, .acts                            locks of the process that serves the folder, and of whoever moves objects
    node.json                               what a running node says about itself (:mod:`scp.standing`)
    notify.sqlite3                          notifications that wait to be delivered (:mod:`scp.notify.outbox`)
    spool/<receipt>.part                    received, not yet decided or not yet moved; not acknowledged
    spool/<receipt>.move                    a second name of an object that is moved from its place to another
    archive/<study>/<series>/<instance>.dcm  UIDs that have passed the rules UID-001 and UID-002
    archive/non-patient/<instance>.dcm      objects that belong to no study
    quarantine/<date>/<receipt>.dcm         nothing that the peer said is part of a path here
    quarantine/<date>/<receipt>.json        the case
    trash/<receipt>…                        taken out of archive or quarantine by retention; emptied at once
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from scp.ids import as_text

LEDGER: Final = "ledger.sqlite3"
SPOOL: Final = "spool"
ARCHIVE: Final = "archive"
QUARANTINE: Final = "quarantine"
TRASH: Final = "trash"
LOCK: Final = ".lock"
ACTS: Final = ".acts"


class Place(StrEnum):
    """Where the bytes of a request went."""

    ARCHIVE = "archive"
    QUARANTINE = "quarantine"
    NOWHERE = "nowhere"  # kept already, or never complete


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the bytes of a request are, and under which receipt they were put there."""

    place: Place
    path: str
    original: int


def spool_path(receipt: int) -> str:
    """Return where the bytes of a request are until they are placed."""
    return f"{SPOOL}/{as_text(receipt)}.part"


def recall_path(receipt: int) -> str:
    """Return the second name that an object has while an act moves it from its place."""
    return f"{SPOOL}/{as_text(receipt)}.move"


def archive_path(study_uid: str, series_uid: str, sop_instance_uid: str) -> str:
    """Return where an accepted instance is kept. The caller has checked that the UIDs are safe as names.

    Objects of no patient (protocols, palettes, templates) have no study and no series.
    """
    if not (study_uid and series_uid):
        return f"{ARCHIVE}/non-patient/{sop_instance_uid}.dcm"
    return f"{ARCHIVE}/{study_uid}/{series_uid}/{sop_instance_uid}.dcm"


def quarantine_path(receipt: int, received_us: int) -> str:
    """Return where a refused object is kept; its case is beside it (see :func:`case_path`)."""
    day = datetime.fromtimestamp(received_us / 1_000_000, UTC).date().isoformat()
    return f"{QUARANTINE}/{day}/{as_text(receipt)}.dcm"


def case_path(path: str) -> str:
    """Return the path of the case of a quarantined object."""
    return path.removesuffix(".dcm") + ".json"


def timestamp(microseconds: int) -> str:
    """Write a time in UTC as RFC 3339, with milliseconds."""
    return (
        datetime.fromtimestamp(microseconds / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
