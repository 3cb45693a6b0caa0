"""The values of chosen elements as text, for people who may see them: case files and reports, never logs."""

from collections.abc import Iterable, Mapping
from typing import Final

from scp.dicom import tags as t
from scp.dicom.canonical import LONGEST, TEXT
from scp.dicom.charset import decode_text
from scp.dicom.read import scan_of
from scp.dicom.walk import Limits
from scp.printable import count

_MOST_BINARY: Final = 16
"""How many bytes are shown of a value that is not text."""


def disclosed(
    data: memoryview, transfer_syntax: str, tags: Iterable[int], limits: Limits
) -> Mapping[str, str | None] | None:
    """Return the values of top-level elements by name, None for an absent one. Without tags, return None.

    Text is decoded in the character set of the Data Set and cut after 256 characters. Of anything else, 16 bytes are
    shown as hexadecimal digits.
    """
    wanted = tuple(tags)
    if not wanted:
        return None
    walked, scan = scan_of(data, transfer_syntax, limits)

    def raw(tag: int) -> bytes:
        span = scan.elements[tag]
        return bytes(walked[span.offset : span.offset + min(span.length, 4 * LONGEST)])

    charset = raw(t.SPECIFIC_CHARACTER_SET) if t.SPECIFIC_CHARACTER_SET in scan.elements else b""
    shown: dict[str, str | None] = {}
    for tag in wanted:
        span = scan.elements.get(tag)
        if span is None:
            shown[t.name_of(tag)] = None
        elif span.items is not None:
            shown[t.name_of(tag)] = count(len(span.items), "item")
        elif span.vr in TEXT:
            shown[t.name_of(tag)] = decode_text(raw(tag), charset)[:LONGEST]
        else:
            rest = f"… ({span.length} bytes)" if span.length > _MOST_BINARY else ""
            shown[t.name_of(tag)] = raw(tag)[:_MOST_BINARY].hex() + rest
    return shown
