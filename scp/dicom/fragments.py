"""Values that come in fragments: encapsulated Pixel Data (PS3.5 §A.4)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from scp.dicom.defect import DefectKind
from scp.dicom.element import ITEM, SEQUENCE_DELIMITER, UNDEFINED
from scp.dicom.pages import PIECE, let_go

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scp.dicom.element import Buffer, Span

_HEADER: Final = {True: Struct("<HHI").unpack_from, False: Struct(">HHI").unpack_from}


def fragments(data: Buffer, span: Span, *, little: bool) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each fragment, the Basic Offset Table first.

    Args:
        data: what was walked.
        span: of an element in it. If it is not encapsulated, it has no fragments.
        little: the byte order of the Data Set.
    """
    unpack = _HEADER[little]
    position = seen = span.offset
    for _ in range(span.fragments or 0):
        _, _, length = unpack(data, position)
        if position - seen > PIECE:
            let_go(data)
            seen = position
        yield position + 8, length
        position += 8 + length


def skip_fragments(
    data: Buffer, position: int, end: int, most: int, *, little: bool
) -> tuple[int, int, DefectKind | None]:
    """Find the delimiter after the fragments.

    Args:
        data: what is being walked.
        position: of the first fragment's Item.
        end: of the Item or Data Set that the value is in.
        most: how many fragments to read at most.
        little: the byte order of the Data Set.

    Returns:
        The position of the delimiter or of the defect, the number of fragments before it, and the defect.
    """
    unpack = _HEADER[little]
    count, seen = 0, position
    while position + 8 <= end:
        if position - seen > PIECE:
            let_go(data)
            seen = position
        group, element, length = unpack(data, position)
        tag = group << 16 | element
        if tag == SEQUENCE_DELIMITER:
            return position, count, None
        if tag != ITEM or length == UNDEFINED:
            return position, count, DefectKind.BAD_ITEM
        if count == most:
            return position, count, DefectKind.TOO_MANY_ELEMENTS
        if position + 8 + length > end:
            return position, count, past_end(data, position + 8 + length)
        position += 8 + length
        count += 1
    missing = position == end
    return position, count, DefectKind.MISSING_DELIMITER if missing else past_end(data, position + 8)


def past_end(data: Buffer, needed: int) -> DefectKind:
    """Return the defect of an element that needs this many bytes of `data`, more than what is around it has."""
    return DefectKind.TRUNCATED if needed > len(data) else DefectKind.OVERRUN
