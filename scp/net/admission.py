"""Who is let in, and how many.

A connection waits until it has said what it wants, and is counted as an association only then: whoever connects and
says nothing takes no association from others. Those that wait are few; when they are too many, the address that has
most of them loses its oldest. Many that come in one instant are not yet too many: a connection has some seconds to say
what it wants, as long as there is room.
"""

import threading
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple, Protocol

from scp.config import Associations
from scp.net.proposal import APPLICATION_CONTEXT, Proposal, is_ae_title
from scp.outcomes import Ending

_MOST_WAITING: Final = 64
"""Connections that have not associated; each is a thread with a buffer."""
MOST_AT_ONCE: Final = 256
"""The same, with those that have only just come."""
_JUST_COME: Final = 5.0
"""Seconds: how long that is. A peer says what it wants at once, but many at once are read one after the other."""


class Rejected(NamedTuple):
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 Table 9-21), and our words for it."""

    reason: tuple[int, int, int]
    words: str


class Rejection(Enum):
    """Why an association is not accepted."""

    VERSION = Rejected((1, 2, 2), "protocol version not supported")
    APPLICATION_CONTEXT = Rejected((1, 1, 2), "application context not supported")
    ADDRESS = Rejected((1, 1, 1), "address not allowed")
    CALLING = Rejected((1, 1, 3), "calling AE title not recognised")
    CERTIFICATE = Rejected((1, 1, 3), "calling AE title is not one of the certificate")
    CALLED = Rejected((1, 1, 7), "called AE title not recognised")
    IDENTITY = Rejected((1, 1, 1), "user identity is not taken")
    LIMIT = Rejected((2, 3, 2), "limit of associations")
    PEER_LIMIT = Rejected((2, 3, 2), "limit of associations of one peer")
    DRAINING = Rejected((2, 3, 1), "shutting down")


class Connection(Protocol):
    """What is counted. Both ways of ending it are for other threads than its own."""

    address: str

    @property
    def idle_seconds(self) -> float:
        """Seconds since it came, or since its last request; 0 while one is received or worked on."""

    def hang_up(self) -> None:
        """Close it without a word."""

    def stop(self, ending: Ending) -> bool:
        """End the association, and return whether this was the first to do so."""


class Admission:
    """The connections of a node: those that wait, and associations."""

    def __init__(self, ae_title: str, limits: Associations) -> None:
        self._ae_title = ae_title
        self._limits = limits
        self._lock = threading.Lock()
        self._waiting: dict[Connection, None] = {}  # in the order in which they came
        self._associations: set[Connection] = set()
        self._closed = False

    def renew(self, limits: Associations) -> None:
        """Admit by other settings from now on."""
        self._limits = limits

    def close(self) -> None:
        """Let nobody in any more."""
        self._closed = True

    def came(self, one: Connection, most: int) -> None:
        """Count a connection that waits; if too many wait now, or there are more than ``most``, some are hung up."""
        with self._lock:
            self._waiting[one] = None
            waiting, room = len(self._waiting), most - len(self._associations)
        if waiting > min(MOST_AT_ONCE, room):
            self.make_room()
            waiting -= 1
        while waiting > _MOST_WAITING and self.make_room(_JUST_COME):
            waiting -= 1

    def make_room(self, seconds: float = 0.0) -> bool:
        """Hang up one that waits, if any does and has done so for ``seconds``; return whether there was one."""
        with self._lock:
            if not self._waiting:
                return False
            ((crowd, _),) = Counter(one.address for one in self._waiting).most_common(1)
            oldest = next(one for one in self._waiting if one.address == crowd)
            if oldest.idle_seconds < seconds:
                return False
            del self._waiting[oldest]
        oldest.hang_up()
        return True

    def admit(self, one: Connection, proposal: Proposal) -> Rejection | None:
        """Make an association of a connection, or return why it must not be."""
        with self._lock:
            rejection = self._rejection(one.address, proposal)
            if rejection is None:
                self._waiting.pop(one, None)
                self._associations.add(one)
            return rejection

    def gone(self, one: Connection) -> None:
        """Count a connection no more."""
        with self._lock:
            self._waiting.pop(one, None)
            self._associations.discard(one)

    def waiting(self) -> list[Connection]:
        """Return the connections that have not associated."""
        with self._lock:
            return list(self._waiting)

    def associations(self) -> list[Connection]:
        """Return the others."""
        with self._lock:
            return list(self._associations)

    def _rejection(self, address: str, proposal: Proposal) -> Rejection | None:
        limits, calling, called = self._limits, proposal.calling_ae_title, proposal.called_ae_title
        peers = Counter(one.address for one in self._associations)
        checks: tuple[tuple[Callable[[], bool], Rejection], ...] = (
            (lambda: self._closed, Rejection.DRAINING),
            (lambda: not limits.admits_address(address), Rejection.ADDRESS),
            (lambda: not proposal.supports_version_1, Rejection.VERSION),
            (lambda: proposal.application_context != APPLICATION_CONTEXT, Rejection.APPLICATION_CONTEXT),
            (lambda: not is_ae_title(calling) or not limits.admits_calling(calling), Rejection.CALLING),
            (
                lambda: not is_ae_title(called) or (limits.require_called_ae_title and called != self._ae_title),
                Rejection.CALLED,
            ),
            (lambda: peers.total() >= limits.max_associations, Rejection.LIMIT),
            (lambda: peers[address] >= limits.max_associations_per_peer, Rejection.PEER_LIMIT),
        )
        return next((rejection for applies, rejection in checks if applies()), None)
