"""The gate: checks before each object, and before each further piece of one, whether the node can store it.

It looks at most once a second, and remembers the answer meanwhile.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scp.errors import NodeFault, Trouble
from scp.health import Health

SECONDS: Final = 1.0
"""How long an answer holds. At 1 GB/s, a gigabyte comes in during that time."""


@dataclass(frozen=True, slots=True)
class Look:
    """A check for one trouble that stops every object: which trouble it is, and how to see whether it is there."""

    trouble: Trouble
    see: Callable[[], NodeFault | None]


class Gate:
    """Open as long as none of the checks finds a fault. What they find is reported to the health of the node."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._health = Health()
        self._looks: tuple[Look, ...] = ()
        self._clock = clock
        self._lock = threading.Lock()
        self._due = clock()
        self._fault: NodeFault | None = None

    def watch(self, health: Health, *looks: Look) -> None:
        """Use these checks from now on, and report to this health. Until this is called, the gate is open."""
        self._health, self._looks = health, looks

    def check(self) -> None:
        """Raise the fault that keeps the node from taking an object, if there is one."""
        if self._looks and self._clock() >= self._due:
            self.look()
        fault = self._fault
        if fault is not None:
            raise type(fault)(*fault.args)

    def look(self) -> None:
        """Check now."""
        with self._lock:
            self._due = self._clock() + SECONDS
            found = [(look, look.see()) for look in self._looks]
            for look, fault in found:
                if fault is None:
                    self._health.clear(look.trouble)
                else:
                    self._health.report(look.trouble, str(fault))
            self._fault = next((fault for _, fault in found if fault is not None), None)


OPEN: Final = Gate()
"""For a store that nothing watches."""
