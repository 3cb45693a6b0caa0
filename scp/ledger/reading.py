"""Reading a ledger, for reports, pages and commands, beside a node that writes it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import apsw

from scp.errors import LedgerFault
from scp.ledger import rows
from scp.ledger.faults import ledger_fault
from scp.ledger.port import Receipt
from scp.ledger.schema import VERSION

_BUSY_MS: Final = 5_000
_CACHE_KIB: Final = 8_192


def open_reader(path: Path) -> apsw.Connection:
    """Open a ledger for reading only, in this process or another. Raises LedgerFault if that is not possible.

    The caller has to close the connection. It sees what was committed before each statement, and delays nobody.
    """
    _look(path)
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        db.set_busy_timeout(_BUSY_MS)
        db.pragma("query_only", True)
        db.pragma("cache_size", -_CACHE_KIB)
        version = db.pragma("user_version")
    except apsw.Error as error:
        raise ledger_fault("read", error) from error
    if version != VERSION:
        raise LedgerFault(f"the ledger has version {version}; this release reads version {VERSION}")
    return db


def _look(path: Path) -> None:
    """Raise LedgerFault if there is no ledger, or if this user may not read it.

    The file is not opened: closing it would drop the locks of every connection of this process to it (fcntl(2)).
    """
    try:
        path.stat()
        may_read = os.access(path, os.R_OK)
    except PermissionError:
        may_read = False
    except OSError:
        raise LedgerFault(f"there is no ledger at {path}") from None
    if not may_read:
        raise LedgerFault("this user may not read the ledger")


@contextmanager
def reading(path: Path) -> Iterator[apsw.Connection]:
    """Yield a connection for reading, and close it. Raises LedgerFault if the ledger fails."""
    db = open_reader(path)
    try:
        yield db
    except apsw.Error as error:
        raise ledger_fault("read", error) from error
    finally:
        db.close()


def fetch(db: apsw.Connection, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    return db.execute(statement, values).fetchall()


def receipt_of(db: apsw.Connection, number: int) -> Receipt | None:
    """Return a receipt with its findings, None if there is no such receipt."""
    found = fetch(db, f"{rows.SELECT_RECEIPT} WHERE receipt.id = ?", (number,))
    if not found:
        return None
    findings = tuple(rows.finding_of(row) for row in fetch(db, rows.SELECT_FINDINGS, (number,)))
    return replace(rows.receipt_of(found[0]), findings=findings)
