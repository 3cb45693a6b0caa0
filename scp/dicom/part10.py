"""The DICOM File Meta Information (PS3.10 §7.1): written before the Data Sets we store, read in files we are given."""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from scp.dicom.element import LONG_VRS
from scp.dicom.request import Request
from scp.dicom.uid import is_safe_name, strip_uid
from scp.version import __version__

IMPLEMENTATION_CLASS_UID: Final = "2.25.15746394547564767838474548213799096836"
"""Made once for this software (PS3.7 Annex D.3.3.2); it never changes."""
IMPLEMENTATION_VERSION_NAME: Final = f"AUDITSCP_{__version__}"[:16]

_FIRST_GROUPS: Final = (0x0004, 0x0008, 0x0010)
_SHORT: Final = struct.Struct("<HH2sH")
_LONG: Final = struct.Struct("<HH2sHI")
_LENGTH: Final = struct.Struct("<I")
_GROUP_LENGTH: Final = 0x0000
_BEGINNING: Final = bytes(128) + b"DICM" + _SHORT.pack(0x0002, _GROUP_LENGTH, b"UL", 4)
"""Preamble, prefix, and the header of the group length."""
MEDIA_STORAGE_SOP_CLASS_UID: Final = 0x0002
MEDIA_STORAGE_SOP_INSTANCE_UID: Final = 0x0003
_TRANSFER_SYNTAX_UID: Final = 0x0010
IMPLEMENTATION: Final = 0x0012
"""The element of the Implementation Class UID."""
_PRIVATE_CREATOR_UID: Final = 0x0100
_PRIVATE_INFORMATION: Final = 0x0102
_LONGEST_UID: Final = 256
_NOT_AE: Final = re.compile(r"[^ -\[\]-~]")

_IMPLICIT, _EXPLICIT_LITTLE, _EXPLICIT_BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
"""The Transfer Syntaxes of files that do not name theirs."""


def file_header(request: Request, note: bytes = b"") -> bytes:
    """Return preamble, prefix and File Meta Information for the Data Set of a request.

    ``note`` goes into Private Information (0002,0102), padded with a space if need be: see :mod:`scp.provenance`. All
    else comes from the command set and negotiation, nothing from the Data Set. A UID that is not safe as a name is left
    out: such an object goes to quarantine, and its case has what the peer said.
    """
    association = request.association
    before, after = _around(
        request.sop_class_uid, request.transfer_syntax, association.calling_ae_title, association.called_ae_title
    )
    instance = _element(MEDIA_STORAGE_SOP_INSTANCE_UID, b"UI", _uid(request.sop_instance_uid))
    elements = b"".join((before, instance, after, _private(note) if note else b""))
    return _BEGINNING + _LENGTH.pack(len(elements)) + elements


@lru_cache(maxsize=1024)
def _around(sop_class_uid: str, transfer_syntax: str, calling: str, called: str) -> tuple[bytes, bytes]:
    """Return the elements before and after the SOP Instance UID, which most instances of an association share."""
    version = struct.pack("<HH2sHI2s", 0x0002, 0x0001, b"OB", 0, 2, b"\0\1")
    return version + _elements((MEDIA_STORAGE_SOP_CLASS_UID, b"UI", _uid(sop_class_uid))), _elements(
        (_TRANSFER_SYNTAX_UID, b"UI", _uid(transfer_syntax)),
        (IMPLEMENTATION, b"UI", _uid(IMPLEMENTATION_CLASS_UID)),
        (0x0013, b"SH", _text(IMPLEMENTATION_VERSION_NAME)),
        (0x0016, b"AE", _text(calling)),
        (0x0017, b"AE", _text(calling)),
        (0x0018, b"AE", _text(called)),
    )


def _private(note: bytes) -> bytes:
    """Return Private Information Creator UID and Private Information."""
    note += b" " * (len(note) % 2)
    return _PRIVATE_CREATOR + _LONG.pack(0x0002, _PRIVATE_INFORMATION, b"OB", 0, len(note)) + note


def _elements(*elements: tuple[int, bytes, bytes]) -> bytes:
    return b"".join(_element(*one) for one in elements)


def _element(number: int, vr: bytes, value: bytes) -> bytes:
    """Write an element of group 0002 in Explicit VR Little Endian; one without a value is left out."""
    return _SHORT.pack(0x0002, number, vr, len(value)) + value if value else b""


_PRIVATE_CREATOR: Final = _elements((_PRIVATE_CREATOR_UID, b"UI", IMPLEMENTATION_CLASS_UID.encode() + b"\0"))


def _uid(uid: str) -> bytes:
    if not is_safe_name(uid):
        return b""
    raw = uid.encode("ascii")
    return raw + b"\0" * (len(raw) % 2)


def _text(text: str) -> bytes:
    raw = _NOT_AE.sub("?", text[:16]).encode("ascii")
    return raw + b" " * (len(raw) % 2)


@dataclass(frozen=True, slots=True)
class Part10:
    """A DICOM file: where its Data Set begins, its Transfer Syntax, and the UIDs of group 0002 by element number."""

    offset: int
    transfer_syntax: str
    meta: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class NotDicom:
    """Why bytes are not a DICOM file."""

    reason: str


def read_file(data: memoryview | bytes) -> Part10 | NotDicom:
    """Find the Data Set of a DICOM file.

    Files without preamble, File Meta Information or Transfer Syntax UID are read too, if their first element leaves no
    doubt about its encoding.
    """
    head = bytes(data[:132])
    start = 132 if head[128:132] == b"DICM" else 0
    end, meta = _read_meta(data, start)
    syntax = meta.get(_TRANSFER_SYNTAX_UID, "")
    if start == 0 and end == 0 and not _looks_like_data_set(data):
        return NotDicom("no DICM prefix after 128 bytes, and no element where a Data Set would begin")
    return Part10(end, syntax or _guess(bytes(data[end : end + 8])), meta)


def read_note(data: memoryview | bytes) -> bytes:
    """Return Private Information (0002,0102) as :func:`file_header` wrote it; empty if there is none of ours."""
    position, creator = 132 if bytes(data[128:132]) == b"DICM" else 0, ""
    while element := _meta_element(data, position):
        position = element.end
        if element.number == _PRIVATE_CREATOR_UID:
            creator = strip_uid(bytes(data[element.value : element.end]))
        elif element.number == _PRIVATE_INFORMATION and creator == IMPLEMENTATION_CLASS_UID:
            return bytes(data[element.value : element.end])
    return b""


def _read_meta(data: memoryview | bytes, start: int) -> tuple[int, Mapping[int, str]]:
    """Return where group 0002 ends, and the UIDs in it.

    The end is found by the elements, as the group length is often wrong. Only ours is right, and it has to be obeyed: a
    Data Set may itself begin with elements of group 0002.
    """
    position, meta, stated = start, dict[int, str](), -1
    while position != stated or meta.get(IMPLEMENTATION) != IMPLEMENTATION_CLASS_UID:
        element = _meta_element(data, position)
        if element is None:
            break
        position = element.end
        raw = bytes(data[element.value : min(element.end, element.value + _LONGEST_UID)])
        if element.number == _GROUP_LENGTH:
            stated = position + int.from_bytes(raw[:4], "little")
        elif element.vr in ("UI", ""):
            meta[element.number] = strip_uid(raw)
    return position, meta


class _Element(NamedTuple):
    """An element of group 0002: its VR, empty if it has none, and where its value begins and ends."""

    number: int
    vr: str
    value: int
    end: int


def _meta_element(data: memoryview | bytes, position: int) -> _Element | None:
    """Read the header of an element of group 0002; None if there is none, or if the bytes end inside it."""
    head = bytes(data[position : position + 12])
    if len(head) < 8 or head[:2] != b"\x02\x00":
        return None
    number, vr = int.from_bytes(head[2:4], "little"), head[4:6].decode("latin-1")
    size, length = 8, head[6:8]
    if vr in LONG_VRS:
        size, length = 12, head[8:12]
    elif not head[4:6].isalpha():  # written in Implicit VR, against the standard
        vr, length = "", head[4:8]
    value = position + size
    end = value + int.from_bytes(length, "little")
    return _Element(number, vr, value, end) if end <= len(data) else None


def _looks_like_data_set(data: memoryview | bytes) -> bool:
    """Whether bytes begin with an element of a low group whose length fits."""
    head = bytes(data[:8])
    if len(head) < 8:
        return False
    little = int.from_bytes(head[:2], "little")
    big = int.from_bytes(head[:2], "big")
    if little in _FIRST_GROUPS:
        explicit = head[4:6].isalpha() and head[4:6].isupper()
        length = int.from_bytes(head[6:8] if explicit else head[4:8], "little")
        return 8 + length <= len(data)
    return big in _FIRST_GROUPS and head[4:6].isalpha() and head[4:6].isupper()


def _guess(head: bytes) -> str:
    """Tell the encoding of a Data Set from its first element (PS3.5 §7.1)."""
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    if not explicit:
        return _IMPLICIT
    is_big = int.from_bytes(head[:2], "big") < int.from_bytes(head[:2], "little")
    return _EXPLICIT_BIG if is_big else _EXPLICIT_LITTLE
