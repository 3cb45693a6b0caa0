"""The values of one instance that the series audit needs, as the ledger keeps them: one compact value.

It contains numbers only, so nothing in it can identify a person. A value that is absent, malformed or of the wrong
length is None.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from scp.dicom.facts import Facts
from scp.dicom.image_type import is_derived, is_localizer, is_mosaic
from scp.dicom.readers import Decimals, Integer
from scp.dicom.sop_classes import Kind

Numbers = Sequence[float]

FARTHEST: Final = 1e6
"""Positions farther from the origin than this, in mm, are not plausible. Sums of smaller numbers cannot overflow."""

_NUMERIC: Final = frozenset("0123456789+-.e\\")


class Geometry(NamedTuple):
    """Where the images of one instance lie, and how many of them it announces.

    Attributes:
        stack: digest of SOP Class and Image Type, which make a stack (:class:`~scp.audit.tracked.Tracked`).
        variant: digest of all values that the instances of a series have to share (see there).
        position: Image Position (Patient) in mm, three numbers.
        orientation: Image Orientation (Patient), six numbers: the directions of the rows, then of the columns.
        spacing: Pixel Spacing in mm, of rows and of columns.
        rows: of the matrix.
        columns: of the matrix.
        thickness: Slice Thickness in mm.
        between: Spacing Between Slices in mm.
        location: Slice Location in mm.
        tilt: Gantry/Detector Tilt in degrees.
        scout: Image Type has the value LOCALIZER.
        acquisition: Acquisition Number, as text.
        temporal: Temporal Position Identifier, as text.
        acquisition_images: Images in Acquisition.
        temporal_positions: Number of Temporal Positions.
        slices: Number of Slices.
        concatenation_total: In-concatenation Total Number.
        concatenation_offset: Concatenation Frame Offset Number.
        frame_count: Number of Frames.
        frames: x, y, z of each frame of a multi-frame volume, and the index of its orientation in ``orientations``;
            None for a frame without a plane.
        orientations: those of the frames, six numbers each.
        frame_stacks: a number for the Stack ID of each frame; empty if the frames are of one stack.
        rescale: Rescale Slope and Intercept of a CT slice that is not derived, each None if it is missing; None for
            any other instance.
        mosaic: Image Type has the value MOSAIC: all slices of a volume side by side. The position is that of none of
            them.
        moment: fingerprint of the time of acquisition of a slice (:class:`~scp.audit.tracked.Tracked`).
    """

    stack: str = ""
    variant: str = ""
    position: Numbers | None = None
    orientation: Numbers | None = None
    spacing: Numbers | None = None
    rows: int | None = None
    columns: int | None = None
    thickness: float | None = None
    between: float | None = None
    location: float | None = None
    tilt: float | None = None
    scout: bool = False
    acquisition: str = ""
    temporal: str = ""
    acquisition_images: int | None = None
    temporal_positions: int | None = None
    slices: int | None = None
    concatenation_total: int | None = None
    concatenation_offset: int | None = None
    frame_count: int | None = None
    frames: Sequence[Numbers | None] = ()
    orientations: Sequence[Numbers] = ()
    frame_stacks: Sequence[int] = ()
    rescale: Sequence[float | None] | None = None
    mosaic: bool = False
    moment: str = ""


def geometry_of(facts: Facts, stack: str, variant: str, moment: str = "") -> bytes:
    """Return the geometry of an instance as JSON: the fields of :class:`Geometry`, in their order.

    ``stack``, ``variant`` and ``moment`` are those of :class:`~scp.audit.tracked.Tracked`.
    """
    frames = facts.frame_planes
    return orjson.dumps(
        (
            stack,
            variant,
            _numbers(facts.image_position, 3),
            _numbers(facts.image_orientation, 6) or (frames.orientations[0] if frames.orientations else None),
            _numbers(facts.pixel_spacing, 2) or frames.spacing or None,
            _integer(facts.rows),
            _integer(facts.columns),
            _first(facts.slice_thickness),
            _first(facts.spacing_between_slices) or _first(frames.between),
            _first(facts.slice_location),
            _first(facts.gantry_tilt),
            is_localizer(facts.image_type),
            _plain(facts.acquisition_number),
            _plain(facts.temporal_position_identifier),
            _integer(facts.images_in_acquisition),
            _integer(facts.number_of_temporal_positions),
            _integer(facts.number_of_slices),
            _integer(facts.in_concatenation_total_number),
            _integer(facts.concatenation_frame_offset),
            facts.frames,
            frames.planes,
            frames.orientations,
            frames.stacks,
            _rescale(facts),
            is_mosaic(facts.image_type),
            moment,
        )
    )


def read_geometry(kept: bytes) -> Geometry:
    """Read what :func:`geometry_of` wrote."""
    return Geometry(*orjson.loads(kept))


def _rescale(facts: Facts) -> tuple[float | None, float | None] | None:
    if facts.kind is not Kind.CT or is_derived(facts.image_type):
        return None
    return _first(facts.rescale_slope), _first(facts.rescale_intercept)


def _numbers(values: Decimals, count: int) -> Numbers | None:
    return values if isinstance(values, tuple) and len(values) == count else None


def _first(values: Decimals) -> float | None:
    return values[0] if isinstance(values, tuple) and values else None


def _integer(value: Integer) -> int | None:
    return value if isinstance(value, int) else None


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """Return a text that is a number, else nothing: other text might be personal."""
    return text if set(text) <= _NUMERIC else ""
