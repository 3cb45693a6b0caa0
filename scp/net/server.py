"""The listening socket: who is let in, how many, and how the node stops."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

from pydicom.uid import UID
from pynetdicom import AE, _config
from pynetdicom.presentation import build_context
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from scp.config import Associations, Node
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.intake import Intake
from scp.net.acceptor import Acceptor
from scp.net.contexts import VERIFICATION, Offer
from scp.outcomes import Ending

_DRAIN_IDLE: Final = 1.0
"""Seconds without a request after which an association does not hold up the shutdown."""
_POLL: Final = 0.05


class Rejected(NamedTuple):
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 Table 9-21), and our words for it."""

    reason: tuple[int, int, int]
    words: str


class Rejection(Enum):
    """Why an association is not accepted."""

    ADDRESS = Rejected((1, 1, 1), "address not allowed")
    CALLING = Rejected((1, 1, 3), "calling AE title not recognised")
    CALLED = Rejected((1, 1, 7), "called AE title not recognised")
    LIMIT = Rejected((2, 3, 2), "limit of associations")
    PEER_LIMIT = Rejected((2, 3, 2), "limit of associations of one peer")
    DRAINING = Rejected((2, 3, 1), "shutting down")


@dataclass(frozen=True, slots=True)
class Drained:
    """How the node stopped: associations that ended by themselves, and those that were cut off."""

    finished: int
    aborted: int


class Server:
    """A Storage SCP on one port. Make it, :meth:`start` it, and :meth:`drain` it once."""

    def __init__(self, node: Node, associations: Associations, offer: Offer, intake: Intake) -> None:
        self.offer = offer
        self.intake = intake
        self.ae = _application_entity(node, associations)
        self._node = node
        self.limits = associations
        self._lock = threading.Lock()
        self._open: set[Acceptor] = set()
        self._draining = False
        self._listener: _Listener | None = None

    def start(self) -> tuple[str, int]:
        """Listen, and return the address and port. Raises OSError if that cannot be had."""
        # Affected UIDs are judged by rules and answered; pynetdicom would drop the association without a word.
        _config.VALIDATORS["UI"] = lambda _: (True, "")
        _config.LOG_HANDLER_LEVEL = "none"
        listener = _Listener(
            self.ae,
            (self._node.host, self._node.port),
            self._node.ae_title,
            contexts=[build_context(VERIFICATION)],
            request_handler=_Handler,
        )
        listener.node = self
        self.ae._servers.append(listener)  # where its own shutdown looks for it
        threading.Thread(target=listener.serve_forever, args=(_POLL,), name="listener", daemon=True).start()
        self._listener = listener
        host, port = listener.server_address[:2]
        return str(host), int(port)

    def drain(self, seconds: float) -> Drained:
        """Refuse new associations, let the others finish, and abort what remains at the deadline."""
        deadline = time.monotonic() + seconds
        self._draining = True
        if self._listener:
            self._listener.shutdown()
        before, aborted = len(self._open), 0
        while self._open and time.monotonic() < deadline:
            for one in self._snapshot():
                if one.idle_seconds > _DRAIN_IDLE and one.stop(Ending.SHUTDOWN):
                    aborted += 1
            time.sleep(_POLL)
        for one in self._snapshot():
            aborted += one.stop(Ending.SHUTDOWN)
        # What was aborted still writes its receipts; a stuck peer must not keep us.
        grace = time.monotonic() + _DRAIN_IDLE
        while self._open and time.monotonic() < grace:
            time.sleep(_POLL)
        return Drained(max(before - aborted, 0), aborted)

    def came(self, one: Acceptor) -> None:
        """Count a connection."""
        with self._lock:
            self._open.add(one)

    def gone(self, one: Acceptor) -> None:
        """Count it no more."""
        with self._lock:
            self._open.discard(one)

    def admission(self, address: str, calling: str, called: str) -> Rejection | None:
        """Return why an association must not be, if so."""
        limits = self.limits
        peers = Counter(one.address for one in self._snapshot())
        checks: tuple[tuple[Callable[[], bool], Rejection], ...] = (
            (lambda: self._draining, Rejection.DRAINING),
            (lambda: not limits.admits_address(address), Rejection.ADDRESS),
            (lambda: not limits.admits_calling(calling.strip()), Rejection.CALLING),
            (
                lambda: limits.require_called_ae_title and called.strip() != self._node.ae_title,
                Rejection.CALLED,
            ),
            (lambda: peers.total() > limits.max_associations, Rejection.LIMIT),
            (lambda: peers[address] > limits.max_associations_per_peer, Rejection.PEER_LIMIT),
        )
        return next((rejection for applies, rejection in checks if applies()), None)

    def _snapshot(self) -> list[Acceptor]:
        with self._lock:
            return list(self._open)


def _application_entity(node: Node, associations: Associations) -> AE:
    ae = AE(node.ae_title)
    ae.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.maximum_pdu_size = associations.max_pdu
    ae.acse_timeout = associations.acse_timeout
    ae.dimse_timeout = associations.network_timeout
    ae.network_timeout = associations.network_timeout
    ae.maximum_associations = 1_000_000  # the limits are ours, and say which one was reached
    return ae


class _Listener(ThreadedAssociationServer):
    """pynetdicom's server, with a backlog for a hospital's morning and the node it belongs to."""

    request_queue_size = 128
    daemon_threads = True
    node: Server

    def process_request(self, request: Any, client_address: Any) -> None:
        """Make the association here; its own thread does the rest."""
        try:
            self.finish_request(request, client_address)
        except Exception:  # noqa: BLE001 - one connection must not end the listener
            self.handle_error(request, client_address)

    def service_actions(self) -> None:
        """Do nothing at each turn: pynetdicom would collect garbage here, which an idle node need not pay for."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Let a connection that failed go; standard error is not for peers to write to."""
        self.shutdown_request(request)


class _Handler(RequestHandler):
    """Makes our association for a connection."""

    server: _Listener

    def _create_association(self) -> Acceptor:
        node = self.server.node
        host, port = self.client_address[:2]
        one = Acceptor(node, self.request, str(host), int(port))
        one._server = self.server
        one.name = f"AcceptorThread@{host}:{port}"  # pynetdicom finds its associations by this word
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a response waits for nothing
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        acceptor, requestor = one.acceptor, one.requestor
        acceptor.ae_title = self.server.ae_title
        acceptor.address_info, requestor.address_info = self.local, self.remote
        acceptor.maximum_length = node.ae.maximum_pdu_size
        acceptor.implementation_class_uid = node.ae.implementation_class_uid
        acceptor.implementation_version_name = node.ae.implementation_version_name
        acceptor.supported_contexts = []  # decided when the peer has said what it proposes
        node.came(one)
        return one
