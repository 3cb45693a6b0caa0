"""The troubles of a node: any part can report and ask, and each change is logged once.

A trouble is reported by the fault that shows it, and cleared by what proves the opposite:

======  ==============================================  ==============================================================
sort    reported by                                     cleared by
======  ==============================================  ==============================================================
space   the gate, before and within each object         the gate, when more than the reserve is free again
disk    a write, move or read that failed               an instance that was stored, or the probe of the upkeep thread
ledger  a transaction that failed                       the same
gone    the gate, if the ledger's files were replaced   the gate, if the files come back; otherwise a restart
sync    a sync that failed because the disk did         nothing but a restart: ``auditscp verify`` shows what was lost,
                                                        and only an administrator can say that the disk is well again
======  ==============================================  ==============================================================

A fault that concerns a single object (too large, a comparison that never ends) is no trouble of the node.
"""

import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog

from scp.errors import NodeFault, Trouble

PROVEN_BY_STORING: Final = (Trouble.DISK, Trouble.LEDGER)
"""Troubles that are over once an instance has gone all the way."""


class Health:
    """The troubles of one node. Any thread may report, clear and ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[Trouble, float] = {}
        self.troubles: Mapping[Trouble, str] = {}
        """What is wrong now, by sort; each reason is a sentence without patient data. Never changed in place."""

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.troubles

    def report(self, trouble: Trouble, reason: str) -> None:
        """Note a trouble; its beginning is logged. A new reason replaces the one before."""
        with self._lock:
            begins = trouble not in self.troubles
            self.troubles = {**self.troubles, trouble: reason}
            if begins:
                self._since[trouble] = time.monotonic()
        if begins:
            structlog.get_logger().error("node_unhealthy", trouble=trouble.value, reason=reason)

    def suffer(self, fault: NodeFault) -> None:
        """Note the trouble that a fault shows, if it shows one."""
        if fault.trouble is not None:
            self.report(fault.trouble, str(fault))

    def clear(self, *troubles: Trouble) -> None:
        """Note that these troubles are over; the end of those that were there is logged."""
        with self._lock:
            over = [one for one in troubles if one in self.troubles]
            self.troubles = {one: reason for one, reason in self.troubles.items() if one not in over}
            lasted = {one: time.monotonic() - self._since.pop(one) for one in over}
            well = self.is_well
        for one, seconds in lasted.items():
            structlog.get_logger().info("trouble_over", trouble=one.value, seconds=round(seconds, 3), healthy=well)

    def stored(self) -> None:
        """Note that an instance went all the way: its bytes were written and synced, the ledger committed."""
        if self.troubles:
            self.clear(*PROVEN_BY_STORING)
