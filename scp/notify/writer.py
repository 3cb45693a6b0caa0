"""Writes news into the outbox as letters: when to look for news, and no more letters than the pace allows.

While the pace allows no letter, or too many wait because a receiver is down, news stays in the ledger, and the next
letter will tell all of it. So there are never many letters in the outbox.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scp.config import Notify
from scp.errors import LedgerFault, Trouble
from scp.ids import from_text
from scp.ledger import notices
from scp.ledger.reading import reading
from scp.notify import digest, lines
from scp.notify.delivery import Sender
from scp.notify.digest import Author, Outlook, Written
from scp.notify.message import Kind
from scp.notify.outbox import Outbox, Progress, now_us
from scp.notify.pace import Pace
from scp.observe.meter import Meters

POLL: Final = 1.0
"""Seconds between looks at the health of the node."""
LOOK: Final = 30.0
"""Seconds between looks into the ledger without a call: for findings of audits, and for long associations."""

_MOST_WAITING: Final = 20


@dataclass(frozen=True, slots=True)
class Orders:
    """What a courier has to do; ``sender`` is None if its channel is off, ``node`` is the AE title in messages."""

    settings: Notify
    node: str
    per_hour: int
    sender: Sender | None

    @property
    def author(self) -> Author:
        """The author of the letters."""
        return Author(self.node, self.settings.link, us(self.settings.keep_hours * 3600))


@dataclass(frozen=True, slots=True)
class Places:
    """What couriers read (the ledger, the associations in progress, the troubles), and the outbox, which they write."""

    ledger: Path
    outbox: Path
    meters: Meters
    troubles: Callable[[], Mapping[Trouble, str]]


class Writer:
    """Writes the letters of one channel. For its courier's thread only, unless a method says otherwise."""

    def __init__(self, channel: str, places: Places) -> None:
        self.begins = 0
        """When the channel was switched on, in microseconds UTC: what happened before is not told."""
        self.told_directly: str | None = None
        """The troubles that were told last, if the outbox could not be used to note them."""
        self._channel = channel
        self._places = places
        self._paces = {kind: Pace() for kind in Kind}
        self._is_new = True
        self._is_blind = False
        self._look_at = 0.0

    def look(self) -> None:
        """Have :meth:`write` look into the ledger the next time it is called. For any thread."""
        self._is_new = True

    def is_full(self, outbox: Outbox) -> bool:
        """Whether so many letters wait that no others are written until some are delivered."""
        return outbox.waiting() >= _MOST_WAITING

    def write(self, orders: Orders, outbox: Outbox) -> float:
        """Write letters about all news; return the seconds until there may be more. Raises apsw.Error."""
        if self.is_full(outbox):
            return LOOK
        settings, now, seconds = orders.settings, now_us(), LOOK
        if settings.health:
            seconds = POLL
            self._tell(orders, outbox, Kind.HEALTH, lambda: self._health(orders, outbox, now))
        if not self._is_new and time.monotonic() < self._look_at:
            return min(seconds, self._look_at - time.monotonic())
        self._is_new = False  # before looking: what is new from here on calls again
        later = min(LOOK, max(POLL, settings.group_seconds))
        try:
            if settings.refusals:
                later = min(later, self._tell_refusals(orders, outbox, now))
            if settings.series:
                later = min(later, self._tell(orders, outbox, Kind.SERIES, lambda: self._series(orders, outbox, now)))
        except LedgerFault as fault:
            if not self._is_blind:
                lines.hindered(self._channel, type(fault).__name__)
            self._is_blind = True
        else:
            self._is_blind = False
        self._look_at = time.monotonic() + later
        return min(seconds, later)

    def _tell(self, orders: Orders, outbox: Outbox, kind: Kind, write: Callable[[], Written | None]) -> float:
        """Put what ``write`` returns into the outbox, if the pace allows a letter; return the seconds until it will."""
        pace = self._paces[kind]
        wait = pace.wait(time.monotonic(), orders.per_hour)
        if wait > 0:
            return wait
        written = write()
        if written:
            letter, progress = written
            outbox.put((letter,), progress)
            pace.passed(time.monotonic())
        return LOOK

    def _health(self, orders: Orders, outbox: Outbox, now: int) -> Written | None:
        told = outbox.mark(digest.HEALTH) if self.told_directly is None else self.told_directly
        self.told_directly = None
        return digest.health(orders.author, self._places.troubles(), told, now)

    def _tell_refusals(self, orders: Orders, outbox: Outbox, now: int) -> float:
        # First the associations in progress, then the ledger: one that has ended by now has all its receipts there.
        live = frozenset(from_text(meter.association.id) for meter in self._places.meters.live())
        mark, author = outbox.mark(digest.SINCE), orders.author
        since = digest.begin_since(mark, self.begins, now - author.keep_us)
        if mark is None:
            outbox.put((), Progress({digest.SINCE: since}, {}))
        seen: Outlook | None = None

        def write() -> Written | None:
            nonlocal seen
            told = outbox.told()
            with reading(self._places.ledger) as db:
                waiting = notices.untold(db, since, told)
                seen = digest.outlook(waiting, live, now, us(orders.settings.group_seconds))
                return digest.refusals(db, author, seen, live, since, now) if seen.due else None

        seconds = self._tell(orders, outbox, Kind.REFUSALS, write)
        return (seen.later - now) / 1_000_000 if seen and seen.later else seconds

    def _series(self, orders: Orders, outbox: Outbox, now: int) -> Written | None:
        after = outbox.mark(digest.AUDIT)
        with reading(self._places.ledger) as db:
            if after is not None:
                return digest.series(db, orders.author, int(after), now)
            last = notices.last_audit(db, self.begins)  # not the very last: there may be new ones since we began
            written = digest.series(db, orders.author, last, now)
        if written is None:
            outbox.put((), Progress({digest.AUDIT: last}, {}))
        return written


def us(seconds: float) -> int:
    """Return microseconds."""
    return int(seconds * 1_000_000)
