"""ENT: what all instances of one series, or of one study, must share.

Each instance is compared with the first that was stored. Which of them came first is chance, so every finding names
both; the series audit says later which of them differs from most (ENT-299).
"""

from collections.abc import Mapping
from typing import Final

from pydicom.uid import (
    DigitalIntraOralXRayImageStorageForPresentation,
    DigitalIntraOralXRayImageStorageForProcessing,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    RTImageStorage,
)

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, pairwise_rule
from scp.audit.rules.hierarchy import Labels, as_uid, differing, outcome, series_reference
from scp.audit.snapshot import Snapshot
from scp.audit.tracked import PATIENT, SERIES, STUDY
from scp.dicom import tags as t
from scp.dicom.sop_classes import IMAGES, PLANES, Kind, kind_of
from scp.dicom.status import Status

_REFUSE: Final = grades(Severity.REFUSE, Severity.REFUSE)
_INFO: Final = (Severity.INFO, Severity.INFO)
_WARN: Final = (Severity.WARN, Severity.WARN)

_IDENTITY: Final = Labels("study", STUDY, (PATIENT, "issuer_of_patient_id"))
_NAMES: Final = ("patient_name", "patient_name_ideographic", "patient_name_phonetic")
_DEMOGRAPHICS: Final = Labels("study", STUDY, (*_NAMES, "patient_birth_date", "patient_sex"))
_STUDY: Final = Labels(
    "study", STUDY, ("accession_number", "study_date", "study_time", "study_id", "study_description")
)
_MODALITY: Final = Labels("series", SERIES, ("modality",))
_FRAME: Final = Labels("series", SERIES, ("frame_of_reference_uid",))
_SOP_CLASS: Final = Labels("series", SERIES, ("sop_class_uid",))
_LABELS: Final = Labels("series", SERIES, ("series_number", "laterality", "patient_position"))
_LABELS_BUT_POSITION: Final = _LABELS._replace(names=("series_number", "laterality"))
_POSITIONED: Final = frozenset(
    {
        DigitalIntraOralXRayImageStorageForPresentation, DigitalIntraOralXRayImageStorageForProcessing,
        DigitalMammographyXRayImageStorageForPresentation, DigitalMammographyXRayImageStorageForProcessing,
        DigitalXRayImageStorageForPresentation, DigitalXRayImageStorageForProcessing, RTImageStorage,
    }
)  # fmt: skip
"""Classes in which Patient Position is that of the image: DX Positioning and RT Image Modules."""
_SERIES: Final = Labels(
    "series", SERIES,
    (
        "series_date", "series_time", "series_description", "protocol_name", "body_part_examined",
        "performing_physician_name", "operators_name",
    ),
)  # fmt: skip
_EQUIPMENT: Final = Labels(
    "series", SERIES, ("manufacturer", "device_serial_number", "manufacturer_model_name", "station_name")
)
_DEVICE: Final = frozenset({"manufacturer", "device_serial_number"})


@pairwise_rule("ENT-201", _REFUSE, Status.SERIES_IN_TWO_STUDIES, reference="PS3.3 A.1.2.3")
def series_in_two_studies(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The series is in two studies.

    Checks: that the first stored instance with this Series Instance UID (0020,000E) has the same Study Instance UID
    (0020,000D).

    Why: a series belongs to one study. If it is split over two, each of them lacks some of the images.

    What to do: find the system that split, merged or renumbered a study without giving its series new UIDs; have it
    give new Series Instance UIDs, or send all instances in one study. If the images have nothing in common, two systems
    give out the same UIDs: have them serviced.

    Evidence: 0 of 369 real multi-file series (GE, Siemens, Philips, Canon/Toshiba, UIH); 0 of the 259 instances of the
    corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and in 20 shuffled orders; 0 of 118 of
    pydicom's test files, 38 series in 31 studies.
    """
    series, mine = snapshot.series, subject.facts.study_instance_uid
    if series is None or not series.parent or not mine:
        return Answer.NOT_APPLICABLE
    if series.parent == mine:
        return Answer.PASS
    return Problem(
        "the series is stored in another study", tags=(t.STUDY_INSTANCE_UID,), expected=series.parent,
        found=as_uid(mine), other=series.other,
    )  # fmt: skip


@pairwise_rule("ENT-202", _REFUSE, Status.STUDY_OF_TWO_PATIENTS, reference="PS3.3 A.1.2")
def study_of_two_patients(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The study is of two patients.

    Checks: that the first stored instance of the study that has a Patient ID (0010,0020) has the same Patient ID, and
    the same Issuer of Patient ID (0010,0021) if both have one. Padding is ignored.

    Why: images of one patient would be read as another's.

    Exceptions: an empty Patient ID contradicts nothing, and neither does an issuer that only one of the two has.

    What to do: find out first whose images these are. Usually the ID was corrected at the equipment between two series:
    then correct the earlier ones in the archive, and send this one again. If the wrong worklist entry was chosen, move
    the study to the right patient.

    Evidence: 0 of the 259 instances of the corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and
    in 20 shuffled orders; 0 of 118 of pydicom's test files, 38 series in 31 studies.
    """
    mine = subject.tracked.study
    return outcome(_IDENTITY, differing(_IDENTITY, mine, snapshot.study), mine, snapshot.study)


@pairwise_rule("ENT-203", _REFUSE, Status.SERIES_OF_TWO_MODALITIES, reference="PS3.3 A.1.2.3, C.7.3.1.1.1")
def series_of_two_modalities(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The series is of two modalities.

    Checks: that the first stored instance of the series has the same Modality (0008,0060).

    Why: all instances of a series are of one modality; viewers choose by it how to show them.

    What to do: a report, a screen capture or a derived object was put into the series of its images: configure the
    system that made it to put it into a series of its own.

    Evidence: 0 of the 259 instances of the corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and
    in 20 shuffled orders; 0 of 118 of pydicom's test files, 38 series in 31 studies.
    """
    return _in_series(subject, snapshot, _MODALITY)


@pairwise_rule(
    "ENT-204", grades(Severity.REFUSE, Severity.REFUSE, other=(Severity.INFO, Severity.REFUSE)),
    Status.SERIES_OF_TWO_FRAMES_OF_REFERENCE, reference="PS3.3 C.7.4.1.1.1",
)  # fmt: skip
def series_with_two_frames_of_reference(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The series has two Frames of Reference.

    Checks: that the first stored instance of the series has the same Frame of Reference UID (0020,0052). If there are
    slices of CT, MR or PET, the comparison is with the first of them that has one. The usual case is CT, MR and PET;
    the case `other` is everything else.

    Why: positions of two Frames of Reference must not be put into one volume: the patient may have moved between them.

    Exceptions: an empty Frame of Reference UID contradicts nothing. Whole slide images have one for each level, some
    ultrasound has one for each image.

    What to do: have the equipment begin a new series when the patient is positioned anew. If a program puts images of
    several scans into one series, have it keep them apart.

    Evidence: 0 of the 259 instances of the corpus (11 real series: GE, Siemens, Philips), in file order, in reverse and
    in 20 shuffled orders; 0 of 118 of pydicom's test files, 38 series in 31 studies.
    """
    case = "" if subject.facts.kind in PLANES else "other"
    return _in_series(subject, snapshot, _FRAME, case)


@pairwise_rule(
    "ENT-205", grades(Severity.INFO, Severity.INFO, report=_WARN), reference="PS3.3 A.1.2.3"
)  # fmt: skip
def series_with_mixed_sop_classes(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The series has several SOP Classes.

    Checks: that the first stored instance of the series has the same SOP Class UID (0008,0016). The case `report` is an
    image and a structured report in one series.

    Why: software that expects one SOP Class in a series may not show the instances of the others.

    Exceptions: the usual case is legitimate: single-frame and multi-frame ultrasound, MR images with their Raw Data,
    classic and enhanced images of one scan.

    What to do: nothing in the usual case. For a report among images: configure the system that made it to put it into a
    series of its own.
    """
    series = series_reference(subject, snapshot)
    kinds = {subject.facts.kind, kind_of(series.values.get("sop_class_uid", "")) if series else Kind.UNKNOWN}
    case = "report" if Kind.STRUCTURED_REPORT in kinds and kinds & IMAGES else ""
    return _in_series(subject, snapshot, _SOP_CLASS, case)


@pairwise_rule(
    "ENT-206", grades(Severity.WARN, Severity.REFUSE, label=_WARN), Status.SERIES_LABELS_DIFFER,
    reference="PS3.3 C.7.3.1, C.8.8.2, C.8.11.5",
)  # fmt: skip
def series_labels_differ(subject: Subject, snapshot: Snapshot) -> Outcome:
    """Series Number, Laterality or Patient Position differ within the series.

    Checks: that the first stored instance of the series has the same Series Number (0020,0011). The case `label`: only
    Laterality (0020,0060) or Patient Position (0018,5100) differs.

    Why: these attributes are those of the series, not of the instance. People take two Series Numbers for two series;
    two sides or two positions of a patient in one series are dangerous.

    Exceptions: an empty value contradicts nothing. In RT Image, DX, mammography and intra-oral images, Patient Position
    belongs to the image, and may differ.

    What to do: find the system that changed the value in part of the series, often one that renumbers series or puts
    two scans into one series.
    """
    mine, series = subject.tracked.series, series_reference(subject, snapshot)
    labels = _LABELS_BUT_POSITION if subject.facts.sop_class_uid in _POSITIONED else _LABELS
    names = differing(labels, mine, series)
    case = "label" if names and "series_number" not in names else ""
    return outcome(labels, names, mine, series, case)


@pairwise_rule("ENT-207", grades(*_INFO), reference="PS3.3 C.7.3.1")
def series_attributes_differ(subject: Subject, snapshot: Snapshot) -> Outcome:
    """Other attributes of the series differ within it.

    Checks: that the first stored instance of the series has the same Series Date, Series Time, Series Description,
    Protocol Name, Body Part Examined, Performing Physician's Name and Operators' Name.

    Why: these attributes are those of the series. If they differ, instances from several sources may have been put
    together.

    Exceptions: some equipment writes another Series Time into each instance, which is harmless.

    What to do: nothing, unless there are other findings about the series.
    """
    return _in_series(subject, snapshot, _SERIES)


@pairwise_rule(
    "ENT-208", grades(Severity.WARN, Severity.REFUSE), Status.DEMOGRAPHICS_DIFFER, reference="PS3.3 A.1.2, C.7.1.1"
)
def demographics_differ_in_study(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The demographics of the patient differ in the study.

    Checks: that the first stored instance of the study (if any has a Patient ID, the first that has one) has the same
    Patient's Name (0010,0010), Birth Date (0010,0030) and Sex (0010,0040). Names are compared without regard to case,
    spaces, carets, and the Unicode form of accents.

    Why: if one Patient ID has two names, the images may be of two patients.

    Exceptions: an empty value contradicts nothing, and neither does a name without the ideographic or phonetic
    component group, because much equipment can write Latin letters only. A sex in small letters, or a birth date with
    points between its parts, as old equipment writes them, makes no difference. If the Patient ID differs too, ENT-202
    fires instead of this rule.

    What to do: find out which of the two is right; most often the name was completed or corrected between two series.
    Correct the other one in the archive.
    """
    return _in_study_of_one_patient(subject, snapshot, _DEMOGRAPHICS)


@pairwise_rule("ENT-209", grades(*_INFO, accession=_WARN), reference="PS3.3 C.7.2.1")
def study_attributes_differ(subject: Subject, snapshot: Snapshot) -> Outcome:
    """Attributes of the study differ in it.

    Checks: that the first stored instance of the study (if any has a Patient ID, the first that has one) has the same
    Study Date, Study Time, Study ID and Study Description. The case `accession`: the Accession Number (0008,0050)
    differs.

    Why: these attributes are those of the study. Two Accession Numbers are two orders, and a report goes to one of
    them.

    Exceptions: an empty value contradicts nothing. Some equipment writes another Study Time into each series. If the
    Patient ID differs too, ENT-202 fires instead of this rule.

    What to do: for the Accession Number, find out which order the images belong to, and whether two orders were meant
    to be done in one study. Otherwise nothing.
    """
    names = differing(_STUDY, subject.tracked.study, snapshot.study) or ()
    return _in_study_of_one_patient(subject, snapshot, _STUDY, "accession" if "accession_number" in names else "")


@pairwise_rule(
    "ENT-210", grades(*_WARN, station=(Severity.INFO, Severity.WARN)), reference="PS3.3 C.7.5.1"
)  # fmt: skip
def equipment_differs_in_series(subject: Subject, snapshot: Snapshot) -> Outcome:
    """The equipment differs in the series.

    Checks: that the first stored instance of the series has the same Manufacturer (0008,0070) and Device Serial Number
    (0018,1000). The case `station`: only Manufacturer's Model Name (0008,1090) or Station Name (0008,1010) differs.

    Why: all instances of a series come from one piece of equipment, and these attributes identify it. (UIDs do not, so
    they are not used for this.)

    Exceptions: an empty value contradicts nothing, and neither does another case: `SIEMENS` and `Siemens`.

    What to do: find the program that added instances to the series, or that replaced the equipment's name with its own:
    what it derives belongs into a series of its own.
    """
    mine, series = subject.tracked.series, series_reference(subject, snapshot)
    names = differing(_EQUIPMENT, mine, series)
    case = "station" if names and _DEVICE.isdisjoint(names) else ""
    return outcome(_EQUIPMENT, names, mine, series, case)


def _in_series(subject: Subject, snapshot: Snapshot, labels: Labels, case: str = "") -> Outcome:
    mine, series = subject.tracked.series, series_reference(subject, snapshot)
    return outcome(labels, differing(labels, mine, series), mine, series, case)


def _in_study_of_one_patient(subject: Subject, snapshot: Snapshot, labels: Labels, case: str = "") -> Outcome:
    """Compare with the study, unless it is of another patient: ENT-202 says so, and other differences add nothing."""
    mine: Mapping[str, str] = subject.tracked.study
    if differing(_IDENTITY, mine, snapshot.study):
        return Answer.NOT_APPLICABLE
    return outcome(labels, differing(labels, mine, snapshot.study), mine, snapshot.study, case)


RULES: Final = (
    series_in_two_studies,
    study_of_two_patients,
    series_of_two_modalities,
    series_with_two_frames_of_reference,
    series_with_mixed_sop_classes,
    series_labels_differ,
    series_attributes_differ,
    demographics_differ_in_study,
    study_attributes_differ,
    equipment_differs_in_series,
)
