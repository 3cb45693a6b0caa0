"""Finishes what a crash or a fault left undone. Nothing that was acknowledged is ever removed.

If the ledger knows what was decided about an object in the spool, the object goes where it belongs. If the ledger does
not know it, its sender got no answer or was told to try again, and it is removed. An entry of the trash is removed if
the ledger has let go of it, and put back otherwise.
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
"""Receipts of this time before the newest one are checked at start: a crash can only have harmed what was new."""
CHECKED_MOST: Final = 20_000
"""At most this many receipts are checked, so that a busy node starts quickly; ``auditscp verify`` checks all."""
_NAMED: Final = 20

Decide = Callable[[int, Path], Decided | None]
"""What :func:`scp.store.recover.recover` asks: where the object of a receipt belongs."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done at start, in numbers.

    ``rewritten``: light objects whose files may not have reached the disk. In the spool: moves that were ``finished``
    and objects that were ``discarded``. In the trash: entries ``removed`` and ``restored``. ``failed``: what could not
    be dealt with in any of these. Of the newest receipts: those ``checked``, and those whose files are ``missing``.
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
    """Empty the spool and the trash, check the newest receipts, and log in one line what was done, if anything was.

    Raises StoreFault if the trash cannot be read, SyncFault if the disk fails, and LedgerFault if the ledger does.
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
    """Place or remove the files in ``left``, for which that was not possible before; those that remain stay in it.

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
    """Return how many of the newest receipts with stored objects were checked, and those whose file is missing."""
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
