"""Whether the ledger's file, and the write-ahead log beside it, are still there.

SQLite goes on writing to a file after it was removed or replaced. All answers would be true until the process ends, and
then everything would be lost. If only the log was removed, its content is saved when the node is stopped properly.
"""

import os
from collections.abc import Callable
from pathlib import Path

from scp.errors import LedgerFault, LedgerGone


def presence(path: Path) -> Callable[[], LedgerFault | None]:
    """Return a check that the files are still the ones that are there now. Raises LedgerGone if there is no ledger.

    The check returns what is wrong, or None.
    """
    log = path.with_name(f"{path.name}-wal")
    first, first_log = _identity(path), _identity(log)
    if first is None:
        raise LedgerGone("the ledger's file is not there")

    def see() -> LedgerFault | None:
        now = _identity(path)
        if now is None:
            return LedgerGone("the ledger's file is gone: stop the node, put it back or rebuild it, and start again")
        if now != first:
            return LedgerGone("the ledger's file was replaced under the running node: restart it")
        if first_log and _identity(log) != first_log:  # SQLite keeps the log as long as the node has the ledger open
            return LedgerGone(f"{log.name} was removed under the running node: stop it properly, and start again")
        return None

    return see


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - once a second on the way of an instance
    except OSError:
        return None
    return found.st_dev, found.st_ino
