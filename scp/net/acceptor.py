"""One association in one thread: pynetdicom's negotiation and release, our admission, reading, and account of the end.

pynetdicom runs an upper-layer thread beside each association and polls it. Here its state machine has no thread of
its own: it is given what we have read, event by event, and what it wants to say is sent at once. Between negotiation
and release it is not asked at all (see :mod:`scp.net.receive`).
"""

import socket
import struct
import time
from contextlib import suppress
from queue import Empty
from typing import TYPE_CHECKING, Final

from pynetdicom.association import Association as PynetdicomAssociation
from pynetdicom.fsm import InvalidEventError
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.transport import AssociationSocket

from scp.dicom.request import Association
from scp.ids import as_text, new_id
from scp.net.admission import Rejected, Rejection
from scp.net.channel import Channel, ChannelEnd, Closed, Oversized, Silent
from scp.net.identity import UNREADABLE, Claim, positive_response
from scp.net.proposal import Malformed, Proposal, as_shown, read_proposal
from scp.net.receive import Context, Receiver
from scp.net.tls import HandshakeFailed, Secured, close_notify, shut
from scp.observe.lines import Tally, association_closed, association_opened, association_rejected, tls_failed
from scp.outcomes import Ending

if TYPE_CHECKING:
    from scp.net.server import Server

_A_ASSOCIATE_RQ: Final = 0x01
_A_RELEASE_RQ: Final = b"\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00"
_A_ABORT: Final = b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00"
"""By the service provider, without a reason (PS3.8 §9.3.8)."""
_A_ASSOCIATE_RJ: Final = struct.Struct(">BxIxBBB")

_LINGER: Final = 1.0
"""Seconds that a peer has for reading our last word."""


class Acceptor(PynetdicomAssociation):
    """An association from its connection to its end, in its own thread."""

    def __init__(self, server: "Server", sock: socket.socket, address: str, port: int) -> None:
        super().__init__(server.ae, "acceptor")
        self.set_socket(AssociationSocket(self, client_socket=sock))
        self.address = address
        self._socket = sock
        self._node = server
        self._port = port
        self._ending: Ending | None = None
        self._tally = Tally()
        self._channel: Channel | None = None
        self._receiver: Receiver | None = None
        self._heard_at = time.monotonic()
        self._secured: Secured | None = None
        self._proof: dict[str, str | None] = {}

    @property
    def idle_seconds(self) -> float:
        """Since when no request is being received or worked on."""
        if self._receiver and self._receiver.is_busy:
            self._heard_at = time.monotonic()
        return time.monotonic() - self._heard_at

    def stop(self, ending: Ending) -> bool:
        """End the association from another thread; return whether this was the first to do so."""
        if self._ending is not None or self._channel is None:
            return False
        self._ending = ending
        self._channel.shut_reading()
        return True

    def hang_up(self) -> None:
        """Close the connection from another thread, without a word."""
        shut(self._socket, socket.SHUT_RDWR)

    def run_reactor(self) -> None:
        """Negotiate, serve, and give an account of the end whatever happens. Overrides pynetdicom's polling loop."""
        try:
            self._converse()
        finally:
            close_notify(self._socket)
            self._socket.close()
            self._node.admission.gone(self)

    def _converse(self) -> None:
        limits = self._node.limits
        if not self._secure():
            return
        self._channel = Channel(
            self._socket, limits.max_pdu, limits.max_associate_rq, limits.acse_timeout, limits.minimum_rate
        )
        self._pump()  # the connection: Evt5
        try:
            pdu = self._channel.next_pdu(most=limits.max_associate_rq, kinds=(_A_ASSOCIATE_RQ,))
            association = self._negotiate(read_proposal(pdu.body))
        except Closed:
            return
        except Silent:
            self._turned_away("no A-ASSOCIATE-RQ in time")
        except Oversized:
            self._turned_away("no A-ASSOCIATE-RQ, or one that is too long", _A_ABORT)
        except Malformed as fault:
            self._turned_away(str(fault), _A_ABORT)
        else:
            if association is not None:
                self._serve(association)

    def _secure(self) -> bool:
        """Put TLS around the connection, if this node speaks TLS; return whether there is something to talk over."""
        endpoint, transport = self._node.trust.endpoint, self.dul.socket
        if endpoint is None or transport is None:
            return True
        try:
            # From here on the connection is this one; whoever hangs up from another thread must find it.
            self._socket = transport.socket = wrapped = endpoint.wrap(self._socket)
            self._secured = endpoint.handshake(wrapped, self._node.limits.acse_timeout)
        except HandshakeFailed as failure:
            tls_failed(self.address, self._port, failure.reason, failure.detail)
            self._node.meters.tls_failed(failure.reason)
            return False
        return True

    def _turned_away(self, why: str, say: bytes = b"", calling: str = "", called: str = "") -> None:
        """Tell the log, and the peer as far as the protocol has words for it."""
        association_rejected(self.address, self._port, calling, called, why)
        self._node.meters.rejected(why)
        if say:
            self._say_goodbye(say)

    def _say_goodbye(self, words: bytes) -> None:
        assert self._channel is not None
        self._channel.set_timeout(_LINGER)
        with suppress(ChannelEnd):
            self._channel.send(words)
            self._channel.linger(_LINGER)

    def _negotiate(self, proposal: Proposal) -> Association | None:
        """Accept or reject; None if there is no association. Raises Malformed."""
        calling, called = proposal.calling_ae_title, proposal.called_ae_title
        primitive = self._read_by_pynetdicom(proposal)
        rejection = self._node.admission.admit(self, proposal) or self._mistrust(proposal)
        if rejection:
            rejected: Rejected = rejection.value
            self._turned_away(rejected.words, _A_ASSOCIATE_RJ.pack(3, 4, *rejected.reason), calling, called)
            return None
        self.acceptor.supported_contexts = self._node.offer.contexts_for(primitive.presentation_context_definition_list)
        self.acse.negotiate_association()
        self._pump()
        if not self.is_established:
            return None
        return Association(
            id=as_text(new_id()),
            address=self.address,
            port=self._port,
            calling_ae_title=calling,
            called_ae_title=called,
            implementation_class_uid=_shown(self.requestor.implementation_class_uid),
            implementation_version_name=_shown(self.requestor.implementation_version_name),
        )

    def _read_by_pynetdicom(self, proposal: Proposal) -> A_ASSOCIATE:
        """Let pynetdicom read a proposal whose bounds are known. Raises Malformed if it cannot."""
        try:
            self._give(_A_ASSOCIATE_RQ, proposal.body)
            primitive: object = self.dul.receive_pdu()
            if isinstance(primitive, A_ASSOCIATE):
                self.requestor.primitive = primitive
                return primitive
        except Exception as error:  # noqa: BLE001 - whatever a peer's bytes do to the decoder, they are at fault
            raise Malformed(f"an A-ASSOCIATE-RQ that cannot be read: {type(error).__name__}") from None
        raise Malformed("an A-ASSOCIATE-RQ that cannot be read")

    def _mistrust(self, proposal: Proposal) -> Rejection | None:
        """Return why the peer's certificate or user identity does not let it in, if so."""
        trust, claim = self._node.trust, Claim.of(self.requestor.user_identity)
        if claim is None and proposal.has_user_identity:
            claim = UNREADABLE
        rejection = trust.rejection(proposal.calling_ae_title, self._secured, claim)
        if rejection is None:
            self._proof = trust.proof(self._secured, claim)
            if claim and claim.wants_response:
                self.acceptor.add_negotiation_item(positive_response())
        return rejection

    def _serve(self, association: Association) -> None:
        opened = time.time_ns() // 1000
        association_opened(association, **self._proof)
        assert self._channel is not None
        self._channel.set_timeout(self._node.limits.network_timeout)
        meter = self._node.meters.open(association)
        receiver = Receiver(self._channel, association, self._contexts(), self._node.intake, self._tally, meter)
        self._receiver = receiver
        ending = Ending.FAULT
        try:
            ending = self._end(receiver.run())
        finally:
            self._node.intake.ended(association, opened, ending)
            association_closed(association, self._tally, ending)
            self._node.meters.close(meter, ending)

    def _contexts(self) -> dict[int, Context]:
        related = {
            str(uid): tuple(map(str, classes)) for uid, (_, classes) in self.acceptor.accepted_common_extended.items()
        }
        return {
            number: Context(str(context.abstract_syntax), str(context.transfer_syntax[0]), related)
            for number, context in self._accepted_cx.items()
        }

    def _end(self, ending: Ending) -> Ending:
        """Say goodbye as the ending asks, and return how it ended: our own reason, if we had one, comes first."""
        if self._ending is not None:
            ending = self._ending
        if ending is Ending.RELEASED:
            self._event_of_pdu(_A_RELEASE_RQ)
            self.acse.is_release_requested()
            self.acse.send_release(is_response=True)
            self._pump()
            assert self._channel is not None
            self._channel.set_timeout(_LINGER)
            with suppress(ChannelEnd):
                self._channel.next_pdu()  # the peer closes first (PS3.8 §9.2.3, ARTIM)
        elif ending in (Ending.TIMEOUT, Ending.SHUTDOWN, Ending.FAULT):
            self._say_goodbye(_A_ABORT)
        return ending

    def _give(self, kind: int, body: bytes) -> None:
        self._event_of_pdu(struct.pack(">BxI", kind, len(body)) + body)

    def _event_of_pdu(self, raw: bytes) -> None:
        """Hand a PDU to pynetdicom's state machine."""
        pdu, event = self.dul._decode_pdu(bytearray(raw))
        self.dul._recv_pdu.put(pdu)
        self._event(event)

    def _event(self, event: str) -> None:
        with suppress(InvalidEventError):
            self.dul.state_machine.do_action(event)
        self._pump()

    def _pump(self) -> None:
        """Let the state machine do what is waiting: events, and primitives that it has to send."""
        while True:
            try:
                event = self.dul.event_queue.get_nowait()
            except Empty:
                if not self.dul._process_recv_primitive():
                    return
                event = self.dul.event_queue.get_nowait()
            try:
                self.dul.state_machine.do_action(event)
            except InvalidEventError:
                return  # that the connection broke under our last word is no news by then


def _shown(said: object) -> str:
    return as_shown(str(said or "").encode())
