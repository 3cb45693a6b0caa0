"""What a serving node does besides receiving: see whether troubles are over, retry, clean up."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Final

from scp.config import Retention
from scp.errors import LedgerFault, NodeFault, SyncFault, Trouble
from scp.health import Health
from scp.ids import new_id
from scp.layout import SPOOL, spool_path
from scp.ledger.checkpoints import Checkpoints
from scp.ledger.sqlite import SqliteLedger
from scp.store.files import fault, sync_folder, write_file
from scp.store.gate import Gate
from scp.store.store import Store
from scp.upkeep.keeper import Chore
from scp.upkeep.recovery import Decide, again
from scp.upkeep.retention import Expiry

LOOK_SECONDS: Final = 2.0
"""How soon the node sees that a trouble is over while nobody sends: senders may wait until it says it is ready."""
_CLEAR_SECONDS: Final = 5.0
_SETTLE_SECONDS: Final = 0.5
"""How long the ledger keeps the bytes of light objects; the longer it is, the more of them share a sync."""
_PROBE: Final = ("INSERT INTO meta VALUES ('probe', 0)", "DELETE FROM meta WHERE name = 'probe'")
_RETENTION_SECONDS: Final = 24 * 3600.0
_RETENTION_AFTER: Final = 600.0
"""Seconds after the start: a node that has just come up has other things to do."""


def chores(
    store: Store, ledger: SqliteLedger, health: Health, gate: Gate, left: set[Path], decided: Decide
) -> tuple[Chore, ...]:
    """Return the chores of every node.

    ``left`` are files in the spool that could be neither placed nor removed; ``decided`` says what the ledger has
    decided about them.
    """

    def look() -> None:
        gate.look()
        if Trouble.LEDGER in health.troubles:
            _try(health, Trouble.LEDGER, lambda: _probe_ledger(ledger, store.folder))
        if Trouble.DISK in health.troubles:
            _try(health, Trouble.DISK, lambda: probe(store.folder))

    def clear() -> None:
        if Trouble.LEDGER in health.troubles:
            return
        try:
            again(store, left, decided)
        except SyncFault as fault:
            health.suffer(fault)
            raise

    return (
        Chore("look", look, LOOK_SECONDS, LOOK_SECONDS),
        Chore("clear", clear, _CLEAR_SECONDS, _CLEAR_SECONDS),
    )


def settling(store: Store, ledger: SqliteLedger, health: Health) -> Chore:
    """Return the chore that syncs light objects; it waits for the disk, so it has a thread of its own."""

    def settle() -> None:
        try:
            store.late.settle(ledger.forget_sealed)
        except NodeFault as fault:
            health.suffer(fault)
            raise

    return Chore("settle", settle, _SETTLE_SECONDS, _SETTLE_SECONDS)


def carrying(checkpoints: Checkpoints, health: Health) -> Chore:
    """Return the chore that keeps the ledger's write-ahead log short.

    A failure only makes the node unhealthy: it need not be logged as well, as commits will fail in the same way.
    """

    def carry() -> None:
        try:
            checkpoints.carry()
        except LedgerFault as fault:
            health.suffer(fault)

    return Chore("carry", carry, _SETTLE_SECONDS, _SETTLE_SECONDS)


def retention_chores(
    store: Store, ledger: SqliteLedger, settings: Retention, stopped: Event, *, sync: bool
) -> tuple[Chore, ...]:
    """Return the chore that removes what is old, if settings say so; it may take long: it has a thread of its own."""
    if not (settings.archive_days or settings.quarantine_days):
        return ()
    expiry = Expiry(store, ledger, settings, sync=sync, is_stopped=stopped.is_set)
    return (Chore("retention", expiry.run, _RETENTION_SECONDS, _RETENTION_AFTER),)


def probe(folder: Path) -> None:
    """Write, sync and remove a file in the spool. Raises StoreFault if that is not possible.

    If the file is left behind, recovery removes it: it has the name of an object that was never acknowledged.
    """
    path = folder / spool_path(new_id())
    try:
        write_file(path, b"\0", sync=True)
        sync_folder(folder / SPOOL)
    except OSError as error:
        raise fault("the spool cannot be written", error) from error
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _probe_ledger(ledger: SqliteLedger, folder: Path) -> None:
    """Write into the ledger, and a file beside it. Raises NodeFault if that is not possible.

    The ledger alone does not show that a disk is full: a small transaction fits where its log has been before.
    """
    probe(folder)
    ledger.transact(lambda db: [db.execute(one) for one in _PROBE])


def _try(health: Health, trouble: Trouble, act: Callable[[], object]) -> None:
    """Clear a trouble if what it prevented works."""
    try:
        act()
    except NodeFault as fault:
        health.report(trouble, str(fault))
    else:
        health.clear(trouble)
