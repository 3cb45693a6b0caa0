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
from typing import TYPE_CHECKING, Any

from pynetdicom.association import Association as PynetdicomAssociation
from pynetdicom.fsm import InvalidEventError
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.transport import AssociationSocket

from scp.dicom.request import Association
from scp.ids import as_text, new_id
from scp.net.channel import P_DATA_TF, Channel, ChannelEnd, Closed, Oversized
from scp.net.receive import Context, Receiver
from scp.observe.lines import Tally, association_closed, association_opened, association_rejected
from scp.outcomes import Ending

if TYPE_CHECKING:
    from scp.net.server import Server

_A_ASSOCIATE_RQ = 0x01


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

    def run_reactor(self) -> None:
        """Negotiate, serve, and give an account of the end whatever happens. Overrides pynetdicom's polling loop."""
        try:
            self._converse()
        finally:
            self._socket.close()
            self._node.gone(self)

    def _converse(self) -> None:
        limits = self._node.limits
        self._channel = Channel(
            self._socket, limits.max_pdu, limits.max_associate_rq, limits.acse_timeout, limits.minimum_rate
        )
        self._pump()  # the connection: Evt5
        try:
            pdu = self._channel.next_pdu(most=limits.max_associate_rq, kinds=(_A_ASSOCIATE_RQ,))
        except Oversized:
            self._event("Evt19")
            return
        except ChannelEnd:
            return
        self._give(pdu)
        primitive: object = self.dul.receive_pdu()
        if isinstance(primitive, A_ASSOCIATE):
            association = self._negotiate(primitive)
            if association is not None:
                self._serve(association)

    def _negotiate(self, primitive: A_ASSOCIATE) -> Association | None:
        """Accept or reject; None if there is no association."""
        calling, called = primitive.calling_ae_title.strip(), primitive.called_ae_title.strip()
        self.requestor.primitive = primitive
        rejection = self._node.admission(self.address, calling, called)
        if rejection:
            self.acse.send_reject(*rejection.value.reason)
            self._pump()
            association_rejected(self.address, self._port, calling, called, rejection.value.words)
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
            implementation_class_uid=str(self.requestor.implementation_class_uid or ""),
            implementation_version_name=str(self.requestor.implementation_version_name or ""),
        )

    def _serve(self, association: Association) -> None:
        opened = time.time_ns() // 1000
        association_opened(association)
        assert self._channel is not None
        self._channel.set_timeout(self._node.limits.network_timeout)
        receiver = Receiver(self._channel, association, self._contexts(), self._node.intake, self._tally, self._echo)
        self._receiver = receiver
        ending = Ending.FAULT
        try:
            ending = self._end(receiver.run())
        finally:
            self._node.intake.ended(association, opened, ending)
            association_closed(association, self._tally, ending)

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
            self._event_of_pdu(b"\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00")
            self.acse.is_release_requested()
            self.acse.send_release(is_response=True)
            self._pump()
            assert self._channel is not None
            self._channel.set_timeout(1.0)
            with suppress(ChannelEnd):
                self._channel.next_pdu()  # the peer closes first (PS3.8 §9.2.3, ARTIM)
        elif ending in (Ending.TIMEOUT, Ending.SHUTDOWN, Ending.FAULT):
            with suppress(Closed, ChannelEnd):
                assert self._channel is not None
                self._channel.send(b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00")
        return ending

    def _echo(self, context_id: int, command: bytes) -> None:
        """Let pynetdicom answer a C-ECHO-RQ."""
        length = len(command) + 2
        self._event_of_pdu(struct.pack(">BxIIBB", P_DATA_TF, length + 4, length, context_id, 0x03) + command)
        number, message = self.dimse.get_msg()
        if message is not None:
            self._serve_request(message, number or 0)
            self._pump()

    def _give(self, pdu: Any) -> None:
        self._event_of_pdu(struct.pack(">BxI", pdu.type, len(pdu.body)) + bytes(pdu.body))

    def _event_of_pdu(self, raw: bytes) -> None:
        """Hand a PDU to pynetdicom's state machine."""
        try:
            pdu, event = self.dul._decode_pdu(bytearray(raw))
        except Exception:  # noqa: BLE001 - whatever a peer's bytes do to the decoder, it is an invalid PDU
            self._event("Evt19")
            return
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
            self.dul.state_machine.do_action(event)
