"""Which senders know that their instance was stored.

If its connection broke before it could read our response, a sender resends the instance, byte for byte. That is no
duplicate: the sender does not know what we know. So a response is *confirmed* only once something else arrives on its
association, or the association is released. The ledger keeps that for good. This module knows what is still open in
this process, so that a resend on a second association can wait for the fate of the first.
"""

import threading
from collections import deque
from typing import Final

_REMEMBERED: Final = 1024


class Deliveries:
    """The last stored instance of each open association, until the sender has shown that it read the response."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # taken directly where nobody is notified: a Condition is slower to enter
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        self._pending: dict[str, int] = {}
        self._confirmed: deque[int] = deque(maxlen=_REMEMBERED)

    def expect(self, association: str, instance: int) -> None:
        """Begin to wait for a confirmation. To be called before others can see the decision."""
        with self._lock:
            self._pending[association] = instance

    def heard(self, association: str) -> int | None:
        """Note that something arrived, or a release; return the instance that this confirms, if any."""
        return self._forget(association, confirmed=True)

    def ended(self, association: str) -> None:
        """Note that an association ended other than by release: its last response stays unconfirmed."""
        self._forget(association, confirmed=False)

    def is_confirmed(self, instance: int) -> bool:
        """Whether an instance was confirmed lately; the ledger may not have written it yet."""
        with self._lock:
            return instance in self._confirmed

    def is_open(self, instance: int) -> bool:
        """Whether an association that stored the instance is still there, and has been silent since."""
        with self._lock:
            return instance in self._pending.values()

    def settle(self, instance: int, seconds: float) -> None:
        """Wait until the association of an instance goes on or ends, for at most so many ``seconds``."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: instance not in self._pending.values(), seconds)
            finally:
                self._waiting -= 1

    def _forget(self, association: str, *, confirmed: bool) -> int | None:
        with self._lock:
            instance = self._pending.pop(association, None)
            if instance is not None:
                if confirmed:
                    self._confirmed.append(instance)
                if self._waiting:
                    self._changed.notify_all()
            return instance
