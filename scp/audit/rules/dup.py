"""DUP: the same instance again, or the same image under another UID.

Of two objects with one SOP Instance UID that are not the same bytes, exactly one rule speaks. The first line that
holds decides:

======== ==========================================================================================================
DUP-006  Study Instance UID, Series Instance UID or SOP Class UID differ; or the Patient ID differs, and with it
         pixels or any attribute that is not coercible
DUP-005  the pixels, or other bulk data, differ or cannot be compared
DUP-004  an attribute differs that is not coercible
DUP-003  a coercible attribute differs (:mod:`scp.dicom.coercible`)
DUP-002  nothing differs but the encoding
======== ==========================================================================================================

So another Patient ID alone is DUP-003: with the study, the series, the class, the pixels and all else the same, it is
the correction of a patient, not another object. What is stored is never replaced, so no profile can store either.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Final

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, pairwise_rule
from scp.audit.snapshot import Held, Snapshot
from scp.audit.tracked import PATIENT
from scp.dicom import tags as t
from scp.dicom.compare import BULK
from scp.dicom.difference import Comparison, Difference, Pixels
from scp.dicom.facts import Facts
from scp.dicom.sop_classes import IMAGES
from scp.dicom.status import Status

_MOST_TAGS: Final = 16
"""Offending Elements of one finding; the case has them all."""
_NAMES: Final = 3
"""Attributes that a message names."""
_REFUSE: Final = grades(Severity.REFUSE, Severity.REFUSE)
_UID: Final = (t.SOP_INSTANCE_UID,)
_UNCOMPARED: Final = {
    Pixels.LOSSY: "lossy compression: pixels cannot be compared",
    Pixels.UNREADABLE: "cannot be compared with the stored copy",
}


class _Conflict(Enum):
    """What the second object of a SOP Instance UID is to the first: the table of this module, from below."""

    REENCODED = auto()
    COERCED = auto()
    ATTRIBUTES = auto()
    PIXELS = auto()
    PARENT = auto()


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

    Evidence: the bytes are equal, SHA-256 and Transfer Syntax, so there can be no false alarm.
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
    Retrieve AE Title, group lengths and digital signatures.

    Why: it is the same instance, and the first copy is as good.

    What to do: nothing is lost. If a gateway sends each instance both as it came and converted, let it send one.

    Evidence: each test file of pydicom and of the corpus that is well formed was compared with itself, re-encoded by
    two toolkits (EVIDENCE-002): no difference in any.
    """
    return _judge(subject, snapshot, _Conflict.REENCODED)


@pairwise_rule("DUP-003", _REFUSE, Status.CONFLICT_DEMOGRAPHICS, reference="PS3.3 C.7.1.1, C.7.2.1, C.7.2.2")
def stored_with_other_patient_or_order(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The same instance is stored with other patient or order data.

    Checks: an instance with this SOP Instance UID is stored, and it differs only in attributes that are about the
    patient, the study, the request, the performed step or the institution.

    Why: one of the two copies was corrected: after a merged patient, a changed order, a migration. Which of them is
    right, the objects cannot say. The first stays; the second is in quarantine, with both values of each attribute.

    What to do: compare the two in the case. If the second is right, correct the patient or the order where the
    archive keeps them (HL7, study edit); do not send corrected copies under the same SOP Instance UID.

    Evidence: the list of attributes is explicit; one attribute of it and one outside of it, changed in each of the
    instances of the corpus, gave DUP-003 and DUP-004 without exception (EVIDENCE-003).
    """
    return _judge(subject, snapshot, _Conflict.COERCED)


@pairwise_rule("DUP-004", _REFUSE, Status.CONFLICT_ATTRIBUTES, reference="PS3.5 §9, PS3.4 §B.2.3")
def stored_with_other_attributes(subject: Subject, snapshot: Snapshot) -> Outcome:
    """Another object with this SOP Instance UID is stored, with other attributes.

    Checks: an instance with this SOP Instance UID is stored whose pixels are the same, and in which an attribute
    differs that is not about patient or order. Numbers are compared as numbers, text without padding, Sequences Item
    by Item, private elements under their creator.

    Why: one UID names one instance, for ever. Whoever refers to it, a report or a plan, would mean one of two.

    What to do: find the system that changed the object: processing, anonymisation and route rules have to give a new
    SOP Instance UID to what they change. If the second is the right one, take it from quarantine.

    Evidence: see DUP-002: what re-encoding changes is not counted.
    """
    return _judge(subject, snapshot, _Conflict.ATTRIBUTES)


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

    Evidence: see DUP-002: no lossless re-encoding gives other pixels.
    """
    return _judge(subject, snapshot, _Conflict.PIXELS)


@pairwise_rule("DUP-006", _REFUSE, Status.CONFLICT_PARENT, reference="PS3.3 A.1.2, PS3.5 §9")
def stored_under_another_parent(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The SOP Instance UID is stored under another patient, study, series or class.

    Checks: an instance with this SOP Instance UID is stored, with the same Study and Series Instance UID and SOP
    Class UID; and if anything but patient and order data differs, with the same Patient ID too.

    Why: an instance belongs to one series, of one study, of one patient. In two places it is found by chance.

    Exceptions: another Patient ID alone is a correction: DUP-003.

    What to do: an instance that is moved to another series or study needs a new SOP Instance UID: correct the split,
    merge or anonymisation that did without. If the objects have nothing in common, two systems give the same UIDs.

    Evidence: 0 of the SOP Instance UIDs of the corpus and of pydicom's test files is there under two parents
    (EVIDENCE-006).
    """
    return _judge(subject, snapshot, _Conflict.PARENT)


@pairwise_rule(
    "DUP-007", grades(Severity.WARN, Severity.REFUSE), Status.DUPLICATE_IMAGE, kinds=IMAGES, applies="images",
    reference="PS3.3 C.7.6.1, C.7.6.2",
)  # fmt: skip
def same_image_under_new_uid(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The same image is stored under another SOP Instance UID.

    Checks: no other instance of the series has the same Instance Number, the same Image Position and Orientation, and
    the same SOP Class, Image Type, Acquisition Number, echo, time, b-value and whatever else may repeat a position.

    Why: a copy under a new UID doubles a slice: volumes get two of it, and counts are wrong.

    Exceptions: images without Image Position.

    What to do: compare the two, both of which are named. If they show the same, find the system that gives new UIDs
    to copies. If they differ, the equipment should say in what: in Acquisition Number, Temporal Position Identifier,
    or Image Type.
    """
    facts = subject.facts
    if not isinstance(facts.instance_number, int) or not subject.tracked.place:
        return Answer.NOT_APPLICABLE
    mine = subject.tracked.slot, subject.tracked.place
    same = next((one for one in snapshot.neighbours if (one.slot, one.place) == mine), None)
    if same is None:
        return Answer.PASS
    return Problem(
        f"same place and Instance Number {facts.instance_number} as another",
        tags=(t.SOP_INSTANCE_UID, t.INSTANCE_NUMBER, t.IMAGE_POSITION_PATIENT),
        expected=same.other.sop_instance_uid,
        found=facts.sop_instance_uid,
        other=same.other,
    )


def _judge(subject: Subject, snapshot: Snapshot, asked: _Conflict) -> Outcome:
    """Answer for one line of the table: whether it is the one that holds."""
    held, comparison = snapshot.held, snapshot.comparison
    if held is None or comparison is None or snapshot.identical:
        return Answer.NOT_APPLICABLE
    if _conflict(subject, held, comparison) is not asked:
        return Answer.PASS
    return _DESCRIBE[asked](subject.facts, held, comparison)


def _conflict(subject: Subject, held: Held, comparison: Comparison) -> _Conflict:
    """Find the line of the table that holds."""
    patient = subject.tracked.study.get(PATIENT)
    other_patient = bool(patient and held.patient) and patient != held.patient
    other_image = comparison.pixels is Pixels.DIFFERENT or any(not one.coercible for one in comparison.differences)
    if _other_parents(subject.facts, held) or (other_patient and other_image):
        return _Conflict.PARENT
    if comparison.pixels is not Pixels.EQUAL:
        return _Conflict.PIXELS
    if other_image:
        return _Conflict.ATTRIBUTES
    return _Conflict.COERCED if comparison.differences else _Conflict.REENCODED


def _other_parents(facts: Facts, held: Held) -> Mapping[int, tuple[str, str]]:
    """Return the UIDs of the hierarchy that differ, by tag: the stored one and the one that came."""
    pairs = {
        t.STUDY_INSTANCE_UID: (held.study_instance_uid, facts.study_instance_uid),
        t.SERIES_INSTANCE_UID: (held.series_instance_uid, facts.series_instance_uid),
        t.SOP_CLASS_UID: (held.sop_class_uid, facts.sop_class_uid),
    }
    return {tag: pair for tag, pair in pairs.items() if pair[0] != pair[1]}


def _parent(facts: Facts, held: Held, comparison: Comparison) -> Problem:  # noqa: ARG001 - one signature for all
    others = _other_parents(facts, held)
    names = ", ".join(t.name_of(tag).partition(" ")[2] for tag in others)
    return Problem(
        f"is stored under another {names or 'patient'}",
        tags=tuple(others) or (t.PATIENT_ID,),
        expected={t.name_of(tag): stored for tag, (stored, _) in others.items()} or None,
        found={t.name_of(tag): came for tag, (_, came) in others.items()} or None,
        other=held.other,
        unstorable=True,
    )


def _pixels(facts: Facts, held: Held, comparison: Comparison) -> Problem:  # noqa: ARG001
    bulk = [one for one in comparison.differences if one.tag in BULK]
    return Problem(
        _UNCOMPARED.get(comparison.pixels) or f"other {_names(bulk)}",
        tags=_top_level(bulk) or (t.PIXEL_DATA,),
        expected={one.path: one.first for one in bulk} or None,
        found={one.path: one.second for one in bulk} or None,
        other=held.other,
        unstorable=True,
    )


def _attributes(facts: Facts, held: Held, comparison: Comparison) -> Problem:  # noqa: ARG001
    return _differing([one for one in comparison.differences if not one.coercible], held, comparison)


def _coerced(facts: Facts, held: Held, comparison: Comparison) -> Problem:  # noqa: ARG001
    return _differing(comparison.differences, held, comparison)


def _reencoded(facts: Facts, held: Held, comparison: Comparison) -> Problem:  # noqa: ARG001
    syntaxes = comparison.first_transfer_syntax, comparison.second_transfer_syntax
    expected, found = syntaxes if syntaxes[0] != syntaxes[1] else (None, None)
    return Problem(
        "is stored already, encoded otherwise", tags=_UID, expected=expected, found=found, other=held.other,
        unstorable=True,
    )  # fmt: skip


_DESCRIBE: Final = {
    _Conflict.PARENT: _parent,
    _Conflict.PIXELS: _pixels,
    _Conflict.ATTRIBUTES: _attributes,
    _Conflict.COERCED: _coerced,
    _Conflict.REENCODED: _reencoded,
}


def _differing(differences: Sequence[Difference], held: Held, comparison: Comparison) -> Problem:
    """Make a problem of attributes that differ; their values may be personal, and are left to the case."""
    count = f"{'over ' if comparison.omitted else ''}{len(differences)}"
    return Problem(
        f"{count} {'attribute differs' if count == '1' else 'attributes differ'}: {_names(differences)}",
        tags=_top_level(differences),
        other=held.other,
        unstorable=True,
    )


def _names(differences: Iterable[Difference]) -> str:
    """Name the first attributes by keyword, or by tag where there is none."""
    names = [t.name_of(tag).rpartition(" ")[2] for tag in dict.fromkeys(one.tag for one in differences)]
    return ", ".join(names[:_NAMES]) + (", …" if len(names) > _NAMES else "")


def _top_level(differences: Iterable[Difference]) -> tuple[int, ...]:
    """Return the tags of the top level in which something differs: paths begin with ``(gggg,eeee``."""
    tags = dict.fromkeys(int(one.path[1:5] + one.path[6:10], 16) for one in differences)
    return tuple(tags)[:_MOST_TAGS]


RULES: Final = (
    instance_sent_again,
    instance_sent_again_reencoded,
    stored_with_other_patient_or_order,
    stored_with_other_attributes,
    stored_with_other_pixels,
    stored_under_another_parent,
    same_image_under_new_uid,
)
