"""GEO: how large pixels and slices are (PS3.3 §10.7, C.7.6.2)."""

from typing import Final, TypeGuard

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, instance_rule
from scp.audit.rules.page import lies_nowhere
from scp.dicom import tags as t
from scp.dicom.facts import Decimals, Facts
from scp.dicom.sop_classes import KNOWN, PLANES, Kind
from scp.dicom.status import Status
from scp.dicom.values import Malformed

_SAME: Final = 1e-3
"""Relative difference of two spacings that rounding explains."""


@instance_rule(
    "GEO-104",
    grades(Severity.REFUSE, Severity.REFUSE, other=(Severity.WARN, Severity.REFUSE)),
    Status.SPACING_NOT_POSITIVE,
    kinds=KNOWN,
    applies="all standard objects",
    reference="PS3.3 §10.7.1.3",
)
def pixel_spacing_not_positive(subject: Subject) -> Outcome:
    """A pixel spacing is not positive.

    Checks: that Pixel Spacing (0028,0030), Imager Pixel Spacing (0018,1164) and Nominal Scanned Pixel Spacing
    (0018,2010), where present, are two numbers above 0: the distance between rows, then between columns. The usual case
    is Pixel Spacing of a CT, MR or PET slice. The case `other` is the other two attributes, other kinds of images, and
    CT, MR or PET images with neither Image Position nor Image Orientation, such as pages (GEO-101).

    Why: a distance between pixel centres cannot be zero or negative. Every length and area measured in such an image is
    zero or wrong, and reformatting divides by it.

    Exceptions: in an image of one row, the first value may be 0; in one of one column, the second. A missing or
    unreadable Pixel Spacing of a slice, and the zeros of a page, are left to GEO-101.

    What to do: look at the two values in the finding. Zero usually comes from a converter that had no calibration: it
    must leave the attribute out then. A negative value is a direction: directions belong into Image Orientation
    (Patient).

    Evidence: no finding in 343 instances with a spacing: 265 of the corpus of real series and 78 of the test files that
    pydicom ships.
    """
    facts = subject.facts
    applicable = False
    for value, tag, label in ((facts.pixel_spacing, t.PIXEL_SPACING, "Pixel Spacing"), *_of_detector(facts)):
        if value == ():
            continue
        if _is_pair(value) and _is_positive(value, facts):
            applicable = True
            continue
        of_plane = tag == t.PIXEL_SPACING and facts.kind in PLANES
        if of_plane and (not _is_pair(value) or (not any(value) and lies_nowhere(facts))):
            continue
        return Problem(
            f"{label} not two positive numbers",
            (tag,),
            case="" if of_plane and not lies_nowhere(facts) else "other",
            expected="two positive numbers",
            found=value.reason if isinstance(value, Malformed) else value,
        )
    return Answer.PASS if applicable else Answer.NOT_APPLICABLE


def _of_detector(facts: Facts) -> tuple[tuple[Decimals, int, str], ...]:
    """Return value, tag and name of the spacings that were measured at the detector or the scanned film."""
    nominal = facts.nominal_scanned_pixel_spacing
    return (
        (facts.imager_pixel_spacing, t.IMAGER_PIXEL_SPACING, "Imager Pixel Spacing"),
        (nominal, t.NOMINAL_SCANNED_PIXEL_SPACING, "Nominal Scanned Pixel Spacing"),
    )


def _is_pair(value: Decimals) -> TypeGuard[tuple[float, ...]]:
    return isinstance(value, tuple) and len(value) == 2


def _is_positive(pair: tuple[float, ...], facts: Facts) -> bool:
    """Whether both numbers are above 0, or 0 where there is one pixel only and so no distance."""
    between_rows, between_columns = pair
    return (between_rows > 0 or (between_rows == 0 and facts.rows == 1)) and (
        between_columns > 0 or (between_columns == 0 and facts.columns == 1)
    )


@instance_rule(
    "GEO-105",
    grades(Severity.INFO, Severity.WARN),
    kinds=frozenset({Kind.PROJECTION, Kind.SECONDARY_CAPTURE}),
    applies="CR, DX, MG, XA, RF, IO, SC",
    reference="PS3.3 §10.7.1.1, §10.7.1.2",
)
def projection_spacing_without_calibration(subject: Subject) -> Outcome:
    """The Pixel Spacing of a projection is not that of the detector, and no calibration is stated.

    Checks: if Pixel Spacing (0028,0030) differs by more than 0.1 % from Imager Pixel Spacing (0018,1164) or from
    Nominal Scanned Pixel Spacing (0018,2010), that Pixel Spacing Calibration Type (0028,0A02) is present.

    Why: Imager Pixel Spacing is measured at the front plane of the detector housing. Another Pixel Spacing means that
    distances were calibrated: with a fiducial, or by assuming a geometry. Without the type, nobody who measures can
    know what the millimetres refer to.

    Exceptions: equal values, and images with only one of the attributes.

    What to do: have the modality write Pixel Spacing Calibration Type (GEOMETRY or FIDUCIAL) and Pixel Spacing
    Calibration Description (0028,0A04) with a calibrated Pixel Spacing. If there was no calibration, Pixel Spacing must
    be equal to the detector's, or absent.
    """
    facts = subject.facts
    spacing = facts.pixel_spacing
    applicable = False
    for measured, tag, label in _of_detector(facts):
        if not _is_pair(spacing) or not _is_pair(measured):
            continue
        applicable = True
        differs = any(abs(a - b) > _SAME * abs(b) for a, b in zip(spacing, measured, strict=True))
        if differs and not facts.pixel_spacing_calibration_type:
            return Problem(
                f"{label} differs, no calibration",
                (t.PIXEL_SPACING, tag, t.PIXEL_SPACING_CALIBRATION_TYPE),
                expected=measured,
                found=spacing,
            )
    return Answer.PASS if applicable else Answer.NOT_APPLICABLE


@instance_rule(
    "GEO-106",
    grades(Severity.WARN, Severity.REFUSE),
    Status.THICKNESS_NEGATIVE,
    kinds=PLANES | {Kind.NM},
    applies="CT, MR, PET (single frame), NM",
    reference="PS3.3 C.7.6.2",
)
def slice_thickness_negative(subject: Subject) -> Outcome:
    """The slice thickness is negative.

    Checks: that Slice Thickness (0018,0050) is not below 0.

    Why: a thickness has no direction. A negative one comes from subtracting two positions in the wrong order, and
    volumes that are built with it are turned inside out.

    Exceptions: Spacing Between Slices (0018,0088) is not checked: in NM it may be negative, and then gives the order of
    the slices. A thickness that is absent, empty or not a number is not checked.

    What to do: have the sender write the absolute value. If the sign is meant to give the order of slices, it belongs
    into Spacing Between Slices.
    """
    thickness = subject.facts.slice_thickness
    if not isinstance(thickness, tuple) or not thickness:
        return Answer.NOT_APPLICABLE
    if thickness[0] >= 0:
        return Answer.PASS
    return Problem(f"Slice Thickness {thickness[0]:g} mm", (t.SLICE_THICKNESS,), expected=">= 0", found=thickness[0])


RULES: Final = (pixel_spacing_not_positive, projection_spacing_without_calibration, slice_thickness_negative)
