"""Checkpoints in the background, so that hardly any commit has to make one.

What is committed is first written to the write-ahead log, and has to be copied into the ledger's file before the log
can begin anew. By default, SQLite does this in the commit that makes the log too long, so that one sender would wait
for syncs of what hundreds of others have stored. A connection of its own delays nobody, and leaves little to do for the
commit whose turn it is.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from scp.ledger.faults import ledger_fault

_PAGES: Final = 1_000
"""How many pages make a checkpoint worth it: some change with every instance, and need not be written each time."""


class Checkpoints:
    """A connection that moves what others commit from the write-ahead log to the ledger. For one thread at a time."""

    def __init__(self, ledger: Path, *, sync: bool) -> None:
        """Raises LedgerFault if the ledger, which is there already, cannot be opened."""
        try:
            self._db = apsw.Connection(str(ledger), flags=apsw.SQLITE_OPEN_READWRITE)
            self._db.pragma("journal_mode")  # SQLite reads the file only when it is asked something
            self._db.pragma("synchronous", "full" if sync else "off")
            self._db.wal_autocheckpoint(0)
        except apsw.Error as error:
            raise ledger_fault("opened", error) from error

    def carry(self) -> int:
        """Move what is in the log to the ledger, if it is worth it; return how many pages. Raises LedgerFault."""
        try:
            there, carried = self._db.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_NOOP)
            if there - carried < _PAGES:
                return 0
            return self._db.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)[1] - carried
        except apsw.BusyError:
            return 0  # somebody else is making a checkpoint
        except apsw.Error as error:
            raise ledger_fault("written", error) from error

    def close(self) -> None:
        """Close the connection. If a thread is using it, it ends with the process, which does no harm."""
        with suppress(apsw.Error):
            self._db.close()
