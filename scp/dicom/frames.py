"""The planes of the frames of a multi-frame volume: from functional groups, NM slice vectors and dose grids.

A frame without a plane is None. Segmentations and slides get no planes, as their frames are tiles or parts of other
images.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zlib import crc32

from scp.dicom import tags as t
from scp.dicom import values
from scp.dicom.element import Elements, Span
from scp.dicom.pages import read_short
from scp.dicom.sop_classes import Kind, kind_of

MOST_FRAMES: Final = 20_000
"""No planes are kept of an object with more frames: volumes have fewer, and planes enlarge its row in the ledger."""

_LONGEST: Final = 512
"""A value with more bytes is not read: six Decimal Strings have fewer, however they are padded."""

Plane = tuple[float, float, float, int]
"""x, y, z in mm, and the index of the orientation."""
Orientation = tuple[float, ...]


class FramePlanes(NamedTuple):
    """The planes of the frames, in their order.

    Attributes:
        planes: Image Position (Patient) of each frame, and the index of its orientation.
        orientations: the different values of Image Orientation (Patient).
        spacing: Pixel Spacing that all frames share, in mm; empty if there is none.
        between: Spacing Between Slices that all frames share, in mm; empty if there is none.
        stacks: a number that stands for the Stack ID of each frame; empty if a frame has none, or all have the same.
    """

    planes: tuple[Plane | None, ...] = ()
    orientations: tuple[Orientation, ...] = ()
    spacing: tuple[float, ...] = ()
    between: tuple[float, ...] = ()
    stacks: tuple[int, ...] = ()


NO_PLANES: Final = FramePlanes()

_Data = memoryview | bytes
_Read = Mapping[str, Any]
"""The decoded values of the top level, by the names of :class:`~scp.dicom.facts.Facts`."""


def frame_planes(data: _Data, elements: Elements, read: _Read, little: bool) -> FramePlanes:
    """Return the planes of the frames; never fails, whatever the bytes."""
    kind = kind_of(read["sop_class_uid"])
    if kind is Kind.ENHANCED:
        return _of_functional_groups(data, elements)
    if kind is Kind.NM:
        return _of_slice_vector(data, elements, read, little)
    if kind is Kind.RT_DOSE:
        return _of_offsets(read["image_position"], read["image_orientation"], _relative(read["grid_frame_offsets"]))
    return NO_PLANES


def _of_functional_groups(data: _Data, elements: Elements) -> FramePlanes:
    """Read Plane Position and Plane Orientation (PS3.3 C.7.6.16.2.3, C.7.6.16.2.4), shared or of each frame."""
    frames = _items(elements, t.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
    if not 0 < len(frames) <= MOST_FRAMES:
        return NO_PLANES
    shared = next(iter(_items(elements, t.SHARED_FUNCTIONAL_GROUPS_SEQUENCE)), {})
    position = _macro(data, shared, t.PLANE_POSITION_SEQUENCE, t.IMAGE_POSITION_PATIENT, 3)
    orientation = _macro(data, shared, t.PLANE_ORIENTATION_SEQUENCE, t.IMAGE_ORIENTATION_PATIENT, 6)
    known: dict[Orientation, int] = {}
    planes: list[Plane | None] = []
    for frame in frames:
        at = _macro(data, frame, t.PLANE_POSITION_SEQUENCE, t.IMAGE_POSITION_PATIENT, 3) or position
        along = _macro(data, frame, t.PLANE_ORIENTATION_SEQUENCE, t.IMAGE_ORIENTATION_PATIENT, 6) or orientation
        if at and along:
            planes.append((at[0], at[1], at[2], known.setdefault(along, len(known))))
        else:
            planes.append(None)
    if not known:
        return NO_PLANES
    return FramePlanes(
        tuple(planes),
        tuple(known),
        _macro(data, shared, t.PIXEL_MEASURES_SEQUENCE, t.PIXEL_SPACING, 2),
        _macro(data, shared, t.PIXEL_MEASURES_SEQUENCE, t.SPACING_BETWEEN_SLICES, 1),
        _stacks(data, frames),
    )


def _stacks(data: _Data, frames: Sequence[Elements]) -> tuple[int, ...]:
    """Return a number for the Stack ID of each frame (PS3.3 C.7.6.16.2.2), which may be any text."""
    ids = [_stack_id(data, frame) for frame in frames]
    several = all(ids) and len(set(ids)) > 1
    return tuple(crc32(one) for one in ids) if several else ()


def _stack_id(data: _Data, frame: Elements) -> bytes:
    content = next(iter(_items(frame, t.FRAME_CONTENT_SEQUENCE)), {})
    span = content.get(t.STACK_ID)
    if span is None or span.items is not None or not 0 < span.length <= _LONGEST:
        return b""
    return _raw(data, span).strip(b" \0")


def _of_slice_vector(data: _Data, elements: Elements, read: _Read, little: bool) -> FramePlanes:
    """Place the slices along the normal from the position of the first detector (PS3.3 C.8.4.15).

    The sign of Spacing Between Slices gives the direction.
    """
    detector = next(iter(_items(elements, t.DETECTOR_INFORMATION_SEQUENCE)), {})
    vector, between = elements.get(t.SLICE_VECTOR), read["spacing_between_slices"]
    if vector is None or not isinstance(between, tuple) or len(between) != 1:
        return NO_PLANES
    slices = values.unsigned_shorts(_raw(data, vector), little=little, max_values=MOST_FRAMES)
    if not isinstance(slices, tuple):
        return NO_PLANES
    return _of_offsets(
        _numbers(data, detector.get(t.IMAGE_POSITION_PATIENT), 3),
        _numbers(data, detector.get(t.IMAGE_ORIENTATION_PATIENT), 6),
        [(number - 1) * between[0] for number in slices],
    )


def _relative(offsets: object) -> Sequence[float]:
    """Return the distances of a Grid Frame Offset Vector from its first plane.

    The vector has two forms (PS3.3 C.8.8.3.2): offsets from Image Position, the first of which is 0, or coordinates.
    """
    if not isinstance(offsets, tuple) or not offsets or len(offsets) > MOST_FRAMES:
        return ()
    return [offset - offsets[0] for offset in offsets]


def _of_offsets(position: object, orientation: object, offsets: Sequence[float]) -> FramePlanes:
    """Return planes at the given distances, in mm, from a first one along its normal."""
    if not (isinstance(position, tuple) and isinstance(orientation, tuple) and offsets):
        return NO_PLANES
    if len(position) != 3 or len(orientation) != 6:
        return NO_PLANES
    x, y, z = position
    a, b, c, d, e, f = orientation
    normal = b * f - c * e, c * d - a * f, a * e - b * d
    return FramePlanes(
        tuple((x + far * normal[0], y + far * normal[1], z + far * normal[2], 0) for far in offsets), (orientation,)
    )


def _items(elements: Elements, tag: int) -> Sequence[Elements]:
    span = elements.get(tag)
    return (span.items or ()) if span else ()


def _macro(data: _Data, group: Elements, sequence: int, tag: int, count: int) -> tuple[float, ...]:
    """Return the numbers of one attribute in a functional group macro, which has one Item; empty if it has none."""
    span = group.get(sequence)
    return _numbers(data, span.items[0].get(tag), count) if span and span.items else ()


def _numbers(data: _Data, span: Span | None, count: int) -> tuple[float, ...]:
    if span is None or span.items is not None or not 0 < span.length <= _LONGEST:
        return ()
    found = _decimals(_raw(data, span))
    return found if len(found) == count else ()


def _raw(data: _Data, span: Span) -> bytes:
    return read_short(data, span.offset, span.length)


@lru_cache(maxsize=1024)
def _decimals(raw: bytes) -> tuple[float, ...]:
    found = values.decimal_strings(raw)
    return found if isinstance(found, tuple) else ()
