"""STK: what all slices of one stack must share to be one volume.

A stack is the images of a series with one SOP Class and one Image Type. Each is compared with the first that was
stored; the matrix and Pixel Spacing of MR and of derived images with the first that is parallel, if there is one.
Images that are not meant to be one volume are left out, or only noted: localizers, and series in which equipment puts
several planes.
"""

from math import acos, degrees, hypot
from typing import Final

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, pairwise_rule
from scp.audit.rules.direction import (
    are_perpendicular,
    directions,
    farthest,
    is_another_plane,
    normal_of,
    numbers,
)
from scp.audit.rules.hierarchy import series_reference
from scp.audit.rules.page import is_page
from scp.audit.rules.ser_line import TILT
from scp.audit.snapshot import Snapshot, StackReference
from scp.dicom import tags as t
from scp.dicom.facts import Facts
from scp.dicom.image_type import is_axial, is_derived, is_localizer, is_projection, is_reformat
from scp.dicom.sop_classes import PLANES, Kind
from scp.dicom.status import Status

SAME_SPACING: Final = 1e-3
"""Relative: over 512 pixels, half a pixel."""
_COSINE: Final = 1e-3
"""0.06 degrees: over 512 pixels, half a pixel."""
_SLICES: Final = "CT, MR, PET (single frame) except localizers"
_LEGITIMATE: Final = (Severity.INFO, Severity.WARN)
_OTHER_PLANE: Final = (Severity.WARN, Severity.REFUSE)


@pairwise_rule(
    "STK-251", grades(Severity.REFUSE, Severity.REFUSE, planes=_OTHER_PLANE, reformats=_LEGITIMATE),
    Status.MATRIX_DIFFERS, kinds=PLANES, applies=_SLICES, reference="PS3.3 A.1.2.3, C.7.6.3",
)  # fmt: skip
def matrix_differs_in_stack(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The matrix differs in the stack.

    Checks: that the first stored image of the series with this SOP Class and Image Type has the same Rows (0028,0010)
    and Columns (0028,0011). MR and derived images are compared with the first that is parallel to them, if there is
    one. The case `planes`: an original MR image, or a CT slice with another gantry tilt, in another plane than the
    first image; or a derived image at a right angle to the one that it is compared with, whose Image Type does not say
    AXIAL. The case `reformats`: the first slice of another plane, whose Image Type says REFORMATTED, MPR or the like,
    but not that it is a projection.

    Why: slices of different size cannot be one volume; software that stacks them fails, or crops and stretches them.

    Exceptions: images of another Image Type (reformats, dose pages), pages (GEO-101), and localizers, if the Image Type
    says so. MR localizers often do not say so, and some have another field of view in each plane; projections from the
    front, the side and above differ too. So the case `planes` is stored, with a warning. Reformats are as wide and high
    as the volume is in their plane, and several planes come in one series, so that case is only noted.

    What to do: two reconstructions were put into one series: have the equipment give each a series of its own.

    Evidence: 0 of 369 real multi-file series (GE, Siemens, Philips, Canon/Toshiba, UIH); 0 of the 259 instances of the
    corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and in 20 shuffled orders; 0 of 118 of
    pydicom's test files, 38 series in 31 studies.
    """
    stack, facts = _reference(subject, snapshot, snapshot.parallel or snapshot.stack), subject.facts
    mine = facts.rows, facts.columns
    if stack is None or stack.rows is None or stack.columns is None or not all(isinstance(one, int) for one in mine):
        return Answer.NOT_APPLICABLE
    if mine == (stack.rows, stack.columns):
        return Answer.PASS
    return Problem(
        f"{mine[0]} x {mine[1]} pixels, the stack has {stack.rows} x {stack.columns}",
        tags=(t.ROWS, t.COLUMNS),
        case=_of_another_plane(facts, stack, snapshot),
        expected=(stack.rows, stack.columns),
        found=tuple(one for one in mine if isinstance(one, int)),
        other=stack.other,
    )


@pairwise_rule(
    "STK-252",
    grades(
        Severity.REFUSE, Severity.REFUSE, planes=_OTHER_PLANE, reformats=_LEGITIMATE, field=_OTHER_PLANE,
    ),
    Status.PIXEL_SPACING_DIFFERS, kinds=PLANES, applies=_SLICES, reference="PS3.3 A.1.2.3, C.8.2.1, §10.7",
)  # fmt: skip
def pixel_spacing_differs_in_stack(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The Pixel Spacing differs in the stack.

    Checks: that the first stored image of the series with this SOP Class and Image Type has the same Pixel Spacing
    (0028,0030), within 0.1 %. MR and derived images are compared with the first that is parallel to them, if there is
    one. The cases `planes` and `reformats` are those of STK-251. The case `field`: an original CT slice whose
    Reconstruction Diameter (0018,1100) is the length of its rows or columns, within 0.1 %.

    Why: another Pixel Spacing with the same matrix is another field of view: distances and volumes come out wrong, and
    nothing shows it.

    Exceptions: localizers, if the Image Type says so. A Pixel Spacing that is missing, not positive or not a number is
    left to GEO-101 and GEO-104. Heads are often scanned in groups with different fields of view, in one series. Such
    slices state their Reconstruction Diameter, and are stored with a warning (the case `field`); SER-313 fires later if
    the groups overlap.

    What to do: two reconstructions were put into one series: have the equipment give each a series of its own. If only
    part of a series was calibrated, calibrate and send all of it.

    Evidence: 0 of 369 real multi-file series (GE, Siemens, Philips, Canon/Toshiba, UIH); 0 of the 259 instances of the
    corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and in 20 shuffled orders; 0 of 118 of
    pydicom's test files, 38 series in 31 studies.
    """
    stack = _reference(subject, snapshot, snapshot.parallel or snapshot.stack)
    mine = numbers(subject.facts.pixel_spacing, 2)
    theirs = numbers(stack.pixel_spacing, 2) if stack else ()
    if stack is None or not mine or not theirs or min(*mine, *theirs) <= 0:
        return Answer.NOT_APPLICABLE
    if all(abs(one - other) <= SAME_SPACING * other for one, other in zip(mine, theirs, strict=True)):
        return Answer.PASS
    return Problem(
        f"Pixel Spacing {_shown(mine)} mm, the stack has {_shown(theirs)}",
        tags=(t.PIXEL_SPACING,),
        case=_of_another_plane(subject.facts, stack, snapshot)
        or ("field" if _is_as_wide_as_stated(subject.facts, mine) else ""),
        expected=theirs,
        found=mine,
        other=stack.other,
    )


@pairwise_rule(
    "STK-253",
    grades(Severity.REFUSE, Severity.REFUSE, mr=_LEGITIMATE, derived=_LEGITIMATE, tilt=_LEGITIMATE),
    Status.ORIENTATION_DIFFERS, kinds=PLANES, applies=_SLICES, reference="PS3.3 C.7.6.2.1.1, C.8.2.1",
)  # fmt: skip
def orientation_differs_in_stack(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The orientation differs in the stack.

    Checks: that the first stored image of the series with this SOP Class, Image Type and Acquisition Number has the
    same Image Orientation (Patient) (0020,0037): no direction cosine may differ by more than 0.001. The usual case is
    CT and PET as scanned. The case `mr` is MR, and `derived` is CT and PET whose Image Type says DERIVED. The case
    `tilt` is a CT slice in another plane, which is tilted about its rows as its Gantry/Detector Tilt (0018,1120) says,
    within 0.5 degrees.

    Why: slices that are not parallel are not one volume.

    Exceptions: localizers, if the Image Type says so: scouts from the front and from the side come in one series. MR
    localizers of three planes, rotating projections, radial and curved reformats legitimately have several
    orientations; so has CT of the discs of a spine, with another gantry tilt for each. If the first slice is the one
    that is not tilted as it says, SER-301 fires. An orientation that is missing, of zeros or not of numbers is left to
    GEO-101 and GEO-103.

    What to do: for CT and PET, two scans were put into one series, or a slice was rewritten: have the equipment give
    each plane a series of its own. For the named cases nothing, unless the series was meant to be one volume.

    Evidence: 0 of the CT and PET series among 369 real multi-file ones (GE, Siemens, Philips, Canon/Toshiba, UIH), 9 of
    the MR series, all legitimate. On the corpus (11 real series, 259 instances), in file order, in reverse and in 20
    shuffled orders, and on pydicom's test files (38 series) only the case `mr` fires: for localizers of three planes
    and rotating projections.
    """
    stack, facts = _reference(subject, snapshot, snapshot.acquisition), subject.facts
    mine = directions(facts.image_orientation)
    theirs = directions(stack.orientation) if stack else ()
    if stack is None or not mine or not theirs:
        return Answer.NOT_APPLICABLE
    off = farthest(mine, theirs)
    if off <= _COSINE:
        return Answer.PASS
    return Problem(
        f"a direction cosine is off by {off:.3g} in the stack",
        tags=(t.IMAGE_ORIENTATION_PATIENT,),
        case=_legitimate(facts, theirs),
        expected=theirs,
        found=mine,
        other=stack.other,
    )


def _legitimate(facts: Facts, other: tuple[float, ...]) -> str:
    """Return the case of STK-253 in which an image may lie in another plane than its stack; empty if it may not."""
    if facts.kind is Kind.MR:
        return "mr"
    if is_derived(facts.image_type):
        return "derived"
    return "tilt" if facts.kind is Kind.CT and _is_tilted_only(facts, other) else ""


def _is_tilted_only(facts: Facts, other: tuple[float, ...]) -> bool:
    """Whether a slice has the rows of another one, and is tilted against the table exactly as it states."""
    mine, stated = directions(facts.image_orientation), numbers(facts.gantry_tilt, 1)
    if not stated or farthest(mine[:3], other[:3]) > _COSINE or not is_another_plane(mine, other):
        return False
    normal, beside = normal_of(mine), normal_of(other)
    if sum(a * b for a, b in zip(normal, beside, strict=True)) <= 0:  # no gantry turns a slice upside down
        return False
    tilt = degrees(acos(min(1.0, abs(normal[2]) / hypot(*normal))))
    return abs(tilt - abs(stated[0])) <= TILT


def _of_another_plane(facts: Facts, stack: StackReference, snapshot: Snapshot) -> str:
    """Return the case of an image that lies in another plane than its reference, and may; empty if there is none.

    MR localizers have a few images in each plane, which need not be stacks: they are compared with the first of all.
    """
    if snapshot.stack and not is_derived(facts.image_type):
        stack = snapshot.stack
    mine, theirs = directions(facts.image_orientation), directions(stack.orientation)
    if not is_another_plane(mine, theirs):
        return ""
    if not is_derived(facts.image_type):
        return "planes" if _legitimate(facts, theirs) else ""
    if is_reformat(facts.image_type) and not is_projection(facts.image_type):
        return "reformats"
    # Projections that rotate are of one size; those from the front, the side and above need not be.
    return "planes" if are_perpendicular(mine, theirs) and not is_axial(facts.image_type) else ""


def _is_as_wide_as_stated(facts: Facts, spacing: tuple[float, ...]) -> bool:
    """Whether a CT slice was reconstructed with its Pixel Spacing: a field of view of its own, not a changed value."""
    stated = numbers(facts.reconstruction_diameter, 1)
    if facts.kind is not Kind.CT or is_derived(facts.image_type) or not stated:
        return False
    sides = (facts.rows, facts.columns)
    wide = max((n * pixel for n, pixel in zip(sides, spacing, strict=True) if isinstance(n, int)), default=0.0)
    return abs(wide - stated[0]) <= SAME_SPACING * stated[0]


def _reference(subject: Subject, snapshot: Snapshot, stack: StackReference | None) -> StackReference | None:
    """Return the first image of the stack, if the series is in the same study (ENT-201).

    None for a localizer or a page; and a page is no reference for a slice.
    """
    facts = subject.facts
    if is_localizer(facts.image_type) or stack is None or not series_reference(subject, snapshot) or is_page(facts):
        return None
    is_placed = any(stack.pixel_spacing) or any(stack.orientation)
    return stack if is_placed or not directions(facts.image_orientation) else None


def _shown(values: tuple[float, ...]) -> str:
    """Write a Pixel Spacing, which is mostly the same in both directions, so that two fit into an Error Comment."""
    return " x ".join(dict.fromkeys(f"{value:.5g}" for value in values))


RULES: Final = (matrix_differs_in_stack, pixel_spacing_differs_in_stack, orientation_differs_in_stack)
