"""Faults of this node and its surroundings. A bad object is never an exception: it is a finding.

::

    NodeFault                 carries the DIMSE status that the peer gets
    ├── LedgerFault           the ledger cannot be read or written
    ├── StoreFault            bytes cannot be written, synced, moved or read
    └── ObjectTooLarge        the object exceeds this node's limit
"""

from typing import ClassVar

from scp.dicom.status import Status


class NodeFault(Exception):
    """Something on our side prevents an answer about the data. Its text holds no patient data."""

    status: ClassVar[Status] = Status.OUT_OF_RESOURCES
    comment: ClassVar[str] = "cannot store now, try again"


class LedgerFault(NodeFault):
    """The ledger cannot be read or written."""


class StoreFault(NodeFault):
    """Bytes cannot be written, synced, moved or read."""


class ObjectTooLarge(NodeFault):
    """The object exceeds ``limits.object_bytes``."""

    comment: ClassVar[str] = "the object is larger than this node's limit"


def place_of(error: BaseException) -> str:
    """Return where an error was raised, as module and line: what can be told of it, as its text may hold anything."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else "?"
