"""Turns errors of SQLite into words that help people to correct the cause."""

from collections.abc import Mapping
from typing import Final

import apsw

from scp.errors import LedgerFault, in_words

_LOST: Final = "restore a backup, or make a new one with auditscp rebuild"
_WORDS: Final[Mapping[type[Exception], str]] = {
    apsw.NotADBError: f"it is no ledger, or damaged: {_LOST}",
    apsw.CorruptError: f"it is damaged: {_LOST}",
    apsw.BusyError: "another program holds it",
    apsw.LockedError: "another program holds it",
    apsw.ReadOnlyError: "it is read-only",
    apsw.FullError: "the disk is full",
    apsw.IOError: "the disk failed",
    apsw.CantOpenError: "the file is missing, not for this user, or in a file system that is read-only",
}


MISREAD: Final = (ValueError, TypeError, LookupError)
"""What is raised by rows that no release has written: somebody edited the ledger, or the disk damaged it."""


def misread(error: Exception) -> LedgerFault:
    """Return the fault of a row that cannot be read."""
    return LedgerFault(f"the ledger holds what no release writes (read in {_reader(error)}): {_LOST}")


def _reader(error: Exception) -> str:
    """Return the innermost of our modules in the traceback of an error, and the line."""
    ours, trace = "?", error.__traceback__
    while trace:
        name = trace.tb_frame.f_globals.get("__name__", "")
        ours = f"{name}:{trace.tb_lineno}" if name.startswith("scp.") else ours
        trace = trace.tb_next
    return ours


def ledger_fault(what: str, error: apsw.Error | OSError) -> LedgerFault:
    """Return the fault for an error; ``what`` is what failed: ``opened``, ``read`` or ``written``."""
    why = in_words(error) if isinstance(error, OSError) else _WORDS.get(type(error), type(error).__name__)
    return LedgerFault(f"the ledger cannot be {what}: {why}")
