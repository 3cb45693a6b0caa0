"""STK: what all slices of one stack must share, so that they can be one volume.

A stack is the images of a series with one SOP Class and one Image Type. Each is compared with the first that was
stored; in size, those of MR and derived ones with the first that is parallel to them, if there is one. Images that
nobody means to be one volume are left out, or only noted: localizers, and where equipment puts several planes into one
series.
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
_SLICES: Final = "CT, MR, PET, but for localizers"
_LEGITIMATE: Final = (Severity.INFO, Severity.WARN)
_OTHER_PLANE: Final = (Severity.WARN, Severity.REFUSE)


@pairwise_rule(
    "STK-251", grades(Severity.REFUSE, Severity.REFUSE, planes=_OTHER_PLANE, reformats=_LEGITIMATE),
    Status.MATRIX_DIFFERS, kinds=PLANES, applies=_SLICES, reference="PS3.3 A.1.2.3, C.7.6.3",
)  # fmt: skip
def matrix_differs_in_stack(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The matrix differs in the stack.

    Checks: the first stored image of the series with this SOP Class and Image Type has the same Rows and Columns; of
    MR and of derived images, the first that is parallel to this one. The case `planes` is an original MR image, or a CT
    slice with another tilt, in another plane than the first one, or a derived image at right angles to it, whose Image
    Type does not say AXIAL; `reformats` is the first slice of a plane whose Image Type says REFORMATTED, MPR or the
    like, and nothing of a projection.

    Why: slices of different size cannot be one volume; software that stacks them fails, or cuts and stretches.

    Exceptions: images of another Image Type (reformats, dose pages) may have any size, and so may pages that are sent
    as slices (GEO-101), and localizers, whose Image Type says so: scouts from the front and from the side are as long
    as each of them was scanned. MR localizers do not say so; some have a field of view for each plane, so that the case
    `planes` is stored, with a warning; so are projections from the front, the side and above. Reformats are as wide and
    as high as the volume is in their plane, and those of several planes come in one series; the first of each further
    plane is only noted.

    What to do: two reconstructions were put into one series: have the equipment give each a series of its own.

    Evidence: 0 of 369 real multi-file series (GE, Siemens, Philips, Canon/Toshiba, UIH); 0 of the 259 instances of
    the corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and in 20 shuffled orders; 0 of 118
    of pydicom's test files, 38 series in 31 studies.
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

    Checks: the first stored image of the series with this SOP Class and Image Type has the same Pixel Spacing
    (0028,0030), within 0.1 %; of MR and of derived images, the first that is parallel to this one. The case `planes` is
    an original MR image, or a CT slice with another tilt, in another plane than the first one, or a derived image at
    right angles to it, whose Image Type does not say AXIAL; `reformats` is the first slice of a plane whose Image Type
    says REFORMATTED, MPR or the like, and nothing of a projection; `field` is an original CT slice whose Reconstruction
    Diameter (0018,1100) is that of its rows or columns, within 0.1 %.

    Why: the same matrix with other pixels is another field of view: distances and volumes come out wrong, and nothing
    shows it.

    Exceptions: localizers, whose Image Type says so. One that is missing, not positive or not a number is for GEO-101
    and GEO-104. Heads are scanned in groups, each with its own field of view, in one series; such slices say how wide
    they were reconstructed and are stored, with a warning. If they lie in those of another width, SER-313 says so.

    What to do: two reconstructions were put into one series: have the equipment give each a series of its own. If
    only part of a series was calibrated anew, send all of it.

    Evidence: 0 of 369 real multi-file series (GE, Siemens, Philips, Canon/Toshiba, UIH); 0 of the 259 instances of
    the corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and in 20 shuffled orders; 0 of 118
    of pydicom's test files, 38 series in 31 studies.
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

    Checks: the first stored image of the series with this SOP Class, Image Type and Acquisition Number has the same
    Image Orientation (Patient) (0020,0037): no direction cosine is off by more than 0.001. The usual case is CT and PET
    as they were scanned. The case `mr` is MR, `derived` is CT and PET whose Image Type says DERIVED, and `tilt` is a CT
    slice that is turned by more than 0.5 degrees, about its rows and not upside down, to the Gantry/Detector Tilt
    (0018,1120) that it states.

    Why: slices that are not parallel are not one volume.

    Exceptions: localizers, whose Image Type says so: scouts from the front and from the side come in one series, as in
    the test files that pydicom ships. MR localizers of three planes, rotating projections, radial and curved reformats
    are legitimate, with one orientation each; so is CT of the discs of a spine, with a tilt of the gantry for each. If
    it was the first slice that is not turned as it states, SER-301 says so. A missing orientation, one of zeros, or one
    that is no numbers, is for GEO-101 and GEO-103.

    What to do: for CT and PET: two scans were put into one series, or a slice was rewritten; have the equipment give
    each plane a series of its own. For the named cases nothing, unless the series was meant to be a volume.

    Evidence: 0 of the CT and PET series among 369 real multi-file ones (GE, Siemens, Philips, Canon/Toshiba, UIH), 9
    of the MR series, all legitimate. On the corpus (11 real series, 259 instances), in file order, in reverse and in
    20 shuffled orders, and on pydicom's test files (38 series) only the case `mr` fires: for localizers of three
    planes and rotating projections.
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
    """Return the case of STK-253 in which an image may lie in another plane than one of its stack; none: it may not."""
    if facts.kind is Kind.MR:
        return "mr"
    if is_derived(facts.image_type):
        return "derived"
    return "tilt" if facts.kind is Kind.CT and _is_tilted_only(facts, other) else ""


def _is_tilted_only(facts: Facts, other: tuple[float, ...]) -> bool:
    """Whether a slice has the rows of another one, and lies across the table but for the tilt that it states."""
    mine, stated = directions(facts.image_orientation), numbers(facts.gantry_tilt, 1)
    if not stated or farthest(mine[:3], other[:3]) > _COSINE or not is_another_plane(mine, other):
        return False
    normal, beside = normal_of(mine), normal_of(other)
    if sum(a * b for a, b in zip(normal, beside, strict=True)) <= 0:  # no gantry turns a slice upside down
        return False
    tilt = degrees(acos(min(1.0, abs(normal[2]) / hypot(*normal))))
    return abs(tilt - abs(stated[0])) <= TILT


def _of_another_plane(facts: Facts, stack: StackReference, snapshot: Snapshot) -> str:
    """Return the case of images that lie in another plane than their reference, and may.

    Localizers of MR have planes of a few images each, which need not be stacks: of them, the first of all is asked.
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
    """Whether a CT slice was reconstructed with its Pixel Spacing: another field of view, not a changed value."""
    stated = numbers(facts.reconstruction_diameter, 1)
    if facts.kind is not Kind.CT or is_derived(facts.image_type) or not stated:
        return False
    sides = (facts.rows, facts.columns)
    wide = max((n * pixel for n, pixel in zip(sides, spacing, strict=True) if isinstance(n, int)), default=0.0)
    return abs(wide - stated[0]) <= SAME_SPACING * stated[0]


def _reference(subject: Subject, snapshot: Snapshot, stack: StackReference | None) -> StackReference | None:
    """Return the first image of the stack, if the series is in the same study (ENT-201).

    There is none for a localizer and for a page, nor is a page one for a slice.
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
