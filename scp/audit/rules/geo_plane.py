"""GEO: where an image lies in space, and how large its pixels are (PS3.3 C.7.6.2, §10.7)."""

from math import hypot, sqrt
from typing import Final, TypeGuard

from pydicom.uid import (
    EnhancedXAImageStorage,
    EnhancedXRFImageStorage,
    OphthalmicTomographyImageStorage,
)

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, instance_rule
from scp.audit.rules import geo_spacing
from scp.audit.rules.page import is_nothing, is_page, lies_nowhere
from scp.dicom import tags as t
from scp.dicom.facts import Decimals, Facts
from scp.dicom.geometry import FARTHEST
from scp.dicom.sop_classes import KNOWN, PLANES, Kind
from scp.dicom.status import Status
from scp.dicom.values import Malformed
from scp.printable import count

_NOISE: Final = 1e-4
"""Deviation from orthonormal that rounding explains; 2e-5 is the most that was seen in 26,000 instances."""
SKEW: Final = 1e-3
"""Deviation above which the far corner of a slice of 512 pixels is off by half a pixel."""
_FLAT: Final = 0.5
"""Length of row × column below which the directions are nearly parallel, or much too short: no plane."""
_LONG: Final = 2.0
"""Length of a direction above which its numbers are no cosines at all: as far from 1 as _FLAT is."""
_ORIENTATION: Final = (t.IMAGE_ORIENTATION_PATIENT,)

UNPLACED: Final = frozenset({EnhancedXAImageStorage, EnhancedXRFImageStorage, OphthalmicTomographyImageStorage})
"""Enhanced classes whose IOD does not make the Frame of Reference Module mandatory."""


def _are_numbers(value: Decimals, amount: int) -> TypeGuard[tuple[float, ...]]:
    return isinstance(value, tuple) and len(value) == amount


@instance_rule(
    "GEO-101",
    grades(Severity.WARN, Severity.REFUSE, page=(Severity.INFO, Severity.WARN)),
    Status.PLANE_MISSING,
    kinds=PLANES,
    applies="CT, MR, PET (single frame)",
    reference="PS3.3 C.7.6.2",
)
def image_plane_missing(subject: Subject) -> Outcome:
    r"""The image plane is not described.

    Checks: Image Position (Patient) has three numbers, none of them more than a kilometre from the origin, Image
    Orientation (Patient) six, Pixel Spacing two.

    Why: all three are Type 1 in CT, MR and PET images. A slice without them can be looked at, but not
    stacked, measured, reformatted or registered.

    Exceptions: dose reports, protocol pages and screen captures are often sent as CT or MR images. A page is
    an image whose Image Type says SECONDARY (value 2) and that has none of the three attributes: it is only
    noted. A localizer or a derived slice is no page. Some equipment writes zeros into pages: beside SECONDARY,
    six of them and a position of zeros or none count as missing, and so do two zeros for Pixel Spacing then.
    If the Data Set cannot be read to its end, absence is not judged.

    What to do: if the images are slices, look for an export or anonymisation step that drops attributes of
    group 0020 or 0028, or for a protocol option that saves slices as they come (seen in MR by UIH). If they
    are pages, ask the vendor for Secondary Capture instead, or for SECONDARY in Image Type.

    Evidence: in 313 instances with a position, of the corpus of real series and of the test files that pydicom
    ships, no coordinate is above 762 mm.
    """
    facts = subject.facts
    if (
        subject.traits.positions == 3
        and _are_numbers(facts.image_orientation, 6)
        and _are_numbers(facts.pixel_spacing, 2)
        and (any(facts.image_orientation) or not lies_nowhere(facts))
    ):
        return _far(facts.image_position) if subject.traits.is_far else Answer.PASS
    flawed = [one for one in _plane(facts) if not _are_numbers(one[0], one[3])]
    missing = [label for value, _, label, _ in flawed if value == ()]
    if missing and facts.defect:
        return Answer.NOT_APPLICABLE
    _, _, label, amount = flawed[0]
    return Problem(
        f"{', '.join(missing)} missing" if missing else f"{label} is not {amount} numbers",
        tags=tuple(tag for _, tag, _, _ in flawed),
        case="page" if is_page(facts) else "",
        expected={label: f"{amount} numbers" for _, _, label, amount in flawed},
        found={label: _form(value) for value, _, label, _ in flawed},
    )


def _far(position: Decimals) -> Problem:
    """Say that a position cannot be one: series audits leave out what is so far away."""
    assert isinstance(position, tuple), "it has a distance"
    far = max(map(abs, position))
    return Problem(
        f"Image Position is {far:.2g} mm from the origin, over 1 km",
        (t.IMAGE_POSITION_PATIENT,),
        expected=f"at most {FARTHEST:.0f} mm",
        found=position,
    )


def _plane(facts: Facts) -> tuple[tuple[Decimals, int, str, int], ...]:
    """Return value, tag, name and number of values of each attribute of the plane.

    Zeros of what lies nowhere are none.
    """
    values = facts.image_position, facts.image_orientation, facts.pixel_spacing
    if lies_nowhere(facts):
        values = (), (), () if is_nothing(facts.pixel_spacing) else facts.pixel_spacing
    position, orientation, spacing = values
    return (
        (position, t.IMAGE_POSITION_PATIENT, "Image Position", 3),
        (orientation, t.IMAGE_ORIENTATION_PATIENT, "Image Orientation", 6),
        (spacing, t.PIXEL_SPACING, "Pixel Spacing", 2),
    )


def _form(value: Decimals) -> str | None:
    """Say how a value looks: its numbers are of no use where their count is wrong."""
    if isinstance(value, Malformed):
        return value.reason
    return count(len(value), "number") if value else None


@instance_rule(
    "GEO-102",
    grades(Severity.WARN, Severity.REFUSE),
    Status.PLANE_MISSING,
    kinds=KNOWN,
    applies="all standard objects",
    reference="PS3.3 C.7.6.2.1.1",
)
def position_without_orientation(subject: Subject) -> Outcome:
    """Only one of Image Position and Image Orientation is there.

    Checks: Image Position (Patient) and Image Orientation (Patient) at the top level are both present or both
    absent.

    Why: the position is that of the first pixel, the orientation says where the others are. The standard has
    them as a pair, because either of them alone places nothing.

    Exceptions: frames of enhanced images carry the pair in functional groups, which this rule does not look
    into. An orientation of zeros in a page is none. If the Data Set cannot be read to its end, absence is not judged.

    What to do: look at the step that writes or strips the attribute that is named as missing. Both values
    must come from the same source.
    """
    facts = subject.facts
    without_position, without_orientation = subject.traits.positions == 0, facts.image_orientation == ()
    if without_position is without_orientation:
        return Answer.NOT_APPLICABLE if without_position else Answer.PASS
    if facts.defect or lies_nowhere(facts):
        return Answer.NOT_APPLICABLE
    if without_position:
        return Problem("Image Orientation without Image Position", (t.IMAGE_POSITION_PATIENT,))
    return Problem("Image Position without Image Orientation", (t.IMAGE_ORIENTATION_PATIENT,))


@instance_rule(
    "GEO-103",
    grades(
        Severity.WARN,
        Severity.REFUSE,
        rounded=(Severity.INFO, Severity.INFO),
        unusable=(Severity.REFUSE, Severity.REFUSE),
    ),
    Status.ORIENTATION_UNUSABLE,
    kinds=PLANES,
    applies="CT, MR, PET (single frame)",
    reference="PS3.3 C.7.6.2.1.1",
)
def direction_cosines_not_orthonormal(subject: Subject) -> Outcome:
    r"""The direction cosines are not those of two perpendicular unit vectors.

    Checks: with r and c the row and column directions of Image Orientation (Patient), the largest of |r·c|,
    ||r| − 1| and ||c| − 1|: up to 1e-4 passes, up to 1e-3 is "rounded", above that the finding is the usual
    one. Directions are "unusable" if |r × c| is below 0.5 (they are zero, or nearly parallel), if |r| or |c|
    is above 2 (the numbers are something else than cosines), or if a value is not a finite number.

    Why: every position in space is computed with these six numbers. Sheared or scaled cosines move the far
    corner of a slice by millimetres; parallel ones have no slice normal at all, so that no stack can be made.

    Exceptions: a wrong count of numbers is GEO-101's, and so are the zeros of a page. Cosines that are written
    with few digits are "rounded", and only noted.

    What to do: if rounded, have the cosines written with all the digits that DS allows (16 characters). If
    not, look for software that copied the orientation by hand, interpolated it, or applied a transform with
    scaling to it.

    Evidence: in 26,000 instances the largest deviation is 2e-5. No finding in 304 instances: 263 of the
    corpus of real series and 41 of the test files that pydicom ships; the largest there is 2.0e-5 too.
    """
    cosines = subject.facts.image_orientation
    if isinstance(cosines, Malformed):
        return Problem("direction cosines are not numbers", _ORIENTATION, "unusable", "6 numbers", cosines.reason)
    if len(cosines) != 6:
        return Answer.NOT_APPLICABLE
    rx, ry, rz, cx, cy, cz = cosines
    dot = abs(rx * cx + ry * cy + rz * cz)
    row = abs(sqrt(rx * rx + ry * ry + rz * rz) - 1)
    column = abs(sqrt(cx * cx + cy * cy + cz * cz) - 1)
    if dot <= _NOISE and row <= _NOISE and column <= _NOISE:
        return Answer.PASS
    length = max(hypot(rx, ry, rz), hypot(cx, cy, cz))
    if length > _LONG:
        return Problem(f"a direction has the length {length:.2g}, not 1", _ORIENTATION, "unusable", found=cosines)
    normal = hypot(ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx)
    if normal < _FLAT:
        if lies_nowhere(subject.facts):
            return Answer.NOT_APPLICABLE
        return Problem(
            f"direction cosines span no plane, |r x c| {normal:.2g}", _ORIENTATION, "unusable", found=cosines
        )
    off = max(row, column, dot)
    case = "rounded" if off <= SKEW else ""
    return Problem(
        f"direction cosines {off:.1e} off orthonormal", _ORIENTATION, case, f"orthonormal to {_NOISE:g}", cosines
    )


@instance_rule(
    "GEO-108",
    grades(Severity.INFO, Severity.WARN),
    kinds=PLANES | {Kind.RT_DOSE, Kind.ENHANCED},
    applies="CT, MR, PET, RT Dose, enhanced images",
    reference="PS3.3 C.7.4.1",
)
def frame_of_reference_missing(subject: Subject) -> Outcome:
    """There is no Frame of Reference.

    Checks: Frame of Reference UID (0020,0052) is present and not empty.

    Why: positions of two images can be compared only if both have the same Frame of Reference. Without one,
    slices of one acquisition are related by guessing, and planning and fusion software rejects them.

    Exceptions: enhanced classes in which the Frame of Reference Module is not mandatory (XA, XRF, ophthalmic
    tomography), and pages (see GEO-101), which lie nowhere. If the Data Set cannot be read to its end, absence
    is not judged. It is only noted by default, because series that are good in every other way have none: all
    93 slices of one of the eleven real series tried, and 4 of another.

    What to do: look for an anonymisation or export step that empties the UID: it must be replaced
    consistently instead. If the modality itself sends none, ask its vendor; the attribute is Type 1.
    """
    facts = subject.facts
    if facts.frame_of_reference_uid:
        return Answer.PASS
    if facts.defect or (facts.kind is Kind.ENHANCED and facts.sop_class_uid in UNPLACED) or is_page(facts):
        return Answer.NOT_APPLICABLE
    return Problem("Frame of Reference UID missing", (t.FRAME_OF_REFERENCE_UID,), expected="a UID")


@instance_rule(
    "GEO-109",
    grades(Severity.INFO, Severity.WARN),
    kinds=PLANES,
    applies="CT, MR, PET (single frame)",
    reference="PS3.3 C.7.6.2.1.2",
)
def slice_location_not_a_number(subject: Subject) -> Outcome:
    """Slice Location is not a number.

    Checks: Slice Location (0020,1041), where present, is one finite number.

    Why: viewers sort and label slices by it. It is relative to a point that the standard leaves open, so
    nothing is computed from it here; only that it can be read matters.

    What to do: let the sender write one Decimal String (at most 16 characters, a point as decimal sign) or
    leave the attribute out: it is optional.
    """
    amount = subject.traits.locations
    if amount == 0:
        return Answer.NOT_APPLICABLE
    if amount == 1:
        return Answer.PASS
    found = _form(subject.facts.slice_location)
    return Problem("Slice Location is not a number", (t.SLICE_LOCATION,), expected="a number", found=found)


RULES: Final = (
    image_plane_missing,
    position_without_orientation,
    direction_cosines_not_orthonormal,
    *geo_spacing.RULES,
    frame_of_reference_missing,
    slice_location_not_a_number,
)
