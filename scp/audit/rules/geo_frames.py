"""GEO: whether what describes the frames of a multi-frame image matches their number, and puts them somewhere."""

from itertools import pairwise
from typing import Final

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, instance_rule
from scp.audit.rules.direction import skew_of
from scp.audit.rules.geo_plane import SKEW, UNPLACED
from scp.dicom import tags as t
from scp.dicom.image_type import is_secondary
from scp.dicom.sop_classes import Kind
from scp.dicom.status import Status
from scp.dicom.values import Malformed
from scp.printable import count

_PRIVATE: Final = 1 << 16
"""The lowest bit of the group: odd groups are private (PS3.5 §7.8)."""
_OFFSETS: Final = (t.GRID_FRAME_OFFSET_VECTOR,)


@instance_rule(
    "GEO-120",
    grades(Severity.WARN, Severity.REFUSE),
    Status.FUNCTIONAL_GROUPS_MISMATCH,
    kinds=frozenset({Kind.ENHANCED}),
    applies="enhanced multi-frame images",
    reference="PS3.3 C.7.6.16",
)
def functional_groups_do_not_match_frames(subject: Subject) -> Outcome:
    """The functional groups do not match the frames.

    Checks: Per-Frame Functional Groups Sequence (5200,9230) has one item for each frame of Number of Frames,
    and no functional group is both in it and in Shared Functional Groups Sequence (5200,9229).

    Why: position, orientation, spacing and timing of each frame are found by counting items. With one item
    missing, every frame after it gets the place of its neighbour. A group that is shared and per frame has
    two values, and software differs in which it takes.

    Exceptions: segmentations, and images that are tiled fully (Dimension Organization Type TILED_FULL), may
    leave the per-frame sequence out. Private groups, and the private creators that reserve their blocks, may
    be in both. If the Data Set cannot be read to its end, nothing is counted.

    What to do: compare both counts in the finding. If frames were extracted, merged or split, the tool that
    did it changed Number of Frames or the sequence, but not the other.
    """
    facts = subject.facts
    if facts.defect or facts.frames is None or facts.dimension_organization_type == "TILED_FULL":
        return Answer.NOT_APPLICABLE
    per_frame = facts.frame_macros or ()
    if len(per_frame) != facts.frames:
        return Problem(
            f"{count(len(per_frame), 'per-frame item')} for {count(facts.frames, 'frame')}",
            (t.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, t.NUMBER_OF_FRAMES),
            expected=facts.frames,
            found=len(per_frame),
        )
    twice = facts.shared_macros.intersection(frozenset().union(*per_frame))
    standard = sorted(tag for tag in twice if not tag & _PRIVATE)
    if not standard:
        return Answer.PASS
    return Problem(
        f"shared and per-frame: {t.name_of(standard[0])}",
        (t.SHARED_FUNCTIONAL_GROUPS_SEQUENCE, t.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE),
        expected="shared or per-frame",
        found=tuple(t.name_of(tag) for tag in standard),
    )


@instance_rule(
    "GEO-121",
    grades(Severity.WARN, Severity.REFUSE),
    Status.FRAME_VECTORS_MISMATCH,
    kinds=frozenset({Kind.NM}),
    applies="NM",
    reference="PS3.3 C.8.4.8",
)
def frame_vectors_do_not_match_frames(subject: Subject) -> Outcome:
    """The vectors that index the frames do not match their number.

    Checks: each NM vector that Frame Increment Pointer (0028,0009) names (energy window, detector, phase,
    rotation, R-R interval, time slot, slice, angular view, time slice) is present and has one value for each
    frame.

    Why: the vectors say which detector, energy window, slice or time a frame is. A vector that is too short
    leaves the last frames without meaning, and a reconstruction mixes them up.

    Exceptions: pointers to other attributes, such as Frame Time, are not looked at. If the Data Set cannot be
    read to its end, absence is not judged.

    What to do: compare the counts in the finding. Usually frames were removed or summed by post-processing
    that left the vectors as they were.
    """
    facts = subject.facts
    pointer = facts.frame_increment_pointer
    if isinstance(pointer, Malformed):
        return Problem("Frame Increment Pointer is no list of tags", (t.FRAME_INCREMENT_POINTER,), found=pointer.reason)
    vectors = [tag for tag in pointer if tag in t.NM_FRAME_VECTORS]
    if not vectors or facts.frames is None:
        return Answer.NOT_APPLICABLE
    for tag in vectors:
        length = facts.frame_vector_lengths.get(tag)
        if length is None and facts.defect:
            return Answer.NOT_APPLICABLE
        if length != facts.frames:
            values = count(length, "value") if length else "no values"
            return Problem(
                f"{t.name_of(tag)}: {values}, {count(facts.frames, 'frame')}",
                (tag, t.NUMBER_OF_FRAMES),
                expected=facts.frames,
                found=length,
            )
    return Answer.PASS


@instance_rule(
    "GEO-122",
    grades(Severity.WARN, Severity.REFUSE),
    Status.DOSE_GRID_MISMATCH,
    kinds=frozenset({Kind.RT_DOSE}),
    applies="RT Dose",
    reference="PS3.3 C.8.8.3.2",
)
def dose_grid_not_monotone(subject: Subject) -> Outcome:
    """The planes of the dose grid are not in one order, or not as many as the frames.

    Checks: Grid Frame Offset Vector (3004,000C), where it is present, or Frame Increment Pointer of several frames
    names it, has one number for each frame, and the numbers only rise or only fall.

    Why: the vector is the third coordinate of every dose plane. A plane that is out of order, twice, or
    missing puts dose where it was not planned, and dose-volume histograms become wrong.

    Exceptions: falling offsets are as good as rising ones, and uneven steps are legal. A dose of one plane, which
    lies at its Image Position, needs no vector even if it names one. If the Data Set cannot be read to its end,
    absence is not judged.

    What to do: export the dose again from the planning system, and do not edit it. If it was resampled or
    cropped on the way, the tool has to write a vector for the planes that are left.
    """
    facts = subject.facts
    offsets = facts.grid_frame_offsets
    if isinstance(offsets, Malformed):
        return Problem("Grid Frame Offset Vector is no list of numbers", _OFFSETS, found=offsets.reason)
    if not offsets:
        pointer = facts.frame_increment_pointer
        named = isinstance(pointer, tuple) and t.GRID_FRAME_OFFSET_VECTOR in pointer
        if not named or facts.frames == 1 or facts.defect:
            return Answer.NOT_APPLICABLE
        return Problem("Grid Frame Offset Vector missing", _OFFSETS, expected="one number for each frame")
    if facts.frames is None:
        return Answer.NOT_APPLICABLE
    if len(offsets) != facts.frames:
        return Problem(
            f"{count(len(offsets), 'grid frame offset')} for {count(facts.frames, 'frame')}",
            (*_OFFSETS, t.NUMBER_OF_FRAMES),
            expected=facts.frames,
            found=len(offsets),
        )
    turn = _first_turn(offsets)
    if turn is None:
        return Answer.PASS
    return Problem(
        f"grid frame offset {turn + 1} breaks the order",
        _OFFSETS,
        expected="strictly monotone",
        found=offsets[: turn + 1],
    )


@instance_rule(
    "GEO-124",
    grades(Severity.WARN, Severity.REFUSE),
    Status.ORIENTATION_UNUSABLE,
    kinds=frozenset({Kind.ENHANCED, Kind.RT_DOSE}),
    applies="enhanced multi-frame images, RT Dose",
    reference="PS3.3 C.7.6.16.2.1, C.7.6.16.2.4, C.7.6.2.1.1",
)
def frames_span_no_plane(subject: Subject) -> Outcome:
    """The frames have no usable plane.

    Checks: each Image Orientation (Patient) in the functional groups of a multi-frame image, and that of the planes of
    a dose, is of two perpendicular unit vectors, within 0.001; and Pixel Spacing in the shared functional groups is
    positive.

    Why: it is what GEO-103 and GEO-104 ask of single slices, for a whole volume at once: without it frames cannot be
    stacked, measured or reformatted.

    Exceptions: frames without a position or an orientation; an orientation of zeros beside SECONDARY in Image Type, as
    of pages; and the classes that need no Frame of Reference (GEO-108).

    What to do: look at the program that wrote the functional groups: conversion to multi-frame has to take over the
    orientation of each slice as it is.
    """
    facts = subject.facts
    planes = facts.frame_planes
    if not planes.orientations or facts.sop_class_uid in UNPLACED:
        return Answer.NOT_APPLICABLE
    placed = [one for one in planes.orientations if any(one) or not is_secondary(facts.image_type)]
    worst = max(placed, key=skew_of, default=None)
    if worst and skew_of(worst) > SKEW:
        return Problem(
            f"direction cosines of frames {skew_of(worst):.1e} off orthonormal", (t.IMAGE_ORIENTATION_PATIENT,),
            expected=f"orthonormal to {SKEW:g}", found=worst,
        )  # fmt: skip
    if planes.spacing and min(planes.spacing) <= 0:
        return Problem(
            "Pixel Spacing of frames not two positive numbers", (t.PIXEL_SPACING,), expected="two positive numbers",
            found=planes.spacing,
        )  # fmt: skip
    return Answer.PASS


def _first_turn(numbers: tuple[float, ...]) -> int | None:
    """Return the index of the first number that does not go on in the direction of the first step."""
    rising = numbers[1:2] > numbers[:1]
    for index, (before, after) in enumerate(pairwise(numbers), 1):
        if not (after > before if rising else after < before):
            return index
    return None


RULES: Final = (
    functional_groups_do_not_match_frames,
    frame_vectors_do_not_match_frames,
    dose_grid_not_monotone,
    frames_span_no_plane,
)
