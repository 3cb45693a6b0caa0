"""What a crash or a fault left undone, finished. Nothing that was acknowledged is ever removed.

Of an object in the spool the ledger knows what was decided; then it goes where it belongs. If the ledger does not know
it, its sender had no answer, or was told to try again. What is in the trash either left the ledger or goes back.
"""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from scp.errors import LedgerFault
from scp.ids import as_text
from scp.layout import LEDGER
from scp.ledger.kept import kept, newest
from scp.ledger.reading import reading
from scp.ledger.sqlite import SqliteLedger
from scp.store.recover import Decided, recover
from scp.store.store import Store
from scp.store.trash import settle
from scp.upkeep.restoration import restore

CHECKED_SECONDS: Final = 24 * 3600
"""Receipts of this time before the newest one are checked at start: a crash can only have touched what was new."""
CHECKED_MOST: Final = 20_000
"""So many of them at most: a start must not take long because much was received. `auditscp verify` looks at all."""
_NAMED: Final = 20

Decide = Callable[[int, Path], Decided | None]
"""What :func:`scp.store.recover.recover` asks: where the object of a receipt belongs."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done at start.

    ``rewritten`` are light objects whose files may not have reached the disk. Of the spool: moves ``finished``, objects
    ``discarded``, and what ``failed``. Of the trash: entries ``removed`` and ``restored``. Of the newest receipts: so
    many were ``checked``, and the files of so many are ``missing``.
    """

    rewritten: int
    finished: int
    discarded: int
    failed: int
    removed: int
    restored: int
    checked: int
    missing: int


def at_start(store: Store, ledger: SqliteLedger, decided: Decide, *, sync: bool) -> Recovered:
    """Empty the spool and the trash, check the newest receipts, and say in one line what there was to do.

    Raises StoreFault if the trash cannot be looked into, SyncFault if the disk fails, and LedgerFault.
    """
    started = time.perf_counter()
    removed, restored, lost = settle(store.folder, ledger.placement, sync=sync)
    with store.acting():
        rewritten, unwritten = restore(store, ledger)
        spool = recover(store, decided)
    if sync:  # then all of them are on the disk
        store.late.settled(ledger.forget_sealed)
    checked, missing = _check(store.folder)
    failed = spool.failed + lost + unwritten
    done = Recovered(rewritten, spool.finished, spool.discarded, failed, removed, restored, checked, len(missing))
    log = structlog.get_logger()
    if any(asdict(done).values()):
        log.info("recovered", **asdict(done), seconds=round(time.perf_counter() - started, 3))
    if missing:
        log.error("objects_missing", receipts=[as_text(one) for one in missing[:_NAMED]], objects=len(missing))
    return done


def again(store: Store, left: set[Path], decided: Decide) -> None:
    """Try again what could be neither placed nor removed when it came; what still cannot be stays in ``left``.

    Raises SyncFault if the disk fails.
    """
    paths = sorted(left)
    if not paths:
        return
    with store.acting():
        done = recover(store, decided, paths)
    left.difference_update(path for path in paths if not path.exists())
    if done.finished or done.discarded:
        structlog.get_logger().info("cleared", **asdict(done))


def _check(folder: Path) -> tuple[int, list[int]]:
    """Count the newest receipts whose objects are kept, and return those of which there is no file."""
    try:
        with reading(folder / LEDGER) as db:
            since = newest(db) - CHECKED_SECONDS * 1_000_000
            found = [
                (one.receipt, os.path.exists(folder / one.path))  # noqa: PTH110 - never fails, whatever the disk does
                for one in islice(kept(db, since), CHECKED_MOST)
            ]
    except LedgerFault:
        return 0, []
    return len(found), [receipt for receipt, there in found if not there]
