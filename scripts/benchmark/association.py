"""An association on a plain socket, for measurements in which a process for each would cost more than the node."""

import socket
import struct
from types import TracebackType
from typing import Final, Self

from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.presentation import PresentationContext

from benchmark.nodes import LOOPBACK
from benchmark.running import BenchError
from benchmark.series import encoded

_P_DATA, _RELEASE_RQ, _ACCEPTED = 4, 5, 2
_COMMAND, _LAST = 1, 2
_CONTEXT: Final = 1
_PIECE: Final = 16_000
_PATIENCE: Final = 30.0


class Association:
    """An association for one SOP Class; entering the context associates, leaving it releases."""

    def __init__(self, port: int, sop_class: UID) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), _PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = _associate_rq(sop_class)

    def store(self, ds: Dataset) -> int:
        """Send one instance and return the status of the response."""
        uid = ds.SOPInstanceUID
        command = _command({
            0x0002: _even(ds.SOPClassUID), 0x0100: b"\1\0", 0x0110: b"\1\0", 0x0700: b"\0\0", 0x0800: b"\0\0",
            0x1000: _even(uid),
        })  # fmt: skip
        data = encoded(ds)
        pieces = [_fragment(command, _COMMAND | _LAST)]
        for start in range(0, len(data), _PIECE):
            last = _LAST if start + _PIECE >= len(data) else 0
            pieces.append(_fragment(data[start : start + _PIECE], last))
        self._socket.sendall(b"".join(pieces))
        _, response = self._receive()
        place = response.index(b"\0\0\0\x09\2\0\0\0") + 8  # Status (0000,0900), two bytes
        return int.from_bytes(response[place : place + 2], "little")

    def __enter__(self) -> Self:
        self._socket.sendall(self._request)
        if self._receive()[0] != _ACCEPTED:
            self._socket.close()
            raise BenchError("the node rejected an association")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._socket:
            if error is None:
                self._socket.sendall(struct.pack(">BxI4x", _RELEASE_RQ, 4))
                self._receive()

    def _receive(self) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BxI", self._exactly(6))
        return kind, self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        got = self._socket.recv(size, socket.MSG_WAITALL)
        if len(got) < size:
            raise BenchError("the node ended a connection")
        return got


def _associate_rq(sop_class: UID) -> bytes:
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16_384
    implementation.implementation_class_uid = UID("1.2.826.0.1.3680043.9.9999.1")
    context = PresentationContext()
    context.context_id, context.abstract_syntax = _CONTEXT, sop_class
    context.transfer_syntax = [ExplicitVRLittleEndian]
    request = A_ASSOCIATE()
    request.application_context_name = UID("1.2.840.10008.3.1.1.1")
    request.calling_ae_title, request.called_ae_title = "BENCH", "ANY-SCP"
    request.presentation_context_definition_list = [context]
    request.user_information = [length, implementation]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(request)
    return pdu.encode()


def _command(elements: dict[int, bytes]) -> bytes:
    """Encode a command set: Implicit VR Little Endian, its length first (PS3.7 §6.3.1)."""
    body = b"".join(struct.pack("<HHI", 0, element, len(value)) + value for element, value in elements.items())
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def _fragment(data: bytes, control: int) -> bytes:
    """Encode one fragment as a P-DATA-TF PDU (PS3.8 §9.3.5)."""
    return struct.pack(">BxIIBB", _P_DATA, len(data) + 6, len(data) + 2, _CONTEXT, control) + data


def _even(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)
