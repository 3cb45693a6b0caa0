"""Data elements as bytes, written out by hand: independent of the code under test and of pydicom."""

import struct

UNDEFINED = 0xFFFFFFFF
LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}


def tag(number: int, *, little: bool = True) -> bytes:
    return struct.pack("<HH" if little else ">HH", number >> 16, number & 0xFFFF)


def explicit(number: int, vr: str, value: bytes = b"", *, length: int | None = None, little: bool = True) -> bytes:
    """An element with VR; `length` overrules that of the value."""
    size = len(value) if length is None else length
    order = "<" if little else ">"
    field = struct.pack(f"{order}HI", 0, size) if vr in LONG else struct.pack(f"{order}H", size)
    return tag(number, little=little) + vr.encode() + field + value


def implicit(number: int, value: bytes = b"", *, length: int | None = None, little: bool = True) -> bytes:
    """An element without VR, or an Item or a delimiter."""
    size = len(value) if length is None else length
    return tag(number, little=little) + struct.pack("<I" if little else ">I", size) + value


def item(content: bytes = b"", *, length: int | None = None, little: bool = True) -> bytes:
    return implicit(0xFFFEE000, content, length=length, little=little)


def item_end(*, length: int = 0, little: bool = True) -> bytes:
    return implicit(0xFFFEE00D, length=length, little=little)


def sequence_end(*, length: int = 0, little: bool = True) -> bytes:
    return implicit(0xFFFEE0DD, length=length, little=little)


def open_item(content: bytes = b"", *, little: bool = True) -> bytes:
    """An Item of undefined length with its delimiter."""
    return item(content, length=UNDEFINED, little=little) + item_end(little=little)


def open_sequence(number: int, vr: str, content: bytes = b"", *, little: bool = True) -> bytes:
    """An explicit VR element of undefined length with its delimiter."""
    return explicit(number, vr, content, length=UNDEFINED, little=little) + sequence_end(little=little)
