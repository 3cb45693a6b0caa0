"""The objects that must be in archive and quarantine, newest first; read page by page, so a node can go on writing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw

from scp.ids import id_at
from scp.layout import Place
from scp.ledger.faults import ledger_fault
from scp.ledger.reading import fetch
from scp.ledger.uid_key import by_uid

_PAGE: Final = 1000
_NEWEST: Final = (1 << 63) - 1
_SELECT: Final = """SELECT id, received, kept, path, digest, size, transfer_syntax FROM receipt
    WHERE id < ? AND kept <> 'nowhere' ORDER BY id DESC LIMIT ?"""
_EXTENT: Final = "SELECT count(*), ifnull(sum(size), 0) FROM receipt WHERE id >= ? AND kept <> 'nowhere'"
_NEWEST_TIME: Final = "SELECT received FROM receipt ORDER BY id DESC LIMIT 1"
_PLACE: Final = "SELECT kept, path FROM receipt WHERE id = ?"
_ARCHIVED: Final = """SELECT receipt.id, receipt.path FROM instance JOIN receipt ON receipt.id = instance.id
    WHERE instance.key = ? AND instance.uid = ?"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An object that must be in archive or quarantine.

    ``received`` is in microseconds UTC since 1970. ``digest`` and ``size`` are those of the Data Set.
    """

    receipt: int
    received: int
    place: Place
    path: str
    digest: bytes
    size: int
    transfer_syntax: str


def kept(db: apsw.Connection, since: int = 0) -> Iterator[Kept]:
    """Yield what was received since a time, newest first. Raises LedgerFault.

    Receipt numbers follow the clock unless it was set back, so this ends at the first page on which all are older.
    """
    before = _NEWEST
    while True:
        page = [_kept(row) for row in _rows(db, _SELECT, (before, _PAGE))]
        recent = [one for one in page if one.received >= since]
        if not recent:
            return
        yield from recent
        before = page[-1].receipt


def extent(db: apsw.Connection, since: int = 0) -> tuple[int, int]:
    """Return how many objects, and bytes of Data Sets, were received since a time. Raises LedgerFault.

    It goes by receipt numbers, which follow the clock unless it was set back. That is good enough for a progress bar,
    and does not read all receipts.
    """
    ((objects, size),) = _rows(db, _EXTENT, (id_at(since),))
    return objects, size


def newest(db: apsw.Connection) -> int:
    """Return when the newest receipt came, 0 if there is none. Raises LedgerFault."""
    found = _rows(db, _NEWEST_TIME)
    return found[0][0] if found else 0


def place_of(db: apsw.Connection, receipt: int) -> tuple[Place, str] | None:
    """Return where the object of a receipt is now, None if there is no such receipt. Raises LedgerFault."""
    found = _rows(db, _PLACE, (receipt,))
    return (Place(found[0][0]), found[0][1]) if found else None


def archived_at(db: apsw.Connection, sop_instance_uid: str) -> tuple[int, str] | None:
    """Return receipt and path of a stored instance. Raises LedgerFault."""
    found = _rows(db, _ARCHIVED, by_uid(sop_instance_uid))
    return (found[0][0], found[0][1]) if found else None


def _kept(row: tuple[Any, ...]) -> Kept:
    receipt, received, place, path, digest, size, transfer_syntax = row
    return Kept(receipt, received, Place(place), path, digest or b"", size, transfer_syntax)


def _rows(db: apsw.Connection, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    try:
        return fetch(db, statement, values)
    except apsw.Error as error:
        raise ledger_fault("read", error) from error
