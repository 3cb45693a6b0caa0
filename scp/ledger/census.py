"""How much there is, for those who watch the node: quarantine, and series by what is known of them.

Counting takes time that grows with what is counted, though not with what was accepted; so the numbers are remembered
for a while, and whoever asks meanwhile gets the same again.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from scp.ledger.reading import reading

_REMEMBER: Final = 30.0
"""Seconds; if counting takes long, twenty times as long as that."""
_SHARE: Final = 20

_QUARANTINE: Final = (
    "SELECT count(*), ifnull(sum(size), 0) FROM receipt INDEXED BY receipt_held WHERE kept = 'quarantine'"
)
_SERIES: Final = """SELECT ifnull(verdict, 'none'), count(*) FROM (
    SELECT (SELECT verdict FROM series_audit WHERE series_audit.series = series.id ORDER BY id DESC LIMIT 1) AS verdict
    FROM series) GROUP BY 1"""


@dataclass(frozen=True, slots=True)
class Census:
    """The numbers: objects in quarantine, their bytes, and series by their newest verdict, ``none`` without one."""

    quarantine_objects: int
    quarantine_bytes: int
    series: Mapping[str, int]


def take(db: apsw.Connection) -> Census:
    """Count now."""
    quarantine: list[Any] = db.execute(_QUARANTINE).fetchall()
    series: list[Any] = db.execute(_SERIES).fetchall()
    objects, size = quarantine[0]
    return Census(objects, size, dict(series))


class Counts:
    """Counts now and then, for any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._latest: Census | None = None
        self._until = 0.0

    def read(self) -> Census:
        """Return numbers that are not much older than half a minute. Raises LedgerFault."""
        with self._lock:
            begun = time.monotonic()
            if self._latest is None or begun >= self._until:
                with reading(self._path) as db:
                    self._latest = take(db)
                ended = time.monotonic()
                self._until = ended + max(_REMEMBER, _SHARE * (ended - begun))
            return self._latest
