"""Faults of this node and its environment. A bad object is never an exception: it is a finding.

::

    NodeFault                 carries the DIMSE status that the peer gets
    ├── LedgerFault           the ledger cannot be read or written
    │   └── LedgerGone        its file was removed or replaced
    ├── StoreFault            bytes cannot be written, synced, moved or read
    │   ├── SpaceFault        too little space is free
    │   ├── SyncFault         the disk lost what it had been given
    │   └── DamageFault       what lies in the data folder is not what the ledger says
    └── ObjectTooLarge        the object exceeds this node's limit

Beside those who raise them are ``NotBegun`` (:mod:`scp.intake`), ``TooSlow`` (:mod:`scp.console.readers`) and
``Unsound`` (:mod:`scp.upkeep.backup`).
"""

import os
from enum import StrEnum
from typing import ClassVar

from scp.dicom.status import Status


class Trouble(StrEnum):
    """The sorts of reasons for which a node is unhealthy (see :mod:`scp.health`)."""

    SPACE = "space"  # too little disk space is free
    DISK = "disk"  # bytes cannot be written, moved or read
    SYNC = "sync"  # the disk lost what it had been given
    LEDGER = "ledger"  # the ledger cannot be read or written
    GONE = "gone"  # the ledger's file was removed or replaced


class NodeFault(Exception):
    """Something on our side prevents a verdict on the data. Its text holds no patient data.

    ``trouble`` is what is wrong with the node; None if only one object is concerned.
    """

    status: ClassVar[Status] = Status.OUT_OF_RESOURCES
    comment: ClassVar[str] = "cannot store now, try again"
    trouble: ClassVar[Trouble | None] = None


class LedgerFault(NodeFault):
    """The ledger cannot be read or written."""

    trouble: ClassVar[Trouble | None] = Trouble.LEDGER


class LedgerGone(LedgerFault):
    """The file of the ledger was removed or replaced under a node that has it open."""

    trouble = Trouble.GONE


class StoreFault(NodeFault):
    """Bytes cannot be written, synced, moved or read."""

    trouble: ClassVar[Trouble | None] = Trouble.DISK


class SpaceFault(StoreFault):
    """Too little space is free: see ``storage.reserve_bytes``."""

    trouble = Trouble.SPACE


class SyncFault(StoreFault):
    """A sync failed because the disk did. Whatever the kernel had not written yet, of any file, may be lost."""

    trouble = Trouble.SYNC


class DamageFault(StoreFault):
    """What lies in the data folder is not what the ledger says. It concerns one object, not the node."""

    trouble = None


class ObjectTooLarge(NodeFault):
    """The object exceeds ``limits.object_bytes``."""

    comment: ClassVar[str] = "the object is larger than this node's limit"


def in_words(error: OSError) -> str:
    """Return the operating system's message with its number, but without the path, which a peer may have chosen."""
    return f"{os.strerror(error.errno)}, errno {error.errno}" if error.errno else type(error).__name__


def place_of(error: BaseException) -> str:
    """Return where an error was raised, as module and line; this can be logged, while its text may hold anything."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else "?"
