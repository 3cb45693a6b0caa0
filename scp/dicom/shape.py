"""Recognises Data Sets that are encoded like one that was walked before, so that they need no walk of their own.

A walk looks only at the headers of elements and Items, not at the values. The instances of a series have the same
elements, and most instances have them at the same places. So if all headers of a Data Set are equal, byte for byte, to
those of one that was walked, a walk would find the same. Whether they are is one comparison of two large numbers, with
the values masked out.

A Data Set is remembered only if there is no doubt: it is well formed and in order, every VR is explicit or that of the
standard, and what follows the compared bytes is a single native value that fills the rest.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final

from scp.dicom.element import Elements, Span
from scp.dicom.scan import Scan
from scp.dicom.tags import PIXEL_DATA

_Data = memoryview | bytes

LONGEST: Final = 1 << 14
"""If there are more bytes before the Pixel Data, it is faster to walk."""
_MOST: Final = 16
"""How many shapes are remembered: the lengths of a few numbers vary within a series."""
_PATIENCE: Final = 32
"""After so many Data Sets in a row that are like none before, no more are learnt."""

Place = tuple[int, int, int]
"""A tag, and where its value begins and ends."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a Data Set is encoded: its first ``size`` bytes, masked with ``mask``, are ``headers``; and its scan.

    ``tags`` are those whose values are wanted; ``cut`` takes all these values out of a Data Set at once.
    """

    size: int
    mask: int
    headers: int
    scan: Scan
    tags: tuple[int, ...]
    cut: Callable[[_Data], tuple[bytes, ...]]


class Shapes:
    """The shapes of the latest Data Sets in one Transfer Syntax. For one thread at a time."""

    def __init__(self) -> None:
        self._shapes: OrderedDict[int, Shape] = OrderedDict()
        self._strange = 0

    def find(self, head: _Data, length: int) -> Shape | None:
        """Return the shape of a Data Set, given its beginning and its length; None if it is like none before."""
        shape = self._shapes.get(length)
        size = shape.size if shape else 0
        if shape and len(head) >= size and int.from_bytes(head[:size], "little") & shape.mask == shape.headers:
            self._strange = 0
            return shape
        self._strange += 1
        return None

    def learn(self, data: _Data, scan: Scan, places: tuple[Place, ...], *, explicit: bool) -> None:
        """Remember the shape of a Data Set that was walked, if it can be.

        ``places`` are those of the values that are wanted.
        """
        if self._strange > _PATIENCE:
            return
        size = _compared(data, scan)
        if size is None or any(end > size for _, _, end in places):
            return
        mask = bytearray(b"\xff") * size
        head = bytes(data[:size])
        if not _mask_values(mask, head, scan.elements, explicit=explicit):
            return
        number = int.from_bytes(mask, "little")
        headers = int.from_bytes(head, "little") & number
        tags = tuple(tag for tag, _, _ in places)
        self._shapes[len(data)] = Shape(size, number, headers, scan, tags, _layout(places).unpack_from)
        if len(self._shapes) > _MOST:
            self._shapes.popitem(last=False)


def _layout(places: tuple[Place, ...]) -> Struct:
    """Return the layout of the values, with gaps for what lies between them."""
    layout, position = [], 0
    for _, begin, end in places:
        layout.append(f"{begin - position}x{end - begin}s")
        position = end
    return Struct("".join(layout))


def _compared(data: _Data, scan: Scan) -> int | None:
    """Return how many bytes have to be compared, or None if the Data Set cannot be remembered."""
    if scan.defect or scan.unsorted is not None or not scan.elements:
        return None
    last = next(reversed(scan.elements))
    span = scan.elements[last]
    is_native = last == PIXEL_DATA and span.fragments is None and span.items is None
    size = span.offset if is_native else len(data)
    return size if size <= LONGEST else None


def _mask_values(mask: bytearray, head: bytes, elements: Elements, *, explicit: bool) -> bool:
    """Clear the values in the mask, at every level; return False if a header is not as the standard has it."""
    pending: list[Mapping[int, Span]] = [elements]
    while pending:
        for vr, offset, length, items, fragments in pending.pop().values():
            if fragments is not None or (explicit and not _is_written(head, vr, offset)):
                return False
            if items is None:
                end = min(offset + length, len(mask))
                mask[offset:end] = bytes(end - offset)
            else:
                pending += items
    return True


def _is_written(head: bytes, vr: str, offset: int) -> bool:
    """Whether a header in explicit VR names its VR (PS3.5 §7.1.2); not UN, below which there may be anything."""
    raw = vr.encode()
    return vr != "UN" and raw in (head[offset - 4 : offset - 2], head[offset - 8 : offset - 6])
