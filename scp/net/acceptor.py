"""One association in one thread: admission, negotiation, service, release, and a record of how it ended.

pynetdicom runs an upper-layer thread beside each association and polls it. Here it is only asked to negotiate
(:mod:`scp.net.negotiation`). The rest of the upper layer is what an acceptor has to send and to wait for, in this
order. Releases cannot collide, because this node never asks for one.
"""

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from scp.dicom.request import Association
from scp.ids import as_text, new_id
from scp.net.admission import Rejected, Rejection
from scp.net.channel import Channel, ChannelEnd, Closed, Oversized, Silent
from scp.net.identity import Claim
from scp.net.negotiation import Agreement
from scp.net.proposal import Malformed, Proposal, read_proposal
from scp.net.receive import Receiver
from scp.net.tls import HandshakeFailed, Secured, close_notify, shut
from scp.observe.lines import Tally, association_closed, association_opened, association_rejected, tls_failed
from scp.outcomes import Ending

if TYPE_CHECKING:
    from scp.net.server import Server

_A_ASSOCIATE_RQ: Final = 0x01
_A_RELEASE_RP: Final = b"\x06\x00\x00\x00\x00\x04\x00\x00\x00\x00"
_A_ABORT: Final = b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00"
"""An A-ABORT of the service provider, with no reason given (PS3.8 §9.3.8)."""
_A_ASSOCIATE_RJ: Final = struct.Struct(">BxIxBBB")

_LINGER: Final = 1.0
"""Seconds that a peer has to read the last PDU and to close."""


class Acceptor(threading.Thread):
    """An association from its connection to its end, in its own thread."""

    def __init__(self, server: "Server", sock: socket.socket, address: str, port: int) -> None:
        super().__init__(name=f"association {address}:{port}", daemon=True)
        self.address = address
        self._socket = sock
        self._server = server
        self._port = port
        self._ending: Ending | None = None
        self._tally = Tally()
        self._channel: Channel | None = None
        self._receiver: Receiver | None = None
        self._came_at = time.monotonic()
        self._secured: Secured | None = None
        self._proof: dict[str, str | None] = {}

    @property
    def idle_seconds(self) -> float:
        """Seconds since the connection was made, or since its last request; 0 while a request is worked on."""
        receiver = self._receiver
        if receiver and receiver.is_busy:
            return 0.0
        return time.monotonic() - (receiver.idle_since if receiver else self._came_at)

    def stop(self, ending: Ending) -> bool:
        """End the association from another thread; return whether this was the first to do so."""
        if self._ending is not None or self._channel is None:
            return False
        self._ending = ending
        self._channel.shut_reading()
        return True

    def hang_up(self) -> None:
        """Shut the connection down from another thread, without sending anything."""
        shut(self._socket, socket.SHUT_RDWR)

    def run(self) -> None:
        """Negotiate and serve; whatever happens, close the connection and give up the place in the admission."""
        try:
            self._converse()
        finally:
            close_notify(self._socket)
            self._socket.close()
            self._server.admission.gone(self)

    def _converse(self) -> None:
        limits = self._server.limits
        if not self._secure():
            return
        self._channel = Channel(
            self._socket, limits.max_pdu, limits.max_associate_rq, limits.acse_timeout, limits.minimum_rate
        )
        try:
            until = self._came_at + limits.acse_timeout
            pdu = self._channel.next_pdu(most=limits.max_associate_rq, kinds=(_A_ASSOCIATE_RQ,), until=until)
            proposal = read_proposal(pdu.body)
            agreement = self._negotiate(proposal)
        except Closed:
            return
        except Silent:
            self._turned_away("no A-ASSOCIATE-RQ in time")
        except Oversized:
            self._turned_away("no A-ASSOCIATE-RQ, or one that is too long", _A_ABORT)
        except Malformed as fault:
            self._turned_away(str(fault), _A_ABORT)
        else:
            if agreement is not None:
                self._serve(proposal, agreement)

    def _secure(self) -> bool:
        """Put TLS around the connection, if this node speaks TLS; return whether the connection can be used."""
        endpoint = self._server.trust.endpoint
        if endpoint is None:
            return True
        try:
            # Assigned before the handshake, so that another thread can hang up while that goes on.
            self._socket = wrapped = endpoint.wrap(self._socket)
            self._secured = endpoint.handshake(wrapped, self._server.limits.acse_timeout)
        except HandshakeFailed as failure:
            tls_failed(self.address, self._port, failure.reason, failure.detail)
            self._server.meters.tls_failed(failure.reason)
            return False
        return True

    def _turned_away(self, why: str, say: bytes = b"", calling: str = "", called: str = "") -> None:
        """Log that the peer was turned away, and send it ``say``: an A-ASSOCIATE-RJ, an A-ABORT or nothing."""
        association_rejected(self.address, self._port, calling, called, why)
        self._server.meters.rejected(why)
        if say:
            self._say_goodbye(say)

    def _say_goodbye(self, words: bytes) -> None:
        assert self._channel is not None
        self._channel.set_timeout(_LINGER)
        with suppress(ChannelEnd):
            self._channel.send(words)
            self._channel.linger(_LINGER)

    def _negotiate(self, proposal: Proposal) -> Agreement | None:
        """Return what was agreed, or reject the proposal and return None. Raises Malformed."""
        rejection = self._server.admission.admit(self, proposal)
        if rejection is None:  # reading the rest may take long: only for those who may associate
            negotiation = self._server.negotiator.read(proposal)
            rejection = self._mistrust(proposal, negotiation.claim)
            if rejection is None:
                return negotiation.agree()
        rejected: Rejected = rejection.value
        calling, called = proposal.calling_ae_title, proposal.called_ae_title
        self._turned_away(rejected.words, _A_ASSOCIATE_RJ.pack(3, 4, *rejected.reason), calling, called)
        return None

    def _mistrust(self, proposal: Proposal, claim: Claim | None) -> Rejection | None:
        """Return why the peer's certificate or user identity does not let it in, if so."""
        trust = self._server.trust
        rejection = trust.rejection(proposal.calling_ae_title, self._secured, claim)
        if rejection is None:
            self._proof = trust.proof(self._secured, claim)
        return rejection

    def _serve(self, proposal: Proposal, agreement: Agreement) -> None:
        assert self._channel is not None
        with suppress(ChannelEnd):  # on a broken connection, the receiver finds nothing to read and ends
            self._channel.send(agreement.answer)
        self._channel.set_timeout(self._server.limits.network_timeout)
        opened = time.time_ns() // 1000
        association = Association(
            id=as_text(new_id()),
            address=self.address,
            port=self._port,
            calling_ae_title=proposal.calling_ae_title,
            called_ae_title=proposal.called_ae_title,
            implementation_class_uid=agreement.implementation_class_uid,
            implementation_version_name=agreement.implementation_version_name,
        )
        association_opened(association, agreement.refused, **self._proof)
        meter = self._server.meters.open(association)
        receiver = Receiver(
            self._channel, association, agreement.contexts, self._server.intake, self._tally, meter, agreement.max_pdu
        )
        self._receiver = receiver
        ending = Ending.FAULT
        try:
            ending = self._end(receiver.run())
        finally:
            self._server.intake.ended(association, opened, ending)
            association_closed(association, self._tally, ending)
            self._server.meters.close(meter, ending)

    def _end(self, ending: Ending) -> Ending:
        """Say goodbye as the ending requires, and return the ending; if this node ended it, that is the reason."""
        if self._ending is not None:
            ending = self._ending
        if ending is Ending.RELEASED:
            assert self._channel is not None
            with suppress(ChannelEnd):
                self._channel.send(_A_RELEASE_RP)
                self._channel.set_timeout(_LINGER)
                self._channel.next_pdu()  # the peer closes first (PS3.8 §9.2.3, ARTIM)
        elif ending in (Ending.TIMEOUT, Ending.SHUTDOWN, Ending.FAULT):
            self._say_goodbye(_A_ABORT)
        return ending
