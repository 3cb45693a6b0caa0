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
"""Deviation from orthonormal that rounding explains; the largest in 26,000 instances was 2e-5."""
SKEW: Final = 1e-3
"""Deviation above which the far corner of a slice of 512 pixels is off by half a pixel."""
_FLAT: Final = 0.5
"""Length of row × column below which the directions are nearly parallel, or much too short: no plane."""
_LONG: Final = 2.0
"""Length of a direction above which its numbers are not cosines: the reciprocal of _FLAT."""
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
    """The image plane is not described.

    Checks: that Image Position (Patient) (0020,0032) has three numbers, none of them more than a kilometre from the
    origin, Image Orientation (Patient) (0020,0037) has six, and Pixel Spacing (0028,0030) has two.

    Why: all three are Type 1 in CT, MR and PET images. A slice without them can be viewed, but not stacked, measured,
    reformatted or registered.

    Exceptions: dose reports, protocol pages and screen captures are often sent as CT or MR images. The case `page` is
    an image whose Image Type says SECONDARY (value 2) and that has none of the three attributes; it is only noted. A
    localizer or a derived slice is not a page. In images that say SECONDARY, zeros count as missing: an orientation of
    six zeros if the position is zeros or missing too, and then also a Pixel Spacing of two zeros. If the Data Set
    cannot be read to its end, missing attributes are not reported.

    What to do: if the images are slices, look for an export or an anonymisation that drops attributes of group 0020 or
    0028, or for a protocol option that saves slices without them (seen in MR by UIH). If they are pages, ask the vendor
    to send them as Secondary Capture, or with SECONDARY in Image Type.

    Evidence: in 313 instances with a position, of the corpus of real series and of the test files that pydicom ships,
    no coordinate is above 762 mm.
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
    """Report a position that is too far away to be one; series audits leave such images out."""
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

    In a page, zeros count as no value.
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
    """Describe a malformed value, or say how many numbers it has; if their count is wrong, the numbers do not help."""
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
    """Image Position or Image Orientation is there without the other.

    Checks: that Image Position (Patient) (0020,0032) and Image Orientation (Patient) (0020,0037) at the top level are
    both present or both absent.

    Why: the position is that of the first pixel, and the orientation says in which directions the other pixels follow.
    Either of them alone does not give the place of the image.

    Exceptions: frames of enhanced images have the pair in their functional groups, which this rule does not look into.
    In a page (GEO-101), an orientation of zeros counts as absent. If the Data Set cannot be read to its end, missing
    attributes are not reported.

    What to do: find the program that writes or removes the attribute that is named as missing. Both values must come
    from the same source.
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
    """The direction cosines are not those of two perpendicular unit vectors.

    Checks: with r and c the row and column directions of Image Orientation (Patient) (0020,0037), that the largest of
    |r·c|, ||r| − 1| and ||c| − 1| is at most 1e-4. The case `rounded` is up to 1e-3. The case `unusable`: |r × c| is
    below 0.5 (directions of zeros, or nearly parallel), |r| or |c| is above 2 (the numbers are not cosines), or a value
    is not a finite number.

    Why: every position in space is computed with these six numbers. If they are sheared or scaled, the far corner of a
    slice is off by millimetres; if the directions are parallel, there is no normal, and no stack can be made.

    Exceptions: a wrong count of numbers, and the zeros of a page, are left to GEO-101. Cosines that are written with
    few digits are `rounded`, and only noted.

    What to do: if rounded, have the cosines written with as many digits as DS allows (16 characters). If not, look for
    software that interpolated the orientation, or applied a transform with scaling to it.

    Evidence: in 26,000 instances the largest deviation is 2e-5. No finding in 304 instances: 263 of the corpus of real
    series and 41 of the test files that pydicom ships; the largest there is 2.0e-5 too.
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

    Checks: that Frame of Reference UID (0020,0052) is present and not empty.

    Why: positions of two images can be compared only if both have the same Frame of Reference. Without one, software
    has to guess how slices of one acquisition belong together, and planning and fusion software rejects them.

    Exceptions: the enhanced classes in which the Frame of Reference Module is not mandatory (XA, XRF, ophthalmic
    tomography), and pages (GEO-101), which have no position. If the Data Set cannot be read to its end, a missing UID
    is not reported. It is only noted by default, because some otherwise good series have none: all 93 slices of one of
    the eleven real series tried, and 4 of another.

    What to do: look for an anonymisation or export that empties the UID: it must replace it consistently instead. If
    the modality itself sends none, ask its vendor; the attribute is Type 1.
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

    Checks: that Slice Location (0020,1041), if present, is one finite number.

    Why: viewers sort and label slices by it. The standard does not say where it is measured from, so this rule only
    checks that it is a number.

    What to do: have the sender write one Decimal String (at most 16 characters, with a point as decimal sign), or leave
    the attribute out: it is optional.
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
