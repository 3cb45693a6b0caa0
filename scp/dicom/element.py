"""Data elements as they are encoded (PS3.5 §7): the terms of the encoding, and where one element is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from scp.dicom.dictionary import implied_vr
from scp.dicom.tags import PIXEL_DATA

if TYPE_CHECKING:
    from mmap import mmap

    Buffer: TypeAlias = bytes | bytearray | memoryview | mmap

UNDEFINED: Final = 0xFFFFFFFF
"""The length of what ends with a delimiter (PS3.5 §7.1.1)."""
ITEM: Final = 0xFFFEE000
LITTLE_ENDIAN_ITEM: Final = b"\xfe\xff\x00\xe0"
ITEM_DELIMITER: Final = 0xFFFEE00D
SEQUENCE_DELIMITER: Final = 0xFFFEE0DD
NO_ELEMENT: Final = 0xFFFE0000
"""Tags from here on are not data elements but Items and delimiters."""

SHORT_VRS: Final = frozenset(
    (
        "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM",
        "UI", "UL", "US",
    )
)  # fmt: skip
"""VRs with a 16-bit length (PS3.5 Table 7.1-2)."""
LONG_VRS: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
"""VRs with a 32-bit length, after two reserved bytes (PS3.5 Table 7.1-1)."""
BULK_VRS: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW"))
"""VRs whose values may come in fragments (PS3.5 §7.1.2, §A.4)."""

_ENCODED_VRS: Final = frozenset(vr.encode() for vr in SHORT_VRS | LONG_VRS)


class Span(NamedTuple):
    """Where one data element is.

    Attributes:
        vr: as encoded, or `UN` if that is not two capital letters; in implicit VR as `scp.dicom.dictionary` has it.
        offset: of the first byte of the value.
        length: of the value in bytes, without a delimiter. In encapsulated Pixel Data, that of all fragments with
            their Item headers.
        items: the data elements of each Item of a Sequence, by tag; None for any other element. Below an
            element of VR `UN` they are little endian, whatever the Transfer Syntax (PS3.5 §6.2.2).
        fragments: the number of fragments of encapsulated Pixel Data, including the Basic Offset Table; None for
            any other element. `scp.dicom.fragments.fragments` tells where they are.
    """

    vr: str
    offset: int
    length: int
    items: tuple[dict[int, Span], ...] | None = None
    fragments: int | None = None


Elements: TypeAlias = dict[int, Span]


class Header(NamedTuple):
    """What the header of a data element says; `offset` is that of its value, `implicit` that it has no VR field."""

    vr: str
    offset: int
    length: int
    implicit: bool


def header_without_vr(tag: int, position: int, length: int) -> Header:
    """Return a header of tag and 32-bit length. All but Pixel Data of undefined length are Sequences."""
    vr = "SQ" if length == UNDEFINED and tag != PIXEL_DATA else implied_vr(tag)
    return Header(vr, position + 8, length, implicit=True)


def names_vr(data: Buffer, position: int) -> bool:
    """Tell whether the header at this position has a VR of the standard in its VR field.

    If the header has no VR field, these bytes are a length of at least 16 kB that happens to spell a VR.
    """
    return bytes(data[position + 4 : position + 6]) in _ENCODED_VRS
