"""Command sets (PS3.7 §6.3.1): always Implicit VR Little Endian, group 0000, read and written here without a parser.

What a peer sends is bounded before it comes here; nothing in it can raise.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scp.dicom.uid import strip_uid

C_STORE_RQ: Final = 0x0001
C_STORE_RSP: Final = 0x8001
C_ECHO_RQ: Final = 0x0030
C_CANCEL_RQ: Final = 0x0FFF
NO_DATA_SET: Final = 0x0101
RESPONSE: Final = 0x8000
"""Set in the Command Field of every response (PS3.7 Annex E.1-1)."""

_CLASS, _FIELD, _MESSAGE, _RESPONDED = 0x0002, 0x0100, 0x0110, 0x0120
_DATA_SET, _STATUS, _OFFENDING, _COMMENT, _INSTANCE = 0x0800, 0x0900, 0x0901, 0x0902, 0x1000
_REQUESTED_CLASS, _REQUESTED_INSTANCE = 0x0003, 0x1001

_ELEMENT: Final = struct.Struct("<HHI")
_SHORT: Final = struct.Struct("<HHIH")
_unpack = _ELEMENT.unpack_from


@dataclass(frozen=True, slots=True)
class Command:
    """What a command set says. Numbers are None, and UIDs empty, where it says nothing readable.

    ``sop_class_uid`` and ``sop_instance_uid`` are the Affected or, in some N-services, the Requested ones.
    """

    field: int | None
    message_id: int | None
    responded_to: int | None
    data_set_type: int | None
    sop_class_uid: str
    sop_instance_uid: str

    @property
    def has_data_set(self) -> bool:
        """Whether a Data Set follows (PS3.7 Annex E.1: anything but 0101H)."""
        return self.data_set_type != NO_DATA_SET

    @property
    def is_response(self) -> bool:
        """Whether this answers a request; none is expected here, as we send none."""
        return self.field is not None and bool(self.field & RESPONSE)


def read_command(data: bytes | memoryview) -> Command | None:
    """Read a command set; None if it is not well formed.

    The group length is not believed, as it is wrong too often and says nothing that the bytes do not.
    """
    elements: dict[int, bytes] = {}
    position, end = 0, len(data)
    while position < end:
        if position + 8 > end:
            return None
        group, element, length = _unpack(data, position)
        position += 8
        if group != 0 or position + length > end:
            return None
        elements[element] = bytes(data[position : position + length])
        position += length
    return Command(
        field=_number(elements, _FIELD),
        message_id=_number(elements, _MESSAGE),
        responded_to=_number(elements, _RESPONDED),
        data_set_type=_number(elements, _DATA_SET),
        sop_class_uid=strip_uid(elements.get(_CLASS) or elements.get(_REQUESTED_CLASS, b"")),
        sop_instance_uid=strip_uid(elements.get(_INSTANCE) or elements.get(_REQUESTED_INSTANCE, b"")),
    )


def _number(elements: Mapping[int, bytes], element: int) -> int | None:
    raw = elements.get(element)
    return int.from_bytes(raw, "little") if raw is not None and len(raw) == 2 else None


def store_response(
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str,
    status: int,
    comment: str = "",
    offending: Sequence[int] = (),
) -> bytes:
    """Write a C-STORE-RSP (PS3.7 Table 9.3-2). Affected UIDs that were empty in the request are left out."""
    parts = [
        _text(_CLASS, sop_class_uid, b"\0") if sop_class_uid else b"",
        _SHORT.pack(0, _FIELD, 2, C_STORE_RSP),
        _SHORT.pack(0, _RESPONDED, 2, message_id),
        _SHORT.pack(0, _DATA_SET, 2, NO_DATA_SET),
        _SHORT.pack(0, _STATUS, 2, status),
    ]
    if offending:
        parts.append(_ELEMENT.pack(0, _OFFENDING, 4 * len(offending)))
        parts.extend(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in offending)
    if comment:
        parts.append(_text(_COMMENT, comment, b" "))
    if sop_instance_uid:
        parts.append(_text(_INSTANCE, sop_instance_uid, b"\0"))
    body = b"".join(parts)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def _text(element: int, text: str, pad: bytes) -> bytes:
    raw = text.encode("ascii", "replace")
    raw += pad * (len(raw) % 2)
    return _ELEMENT.pack(0, element, len(raw)) + raw


def plain_response(command: Command, status: int) -> bytes:
    """Write a response with nothing but a status: a C-ECHO-RSP, or that a request of any kind is not served."""
    body = b"".join(
        (
            _text(_CLASS, command.sop_class_uid, b"\0") if command.sop_class_uid else b"",
            _SHORT.pack(0, _FIELD, 2, (command.field or 0) | RESPONSE),
            _SHORT.pack(0, _RESPONDED, 2, command.message_id or 0),
            _SHORT.pack(0, _DATA_SET, 2, NO_DATA_SET),
            _SHORT.pack(0, _STATUS, 2, status),
        )
    )
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body
