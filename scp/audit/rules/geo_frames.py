"""GEO: whether the descriptions of the frames of a multi-frame image match their number, and give each a plane."""

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

    Checks: that Per-Frame Functional Groups Sequence (5200,9230) has as many Items as Number of Frames (0028,0008), and
    that no functional group is both in it and in Shared Functional Groups Sequence (5200,9229).

    Why: position, orientation, spacing and timing of a frame are found by the number of its Item. If one Item is
    missing, every frame after it gets the position of its neighbour. A group that is both shared and per frame has two
    values, and software differs in which it takes.

    Exceptions: images with Dimension Organization Type TILED_FULL may leave the per-frame sequence out. Private groups
    and private creators may be in both sequences. If the Data Set cannot be read to its end, nothing is counted.

    What to do: compare the two counts in the finding. A tool that extracted, merged or split frames changed Number of
    Frames or the sequence, but not both: correct it, and send the original again.
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
    """The frame vectors do not have one value for each frame.

    Checks: that each vector of NM that Frame Increment Pointer (0028,0009) names (energy window, detector, phase,
    rotation, R-R interval, time slot, slice, angular view, time slice) is present, and has as many values as there are
    frames.

    Why: the vectors say which detector, energy window, slice or time each frame belongs to. If one is too short, this
    is unknown for the last frames, and a reconstruction mixes them up.

    Exceptions: pointers to other attributes, such as Frame Time, are ignored. If the Data Set cannot be read to its
    end, a missing vector is not reported.

    What to do: compare the counts in the finding. Usually, post-processing removed or summed frames and left the
    vectors as they were: correct it, and send the original again.
    """
    facts = subject.facts
    pointer = facts.frame_increment_pointer
    if isinstance(pointer, Malformed):
        message = "Frame Increment Pointer: not a list of tags"
        return Problem(message, (t.FRAME_INCREMENT_POINTER,), found=pointer.reason)
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
    """The planes of the dose grid are not in order, or not as many as the frames.

    Checks: that Grid Frame Offset Vector (3004,000C), if it is present, or if Frame Increment Pointer (0028,0009) names
    it in a dose of several frames, has one number for each frame, and that the numbers only rise or only fall.

    Why: the vector is the third coordinate of every dose plane. If a plane is out of order, repeated or missing, dose
    is shown where it was not planned, and dose-volume histograms are wrong.

    Exceptions: offsets may rise or fall, and steps may be uneven. A dose of one plane, which lies at its Image
    Position, needs no vector. If the Data Set cannot be read to its end, a missing vector is not reported.

    What to do: export the dose again from the planning system, unedited. If it was resampled or cropped on the way, the
    program that did so must write a vector for the remaining planes.
    """
    facts = subject.facts
    offsets = facts.grid_frame_offsets
    if isinstance(offsets, Malformed):
        return Problem("Grid Frame Offset Vector: not a list of numbers", _OFFSETS, found=offsets.reason)
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

    Checks: that every Image Orientation (Patient) (0020,0037) in the functional groups of a multi-frame image, and that
    of an RT Dose, consists of two perpendicular unit vectors, within 0.001; and that Pixel Spacing (0028,0030) in the
    shared functional groups is positive.

    Why: without a plane, frames cannot be stacked, measured or reformatted. GEO-103 and GEO-104 check the same in
    single slices.

    Exceptions: frames without position or orientation; orientations of zeros in images whose Image Type says SECONDARY;
    and the SOP Classes that need no Frame of Reference (GEO-108).

    What to do: find the program that wrote the functional groups: a conversion to multi-frame must copy the orientation
    of each slice unchanged.
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
    """Return the index of the first number that does not continue in the direction of the first step."""
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
