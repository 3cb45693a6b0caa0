"""STK: what all slices of one stack must share, so that they can be one volume.

A stack is the images of a series with one SOP Class and one Image Type. Each is compared with the first that was
stored.
"""

from typing import Final

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, pairwise_rule
from scp.audit.rules.hierarchy import series_reference
from scp.audit.snapshot import Snapshot, StackReference
from scp.dicom import tags as t
from scp.dicom.facts import Decimals
from scp.dicom.sop_classes import PLANES, Kind
from scp.dicom.status import Status

_SPACING: Final = 1e-3
"""Relative: over 512 pixels, half a pixel."""
_COSINE: Final = 1e-3
"""0.06 degrees: over 512 pixels, half a pixel."""
_SLICES: Final = "CT, MR, PET"


@pairwise_rule(
    "STK-251", grades(Severity.REFUSE, Severity.REFUSE), Status.MATRIX_DIFFERS, kinds=PLANES, applies=_SLICES,
    reference="PS3.3 A.1.2.3, C.7.6.3",
)  # fmt: skip
def matrix_differs_in_stack(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The matrix differs in the stack.

    Checks: the first stored image of the series with this SOP Class and Image Type has the same Rows and Columns.

    Why: slices of different size cannot be one volume; software that stacks them fails, or cuts and stretches.

    Exceptions: images of another Image Type (localizers, reformats, dose pages) may have any size.

    What to do: two reconstructions were put into one series: have the equipment give each a series of its own.

    Evidence: 0 of 369 real multi-file series (GE, Siemens, Philips, Canon/Toshiba, UIH); 0 of the 259 instances of
    the corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and in 20 shuffled orders; 0 of 118
    of pydicom's test files, 38 series in 31 studies.
    """
    stack, facts = _reference(subject, snapshot, snapshot.stack), subject.facts
    mine = facts.rows, facts.columns
    if stack is None or stack.rows is None or stack.columns is None or not all(isinstance(one, int) for one in mine):
        return Answer.NOT_APPLICABLE
    if mine == (stack.rows, stack.columns):
        return Answer.PASS
    return Problem(
        f"{mine[0]} x {mine[1]} pixels, the stack has {stack.rows} x {stack.columns}",
        tags=(t.ROWS, t.COLUMNS),
        expected=(stack.rows, stack.columns),
        found=tuple(one for one in mine if isinstance(one, int)),
        other=stack.other,
    )


@pairwise_rule(
    "STK-252", grades(Severity.REFUSE, Severity.REFUSE), Status.PIXEL_SPACING_DIFFERS, kinds=PLANES,
    applies=_SLICES, reference="PS3.3 A.1.2.3, §10.7",
)  # fmt: skip
def pixel_spacing_differs_in_stack(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The Pixel Spacing differs in the stack.

    Checks: the first stored image of the series with this SOP Class and Image Type has the same Pixel Spacing
    (0028,0030), within 0.1 %.

    Why: the same matrix with other pixels is another field of view: distances and volumes come out wrong, and nothing
    shows it.

    Exceptions: one that is missing, not positive or not a number is for GEO-101 and GEO-104.

    What to do: two reconstructions were put into one series: have the equipment give each a series of its own. If
    only part of a series was calibrated anew, send all of it.

    Evidence: 0 of 369 real multi-file series (GE, Siemens, Philips, Canon/Toshiba, UIH); 0 of the 259 instances of
    the corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and in 20 shuffled orders; 0 of 118
    of pydicom's test files, 38 series in 31 studies.
    """
    stack = _reference(subject, snapshot, snapshot.stack)
    mine = _numbers(subject.facts.pixel_spacing, 2)
    theirs = _numbers(stack.pixel_spacing, 2) if stack else ()
    if stack is None or not mine or not theirs or min(*mine, *theirs) <= 0:
        return Answer.NOT_APPLICABLE
    if all(abs(one - other) <= _SPACING * other for one, other in zip(mine, theirs, strict=True)):
        return Answer.PASS
    return Problem(
        f"Pixel Spacing {_shown(mine)} mm, the stack has {_shown(theirs)}",
        tags=(t.PIXEL_SPACING,),
        expected=theirs,
        found=mine,
        other=stack.other,
    )


@pairwise_rule(
    "STK-253", grades(Severity.REFUSE, Severity.REFUSE, mr=(Severity.INFO, Severity.WARN)),
    Status.ORIENTATION_DIFFERS, kinds=PLANES, applies=_SLICES, reference="PS3.3 C.7.6.2.1.1",
)  # fmt: skip
def orientation_differs_in_stack(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The orientation differs in the stack.

    Checks: the first stored image of the series with this SOP Class, Image Type and Acquisition Number has the same
    Image Orientation (0020,0037): no direction cosine is off by more than 0.001. The usual case is CT and PET, the
    case `mr` is MR.

    Why: slices that are not parallel are not one volume.

    Exceptions: MR localizers of three planes and rotating projections are legitimate, with one orientation each. One
    that is missing or no numbers is for GEO-101.

    What to do: for CT and PET: reformats in several planes were put into one series; have the equipment give each
    plane a series of its own. For MR nothing, unless the series was meant to be a volume.

    Evidence: 0 of the CT and PET series among 369 real multi-file ones (GE, Siemens, Philips, Canon/Toshiba, UIH), 9
    of the MR series, all legitimate. On the corpus (11 real series, 259 instances), in file order, in reverse and in
    20 shuffled orders, and on pydicom's test files (38 series) only the case `mr` fires: for localizers of three
    planes and rotating projections.
    """
    stack = _reference(subject, snapshot, snapshot.acquisition)
    mine = _numbers(subject.facts.image_orientation, 6)
    theirs = _numbers(stack.orientation, 6) if stack else ()
    if stack is None or not mine or not theirs:
        return Answer.NOT_APPLICABLE
    off = max(abs(one - other) for one, other in zip(mine, theirs, strict=True))
    if off <= _COSINE:
        return Answer.PASS
    return Problem(
        f"a direction cosine is off by {off:.4f} in the stack",
        tags=(t.IMAGE_ORIENTATION_PATIENT,),
        case="mr" if subject.facts.kind is Kind.MR else "",
        expected=theirs,
        found=mine,
        other=stack.other,
    )


def _reference(subject: Subject, snapshot: Snapshot, stack: StackReference | None) -> StackReference | None:
    """Return the first image of the stack, if the series is in the same study (ENT-201)."""
    return stack if series_reference(subject, snapshot) else None


def _numbers(values: Decimals, count: int) -> tuple[float, ...]:
    return values if isinstance(values, tuple) and len(values) == count else ()


def _shown(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:.5g}" for value in values)


RULES: Final = (matrix_differs_in_stack, pixel_spacing_differs_in_stack, orientation_differs_in_stack)
