"""Which series have become quiet, and their audit: one thread of a serving node.

The receive path only says of which series an instance came (:meth:`Watch.hear`). A series of which nothing has come for
``quiet_seconds`` is audited; an instance that comes later opens it again. The ledger knows which series are open, so a
restart loses none. About once a minute the watch looks for acts of people on quarantined objects, whichever process
they used. It remembers up to :data:`MOST` series; if more are open, it gets the others from the ledger when it has room
again.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from scp.errors import NodeFault, place_of
from scp.ledger import series as kept_series
from scp.ledger.reading import reading
from scp.ledger.series import write_audit
from scp.ledger.sqlite import SqliteLedger
from scp.observe.lines import fault_line
from scp.observe.series_lines import series_line
from scp.series import Audited, Auditor

LOOK_SECONDS: Final = 60.0
"""Seconds between two looks for acts of other processes, and for series for which there was no room."""
MOST: Final = 10_000
"""How many series may wait to become quiet. They take a few MB, and can be audited between two looks."""


class Watch:
    """Audits the series of a node when they have become quiet."""

    def __init__(
        self,
        ledger: SqliteLedger,
        path: Path,
        auditor: Callable[[], Auditor],
        quiet_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``path`` is the file of the ledger. ``auditor`` is called for each audit, because settings may change."""
        self._ledger = ledger
        self._path = path
        self._auditor = auditor
        self.quiet_seconds = quiet_seconds
        self._clock = clock
        self._due: dict[str, float] = {}
        """When a series will be quiet, by its UID. All threads write it without a lock: each operation is atomic."""
        self._look_at = 0.0
        self._is_behind = True
        """Whether there may be open series that only the ledger knows of; at the start, that is all of them."""
        self._last_act: int | None = None
        self._told = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    @property
    def open(self) -> int:
        """How many series wait to become quiet."""
        return len(self._due)

    def start(self) -> None:
        """Begin, with the series that the ledger says are open."""
        self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Begin no other audit, and wait for the current one, for at most so many ``seconds``."""
        self._stopped = True
        self._told.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def hear(self, series_instance_uid: str) -> None:
        """Note that an instance of a series was received. Takes less than a microsecond, and never waits."""
        if not series_instance_uid:  # an object of no patient
            return
        if series_instance_uid in self._due:
            self._due[series_instance_uid] = self._clock() + self.quiet_seconds
        else:
            self._remember(series_instance_uid, self._clock() + self.quiet_seconds)
            self._told.set()

    def audit(self, series_instance_uid: str, *, pixels: bool = False) -> Audited | None:
        """Audit a series now, in the caller's thread; write and log what is new. None if nothing of it is stored.

        With ``pixels``, all pixel data are compared too (DUP-008). Raises NodeFault if ledger or store fail.
        """
        started = time.perf_counter()
        with reading(self._path) as db:
            audited = self._auditor().audit(db, series_instance_uid, pixels=pixels)
        if audited is None:
            return None
        made = time.time_ns() // 1000
        written = self._ledger.transact(lambda db: write_audit(db, audited.kept, audited.audit, made))
        if written.is_new:
            series_line(audited.audit, len(written.opened), written.closed, time.perf_counter() - started)
        return audited

    def turn(self) -> float:
        """Audit the series that are due, and return the seconds until there is something to do again."""
        now = self._clock()
        if now >= self._look_at:
            self._guarded(self._look)
            self._look_at = now + LOOK_SECONDS
        for uid, due in self._due.copy().items():
            if self._stopped:
                return 0.0
            if due <= now:
                self._guarded(partial(self._take, uid))
        return max(0.0, min([self._look_at, *self._due.copy().values()]) - self._clock())

    def _take(self, uid: str) -> None:
        """Audit a series that is due; if something of it has just come, leave it for later."""
        due = self._due.pop(uid)
        if due > self._clock():
            self._due.setdefault(uid, due)
            return
        try:
            self.audit(uid)
        except NodeFault:
            self._due.setdefault(uid, self._clock() + max(self.quiet_seconds, 1.0))
            raise

    def _remember(self, uid: str, due: float) -> None:
        """Have a series audited at a time, unless it is waiting already. If there is no room, the ledger knows it."""
        if len(self._due) < MOST:
            self._due.setdefault(uid, due)
        else:
            self._is_behind = True

    def _look(self) -> None:
        """Find the series on whose objects there were acts, and those for which there was no room."""
        was_behind = self._is_behind
        self._is_behind = False  # before looking: what finds no room from here on is for the next look
        try:
            with reading(self._path) as db:
                newest = kept_series.last_act(db)
                acted = [] if self._last_act is None else kept_series.acted_on(db, self._last_act)
                unjudged = kept_series.unjudged(db, MOST) if was_behind else []
        except NodeFault:
            self._is_behind = was_behind
            raise
        self._last_act = newest
        now = self._clock()
        for uid in acted:
            self._remember(uid, now)
        for uid in unjudged:
            self._remember(uid, now + self.quiet_seconds)  # after a restart, its sender may be about to go on
        self._is_behind = self._is_behind or len(unjudged) == MOST

    def _run(self) -> None:
        while not self._stopped:
            self._told.clear()
            self._told.wait(self.turn())

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except NodeFault as fault:
            fault_line(None, fault)
        except Exception as error:  # noqa: BLE001 - the other series must not suffer
            structlog.get_logger().error("series_audit_failed", error=type(error).__name__, place=place_of(error))
