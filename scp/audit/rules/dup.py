"""DUP: the same instance again, or the same image under another UID.

What two objects of one SOP Instance UID are to each other, so that exactly one rule speaks, is decided in
:mod:`scp.audit.rules.dup_conflict`. What is stored is never replaced, so no profile can store the other one either.
"""

from typing import Final

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, pairwise_rule
from scp.audit.rules.dup_conflict import Conflict, judge
from scp.audit.rules.hierarchy import as_uid, at_another_time
from scp.audit.snapshot import Snapshot
from scp.dicom import tags as t
from scp.dicom.sop_classes import IMAGES, Kind
from scp.dicom.status import Status

_REFUSE: Final = grades(Severity.REFUSE, Severity.REFUSE)
_UID: Final = (t.SOP_INSTANCE_UID,)
_PLACED: Final = IMAGES - {Kind.RT_DOSE}
"""Kinds of images of which no two have one place. The doses of the beams of a plan lie on one grid."""


@pairwise_rule(
    "DUP-001", grades(Severity.REFUSE, Severity.REFUSE, unconfirmed=(Severity.INFO, Severity.INFO)),
    Status.DUPLICATE_SOP_INSTANCE, reference="PS3.4 §B.2.3, PS3.7 §10.1.5",
)  # fmt: skip
def instance_sent_again(subject: Subject, snapshot: Snapshot) -> Outcome:  # noqa: ARG001 - a rule's signature
    """The same instance was sent again, identical.

    Checks: an instance with this SOP Instance UID is stored, in the same Transfer Syntax and with the same bytes.

    Why: the sender should know that it sends twice: a queue that repeats, a route that goes in a circle, two systems
    that forward the same study. Nothing is stored twice; the receipt points to the first copy.

    Exceptions: the case `unconfirmed`: the sender of the first copy never showed that it had received the response,
    because its association broke off. It has to send again, and is told that the instance is stored.

    What to do: nothing is lost. Look in the two receipts for who sent when, and take the second route away. Where
    resending is meant, set `duplicates.identical = "accept"`.

    Evidence: the bytes are equal, BLAKE3 and Transfer Syntax, so there can be no false alarm.
    """
    held = snapshot.held
    if held is None:
        return Answer.NOT_APPLICABLE
    if not snapshot.identical:
        return Answer.PASS
    if held.confirmed:
        return Problem("is stored already, with the same bytes", tags=_UID, other=held.other)
    return Problem("is stored; the first response went astray", tags=_UID, case="unconfirmed", other=held.other)


@pairwise_rule("DUP-002", _REFUSE, Status.DUPLICATE_SOP_INSTANCE, reference="PS3.4 §B.2.3, PS3.5 §10")
def instance_sent_again_reencoded(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The same instance was sent again, encoded otherwise.

    Checks: an instance with this SOP Instance UID is stored, and all that differs is the encoding: Transfer Syntax,
    lossless compression, byte order, VR, character set, length form, padding; and volatile attributes such as
    Retrieve AE Title, group lengths, digital signatures, and the Original Attributes and Contributing Equipment in
    which routers say what they did.

    Why: it is the same instance, and the first copy is as good.

    What to do: nothing is lost. If a gateway sends each instance both as it came and converted, let it send one.

    Evidence: 395 files of the corpus and of pydicom, each encoded again by pydicom in implicit, explicit and big
    endian and, where it can, as RLE; 174 of them by DCMTK in eight ways too: 2,603 copies, of which 2,602 have no
    difference, and one cannot be compared, because its Number of Frames is not a number (DUP-005).
    """
    return judge(subject, snapshot, Conflict.REENCODED)


@pairwise_rule("DUP-003", _REFUSE, Status.CONFLICT_DEMOGRAPHICS, reference="PS3.3 C.7.1.1, C.7.2.1, C.7.2.2")
def stored_with_other_patient_or_order(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The same instance is stored with other patient or order data.

    Checks: an instance with this SOP Instance UID is stored, and it differs only in attributes that are about the
    patient, the study, the request, the performed step or the institution.

    Why: one of the two copies was corrected: after a merged patient, a changed order, a migration. Which of them is
    right, the objects cannot say. The first stays; the second is in quarantine, with both values of each attribute.

    What to do: compare the two in the case. If the second is right, correct the patient or the order where the
    archive keeps them (HL7, study edit); do not send corrected copies under the same SOP Instance UID.

    Evidence: each of the 259 instances of the corpus and of 162 test files of pydicom was compared with itself,
    changed in the patient's name: this rule spoke, and no other.
    """
    return judge(subject, snapshot, Conflict.COERCED)


@pairwise_rule("DUP-004", _REFUSE, Status.CONFLICT_ATTRIBUTES, reference="PS3.5 §9, PS3.4 §B.2.3")
def stored_with_other_attributes(subject: Subject, snapshot: Snapshot) -> Outcome:
    """Another object with this SOP Instance UID is stored, with other attributes.

    Checks: an instance with this SOP Instance UID is stored whose pixels are the same, and in which an attribute
    differs that is not about patient or order. Numbers are compared as numbers, text without padding, Sequences Item
    by Item, private elements under their creator.

    Why: one UID names one instance, for ever. Whoever refers to it, a report or a plan, would mean one of two.

    What to do: find the system that changed the object: processing, anonymisation and route rules have to give a new
    SOP Instance UID to what they change. If the second is the right one, take it from quarantine.

    Evidence: each of the 259 instances of the corpus and of 162 test files of pydicom was compared with itself,
    changed in one attribute: this rule spoke, and no other. What re-encoding changes is not counted: see DUP-002.
    """
    return judge(subject, snapshot, Conflict.ATTRIBUTES)


@pairwise_rule("DUP-005", _REFUSE, Status.CONFLICT_PIXELS, reference="PS3.5 §9, PS3.4 §B.2.3")
def stored_with_other_pixels(subject: Subject, snapshot: Snapshot) -> Outcome:
    """Another object with this SOP Instance UID is stored, with other pixels.

    Checks: an instance with this SOP Instance UID is stored, and the pixels, the waveform, the spectra or the
    document differ: byte by byte in one Transfer Syntax, frame by frame after decoding in two.

    Why: one UID names one image. A reader who gets the other one does not see that it is another.

    Exceptions: none, but two things are said: if either copy went through a lossy compression, equal pixels cannot be
    expected, and if either cannot be decoded, nothing can be told. Both are refused all the same.

    What to do: if the images are different, two systems give the same UIDs, or one gives them twice: have them
    serviced. If one is the lossy copy of the other, have the compressing system give it its own UID.

    Evidence: each of the 259 instances of the corpus and of 55 uncompressed test files of pydicom was compared with
    itself, changed in one bit of one pixel: this rule spoke, and no other. No lossless re-encoding gives other
    pixels: see DUP-002.
    """
    return judge(subject, snapshot, Conflict.PIXELS)


@pairwise_rule("DUP-006", _REFUSE, Status.CONFLICT_PARENT, reference="PS3.3 A.1.2, PS3.5 §9")
def stored_under_another_parent(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The SOP Instance UID is stored under another patient, study, series or class.

    Checks: an instance with this SOP Instance UID is stored, with the same Study and Series Instance UID and SOP
    Class UID; and if anything but patient and order data differs, with the same Patient ID too.

    Why: an instance belongs to one series, of one study, of one patient. In two places it is found by chance.

    Exceptions: another Patient ID alone is a correction: DUP-003.

    What to do: an instance that is moved to another series or study needs a new SOP Instance UID: correct the split,
    merge or anonymisation that did without. If the objects have nothing in common, two systems give the same UIDs.

    Evidence: each of the 259 instances of the corpus and of 162 test files of pydicom was compared with itself,
    changed in its Series Instance UID: this rule spoke, and no other. Of 370 SOP Instance UIDs in the corpus and
    pydicom's test files 25 are there several times, none under two parents.
    """
    return judge(subject, snapshot, Conflict.PARENT)


@pairwise_rule(
    "DUP-007", grades(Severity.WARN, Severity.REFUSE), Status.DUPLICATE_IMAGE, kinds=_PLACED,
    applies="images but RT Dose", reference="PS3.3 C.7.6.1, C.7.6.2",
)  # fmt: skip
def same_image_under_new_uid(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The same image is stored under another SOP Instance UID.

    Checks: no other instance of the series has the same Instance Number, the same Image Position and Orientation, and
    the same SOP Class, Image Type, Acquisition Number, echo, time, b-value and whatever else may repeat a position.

    Why: a copy under a new UID doubles a slice: volumes get two of it, and counts are wrong.

    Exceptions: images without Image Position, and pages whose direction cosines are zeros; slices that were acquired
    at another time (0008,0022), (0008,0032), (0008,002A). The doses of a plan and of
    each of its beams are on one grid, and customarily have one Instance Number.

    What to do: compare the two, both of which are named. If they show the same, find the system that gives new UIDs
    to copies. If they differ, the equipment should say in what: in Acquisition Number, Temporal Position Identifier,
    or Image Type.

    Evidence: 0 of 153 series of vendors; 0 of the 259 instances of the corpus (11 real series: GE, Siemens, Philips),
    in file order, in reverse and in 20 shuffled orders; 0 of 118 of pydicom's test files, 38 series in 31 studies.
    """
    facts, tracked = subject.facts, subject.tracked
    if not subject.traits.is_numbered or not subject.traits.positions:
        return Answer.NOT_APPLICABLE
    here = (one for one in snapshot.neighbours if (one.slot, one.place) == (tracked.slot, tracked.place))
    same = next((one for one in here if not at_another_time(subject, one)), None)
    if same is None or not tracked.place:
        return Answer.PASS
    return Problem(
        f"same place and Instance Number {facts.instance_number} as another",
        tags=(t.SOP_INSTANCE_UID, t.INSTANCE_NUMBER, t.IMAGE_POSITION_PATIENT),
        expected=same.other.sop_instance_uid,
        found=as_uid(facts.sop_instance_uid),
        other=same.other,
    )


RULES: Final = (
    instance_sent_again,
    instance_sent_again_reencoded,
    stored_with_other_patient_or_order,
    stored_with_other_attributes,
    stored_with_other_pixels,
    stored_under_another_parent,
    same_image_under_new_uid,
)
