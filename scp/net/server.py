"""The listening socket, the parts that all associations share, and draining."""

import errno
import resource
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast

from pydicom.uid import UID
from pynetdicom import AE, _config
from pynetdicom.presentation import build_context
from pynetdicom.transport import ThreadedAssociationServer

from scp.config import Associations, Node
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.intake import Intake
from scp.net.acceptor import Acceptor
from scp.net.admission import MOST_AT_ONCE, Admission
from scp.net.contexts import VERIFICATION, Offer
from scp.net.negotiation import Negotiator
from scp.net.trust import NO_PROOF, Trust
from scp.observe.meter import Meters
from scp.outcomes import Ending

_DRAIN_IDLE: Final = 1.0
"""Seconds without a request after which an association no longer delays the shutdown."""
_LAST_WRITES: Final = 5.0
"""Seconds at most that associations have for their receipts once they are cut off: the disk may be busy."""
_POLL: Final = 0.05
"""Seconds between two looks at whether all associations have ended, and to pause after running out of descriptors."""
_DESCRIPTORS: Final = 65_536
"""File descriptors to ask for; the administrator's limit may be lower."""
_OURS: Final = 32
"""Descriptors that a node has even without connections: ledger, log, folders, console."""
_FOR_CONNECTIONS: Final = 0.75
"""Share of all other descriptors that connections may take; the rest are for the files of what they send."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_SEND_BUFFER: Final = 32 * 1024
"""Size of the kernel's send buffer of a connection, in bytes."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How the node stopped: how many associations ended by themselves, and how many were aborted."""

    finished: int
    aborted: int


class Server:
    """A Storage SCP on one port. To be started once, and drained once."""

    def __init__(
        self,
        node: Node,
        associations: Associations,
        offer: Offer,
        intake: Intake,
        trust: Trust = NO_PROOF,
        meters: Meters | None = None,
    ) -> None:
        self.intake = intake
        self.trust = trust
        self.meters = meters or Meters()
        self.ae = _application_entity(node, associations)
        self.negotiator = Negotiator(self.ae, offer)
        self._node = node
        self.limits = associations
        self.admission = Admission(node.ae_title, associations)
        self._listener: _Listener | None = None

    def start(self) -> tuple[str, int]:
        """Listen, and return the address and port. Raises OSError if that is not possible."""
        _allow_descriptors()
        # Rules judge Affected UIDs, and there is an answer; pynetdicom would drop the association without one.
        _config.VALIDATORS["UI"] = lambda _: (True, "")
        _config.LOG_HANDLER_LEVEL = "none"
        listener = _Listener(
            self.ae,
            (self._node.host, self._node.port),
            self._node.ae_title,
            contexts=[build_context(VERIFICATION)],
        )
        listener.owner = self
        self.ae._servers.append(listener)  # the listener's own shutdown removes it from this list
        threading.Thread(target=listener.serve_forever, args=(None,), name="listener", daemon=True).start()
        self._listener = listener
        host, port = listener.server_address[:2]
        return str(host), int(port)

    def renew(self, associations: Associations, offer: Offer, trust: Trust) -> None:
        """Use other settings for new connections; associations in progress keep theirs."""
        self.ae.maximum_pdu_size = associations.max_pdu
        self.negotiator = Negotiator(self.ae, offer)
        self.trust = trust
        self.limits = associations
        self.admission.renew(associations)

    def drain(self, seconds: float) -> Drained:
        """Refuse new associations, let the others finish, and abort what remains at the deadline."""
        deadline = time.monotonic() + seconds
        self.admission.close()
        if self._listener:
            self._listener.shutdown()
        before, aborted = len(self.admission.associations()), 0
        while self._is_busy() and time.monotonic() < deadline:
            for one in self.admission.waiting():
                if one.idle_seconds > _DRAIN_IDLE:
                    one.hang_up()
            for one in self.admission.associations():
                if one.idle_seconds > _DRAIN_IDLE and one.stop(Ending.SHUTDOWN):
                    aborted += 1
            time.sleep(_POLL)
        for one in self.admission.associations():
            aborted += one.stop(Ending.SHUTDOWN)
        # Aborted associations still write their receipts, but we do not wait long for a stuck peer.
        grace = time.monotonic() + _LAST_WRITES
        while self.admission.associations() and time.monotonic() < grace:
            time.sleep(_POLL)
        return Drained(max(before - aborted, 0), aborted)

    def _is_busy(self) -> bool:
        return bool(self.admission.associations() or self.admission.waiting())


def _allow_descriptors() -> None:
    """Raise the limit of descriptors as far as the administrator allows: associations need several each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _most_connections() -> int:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if allowed == resource.RLIM_INFINITY else max(1, int((allowed - _OURS) * _FOR_CONNECTIONS))


def _application_entity(node: Node, associations: Associations) -> AE:
    ae = AE(node.ae_title)
    ae.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.maximum_pdu_size = associations.max_pdu
    return ae


class _Listener(ThreadedAssociationServer):
    """pynetdicom's listening server, with a longer backlog, which hands connections to its ``owner``."""

    request_queue_size = MOST_AT_ONCE  # whoever finds the queue full is answered a second later, by its own kernel
    owner: Server

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection. If descriptors or memory run out, connections without an association make room."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self.owner.admission.make_room()
                time.sleep(_POLL)
            raise

    def shutdown(self) -> None:
        """Stop listening, and so wake the thread that waits for connections."""
        with suppress(OSError):
            socket.socket.shutdown(cast("socket.socket", self.socket), socket.SHUT_RDWR)
        super().shutdown()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start an acceptor for the connection, which does everything else in its own thread."""
        try:
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # responses are sent without delay
            request.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # Responses are small; the kernel need not keep megabytes of them for a peer that does not read.
            request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            host, port = client_address[:2]
            self._begin(Acceptor(self.owner, request, str(host), int(port)))
        except Exception:  # noqa: BLE001 - one connection must not end the listener
            self.handle_error(request, client_address)

    def _begin(self, one: Acceptor) -> None:
        self.owner.admission.came(one, _most_connections())
        try:
            one.start()
        except RuntimeError:  # the system has no thread for it
            self.owner.admission.gone(one)
            raise

    def service_actions(self) -> None:
        """Do nothing: pynetdicom would run the garbage collector at each turn, even on an idle node."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Close a connection that failed; the base class would also write a traceback to standard error."""
        self.shutdown_request(request)
