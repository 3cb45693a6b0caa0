"""A sender made of a socket, which can do what no decent toolkit does: stop, lie, and hang up at any byte.

Only A-ASSOCIATE is left to pynetdicom's PDU classes. P-DATA-TF (PS3.8 §9.3.5) and command sets (PS3.7 §6.3, always
Implicit VR Little Endian) are put together here.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from pydicom.uid import UID
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext

from tests.wire.objects import Instance, contexts_of

IMPLEMENTATION_CLASS_UID: Final = "1.2.826.0.1.3680043.9.9999"
IMPLEMENTATION_VERSION_NAME: Final = "PEER_OF_TESTS"

VERIFICATION: Final = "1.2.840.10008.1.1"
"""The abstract syntax of C-ECHO."""

C_STORE_RQ: Final = 0x0001
C_ECHO_RQ: Final = 0x0030

ASSOCIATE_RQ: Final = 1
ASSOCIATE_AC: Final = 2
P_DATA: Final = 4
COMMAND, LAST = 1, 2
"""Bits of the message control header (PS3.8 Annex E.2)."""
_ASSOCIATE_RJ, _RELEASE_RQ, _RELEASE_RP, _ABORT = 3, 5, 6, 7
_PATIENCE: Final = 120.0


class RejectedError(Exception):
    """The node sent A-ASSOCIATE-RJ; ``reason`` is result, source and reason (PS3.8 Table 9-21)."""

    def __init__(self, result: int, source: int, reason: int) -> None:
        super().__init__(f"rejected with {result}, {source}, {reason}")
        self.reason = (result, source, reason)


class HungUpError(Exception):
    """The node ended the connection; ``aborted`` tells whether it sent A-ABORT."""

    def __init__(self, *, aborted: bool) -> None:
        super().__init__("A-ABORT" if aborted else "end of connection")
        self.aborted = aborted


@dataclass(frozen=True, slots=True)
class Response:
    """A C-STORE-RSP or C-ECHO-RSP: its command set, by tag, as it came."""

    command: Mapping[int, bytes]

    @property
    def status(self) -> str:
        """Four hexadecimal digits."""
        return f"{self._number(0x00000900):04X}"

    @property
    def comment(self) -> str:
        """The Error Comment, without padding; empty if there is none."""
        return self.command.get(0x00000902, b"").decode("ascii").rstrip(" ")

    @property
    def offending(self) -> tuple[int, ...]:
        """The tags of Offending Element."""
        raw = self.command.get(0x00000901, b"")
        return tuple(group << 16 | element for group, element in struct.iter_unpack("<HH", raw))

    @property
    def sop_class_uid(self) -> str | None:
        """The Affected SOP Class UID, None if there is none."""
        return self._uid(0x00000002)

    @property
    def sop_instance_uid(self) -> str | None:
        """The Affected SOP Instance UID, None if there is none."""
        return self._uid(0x00001000)

    @property
    def message_id(self) -> int:
        """The Message ID Being Responded To."""
        return self._number(0x00000120)

    def _number(self, tag: int) -> int:
        return int.from_bytes(self.command[tag], "little")

    def _uid(self, tag: int) -> str | None:
        return self.command[tag].rstrip(b"\0").decode() if tag in self.command else None


class Peer:
    """One association as its requestor; entering the context associates, leaving it releases if all went well."""

    def __init__(
        self,
        port: int,
        contexts: Sequence[tuple[str, Sequence[str]]] = (),
        *,
        calling: str = "PEER",
        called: str = "AUDITSCP",
        max_pdu: int = 16_384,
        patience: float = _PATIENCE,
        tls: ssl.SSLContext | None = None,
        negotiating: Sequence[Any] = (),
    ) -> None:
        """``negotiating`` are further items of user information, as pynetdicom has them."""
        self.accepted: dict[int, tuple[str, str]] = {}
        self.results: dict[int, int] = {}
        self.acceptance: A_ASSOCIATE | None = None
        self.local_port = 0
        self.longest = 0
        """Bytes of the longest P-DATA-TF that came."""
        self._next_message = 1
        self._proposed = {2 * position + 1: context for position, context in enumerate(contexts)}
        self._titles = calling, called
        self._max_pdu = max_pdu
        self._negotiating = negotiating
        self._socket: socket.socket = socket.create_connection(("127.0.0.1", port), patience)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local_port = self._socket.getsockname()[1]
        if tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname="localhost")

    @classmethod
    def of(cls, port: int, *instances: Instance, **options: Any) -> "Peer":
        """Make a peer that proposes what it takes to send some instances."""
        return cls(port, contexts_of(instances), **options)

    def associate(self) -> Self:
        """Negotiate. Raises RejectedError, or HungUpError."""
        return self.propose(self.proposal())

    def propose(self, body: bytes) -> Self:
        """Negotiate with an A-ASSOCIATE-RQ of one's own. Raises RejectedError, or HungUpError."""
        self.send_pdu(ASSOCIATE_RQ, body)
        self._read_answer()
        return self

    def proposal(self) -> bytes:
        """Return the variable part of the A-ASSOCIATE-RQ that :meth:`associate` sends."""
        primitive = A_ASSOCIATE()
        primitive.application_context_name = UID("1.2.840.10008.3.1.1.1")
        primitive.calling_ae_title, primitive.called_ae_title = self._titles
        primitive.presentation_context_definition_list = [
            _context(number, *proposed) for number, proposed in self._proposed.items()
        ]
        length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
        length.maximum_length_received = self._max_pdu
        implementation.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
        version = ImplementationVersionNameNotification()
        version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        primitive.user_information = [length, implementation, version, *self._negotiating]
        request = A_ASSOCIATE_RQ()
        request.from_primitive(primitive)
        return request.encode()[6:]

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def send_pdu(self, kind: int, body: bytes, length: int | None = None) -> None:
        """Send a PDU of any type, which may lie about its length."""
        self.send_raw(struct.pack(">BxI", kind, len(body) if length is None else length) + body)

    def store(self, instance: Instance, **said: Any) -> Response:
        """Send one instance and return the response; ``said`` goes to :meth:`request`."""
        context = self.request(instance, **said)
        self.send_data(instance.data, context=context)
        return self.response()

    def request(
        self,
        instance: Instance,
        *,
        context: int | None = None,
        sop_class_uid: str | bytes | None = None,
        sop_instance_uid: str | bytes | None = None,
        message_id: int | None = None,
    ) -> int:
        """Send a C-STORE-RQ without its Data Set; return the context that it was sent on.

        What the request says is what ``instance`` is, unless said otherwise.
        """
        if context is None:
            context = self.context_of(instance)
        if message_id is None:
            message_id = self._next_message
            self._next_message += 1
        said = c_store_rq(instance, message_id)
        if sop_class_uid is not None:
            said[0x00000002] = _uid(sop_class_uid)
        if sop_instance_uid is not None:
            said[0x00001000] = _uid(sop_instance_uid)
        self.send_command(context, said)
        return context

    def context_of(self, instance: Instance) -> int:
        """Return the accepted Presentation Context of an instance."""
        wanted = instance.sop_class_uid, instance.transfer_syntax
        return next(number for number, accepted in self.accepted.items() if accepted == wanted)

    def echo(self, context: int | None = None) -> Response:
        """Send a C-ECHO-RQ, on the context of Verification unless said otherwise, and return the response."""
        if context is None:
            context = next(number for number, accepted in self.accepted.items() if accepted[0] == VERIFICATION)
        self.send_command(
            context,
            {
                0x00000002: _uid(VERIFICATION),
                0x00000100: struct.pack("<H", C_ECHO_RQ),
                0x00000110: struct.pack("<H", 1),
                0x00000800: struct.pack("<H", 0x0101),
            },
        )
        return self.response()

    def send_command(self, context: int, elements: Mapping[int, bytes]) -> None:
        """Send a command set; the group length is worked out."""
        self._send_fragments(context, COMMAND, command_set(elements), last=True)

    def send_data(self, data: bytes, *, context: int, last: bool = True) -> None:
        """Send a Data Set or a part of it, in fragments."""
        self._send_fragments(context, 0, data, last=last)

    @contextmanager
    def sending(self, data: bytes, times: int, patience: float = 1.0) -> Iterator[None]:
        """Send bytes again and again while something else is done, as far as the node takes them.

        What it has not taken so many seconds after that, it never will.
        """

        def send() -> None:
            with suppress(OSError):
                for _ in range(times):
                    self._socket.sendall(data)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        try:
            yield
        finally:
            sender.join(patience)
            if sender.is_alive():  # the node is gone, and no RST found its way through a window of nothing
                self._socket.shutdown(socket.SHUT_RDWR)
                sender.join(_PATIENCE)

    @contextmanager
    def sipping(self, seconds: float) -> Iterator[None]:
        """Read a byte, wait so long, and read the next while something else is done."""
        enough = threading.Event()

        def sip() -> None:
            with suppress(OSError):
                while self._socket.recv(1) and not enough.wait(seconds):
                    pass

        reader = threading.Thread(target=sip, daemon=True)
        reader.start()
        try:
            yield
        finally:
            enough.set()
            reader.join(_PATIENCE)

    def keep_from_reading(self) -> None:
        """Make the buffer for what arrives as small as may be; whoever answers soon waits for us to read."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)

    def response(self) -> Response:
        """Read one response. Raises HungUpError if the node ends the association instead."""
        command, last = b"", False
        while not last:
            for control, value in _items(self._expect(P_DATA)):
                assert control & COMMAND, "a response has no Data Set"
                command += value
                last = bool(control & LAST)
        return Response(dict(_elements(command)))

    def release(self) -> None:
        """Release the association and close the connection."""
        self.ask_for_release()
        self.be_released()

    def ask_for_release(self) -> None:
        """Send A-RELEASE-RQ, which may be long before it is answered."""
        self._socket.sendall(struct.pack(">BBII", _RELEASE_RQ, 0, 4, 0))

    def be_released(self) -> None:
        """Read A-RELEASE-RP, and close the connection."""
        self._expect(_RELEASE_RP)
        self._socket.close()

    def abort(self) -> None:
        """Send A-ABORT and close the connection."""
        self._socket.sendall(struct.pack(">BBIBBBB", _ABORT, 0, 4, 0, 0, 0, 0))
        self._socket.close()

    def finish(self) -> None:
        """Send FIN without a word before it, and wait for the node to end its side too."""
        self._socket.shutdown(socket.SHUT_WR)
        while self._socket.recv(65_536):
            pass
        self._socket.close()

    def reset(self) -> None:
        """Send RST: the connection is gone in the middle of whatever it was."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        self._socket.close()

    def hung_up(self) -> HungUpError:
        """Wait until the node ends the association, and return how."""
        try:
            while True:
                self._expect(P_DATA)
        except HungUpError as error:
            return error

    def trickle(self, data: bytes, seconds: float, size: int = 1) -> HungUpError:
        """Send so many bytes after each other, with that much time between, until the node ends it; return how."""
        self._socket.settimeout(seconds)
        for position in range(0, len(data), size):
            try:
                self.send_raw(data[position : position + size])
                return self.hung_up()
            except TimeoutError:
                continue
            except ConnectionError:
                return HungUpError(aborted=False)
        raise AssertionError("the node took all of it")

    def __enter__(self) -> Self:
        try:
            return self.associate()
        except BaseException:
            self._socket.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._socket.fileno() >= 0:
            self.release()
        self._socket.close()

    def _read_answer(self) -> None:
        kind, raw = self._read_pdu()
        if kind == _ASSOCIATE_RJ:
            rejection = A_ASSOCIATE_RJ()
            rejection.decode(raw)
            raise RejectedError(rejection.result or 0, rejection.source or 0, rejection.reason_diagnostic or 0)
        if kind == _ABORT:
            self._socket.close()
            raise HungUpError(aborted=True)
        assert kind == ASSOCIATE_AC, f"PDU of type {kind}"
        pdu = A_ASSOCIATE_AC()
        pdu.decode(raw)
        self.acceptance = pdu.to_primitive()
        for item in pdu.presentation_context:
            number, result = int(item.context_id or 0), int(item.result or 0)
            self.results[number] = result
            if result == 0 and number in self._proposed:
                self.accepted[number] = str(self._proposed[number][0]), str(item.transfer_syntax)

    def _send_fragments(self, context: int, control: int, data: bytes, *, last: bool) -> None:
        room = self._max_pdu - 12
        pieces = [data[start : start + room] for start in range(0, len(data), room)] or [b""]
        for position, piece in enumerate(pieces):
            ends = LAST if last and position == len(pieces) - 1 else 0
            self.send_pdu(P_DATA, pdv(context, control | ends, piece))

    def _expect(self, wanted: int) -> bytes:
        """Return the body of the next PDU, which is of the wanted type."""
        kind, raw = self._read_pdu()
        if kind == _ABORT:
            self._socket.close()
            raise HungUpError(aborted=True)
        assert kind == wanted, f"PDU of type {kind}"
        return raw[6:]

    def _read_pdu(self) -> tuple[int, bytes]:
        head = self._receive(6)
        length = int.from_bytes(head[2:], "big")
        self.longest = max(self.longest, length if head[0] == P_DATA else 0)
        return head[0], head + self._receive(length)

    def _receive(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            try:
                piece = self._socket.recv(size - len(got))
            except ConnectionResetError:
                piece = b""
            if not piece:
                self._socket.close()
                raise HungUpError(aborted=False)
            got += piece
        return got


def _context(number: int, abstract_syntax: str, transfer_syntaxes: Iterable[str]) -> PresentationContext:
    context = PresentationContext()
    context.context_id = number
    context.abstract_syntax = UID(abstract_syntax)
    context.transfer_syntax = [UID(syntax) for syntax in transfer_syntaxes]
    return context


def item(kind: int, value: bytes) -> bytes:
    """Encode an item or sub-item of an A-ASSOCIATE PDU (PS3.8 §9.3.2)."""
    return struct.pack(">BxH", kind, len(value)) + value


def pdv(context: int, control: int, data: bytes = b"", length: int | None = None) -> bytes:
    """Encode a Presentation Data Value, which may lie about its length (PS3.8 §9.3.5.1)."""
    return struct.pack(">IBB", len(data) + 2 if length is None else length, context, control) + data


def c_store_rq(instance: Instance, message_id: int = 1) -> dict[int, bytes]:
    """Return the elements of a good C-STORE-RQ (PS3.7 Table 9.3-1), by tag."""
    return {
        0x00000002: _uid(instance.sop_class_uid),
        0x00000100: struct.pack("<H", C_STORE_RQ),
        0x00000110: struct.pack("<H", message_id),
        0x00000700: struct.pack("<H", 0),
        0x00000800: struct.pack("<H", 1),
        0x00001000: _uid(instance.sop_instance_uid),
    }


def command_set(elements: Mapping[int, bytes], group_length: int | None = None) -> bytes:
    """Encode a command set; the group length is worked out unless it is to be wrong."""
    body = b"".join(_element(tag, value) for tag, value in elements.items())
    return _element(0, struct.pack("<I", len(body) if group_length is None else group_length)) + body


def responses_in(stream: bytes) -> Iterator[Response]:
    """Give the responses in a stream of P-DATA-TF, each in one Presentation Data Value, as this node sends them."""
    while stream:
        end = 6 + int.from_bytes(stream[2:6], "big")
        ((_, command),) = _items(stream[6:end])
        yield Response(dict(_elements(command)))
        stream = stream[end:]


def _uid(uid: str | bytes) -> bytes:
    raw = uid.encode("ascii") if isinstance(uid, str) else uid
    return raw + b"\0" * (len(raw) % 2)


def _element(tag: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def _elements(command: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(command):
        group, element, length = struct.unpack_from("<HHI", command, position)
        yield group << 16 | element, command[position + 8 : position + 8 + length]
        position += 8 + length


def _items(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Give message control header and fragment of each Presentation Data Value (PS3.8 §9.3.5.1)."""
    position = 0
    while position < len(body):
        length, _, control = struct.unpack_from(">IBB", body, position)
        yield control, body[position + 6 : position + 4 + length]
        position += 4 + length
