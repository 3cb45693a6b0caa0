"""How many objects and series there are, for monitoring: objects in quarantine, and series by verdict.

Counting takes longer the more there is to count, but not the more was accepted. So the numbers are remembered for a
while, and returned again meanwhile.
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
"""Seconds for which numbers are remembered at least."""
_SHARE: Final = 20
"""They are remembered for this many times as long as counting took, if that is longer."""

_QUARANTINE: Final = (
    "SELECT count(*), ifnull(sum(size), 0) FROM receipt INDEXED BY receipt_held WHERE kept = 'quarantine'"
)
_SERIES: Final = """SELECT ifnull(verdict, 'none'), count(*) FROM (
    SELECT (SELECT verdict FROM series_audit WHERE series_audit.series = series.id ORDER BY id DESC LIMIT 1) AS verdict
    FROM series WHERE uid <> '') GROUP BY 1"""


@dataclass(frozen=True, slots=True)
class Census:
    """The numbers. ``quarantine_bytes`` are those of Data Sets.

    ``series`` counts by the verdict of the newest audit, ``none`` where there was no audit yet.
    """

    quarantine_objects: int
    quarantine_bytes: int
    series: Mapping[str, int]


def take(db: apsw.Connection) -> Census:
    """Count everything now."""
    quarantine: list[Any] = db.execute(_QUARANTINE).fetchall()
    series: list[Any] = db.execute(_SERIES).fetchall()
    objects, size = quarantine[0]
    return Census(objects, size, dict(series))


class LatestCensus:
    """Takes a census when the last one is too old. Any thread may ask."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._latest: Census | None = None
        self._until = 0.0

    def read(self) -> Census:
        """Return the latest census, which is about half a minute old at most. Raises LedgerFault."""
        with self._lock:
            begun = time.monotonic()
            if self._latest is None or begun >= self._until:
                with reading(self._path) as db:
                    self._latest = take(db)
                ended = time.monotonic()
                self._until = ended + max(_REMEMBER, _SHARE * (ended - begun))
            return self._latest
