"""Reads and writes command sets (PS3.7 §6.3.1), which are always group 0000 in Implicit VR Little Endian.

The length of a command set is bounded before it is read here, and nothing in it can make a function raise.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from scp.dicom.uid import strip_uid

C_STORE_RQ: Final = 0x0001
C_STORE_RSP: Final = 0x8001
C_ECHO_RQ: Final = 0x0030
C_CANCEL_RQ: Final = 0x0FFF
NO_DATA_SET: Final = 0x0101
RESPONSE: Final = 0x8000
"""Set in the Command Field of every response (PS3.7 Table E.1-1)."""

_CLASS, _FIELD, _MESSAGE, _RESPONDED = 0x0002, 0x0100, 0x0110, 0x0120
_DATA_SET, _STATUS, _OFFENDING, _COMMENT, _INSTANCE = 0x0800, 0x0900, 0x0901, 0x0902, 0x1000
_REQUESTED_CLASS, _REQUESTED_INSTANCE = 0x0003, 0x1001

_ELEMENT: Final = struct.Struct("<HHI")
_FOUR_SHORTS: Final = struct.Struct("<" + 4 * "HHIH")
_GROUP_LENGTH: Final = struct.Struct("<HHII")
_unpack = _ELEMENT.unpack_from

_MOST_FORMS: Final = 16
"""How many forms of command sets are remembered for an association: UIDs have a few different lengths."""
_MOST_OF_UID: Final = 4096
"""How many bytes are read of what should be a UID, of 64 at most: as many as in a Data Set. UIDs are remembered."""
_LONGEST_FORM: Final = 1024
"""The most bytes of a command set that is remembered; a C-STORE-RQ has about 250."""


class Command(NamedTuple):
    """What a command set says. Numbers are None, and UIDs empty, if they are missing or cannot be read.

    ``sop_class_uid`` and ``sop_instance_uid`` are the Affected or, in some N-services, the Requested ones.
    """

    field: int | None
    message_id: int | None
    data_set_type: int | None
    sop_class_uid: str
    sop_instance_uid: str

    @property
    def has_data_set(self) -> bool:
        """Whether a Data Set follows (PS3.7 Annex E.1: anything but 0101H)."""
        return self.data_set_type != NO_DATA_SET

    @property
    def is_response(self) -> bool:
        """Whether this is a response; none is expected, as this node sends no requests."""
        return self.field is not None and bool(self.field & RESPONSE)


class _Form(NamedTuple):
    """The form of a command set: all of it but the Message ID and the SOP Instance UID.

    ``cut`` takes a command set of the same length apart: the bytes before the two values, the Message ID, the bytes
    between them, the UID, and the bytes after them. ``around`` are the first, third and fifth of these parts;
    ``command`` is what the command set said.
    """

    cut: Callable[[bytes], tuple[bytes, int, bytes, bytes, bytes]]
    around: tuple[bytes, bytes, bytes]
    command: Command


class Commands:
    """Reads the command sets of one association, each as :func:`read_command` would.

    A sender says the same for each instance, except for Message ID and SOP Instance UID. If all other bytes are those
    of an earlier command set, only these two are read.
    """

    def __init__(self) -> None:
        self._forms: dict[int, _Form] = {}
        """By the length of the command set."""

    def read(self, data: bytes) -> Command | None:
        """Read a command set; None if it is not well formed."""
        form = self._forms.get(len(data))
        if form:
            cut, around, command = form
            before, message_id, between, instance, after = cut(data)
            if (before, between, after) == around:
                return Command(command[0], message_id, command[2], command[3], strip_uid(instance))
        places = _places(data)
        if places is None:
            return None
        command = _command(data, places)
        self._remember(data, places, command)
        return command

    def _remember(self, data: bytes, places: Mapping[int, slice], command: Command) -> None:
        """Remember a request of the usual form: with a Message ID, and an Affected SOP Instance UID after it."""
        message_id, instance = places.get(_MESSAGE, _NOWHERE), places.get(_INSTANCE, _NOWHERE)
        is_usual = command.message_id is not None and message_id.stop <= instance.start < instance.stop
        if is_usual and len(data) <= _LONGEST_FORM:
            if len(self._forms) >= _MOST_FORMS:
                self._forms.clear()
            around = data[: message_id.start], data[message_id.stop : instance.start], data[instance.stop :]
            before, between, after = map(len, around)
            layout = struct.Struct(f"<{before}sH{between}s{instance.stop - instance.start}s{after}s")
            self._forms[len(data)] = _Form(layout.unpack, around, command)


def read_command(data: bytes | memoryview) -> Command | None:
    """Read a command set; None if it is not well formed."""
    places = _places(data)
    return None if places is None else _command(data, places)


_NOWHERE: Final = slice(0, 0)


def _places(data: bytes | memoryview) -> Mapping[int, slice] | None:
    """Return where each value is, by element number; None if the command set is not well formed.

    The group length is not believed, as it is wrong too often and says nothing that the bytes do not.
    """
    places: dict[int, slice] = {}
    position, end = 0, len(data)
    while position < end:
        if position + 8 > end:
            return None
        group, element, length = _unpack(data, position)
        position += 8
        if group != 0 or position + length > end:
            return None
        places[element] = slice(position, position + length)
        position += length
    return places


def _command(data: bytes | memoryview, places: Mapping[int, slice]) -> Command:
    def value(element: int) -> bytes:
        return bytes(data[places.get(element, _NOWHERE)])

    def number(element: int) -> int | None:
        raw = value(element)
        return int.from_bytes(raw, "little") if len(raw) == 2 else None

    return Command(
        field=number(_FIELD),
        message_id=number(_MESSAGE),
        data_set_type=number(_DATA_SET),
        sop_class_uid=strip_uid((value(_CLASS) or value(_REQUESTED_CLASS))[:_MOST_OF_UID]),
        sop_instance_uid=strip_uid((value(_INSTANCE) or value(_REQUESTED_INSTANCE))[:_MOST_OF_UID]),
    )


def store_response(
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str,
    status: int,
    comment: str = "",
    offending: Sequence[int] = (),
) -> bytes:
    """Write a C-STORE-RSP (PS3.7 Table 9.3-2). Affected UIDs that were empty in the request are left out."""
    parts = [_affected_class(sop_class_uid), _shorts(C_STORE_RSP, message_id, status)]
    if offending:
        parts.append(_ELEMENT.pack(0, _OFFENDING, 4 * len(offending)))
        parts.extend(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in offending)
    if comment:
        parts.append(_text(_COMMENT, comment, b" "))
    if sop_instance_uid:
        parts.append(_text(_INSTANCE, sop_instance_uid, b"\0"))
    return _with_length(b"".join(parts))


@lru_cache(maxsize=32)  # no more, as a hostile UID may be long
def _affected_class(uid: str) -> bytes:
    return _text(_CLASS, uid, b"\0") if uid else b""


def _shorts(field: int, message_id: int, status: int) -> bytes:
    """Return the elements that every response has between its UIDs."""
    return _FOUR_SHORTS.pack(
        0, _FIELD, 2, field, 0, _RESPONDED, 2, message_id, 0, _DATA_SET, 2, NO_DATA_SET, 0, _STATUS, 2, status
    )


def _text(element: int, text: str, pad: bytes) -> bytes:
    raw = text.encode("ascii", "replace")
    raw += pad * (len(raw) % 2)
    return _ELEMENT.pack(0, element, len(raw)) + raw


def plain_response(command: Command, status: int) -> bytes:
    """Write a response with nothing but a status: a C-ECHO-RSP, or one to a request that is not served."""
    shorts = _shorts((command.field or 0) | RESPONSE, command.message_id or 0, status)
    return _with_length(_affected_class(command.sop_class_uid) + shorts)


def _with_length(elements: bytes) -> bytes:
    """Put the group length before the elements of a command set."""
    return _GROUP_LENGTH.pack(0, 0, 4, len(elements)) + elements
