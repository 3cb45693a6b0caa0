"""DUP: the same instance again, or the same image under another UID.

Which of DUP-002 to DUP-006 applies to two objects with one SOP Instance UID is decided in
:mod:`scp.audit.rules.dup_conflict`, so that exactly one of them fires. A stored instance is never replaced, so no
profile can store the second object either.
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
"""Kinds of images of which no two are at one place. The doses of a plan's beams are: they lie on one grid."""


@pairwise_rule(
    "DUP-001", grades(Severity.REFUSE, Severity.REFUSE, unconfirmed=(Severity.INFO, Severity.INFO)),
    Status.DUPLICATE_SOP_INSTANCE, reference="PS3.4 §B.2.3, PS3.7 §10.1.5",
)  # fmt: skip
def instance_sent_again(subject: Subject, snapshot: Snapshot) -> Outcome:  # noqa: ARG001 - a rule's signature
    """The same instance was sent again, identical.

    Checks: whether an instance with this SOP Instance UID is stored already, with the same Transfer Syntax and the same
    bytes.

    Why: the sender should know that it sends twice: a queue that repeats, a routing loop, or two systems that forward
    the same study. Nothing is stored twice; the new receipt points to the stored copy.

    Exceptions: the case `unconfirmed`: nothing shows that the sender of the stored copy received the response to it,
    because its association broke off. Such a sender has to send again, and is answered that the instance is stored.

    What to do: nothing is lost. Compare the two receipts to see who sent when, and remove the second route. If
    instances are sent twice on purpose, set `duplicates.identical = "accept"`.

    Evidence: the Transfer Syntax and the BLAKE3 digest of the bytes are equal, so there can be no false alarm.
    """
    held = snapshot.held
    if held is None:
        return Answer.NOT_APPLICABLE
    if not snapshot.identical:
        return Answer.PASS
    if held.confirmed:
        return Problem("is stored already, with the same bytes", tags=_UID, other=held.other)
    return Problem("is stored already; its first response may be lost", tags=_UID, case="unconfirmed", other=held.other)


@pairwise_rule("DUP-002", _REFUSE, Status.DUPLICATE_SOP_INSTANCE, reference="PS3.4 §B.2.3, PS3.5 §10")
def instance_sent_again_reencoded(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The same instance was sent again in another encoding.

    Checks: whether an instance with this SOP Instance UID is stored already, and differs from this one only in its
    encoding: Transfer Syntax, lossless compression, byte order, VR, character set, defined or undefined lengths,
    padding. Attributes that are expected to change on the way are not compared: Retrieve AE Title, group lengths,
    digital signatures, and the Original Attributes Sequence and Contributing Equipment Sequence, in which routers
    record what they did.

    Why: it is the same instance, and the stored copy is as good.

    What to do: nothing is lost. If a gateway sends each instance twice, as received and converted, configure it to send
    one of them.

    Evidence: 395 files of the corpus and of pydicom, each encoded again by pydicom in implicit, explicit and big endian
    and, where it can, as RLE; 174 of them by DCMTK in eight ways too: 2,603 copies, of which 2,602 have no difference,
    and one cannot be compared, because its Number of Frames is not a number (DUP-005).
    """
    return judge(subject, snapshot, Conflict.REENCODED)


@pairwise_rule("DUP-003", _REFUSE, Status.CONFLICT_DEMOGRAPHICS, reference="PS3.3 C.7.1.1, C.7.2.1, C.7.2.2")
def stored_with_other_patient_or_order(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The same instance is stored with other patient or order data.

    Checks: whether an instance with this SOP Instance UID is stored already, and differs from this one only in
    attributes about the patient, the study, the request, the performed procedure step or the institution.

    Why: one of the two copies was corrected, for example after patients were merged, an order was changed or data were
    migrated. The objects do not show which of them is right. The stored one stays; the other goes to quarantine, and
    the case shows both values of each attribute.

    What to do: compare both values in the case. If the second object is right, correct the patient or the order in the
    archive (by HL7, or by editing the study), or replace the stored instance from quarantine. Do not send corrected
    copies under the same SOP Instance UID.

    Evidence: each of the 259 instances of the corpus and of 162 test files of pydicom was compared with a copy of
    itself in which the patient's name was changed: this rule fired, and no other.
    """
    return judge(subject, snapshot, Conflict.COERCED)


@pairwise_rule("DUP-004", _REFUSE, Status.CONFLICT_ATTRIBUTES, reference="PS3.5 §9, PS3.4 §B.2.3")
def stored_with_other_attributes(subject: Subject, snapshot: Snapshot) -> Outcome:
    """Another object with this SOP Instance UID is stored, with other attributes.

    Checks: whether an instance with this SOP Instance UID is stored already whose pixels are the same, but of which an
    attribute differs that is not about the patient or the order. Numbers are compared as numbers, text without padding,
    Sequences Item by Item, and private elements by their private creator.

    Why: one UID identifies one instance, for ever. If two differ, a report or a plan that refers to the UID may mean
    either of them.

    What to do: find the system that changed the object. Whatever changes an object (processing, anonymisation, routing
    rules) must give it a new SOP Instance UID. If the second object is the right one, replace the stored instance with
    it from quarantine.

    Evidence: each of the 259 instances of the corpus and of 162 test files of pydicom was compared with a copy of
    itself in which one attribute was changed: this rule fired, and no other. Differences of encoding are not counted:
    see DUP-002.
    """
    return judge(subject, snapshot, Conflict.ATTRIBUTES)


@pairwise_rule("DUP-005", _REFUSE, Status.CONFLICT_PIXELS, reference="PS3.5 §9, PS3.4 §B.2.3")
def stored_with_other_pixels(subject: Subject, snapshot: Snapshot) -> Outcome:
    """Another object with this SOP Instance UID is stored, with other pixels.

    Checks: whether an instance with this SOP Instance UID is stored already, and the pixels, the waveform, the
    spectroscopy data or the encapsulated document differ. They are compared byte by byte if both objects have the same
    Transfer Syntax, otherwise frame by frame after decoding.

    Why: one UID identifies one image. Whoever opens it cannot see that another image was meant.

    Exceptions: none. If either copy has gone through lossy compression, or cannot be decoded, the pixels cannot be
    compared; the finding says so, and the object is refused all the same.

    What to do: compare the two images. If they show different things, two systems give out the same UIDs, or one gives
    them out twice: have it serviced. If one is a lossy copy of the other, configure the compressing system to give it a
    new UID.

    Evidence: each of the 259 instances of the corpus and of 55 uncompressed test files of pydicom was compared with a
    copy of itself in which one bit of one pixel was changed: this rule fired, and no other. No lossless re-encoding
    makes pixels differ: see DUP-002.
    """
    return judge(subject, snapshot, Conflict.PIXELS)


@pairwise_rule("DUP-006", _REFUSE, Status.CONFLICT_PARENT, reference="PS3.3 A.1.2, PS3.5 §9")
def stored_under_another_parent(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The SOP Instance UID is stored under another patient, study, series or class.

    Checks: whether an instance with this SOP Instance UID is stored already with another Study Instance UID, Series
    Instance UID or SOP Class UID, or with another Patient ID and other differences beyond patient and order data.

    Why: an instance belongs to one series of one study of one patient. If it is in two places, it depends on chance
    which of them a search finds.

    Exceptions: if only patient and order data differ, Patient ID included, it is taken for a correction: DUP-003.

    What to do: an instance that is moved to another series or study needs a new SOP Instance UID: correct the program
    that split, merged or anonymised without giving one. If the objects have nothing in common, two systems give out the
    same UIDs: have them serviced.

    Evidence: each of the 259 instances of the corpus and of 162 test files of pydicom was compared with a copy of
    itself in which the Series Instance UID was changed: this rule fired, and no other. Of 370 SOP Instance UIDs in the
    corpus and pydicom's test files, 25 occur several times, none of them under two parents.
    """
    return judge(subject, snapshot, Conflict.PARENT)


@pairwise_rule(
    "DUP-007", grades(Severity.WARN, Severity.REFUSE), Status.DUPLICATE_IMAGE, kinds=_PLACED,
    applies="images except RT Dose", reference="PS3.3 C.7.6.1, C.7.6.2",
)  # fmt: skip
def same_image_under_new_uid(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The same image is stored under another SOP Instance UID.

    Checks: that no other instance of the series has the same Instance Number, Image Position and Image Orientation, and
    also the same SOP Class, Image Type, Acquisition Number and further values that NUM-004 compares (echo, time,
    b-value and so on).

    Why: a copy under a new UID doubles a slice: volumes contain it twice, and counts are wrong.

    Exceptions: images without Image Position, or with direction cosines that are all zero; slices that were acquired at
    another time (0008,0022), (0008,0032), (0008,002A). RT Dose is left out: the doses of a plan and of its beams lie on
    one grid, and customarily have one Instance Number.

    What to do: compare the two instances, both of which are named. If they show the same image, find the system that
    gives new UIDs to copies. If not, ask the vendor of the equipment to state the difference in Acquisition Number,
    Temporal Position Identifier or Image Type.

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
