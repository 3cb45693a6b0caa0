"""Headers of data elements whose VR field has no VR of the standard, although it should.

These are known to occur, and are read all the same:

- two other capital letters. A future VR would have a 32-bit length (PS3.5 §7.1.2), but there is an acquisition
  system that writes `UK` with a 16-bit one;
- question marks, spaces or NULs, and then a 16-bit length;
- no VR field: a private element, or a whole Item, was left in implicit VR.

So such a header may be read in several ways. It is accepted if, in exactly one of them, what follows the element may
follow there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from scp.dicom.element import (
    ITEM,
    ITEM_DELIMITER,
    NO_ELEMENT,
    SEQUENCE_DELIMITER,
    UNDEFINED,
    Header,
    header_without_vr,
    names_vr,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scp.dicom.element import Buffer

    Unpack: TypeAlias = Callable[[Buffer, int], tuple[int, int, int]]


def read_irregular_header(
    data: Buffer, position: int, end: int, unpack: Unpack, length: int, *, nested: bool
) -> Header | None:
    """Return the only possible reading of an irregular header, or None if there is none or more than one.

    Args:
        data: what is being walked.
        position: of the header, of which eight bytes are there.
        end: of the Item or Data Set that it is in.
        unpack: reads group, element and 32-bit length.
        length: the 16-bit length of the header, if it has one.
        nested: it is in an Item. Outside Items, only private elements may lack a VR: if others do, the whole
            Data Set is in implicit VR, against its Transfer Syntax.
    """
    group, element, long_length = unpack(data, position)
    tag = group << 16 | element
    field = bytes(data[position + 4 : position + 6])
    capitals = field.isalpha() and field.isupper()
    vr = field.decode() if capitals else "UN"

    readings = []
    if capitals and position + 12 <= end:
        _, _, longer = unpack(data, position + 4)
        readings.append(Header(vr, position + 12, longer, implicit=False))
    if not capitals and (nested or group & 1):
        readings.append(header_without_vr(tag, position, long_length))
    readings.append(Header(vr, position + 8, length, implicit=False))

    # Two readings that agree on the value, as of an empty element, are one.
    possible = {
        (reading.offset, reading.length): reading
        for reading in reversed(readings)
        if _can_follow(data, reading, tag, field, end, unpack, nested=nested)
    }
    return possible.popitem()[1] if len(possible) == 1 else None


def _can_follow(
    data: Buffer, header: Header, tag: int, field: bytes, end: int, unpack: Unpack, *, nested: bool
) -> bool:
    """Tell whether the bytes after this element begin something that may come there."""
    undefined = header.length == UNDEFINED
    following = header.offset if undefined else header.offset + header.length
    if following == end:
        return True
    if following + 8 > end:
        return False
    group, element, length = unpack(data, following)
    next_tag = group << 16 | element
    if undefined:
        return next_tag in (ITEM, SEQUENCE_DELIMITER)
    if nested and next_tag == ITEM_DELIMITER:
        return True
    if not tag < next_tag < NO_ELEMENT:
        return False
    if header.implicit and (length == UNDEFINED or following + 8 + length <= end):
        return True
    return names_vr(data, following) or bytes(data[following + 4 : following + 6]) == field
