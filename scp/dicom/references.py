"""The instances that an object refers to: every Referenced SOP Instance UID, in whatever Sequence."""

from collections.abc import Iterator
from typing import Final

from scp.dicom import tags as t
from scp.dicom.element import Elements
from scp.dicom.pages import read_short
from scp.dicom.read import scan_of
from scp.dicom.uid import is_safe_name, strip_uid
from scp.dicom.walk import Limits

MOST_REFERENCES: Final = 20_000
"""How many references are read of one object."""
_LONGEST: Final = 66
"""Bytes of the longest UID, with padding that should not be there."""


def referenced_instances(data: memoryview, transfer_syntax: str, limits: Limits) -> tuple[str, ...]:
    """Return the SOP Instance UIDs that an object refers to, each once; never fails, whatever the bytes."""
    walked, scan = scan_of(data, transfer_syntax, limits)
    found: dict[str, None] = {}
    for offset, length in _spans(scan.elements):
        uid = strip_uid(read_short(walked, offset, length))
        if is_safe_name(uid):
            found[uid] = None
            if len(found) >= MOST_REFERENCES:
                break
    return tuple(found)


def _spans(elements: Elements) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each Referenced SOP Instance UID."""
    open_items = [elements]
    while open_items:
        for tag, span in open_items.pop().items():
            if span.items:
                open_items.extend(span.items)
            elif tag == t.REFERENCED_SOP_INSTANCE_UID and 0 < span.length <= _LONGEST:
                yield span.offset, span.length
