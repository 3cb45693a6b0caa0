"""Checkpoints beside whoever writes, so that hardly any commit has to make one.

What is committed is in the write-ahead log first, and has to be carried over into the ledger's file before the log can
begin anew. SQLite has the commit do it that makes the log too long: with the syncs that it takes, that one sender would
wait for what hundreds of others have stored. From a connection of its own it stands in nobody's way, and the commit
that comes to it finds little left to carry.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from scp.ledger.faults import ledger_fault

_PAGES: Final = 1_000
"""Pages that are worth it: fewer would be written again and again, as the same ones change with every instance."""


class Checkpoints:
    """A connection that carries over what others commit. Not for two threads."""

    def __init__(self, ledger: Path, *, sync: bool) -> None:
        """Raises LedgerFault if the ledger, which is there already, cannot be opened."""
        try:
            self._db = apsw.Connection(str(ledger), flags=apsw.SQLITE_OPEN_READWRITE)
            self._db.pragma("journal_mode")  # it looks at the file only when it is asked something
            self._db.pragma("synchronous", "full" if sync else "off")
            self._db.wal_autocheckpoint(0)
        except apsw.Error as error:
            raise ledger_fault("opened", error) from error

    def carry(self) -> int:
        """Carry over what there is, if it is worth it; return how many pages. Raises LedgerFault."""
        try:
            there, carried = self._db.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_NOOP)
            if there - carried < _PAGES:
                return 0
            return self._db.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)[1] - carried
        except apsw.BusyError:
            return 0  # somebody else is at it
        except apsw.Error as error:
            raise ledger_fault("written", error) from error

    def close(self) -> None:
        """Finish. One that a thread is still at ends with the process, which does no harm."""
        with suppress(apsw.Error):
            self._db.close()
