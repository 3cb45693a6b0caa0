"""UID-007 to UID-012: what the request announced, and what was received."""

from typing import NamedTuple

from pydicom.uid import UID

from scp.audit.finding import MOST_TAGS, Answer, Outcome, Problem, Severity, shown_uid
from scp.audit.rule import Subject, grades, instance_rule
from scp.dicom import tags as t
from scp.dicom.sop_classes import cannot_be_stored, is_private, is_retired
from scp.dicom.status import Status
from scp.dicom.uid import is_uid


class _Pair(NamedTuple):
    """A UID that both the request and the Data Set have."""

    case: str
    label: str
    tags: tuple[int, int]
    said: str
    came: str


@instance_rule(
    "UID-007", grades(Severity.REFUSE, Severity.REFUSE, instance=(Severity.REFUSE, Severity.REFUSE)),
    {"": Status.SOP_CLASS_MISMATCH, "instance": Status.SOP_INSTANCE_MISMATCH}, reference="PS3.7 §9.1.1.1",
)  # fmt: skip
def data_set_contradicts_request(subject: Subject) -> Outcome:
    """The Data Set contradicts the request that it came with.

    Checks: that Affected SOP Class UID (0000,0002) is SOP Class UID (0008,0016), and Affected SOP Instance UID
    (0000,1000) is SOP Instance UID (0008,0018), without padding. The case `instance`: only the second pair differs. An
    empty Affected UID contradicts a Data Set that has the UID.

    Why: the response and the sender's records use the Affected UIDs, and the archive uses those of the Data Set. If
    they differ, the sender believes that an instance is stored which is not.

    Exceptions: a UID that the Data Set lacks is left to REQ-001.

    What to do: a gateway or a script changed the Data Set but not the request, or the sender takes the UIDs from the
    File Meta Information of a file whose Data Set was changed. Write the file again with a tool that keeps both equal,
    and send that.

    Evidence: 0 of 1,151 requests that DCMTK's storescu and dcmsend made of 259 instances of real series and of
    pydicom's test files. In 43 of these files, the File Meta Information names another instance than the Data Set: a
    sender that copies it into the request is refused, rightly.
    """
    request, facts, traits = subject.request, subject.facts, subject.traits
    if traits.is_announced and request.sop_class_uid == facts.sop_class_uid:
        return Answer.PASS if traits.has_uid or facts.sop_class_uid else Answer.NOT_APPLICABLE
    pairs = (
        _Pair(
            "", "SOP Class UID", (t.AFFECTED_SOP_CLASS_UID, t.SOP_CLASS_UID),
            request.sop_class_uid, facts.sop_class_uid,
        ),
        _Pair(
            "instance", "SOP Instance UID", (t.AFFECTED_SOP_INSTANCE_UID, t.SOP_INSTANCE_UID),
            request.sop_instance_uid, facts.sop_instance_uid,
        ),
    )  # fmt: skip
    comparable = [pair for pair in pairs if pair.came]
    if not comparable:
        return Answer.NOT_APPLICABLE
    wrong = [pair for pair in comparable if pair.said != pair.came]
    if not wrong:
        return Answer.PASS
    first = wrong[0]
    return Problem(
        f"{first.label} is not the Affected {first.label}" if first.said else f"Affected {first.label} is empty",
        tags=tuple(tag for pair in wrong for tag in pair.tags),
        case=first.case,
        expected=shown_uid(first.said),
        found=shown_uid(first.came),
    )


@instance_rule(
    "UID-008",
    grades(Severity.REFUSE, Severity.REFUSE),
    Status.ABSTRACT_SYNTAX_MISMATCH,
    reference="PS3.7 §9.1.1.1",
)
def sop_class_not_negotiated(subject: Subject) -> Outcome:
    """The SOP Class of the request is not the one that was negotiated.

    Checks: that Affected SOP Class UID (0000,0002) is the Abstract Syntax of the Presentation Context that the request
    was sent in.

    Why: both sides agreed only on what was negotiated. A sender that mixes up its Presentation Contexts may use the
    wrong Transfer Syntax too.

    Exceptions: a general class that SOP Class Common Extended Negotiation (PS3.7 §D.3.3.6) named for the class of the
    request. An empty Affected SOP Class UID is left to UID-007.

    What to do: report it to the maker of the sending software: it must propose a Presentation Context for each SOP
    Class that it sends.

    Evidence: 0 of the 1,151 requests of UID-007.
    """
    request = subject.request
    if not request.sop_class_uid:
        return Answer.NOT_APPLICABLE
    if request.abstract_syntax in (request.sop_class_uid, *request.related_general_classes):
        return Answer.PASS
    return Problem(
        "SOP Class is not that of the Presentation Context",
        tags=(t.AFFECTED_SOP_CLASS_UID,),
        expected=request.abstract_syntax,
        found=shown_uid(request.sop_class_uid),
    )


@instance_rule(
    "UID-009",
    grades(Severity.REFUSE, Severity.REFUSE),
    Status.SOP_CLASS_NOT_SUPPORTED,
    reference="PS3.4 Annex B, GG",
)
def sop_class_cannot_be_stored(subject: Subject) -> Outcome:
    """Instances of the SOP Class cannot be stored.

    Checks: that neither Affected SOP Class UID (0000,0002) nor SOP Class UID (0008,0016) is one to which the standard
    gives another meaning: Media Storage Directory, verification, print, query, worklist and storage commitment classes,
    meta classes, Transfer Syntaxes.

    Why: these are services or parts of media, not objects to store. A DICOMDIR that is sent like an image describes
    files that the receiver does not have.

    Exceptions: a UID that the dictionary of this release does not have may be a newer storage class, and is stored.

    What to do: leave out DICOMDIR files when the folders of a medium are sent. Otherwise correct the SOP Class UID in
    the system that made the object.

    Evidence: 0 of 259 instances of real series; of pydicom's 166 test files the 8 that are media directories
    (DICOMDIR).
    """
    named = {
        t.AFFECTED_SOP_CLASS_UID: subject.request.sop_class_uid,
        t.SOP_CLASS_UID: subject.facts.sop_class_uid,
    }
    if not any(named.values()):
        return Answer.NOT_APPLICABLE
    wrong = {tag: text for tag, text in named.items() if cannot_be_stored(text)}
    if not wrong:
        return Answer.PASS
    found = next(iter(wrong.values()))
    return Problem(f"not stored: {UID(found).name}", tags=tuple(wrong), found=found)


@instance_rule(
    "UID-010",
    grades(Severity.INFO, Severity.WARN, private=(Severity.INFO, Severity.WARN)),
    reference="PS3.6 Annex A",
)
def sop_class_retired_or_private(subject: Subject) -> Outcome:
    """The SOP Class is retired, or private to a vendor.

    Checks: that SOP Class UID (0008,0016) is not retired in Table A-1 of PS3.6. The case `private` is a UID outside the
    root of the standard (1.2.840.10008).

    Why: viewers may be unable to show such an instance. It is stored all the same, because vendors' private objects are
    clinical data.

    Exceptions: a class under the root of the standard that the dictionary of this release does not have: it is newer.

    What to do: for a retired class, see whether the equipment can be set to the class that replaced it. Keep instances
    of private classes: only the vendor's own software can read them.
    """
    uid = subject.facts.sop_class_uid
    if not is_uid(uid):
        return Answer.NOT_APPLICABLE
    if is_private(uid):
        return Problem("SOP Class is private", tags=(t.SOP_CLASS_UID,), case="private", found=uid)
    if is_retired(uid):
        return Problem(f"retired: {UID(uid).name or uid}", tags=(t.SOP_CLASS_UID,), found=uid)
    return Answer.PASS


@instance_rule("UID-011", grades(Severity.WARN, Severity.REFUSE), Status.FOREIGN_ELEMENTS, reference="PS3.10 §7.1")
def data_set_with_foreign_elements(subject: Subject) -> Outcome:
    """The Data Set contains Command or File Meta elements.

    Checks: that no element of the Data Set is in group 0000 or 0002.

    Why: group 0000 belongs to the request, and group 0002 to the File Meta Information of a file. In a Data Set they
    may contradict the real ones, and some software believes them.

    Exceptions: none. They are kept in the stored bytes, but never copied into the File Meta Information that this node
    writes.

    What to do: correct the sender: it removes only the first 132 bytes of a file instead of its whole File Meta
    Information, or a script merges both.
    """
    foreign = subject.facts.foreign
    if not foreign:
        return Answer.PASS
    return Problem(
        f"elements of group 0000 or 0002: {len(foreign)}",
        tags=foreign[:MOST_TAGS],
        expected=0,
        found=len(foreign),
    )


@instance_rule("UID-012", grades(Severity.INFO, Severity.WARN), reference="PS3.7 §D.3.3.2")
def sender_without_implementation_class(subject: Subject) -> Outcome:
    """The sender does not say which software it is.

    Checks: that the sender gave an Implementation Class UID when the association was negotiated, and that it is a UID.

    Why: it is mandatory, and identifies the software behind an AE title. Without it, faults are harder to trace.

    Exceptions: none. It identifies an implementation, never a device.

    What to do: nothing; it is harmless. If an AE title suddenly has none, or another one, its software was updated or
    replaced.
    """
    uid = subject.request.association.implementation_class_uid
    if is_uid(uid):
        return Answer.PASS
    return Problem(
        "Implementation Class UID is not a UID" if uid else "no Implementation Class UID", found=shown_uid(uid)
    )
