"""REQ: attributes that an instance must have to be identified."""

from typing import Final

from pydicom.datadict import dictionary_description

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, instance_rule
from scp.dicom import tags as t
from scp.dicom.sop_classes import Kind
from scp.dicom.status import Status

_OF_A_PATIENT: Final = frozenset(Kind) - {Kind.NON_PATIENT}


@instance_rule(
    "REQ-001", grades(Severity.REFUSE, Severity.REFUSE, unknown_class=(Severity.INFO, Severity.WARN)),
    Status.IDENTITY_MISSING, applies="all; non-patient objects: SOP Instance UID only",
    reference="PS3.3 C.7.2.1, C.7.3.1, C.12.1",
)  # fmt: skip
def identity_missing(subject: Subject) -> Outcome:
    """A UID that identifies the instance, or its Modality, is missing.

    Checks: that SOP Class UID (0008,0016), SOP Instance UID (0008,0018), Study Instance UID (0020,000D), Series
    Instance UID (0020,000E) and Modality (0008,0060) are present and not empty; all of them are Type 1. The case
    `unknown_class` is a missing Modality in an instance of a SOP Class that the dictionary of this release does not
    have.

    Why: without these UIDs an instance cannot be stored, so it is refused in every profile. Without a Modality no
    worklist, viewer or archive can handle the series.

    Exceptions: non-patient objects (protocols, palettes, templates) have no study and no series; they only need SOP
    Class UID and SOP Instance UID. The standard does not say what private classes contain, so a missing Modality does
    not keep them from being stored.

    What to do: add the attribute in the system that makes the object. Objects that are converted from other formats
    often have no series: have the converter give them one.

    Evidence: 0 of 259 instances of the corpus (11 real series: GE, Siemens, Philips). Of pydicom's 166 test files 23,
    each of which lacks what the finding says: 8 media directories, 8 test patterns without series or Modality, 6
    fragments made to show an encoding, and one that cannot be read (see ENC-002).
    """
    facts = subject.facts
    present = {t.SOP_CLASS_UID: bool(facts.sop_class_uid), t.SOP_INSTANCE_UID: subject.traits.has_uid}
    of_a_patient = facts.kind in _OF_A_PATIENT
    if of_a_patient:
        present |= {
            t.STUDY_INSTANCE_UID: bool(facts.study_instance_uid),
            t.SERIES_INSTANCE_UID: bool(facts.series_instance_uid),
        }
    missing = tuple(tag for tag, is_there in present.items() if not is_there)
    no_place = bool(missing)
    if of_a_patient and not facts.modality:
        missing += (t.MODALITY,)
    if not missing:
        return Answer.PASS
    return Problem(
        "missing: " + ", ".join(dictionary_description(tag) for tag in missing),
        tags=missing,
        case="unknown_class" if facts.kind is Kind.UNKNOWN and not no_place else "",
        unstorable=no_place,
    )


@instance_rule(
    "REQ-002", grades(Severity.INFO, Severity.WARN), kinds=_OF_A_PATIENT, applies="all except non-patient objects",
    reference="PS3.3 C.7.1.1",
)  # fmt: skip
def patient_id_missing(subject: Subject) -> Outcome:
    """The Patient ID is missing.

    Checks: that Patient ID (0010,0020) is present and not empty.

    Why: the study can only be matched with its patient by hand, and contradictions between patients (ENT-202) cannot be
    noticed.

    Exceptions: none, but it is Type 2: it may be empty if it is not known, as in emergencies.

    What to do: identify the patient at the equipment and send the study again, or correct it in the archive. If it
    happens often, check how patients are registered at the equipment.
    """
    if subject.facts.patient_id:
        return Answer.PASS
    return Problem("no Patient ID", tags=(t.PATIENT_ID,))


RULES: Final = (identity_missing, patient_id_missing)
