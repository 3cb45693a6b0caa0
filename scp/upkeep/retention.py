"""Removes what is old, if settings say so: studies from the archive, refused objects from quarantine.

Each study, and each batch of refused objects, takes one transaction: check again that it is old, move it durably into
the trash, record the removal, commit. Only then is the trash emptied. While the transaction is open nothing can be
admitted, so a later request for the same UID finds neither a row nor a file. After a crash at any moment the object is
either in its place and in the ledger, or in the trash, where :func:`scp.store.trash.settle` asks the ledger about it.

A study stays if in doubt: if its folder holds files that the ledger does not know, or if it shares a series with
another study. ``auditscp verify`` names the files.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw
import structlog

from scp.config import Retention
from scp.errors import StoreFault
from scp.layout import ARCHIVE, LEDGER
from scp.ledger import removal
from scp.ledger.reading import reading
from scp.ledger.removal import Leaving
from scp.ledger.sqlite import SqliteLedger
from scp.store.store import Store
from scp.store.trash import settle, throw_objects, throw_study

DAY_US: Final = 24 * 3600 * 1_000_000
_HOUR_US: Final = 3600 * 1_000_000
_BATCH: Final = 100
"""Refused objects that leave in one transaction: admissions wait while it is open."""
_DRIFT_SECONDS: Final = 3600.0


@dataclass(slots=True)
class Removed:
    """How much was removed, or would be: studies and their instances, objects of quarantine, bytes of Data Sets.

    ``kept`` counts old studies that stay because something about them is in doubt; ``uids`` are of removed studies.
    """

    studies: int = 0
    instances: int = 0
    objects: int = 0
    bytes: int = 0
    kept: int = 0
    uids: list[str] = field(default_factory=list)


def preview(db: apsw.Connection, folder: Path, settings: Retention, now: int) -> Removed:
    """Return what would be removed at the time ``now`` (microseconds UTC). Raises apsw.Error and StoreFault."""
    found = Removed()
    if settings.archive_days:
        for study, uid in removal.old_studies(db, now - settings.archive_days * DAY_US):
            _count_study(found, uid, _whole(folder, uid, removal.instances(db, study)))
    if settings.quarantine_days:
        before = now - settings.quarantine_days * DAY_US
        _count_objects(found, removal.old_objects(db, before, now - _HOUR_US, -1))
    return found


class Expiry:
    """Removes what is old, in the process that has locked the data folder."""

    def __init__(
        self,
        store: Store,
        ledger: SqliteLedger,
        settings: Retention,
        *,
        sync: bool,
        is_stopped: Callable[[], bool] = lambda: False,
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._settings = settings
        self._sync = sync
        self._is_stopped = is_stopped
        self._now = now
        self._offset = self._clocks()

    def run(self) -> Removed:
        """Remove what is old now, with a log line for each study and one for all. Raises NodeFault.

        If the clock was set since the last run, nothing is removed: it may be wrong, and removal is final.
        """
        done = Removed()
        if abs(self._clocks() - self._offset) > _DRIFT_SECONDS:
            self._offset = self._clocks()
            structlog.get_logger().warning("retention_waits", reason="the clock was set")
            return done
        now, settings = self._now(), self._settings
        if settings.archive_days:
            self._studies(done, now, now - settings.archive_days * DAY_US)
        if settings.quarantine_days:
            self._objects(done, now, now - settings.quarantine_days * DAY_US)
        if done.studies or done.objects or done.kept:
            structlog.get_logger().info(
                "retention", studies=done.studies, instances=done.instances, objects=done.objects, bytes=done.bytes,
                kept=done.kept,
            )  # fmt: skip
        return done

    def _studies(self, done: Removed, now: int, before: int) -> None:
        reason = f"archive_days = {self._settings.archive_days}"
        for study, uid in self._old_studies(before):
            if self._is_stopped():
                return
            leaving = self._throw(lambda db: self._let_study_go(db, study, uid, before, now, reason))  # noqa: B023
            _count_study(done, uid, leaving)
            if leaving:
                structlog.get_logger().info(
                    "study_removed", study_instance_uid=uid, instances=len(leaving), reason=reason
                )

    def _old_studies(self, before: int) -> list[tuple[int, str]]:
        """Use a connection of its own, so that nobody waits for the ledger's."""
        with reading(self._store.folder / LEDGER) as db:
            return removal.old_studies(db, before)

    def _objects(self, done: Removed, now: int, before: int) -> None:
        reason = f"quarantine_days = {self._settings.quarantine_days}"

        def act(db: apsw.Connection) -> list[Leaving]:
            leaving = removal.old_objects(db, before, now - _HOUR_US, _BATCH)
            throw_objects(self._store.folder, {one.receipt: one.path for one in leaving}, sync=self._sync)
            removal.remove_objects(db, leaving, now, reason)
            return leaving

        while not self._is_stopped():
            leaving = self._throw(act)
            if not leaving:
                return
            _count_objects(done, leaving)

    def _let_study_go(
        self, db: apsw.Connection, study: int, uid: str, before: int, now: int, reason: str
    ) -> list[Leaving] | None:
        if not removal.is_old(db, study, before):
            return []
        folder = self._store.folder
        leaving = _whole(folder, uid, removal.instances(db, study))
        if leaving:
            if (folder / ARCHIVE / uid).exists():
                throw_study(folder, folder / ARCHIVE / uid, leaving[0].receipt, sync=self._sync)
            removal.remove_study(db, study, leaving, now, reason)
        return leaving

    def _throw(self, act: Callable[[apsw.Connection], list[Leaving] | None]) -> list[Leaving] | None:
        """Run an act that moves objects into the trash; then empty the trash, as the ledger decided.

        The lock is held only for one act: all of them may take hours, and people act on quarantine meanwhile.
        """
        with self._store.acting():
            try:
                return self._ledger.transact(act)
            finally:
                settle(self._store.folder, self._ledger.placement, sync=self._sync)

    def _clocks(self) -> float:
        """Return the difference of the clock and the monotonic one, in seconds; it changes when the clock is set."""
        return self._now() / 1_000_000 - time.monotonic()


def _whole(folder: Path, uid: str, leaving: list[Leaving] | None) -> list[Leaving] | None:
    """Return what leaves of a study, or None if its folder holds anything else."""
    if leaving is None:
        return None
    known = {one.path for one in leaving}
    below = folder / ARCHIVE / uid
    try:
        strangers = any(
            path.relative_to(folder).as_posix() not in known
            for path in below.rglob("*")
            if path.is_symlink() or not path.is_dir()
        )
    except OSError as error:
        raise StoreFault(f"a study's folder cannot be read ({type(error).__name__})") from error
    return None if strangers else leaving


def _count_study(done: Removed, uid: str, leaving: list[Leaving] | None) -> None:
    if leaving is None:
        done.kept += 1
    elif leaving:
        done.studies += 1
        done.instances += len(leaving)
        done.bytes += sum(one.size for one in leaving)
        done.uids.append(uid)


def _count_objects(done: Removed, leaving: list[Leaving]) -> None:
    done.objects += len(leaving)
    done.bytes += sum(one.size for one in leaving)
