"""Read-only connections to the ledger for pages, apart from the node's own, and with a deadline.

A page that reads for too long is stopped: its visitor gets no answer, but receiving goes on undisturbed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Full, LifoQueue
from typing import Final

import apsw

from scp.errors import LedgerFault
from scp.ledger.reading import open_reader

SECONDS: Final = 5.0
_STEPS: Final = 20_000
"""Steps of SQLite's virtual machine between two looks at the clock."""
_IDLE: Final = 4


class TooSlow(LedgerFault):
    """A page asked for more than can be read in time."""


class Readers:
    """Lends connections, one to each thread that asks."""

    def __init__(self, path: Path, seconds: float = SECONDS) -> None:
        self.path = path
        self._seconds = seconds
        self._idle: LifoQueue[apsw.Connection] = LifoQueue(_IDLE)

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """Lend a connection. Raises LedgerFault if the ledger cannot be read, TooSlow if that takes too long."""
        try:
            db = self._idle.get_nowait()
        except Empty:
            db = open_reader(self.path)
        deadline = self._deadline()
        db.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            yield db
        except apsw.InterruptError:
            db.close()
            raise TooSlow("the ledger took too long") from None
        except apsw.Error as error:
            db.close()
            raise LedgerFault(f"the ledger cannot be read ({type(error).__name__})") from error
        except BaseException:
            db.close()
            raise
        try:
            self._idle.put_nowait(db)
        except Full:
            db.close()

    def _deadline(self) -> float:
        return time.monotonic() + self._seconds

    def close(self) -> None:
        """Close all connections that are not lent out."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()
