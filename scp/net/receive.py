"""The data phase of an association: from P-DATA-TF to the spool, and from verdicts to responses.

Each presentation data value is read in place, in the channel's buffer (PS3.8 Annex E.2). Command fragments are
gathered, and read when the last one has arrived; Data Set fragments go straight to the spool. One request is worked on
at a time, and what a peer sends meanwhile waits in TCP.

If a peer breaks the protocol, the association ends with A-ABORT; an operation that is not offered is answered 0211.
C-ECHO is answered here too, because pynetdicom has no answer to one with an unusual command set. The answers to release
and abort are in :mod:`scp.net.acceptor`.
"""

import struct
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scp import turn
from scp.dicom.request import Association, Request
from scp.dicom.status import Status
from scp.errors import NodeFault
from scp.intake import Answer, Intake, NotBegun, Reception
from scp.net.channel import A_ABORT, A_RELEASE_RQ, P_DATA_TF, Channel, ChannelEnd, Closed, Oversized, Silent
from scp.net.command import C_CANCEL_RQ, C_ECHO_RQ, C_STORE_RQ, Command, Commands, plain_response
from scp.net.contexts import VERIFICATION, Context
from scp.net.respond import response
from scp.observe.lines import Tally
from scp.observe.meter import Meter
from scp.outcomes import Ending

_unpack_pdv: Final = struct.Struct(">IBB").unpack_from
_PDV_HEADER: Final = 6
_pack_response: Final = struct.Struct(">BxIIBB").pack
_COMMAND, _LAST = 0x01, 0x02  # bits of the message control header
_MOST_COMMAND: Final = 64 * 1024
"""The most bytes of a command set; a C-STORE-RQ has about 250."""
_OFFER_AFTER: Final = 64
"""The turn is offered after this many presentation data values: a PDU usually has few, but may have 20,000."""

_DATA_SET_TYPE: Final = 0x00000800

_ENDINGS: Final = {Closed: Ending.LOST, Silent: Ending.TIMEOUT}


class Misbehaviour(Exception):
    """The peer broke the protocol in a way that cannot be answered; the text says how."""


_NO_CONTEXT: Final = Context("", "", {})
"""The context of a request on a number that was not accepted: the request gets a receipt, but no answer."""


@dataclass(slots=True)
class _Message:
    """A request whose Data Set is on its way: a reception to write to, or an answer that is decided already."""

    context_id: int
    command: Command
    request: Request | None = None
    reception: Reception | None = None
    answer: Answer | None = None
    size: int = 0


class Receiver:
    """Serves one established association until it ends."""

    def __init__(
        self,
        channel: Channel,
        association: Association,
        contexts: Mapping[int, Context],
        intake: Intake,
        tally: Tally,
        meter: Meter,
        max_pdu: int = 0,
    ) -> None:
        """``max_pdu`` is the most that the peer takes in one P-DATA-TF, in bytes; 0 is without a limit."""
        self._channel = channel
        self._association = association
        self._contexts = contexts
        self._intake = intake
        self._tally = tally
        self._meter = meter
        self._room = max(max_pdu - _PDV_HEADER, 2) & ~1 if max_pdu else sys.maxsize  # fragments are of even length
        self._commands = Commands()
        self._command = bytearray()
        self._command_context = 0  # between commands: no context has this number
        self._message: _Message | None = None
        self._values = 0
        self.idle_since = time.monotonic()
        """When the last message was complete."""

    def run(self) -> Ending:
        """Serve until the association ends, and say how. A request that was cut off gets its receipt.

        RELEASED means that the peer asked for release, even within a Data Set; it has not been answered yet.
        """
        turn.take()
        try:
            return self._serve()
        finally:
            turn.leave()

    def _serve(self) -> Ending:
        try:
            while True:
                kind, body = self._channel.next_pdu()
                if kind == P_DATA_TF:
                    self._take(body)
                elif kind == A_RELEASE_RQ:
                    return self._interrupted(Ending.RELEASED)
                elif kind == A_ABORT:
                    return self._interrupted(Ending.ABORTED)
                else:
                    return self._interrupted(Ending.FAULT, f"PDU of type {kind:02X} in an established association")
        except Oversized:
            return self._interrupted(Ending.FAULT, "a PDU of no known type, or longer than allowed")
        except ChannelEnd as end:
            return self._interrupted(_ENDINGS[type(end)])
        except Misbehaviour as fault:
            return self._interrupted(Ending.FAULT, str(fault))
        except Exception:
            self._interrupted(Ending.FAULT)  # our own mistake leaves nothing in the spool either
            raise

    @property
    def is_busy(self) -> bool:
        """Whether a request is being received or worked on."""
        return self._message is not None or bool(self._command)

    def _take(self, body: memoryview) -> None:
        """Take a P-DATA-TF apart: any number of presentation data values (PS3.8 §9.3.5.1)."""
        position, end = 0, len(body)
        if not end:
            raise Misbehaviour("a P-DATA-TF without a presentation data value")
        while position < end:
            self._values += 1
            if not self._values % _OFFER_AFTER:
                turn.offer()
            begin = position + _PDV_HEADER
            if begin > end:
                raise Misbehaviour("a presentation data value without its header")
            length, context_id, control = _unpack_pdv(body, position)
            position += 4 + length
            if length < 2 or position > end:
                raise Misbehaviour("a presentation data value of impossible length")
            take = self._take_command if control & _COMMAND else self._take_data
            take(context_id, body[begin:position], last=bool(control & _LAST))

    def _take_command(self, context_id: int, piece: memoryview, *, last: bool) -> None:
        if self._message is not None:
            raise Misbehaviour("a command before the end of a Data Set")
        if self._command_context not in (0, context_id):
            raise Misbehaviour("a command on two Presentation Contexts")
        self._command += piece
        self._command_context = context_id
        if len(self._command) > _MOST_COMMAND:
            raise Misbehaviour("a command set that is too long")
        if last:
            raw = bytes(self._command)
            self._command.clear()
            self._command_context = 0
            self._begin(context_id, raw)

    def _begin(self, context_id: int, raw: bytes) -> None:
        """Begin the message of a complete command set."""
        command = self._commands.read(raw)
        if command is None or command.field is None:
            raise Misbehaviour("a command set that cannot be read")
        if context_id not in self._contexts:
            raise self._unanswerable(context_id, command, "a Presentation Context that was not accepted")
        if command.data_set_type is None:
            raise self._unanswerable(context_id, command, "a command set without Command Data Set Type")
        if command.field == C_CANCEL_RQ:
            return  # cancels nothing: requests are answered one by one
        if command.is_response:
            raise Misbehaviour("a response, though nothing was asked")
        if command.message_id is None:
            raise self._unanswerable(context_id, command, "a request without Message ID")
        if command.field == C_ECHO_RQ and not command.has_data_set and self._is_verification(context_id):
            self._echo(context_id, command)
            return
        self._message = _Message(context_id, command)
        if command.field == C_STORE_RQ:
            self._begin_store(self._message)
        if not command.has_data_set:
            self._refuse_mistyped(self._message)
            self._finish()

    def _refuse_mistyped(self, message: _Message) -> None:
        """Refuse a C-STORE-RQ that says it has no Data Set (PS3.7 §9.3.1.1: it has one)."""
        if message.reception:
            message.answer = self._intake.refuse(message.reception, Status.MISTYPED_ARGUMENT, _DATA_SET_TYPE)
            message.reception = None

    def _unanswerable(self, context_id: int, command: Command, why: str) -> Misbehaviour:
        """Return the misbehaviour of a request that cannot be answered; a C-STORE-RQ is begun, to get a receipt."""
        if command.field == C_STORE_RQ:
            self._message = _Message(context_id, command)
            self._begin_store(self._message)
        return Misbehaviour(why)

    def _echo(self, context_id: int, command: Command) -> None:
        """Answer a C-ECHO-RQ (PS3.7 §9.3.5.2)."""
        self._intake.heard(self._association)
        is_verification = command.sop_class_uid == VERIFICATION
        status = Status.SUCCESS if is_verification else Status.SOP_CLASS_NOT_SUPPORTED
        self._respond(context_id, plain_response(command, status))

    def _is_verification(self, context_id: int) -> bool:
        return self._contexts[context_id].abstract_syntax == VERIFICATION

    def _begin_store(self, message: _Message) -> None:
        context, command = self._contexts.get(message.context_id, _NO_CONTEXT), message.command
        message.request = Request(
            association=self._association,
            message_id=command.message_id or 0,
            sop_class_uid=command.sop_class_uid,
            sop_instance_uid=command.sop_instance_uid,
            abstract_syntax=context.abstract_syntax,
            transfer_syntax=context.transfer_syntax,
            related_general_classes=context.related_general_classes.get(command.sop_class_uid, ()),
        )
        try:
            message.reception = self._intake.begin(message.request)
        except NotBegun as fault:
            message.answer = fault.answer

    def _take_data(self, context_id: int, piece: memoryview, *, last: bool) -> None:
        message = self._message
        if message is None:
            raise Misbehaviour("a Data Set without a command")
        if context_id != message.context_id:
            raise Misbehaviour("a Data Set on another Presentation Context than its command")
        message.size += len(piece)
        if message.reception:
            try:
                message.reception.incoming.write(piece)
            except NodeFault as fault:
                message.answer = self._intake.failed(message.reception, fault)
                message.reception = None  # the rest of the Data Set is read and dropped
        if last:
            self._finish()

    def _finish(self) -> None:
        """Answer the message that is complete."""
        message = self._message
        assert message is not None
        if message.reception:
            message.answer = self._intake.complete(message.reception)
            message.reception = None
        self._message, self.idle_since = None, time.monotonic()
        if message.request and message.answer:
            answer = message.answer
            self._tally.add(answer.verdict, message.size)  # all bytes that arrived, kept or not
            try:
                self._respond(message.context_id, response(message.request, answer.verdict))
            finally:
                answer.watch.lap("respond")
                self._meter.instance(answer.verdict, message.size, answer.watch.laps)
                answer.tell()
                turn.offer()  # a peer that does not wait for answers has sent its next request already
        else:
            self._intake.heard(self._association)
            self._respond(message.context_id, plain_response(message.command, Status.UNRECOGNISED_OPERATION))

    def _respond(self, context_id: int, command: bytes) -> None:
        """Send a command set as one PDU with one presentation data value, or as many as the peer needs (PS3.8 §D.1)."""
        room, end = self._room, len(command)
        fragments = [
            _fragment(context_id, command[start : start + room], _COMMAND | _LAST if start + room >= end else _COMMAND)
            for start in range(0, end, room)
        ]
        self._channel.send(b"".join(fragments))

    def _interrupted(self, ending: Ending, why: str = "") -> Ending:
        """Write the receipt of a request that was cut off, note why, and return the ending."""
        message, self._message = self._message, None
        if message and message.request:
            if message.reception:
                self._intake.abandon(message.reception)
            if message.answer:  # it cannot be sent any more, but the receipt has it
                self._tally.add(message.answer.verdict, message.size)
                self._meter.instance(message.answer.verdict, message.size, {})
            else:
                self._tally.add_aborted(message.size)
                self._meter.aborted(message.size)
        if why:
            self._tally.fault = why
        return ending


def _fragment(context_id: int, piece: bytes, control: int) -> bytes:
    """Return a PDU with one presentation data value."""
    length = len(piece) + 2
    return _pack_response(P_DATA_TF, length + 4, length, context_id, control) + piece
