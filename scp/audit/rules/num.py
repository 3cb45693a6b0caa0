"""NUM: Instance Numbers."""

from typing import Final

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, instance_rule, pairwise_rule
from scp.audit.rules.direction import is_another_plane, is_beside
from scp.audit.rules.hierarchy import at_another_time
from scp.audit.rules.page import is_page
from scp.audit.snapshot import Neighbour, Snapshot
from scp.dicom import tags as t
from scp.dicom.facts import Facts
from scp.dicom.image_type import is_localizer
from scp.dicom.sop_classes import IMAGES, KNOWN, PLANES, Kind, kind_of
from scp.dicom.status import Status
from scp.dicom.values import Malformed

TYPE_1: Final = frozenset(
    {
        Kind.ENHANCED, Kind.SLIDE, Kind.SEGMENTATION,  # Multi-frame Functional Groups, PS3.3 C.7.6.16
        Kind.STRUCTURED_REPORT,  # SR Document General, C.17.2
        Kind.KEY_OBJECT,  # Key Object Document, C.17.6.2
        Kind.PRESENTATION_STATE, Kind.REGISTRATION,  # Content Identification Macro, 10.9
        Kind.ENCAPSULATED,  # Encapsulated Document, C.24.2
        Kind.WAVEFORM,  # Waveform Identification, C.10.8
        Kind.RT_RECORD,  # RT General Treatment Record, C.8.8.17
    }
)  # fmt: skip
"""Kinds in which Instance Number is Type 1 in every IOD; in other kinds it is Type 2 or 3, or differs by IOD."""

UNIQUE: Final = frozenset({Kind.ENHANCED, Kind.SLIDE, Kind.SEGMENTATION, Kind.RAW, Kind.ENCAPSULATED})
"""Kinds whose Instance Number shall be unique in the series: PS3.3 C.7.6.16, C.19.1, C.24.2."""

STACKED: Final = IMAGES - UNIQUE - {Kind.RT_DOSE}
"""Kinds whose images are numbered in stacks; not RT Dose, because the doses of one plan customarily have one number."""


@instance_rule(
    "NUM-001",
    grades(Severity.WARN, Severity.REFUSE),
    Status.INSTANCE_NUMBER_MALFORMED,
    reference="PS3.5 §6.2",
)
def instance_number_malformed(subject: Subject) -> Outcome:
    """The Instance Number is not an Integer String.

    Checks: that Instance Number (0020,0013) is one value of digits with an optional sign, of at most 12 bytes, within
    32 bits, padded with spaces if at all. 0 and negative numbers are legal.

    Why: software that sorts by number puts the instance anywhere, or fails.

    Exceptions: an empty value is left to NUM-002. NULs after the number, as written by older equipment, are padding
    like spaces.

    What to do: have the program that numbers the instances write one whole number: `1`, not `1.0`.
    """
    if subject.traits.is_numbered:
        return Answer.PASS
    number = subject.facts.instance_number
    if isinstance(number, Malformed):
        return Problem(f"Instance Number: {number.reason}", tags=(t.INSTANCE_NUMBER,))
    return Answer.NOT_APPLICABLE


@instance_rule(
    "NUM-002", grades(Severity.WARN, Severity.REFUSE, optional=(Severity.INFO, Severity.INFO)),
    Status.INSTANCE_NUMBER_MISSING, kinds=KNOWN - {Kind.NON_PATIENT}, applies="all standard objects of patients",
    reference="PS3.3 C.7.6.16, C.10.8, C.17.2, C.24.2, 10.9",
)  # fmt: skip
def instance_number_missing(subject: Subject) -> Outcome:
    """The Instance Number is missing.

    Checks: that Instance Number (0020,0013) is present and not empty. In the usual case it is Type 1: multi-frame
    images with functional groups, segmentations, structured reports, key objects, presentation states, registrations,
    encapsulated documents, waveforms and RT treatment records. The case `optional` is all other objects, in most of
    which it is Type 2 or 3.

    Why: people and viewers sort by it, and refer to an instance by it.

    Exceptions: SOP Classes that the dictionary of this release does not have.

    What to do: have the equipment number its instances. If they are sorted by position or time instead, nothing is
    lost.
    """
    facts = subject.facts
    if subject.traits.is_numbered or facts.instance_number is not None:
        return Answer.PASS
    return Problem("no Instance Number", tags=(t.INSTANCE_NUMBER,), case="" if facts.kind in TYPE_1 else "optional")


@pairwise_rule(
    "NUM-003", grades(Severity.WARN, Severity.REFUSE), Status.INSTANCE_NUMBER_REPEATED, kinds=UNIQUE,
    applies="functional groups, Raw Data, encapsulated documents", reference="PS3.3 C.7.6.16, C.19.1, C.24.2",
)  # fmt: skip
def instance_number_repeated_in_series(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The Instance Number is repeated where the standard forbids it.

    Checks: that no other instance of these kinds in the series has the same Instance Number (0020,0013).

    Why: in these objects the number must be unique in the series; people sort and refer to them by it.

    Exceptions: the members of one Concatenation (0020,9161) have one number, and differ in In-concatenation Number
    (0020,9162). Instances of other kinds in the same series may have any number.

    What to do: have the equipment continue its numbering when it adds to a series. If two senders add to one series and
    both begin at 1, give each a series of its own.
    """
    if not subject.traits.is_numbered:
        return Answer.NOT_APPLICABLE
    taken = (
        neighbour for neighbour in snapshot.neighbours
        if kind_of(neighbour.sop_class_uid) in UNIQUE and not _concatenated(subject.facts, neighbour)
    )  # fmt: skip
    other = next(taken, None)
    return _repeated(subject.facts, "series", other) if other else Answer.PASS


def _concatenated(facts: Facts, neighbour: Neighbour) -> bool:
    """Whether two instances are different members of one Concatenation (PS3.3 C.7.6.16.2.2.4)."""
    mine, other = facts.in_concatenation_number, neighbour.in_concatenation_number
    together = bool(facts.concatenation_uid) and facts.concatenation_uid == neighbour.concatenation_uid
    return together and not (isinstance(mine, int) and mine == other)


@pairwise_rule(
    "NUM-004",
    grades(
        Severity.REFUSE, Severity.REFUSE,
        unindexed=(Severity.WARN, Severity.WARN), anew=(Severity.INFO, Severity.WARN),
        other=(Severity.INFO, Severity.WARN),
    ),
    Status.INSTANCE_NUMBER_REPEATED_IN_STACK, kinds=STACKED,
    applies="images without functional groups, except RT Dose", reference="PS3.3 C.7.6.1",
)  # fmt: skip
def instance_number_repeated_in_stack(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The Instance Number is repeated in its stack.

    Checks: that no other instance of the series has the same Instance Number (0020,0013) and also the same SOP Class,
    Image Type, Acquisition Number, Echo Number and Echo Time, Temporal Position (Identifier, Index and Time Offset),
    b-value and gradient direction, Trigger Time, cardiac phase and delay, respiratory phase, Velocity Encoding
    Direction, Sequence Name, Flip Angle, Inversion Time, Repetition Time, Complex Image Component, Receive Coil Name,
    Convolution Kernel, KVP, Concatenation UID and Image Index. The usual case is CT, MR and PET; the case `unindexed`
    is PET without Image Index (0054,1330). The case `anew` is slices at different places, where numbering may begin
    anew: slices that are not parallel; MR slices half a field of view or more apart in their plane; and slices whose
    number may count times: it is their Temporal Position, or they have a Trigger Time (0018,1060) and it is at most
    their Cardiac Number of Images (0018,1090); MR with neither attribute needs only a Trigger Time. The case `other` is
    all other images, and pages (GEO-101).

    Why: two slices of one acquisition cannot have one number. Usually two acquisitions were merged, or instances got
    new UIDs and were sent in addition to their originals.

    Exceptions: an Instance Number that repeats across echoes, times, b-values, gradient directions, cardiac and
    respiratory phases, tube voltages or acquisitions is normal; so is one that repeats at the same place at another
    acquisition time. The case `anew` is only noted: MR localizers may be numbered anew in each plane, moving-table
    acquisitions at each station, and cine at each place; NUM-007 checks later whether the whole series is numbered so.
    The case `other` is only noted, because the standard requires no unique number there: the views of a mammogram or of
    a full mouth, ultrasound, photographs, portal images, screen captures and reports are often all numbered 1. It
    includes localizers (by Image Type) at another place.

    What to do: compare the two instances, both of which are named. If they show the same image, the second is a copy
    under a new UID: find the system that made it. If not, two acquisitions were put into one series: have the equipment
    give each a series or an Acquisition Number of its own.

    Evidence: 0 of 259 instances of the corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and in
    20 shuffled orders; one of the series repeats its numbers across two echoes, without a finding. 0 of 151 test files
    of pydicom with an identity, 39 series; the case `other` fires on 19 of them: test patterns of Secondary Capture.
    """
    if not subject.traits.is_numbered:
        return Answer.NOT_APPLICABLE
    facts = subject.facts
    same = [one for one in snapshot.neighbours if one.slot == subject.tracked.slot]
    taken = [one for one in same if not _is_another_time(subject, one)]
    if not taken:
        return Answer.PASS
    stacked = [one for one in taken if not _may_begin_anew(subject, one)]
    is_elsewhere = all(one.place != subject.tracked.place for one in taken)
    case = _how_numbered(facts, is_elsewhere=is_elsewhere, is_stacked=bool(stacked))
    return _repeated(facts, "stack", (stacked or taken)[0], case)


def _is_another_time(subject: Subject, neighbour: Neighbour) -> bool:
    """Whether two slices show the same place at two times; each time may have its own numbers."""
    place = subject.tracked.place
    return place != "" and place == neighbour.place and at_another_time(subject, neighbour)


def _may_begin_anew(subject: Subject, neighbour: Neighbour) -> bool:
    """Whether numbering may begin anew between two slices: in two planes, at two stations, at two places of a cine."""
    facts = subject.facts
    if facts.kind not in PLANES or subject.tracked.place == neighbour.place:
        return False
    if is_another_plane(facts.image_orientation, neighbour.orientation) or _is_time(facts):
        return True
    return facts.kind is Kind.MR and is_beside(facts, neighbour.position)


def _is_time(facts: Facts) -> bool:
    """Whether the Instance Number of a slice may count times, so that each place has the same numbers.

    Dynamic volumes have Trigger Times too, but then also a Temporal Position, or they state by a Cardiac Number of
    Images of 0 that they are not a cine. So only in MR without either is a Trigger Time enough.
    """
    number, images = facts.instance_number, facts.cardiac_number_of_images
    assert isinstance(number, int), "only numbers are compared"
    if facts.temporal_position_index or facts.temporal_position_identifier:
        if str(number) == facts.temporal_position_index or repr(float(number)) == facts.temporal_position_identifier:
            return True
    elif images is None:
        return bool(facts.trigger_time) and facts.kind is Kind.MR
    return bool(facts.trigger_time) and isinstance(images, int) and 0 <= number <= images and images > 1


def _how_numbered(facts: Facts, *, is_elsewhere: bool, is_stacked: bool) -> str:
    """Return the case of NUM-004 for an image whose number another one has."""
    if facts.kind not in PLANES or is_page(facts) or (is_elsewhere and is_localizer(facts.image_type)):
        return "other"
    if not is_stacked:
        return "anew"
    return "unindexed" if facts.kind is Kind.PET and not facts.image_index else ""


def _repeated(facts: Facts, where: str, taken: Neighbour, case: str = "") -> Problem:
    number = facts.instance_number
    return Problem(
        f"Instance Number {number} is taken in the {where}",
        tags=(t.INSTANCE_NUMBER,),
        case=case,
        found=number if isinstance(number, int) else None,
        other=taken.other,
    )


RULES: Final = (
    instance_number_malformed,
    instance_number_missing,
    instance_number_repeated_in_series,
    instance_number_repeated_in_stack,
)
