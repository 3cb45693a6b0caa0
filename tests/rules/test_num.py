"""NUM: Instance Numbers, alone and beside those that are stored already."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    ColorPaletteStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    EnhancedMRImageStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    NuclearMedicineImageStorage,
    OphthalmicPhotography8BitImageStorage,
    PositronEmissionTomographyImageStorage,
    RawDataStorage,
    RTBeamsTreatmentRecordStorage,
    RTDoseStorage,
    RTImageStorage,
    RTPlanStorage,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    SpatialRegistrationStorage,
    TwelveLeadECGWaveformStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    VLEndoscopicImageStorage,
    VLWholeSlideMicroscopyImageStorage,
)

from scp.audit.finding import Answer, Problem, Severity
from scp.audit.rule import Subject
from scp.audit.rules.num import RULES, STACKED, TYPE_1, UNIQUE
from scp.audit.snapshot import Neighbour, Snapshot
from scp.dicom import tags as t
from scp.dicom.part10 import Part10, read_file
from scp.dicom.sop_classes import IMAGES, Kind
from scp.dicom.status import Status
from tests.corpus import SERIES, Series, files_of
from tests.rules.builders import (
    Case,
    after,
    fires,
    image,
    mr_image,
    neighbour,
    outcome_of,
    quiet,
    raw,
    subject,
    subject_of_bytes,
)

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
STANDALONE_CURVE, STANDALONE_VOI_LUT = "1.2.840.10008.5.1.4.1.1.9", "1.2.840.10008.5.1.4.1.1.11"
PRIVATE_CLASS = "1.3.12.2.1107.5.9.1"
CONCATENATION, ANOTHER = "1.2.826.0.1.1.5", "1.2.826.0.1.1.6"


def numbered(value: bytes) -> Subject:
    """A CT slice whose Instance Number is written byte by byte."""
    return subject(raw(image(), InstanceNumber=value))


def of(sop_class_uid: str, **changes: object) -> Subject:
    """An object of a class, with the attributes that these rules look at."""
    return subject(image(SOPClassUID=sop_class_uid, **changes))


def without_number(sop_class_uid: str) -> Subject:
    return of(sop_class_uid, InstanceNumber=None)


def palette() -> Subject:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = ColorPaletteStorage, "1.2.840.10008.1.5.1"
    return subject(ds)


def part(number: int | None, concatenation: str = CONCATENATION) -> Subject:
    """A member of a Concatenation; all have Instance Number 1."""
    changes = {} if number is None else {"InConcatenationNumber": number}
    return of(EnhancedMRImageStorage, ConcatenationUID=concatenation, **changes)


def pet(**changes: object) -> Subject:
    return of(PositronEmissionTomographyImageStorage, **changes)


PAGE: dict[str, Any] = {
    "ImageType": ["DERIVED", "SECONDARY"], "ImagePositionPatient": ["0"] * 3, "ImageOrientationPatient": ["0"] * 6,
    "PixelSpacing": None,
}  # fmt: skip
SCOUT: dict[str, Any] = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
FROM_THE_SIDE: dict[str, Any] = SCOUT | {"ImageOrientationPatient": ["0", "1", "0", "0", "0", "-1"]}
ELSEWHERE: dict[str, Any] = {"ImagePositionPatient": ["0", "0", "20"]}
NOWHERE: dict[str, Any] = {"ImagePositionPatient": None, "ImageOrientationPatient": None}
SIDEWAYS: dict[str, Any] = {"ImageOrientationPatient": ["0", "1", "0", "0", "0", "-1"]}
HARDLY_TURNED: dict[str, Any] = {"ImageOrientationPatient": ["1", "0", "0", "0", "0.99997", "0.008"]}
CINE: dict[str, Any] = {"TriggerTime": "31.5", "CardiacNumberOfImages": "25"}
SINGLE: dict[str, Any] = {"CardiacNumberOfImages": "1"}
CASES = [
    fires("NUM-001", "decimal", lambda: numbered(b"1.0 ")),
    fires("NUM-001", "text", lambda: numbered(b"one ")),
    fires("NUM-001", "two-values", lambda: numbered(b"1\\2 ")),
    fires("NUM-001", "13-bytes", lambda: numbered(b"0000000000001 ")),
    fires("NUM-001", "33-bits", lambda: numbered(b"2147483648")),
    fires("NUM-001", "33-bits-negative", lambda: numbered(b"-2147483649 ")),
    quiet("NUM-001", "largest", lambda: numbered(b"2147483647")),
    quiet("NUM-001", "smallest", lambda: numbered(b"-2147483648 ")),
    quiet("NUM-001", "12-bytes", lambda: numbered(b"000000000001")),
    quiet("NUM-001", "zero", lambda: numbered(b"0 ")),
    quiet("NUM-001", "plus-and-spaces", lambda: numbered(b" +7 ")),
    quiet("NUM-001", "empty", lambda: numbered(b"")),
    quiet("NUM-001", "padded-with-nuls", lambda: numbered(b"7\0\0\0")),
    quiet("NUM-001", "only-nuls", lambda: numbered(b"\0\0")),
    fires("NUM-002", "enhanced", lambda: without_number(EnhancedMRImageStorage)),
    fires("NUM-002", "slide", lambda: without_number(VLWholeSlideMicroscopyImageStorage)),
    fires("NUM-002", "segmentation", lambda: without_number(SegmentationStorage)),
    fires("NUM-002", "report", lambda: without_number(BASIC_TEXT_SR)),
    fires("NUM-002", "key-object", lambda: without_number(KeyObjectSelectionDocumentStorage)),
    fires("NUM-002", "presentation-state", lambda: without_number(GrayscaleSoftcopyPresentationStateStorage)),
    fires("NUM-002", "registration", lambda: without_number(SpatialRegistrationStorage)),
    fires("NUM-002", "encapsulated", lambda: without_number(EncapsulatedPDFStorage)),
    fires("NUM-002", "waveform", lambda: without_number(TwelveLeadECGWaveformStorage)),
    fires("NUM-002", "treatment-record", lambda: without_number(RTBeamsTreatmentRecordStorage)),
    fires("NUM-002", "empty", lambda: subject(raw(image(SOPClassUID=BASIC_TEXT_SR), InstanceNumber=b"  "))),
    fires("NUM-002", "ct", lambda: without_number(CTImageStorage), "optional"),
    fires("NUM-002", "raw-data", lambda: without_number(RawDataStorage), "optional"),
    fires("NUM-002", "dose", lambda: without_number(RTDoseStorage), "optional"),
    fires("NUM-002", "structure-set", lambda: without_number(RTStructureSetStorage), "optional"),
    fires("NUM-002", "plan", lambda: without_number(RTPlanStorage), "optional"),
    quiet("NUM-002", "zero", lambda: subject(image(SOPClassUID=BASIC_TEXT_SR, InstanceNumber="0"))),
    quiet("NUM-002", "malformed", lambda: numbered(b"x "), "optional"),
    quiet("NUM-002", "private", lambda: without_number(PRIVATE_CLASS)),
    quiet("NUM-002", "palette", palette),
    fires("NUM-002", "standalone-curve", lambda: without_number(STANDALONE_CURVE), "optional"),
    fires("NUM-002", "standalone-voi-lut", lambda: without_number(STANDALONE_VOI_LUT), "optional"),
    fires("NUM-002", "only-nuls", lambda: subject(raw(image(SOPClassUID=BASIC_TEXT_SR), InstanceNumber=b"\0\0"))),
    fires("NUM-003", "enhanced", lambda: of(EnhancedMRImageStorage),
          snapshot=lambda: after(of(EnhancedMRImageStorage))),
    fires("NUM-003", "raw-data", lambda: of(RawDataStorage), snapshot=lambda: after(of(RawDataStorage))),
    fires("NUM-003", "pdf", lambda: of(EncapsulatedPDFStorage), snapshot=lambda: after(of(EncapsulatedPDFStorage))),
    fires("NUM-003", "raw-data-beside-enhanced", lambda: of(RawDataStorage),
          snapshot=lambda: after(of(EnhancedMRImageStorage))),
    fires("NUM-003", "two-concatenations", lambda: part(1), snapshot=lambda: after(part(2, ANOTHER))),
    fires("NUM-003", "concatenation-and-single", lambda: part(1), snapshot=lambda: after(of(EnhancedMRImageStorage))),
    fires("NUM-003", "same-part-twice", lambda: part(2), snapshot=lambda: after(part(2))),
    quiet("NUM-003", "two-parts", lambda: part(2), snapshot=lambda: after(part(1))),
    quiet("NUM-003", "parts-without-number", lambda: part(None), snapshot=lambda: after(part(None))),
    quiet("NUM-003", "first-of-its-number", lambda: of(RawDataStorage)),
    quiet("NUM-003", "raw-data-beside-classic", lambda: of(RawDataStorage),
          snapshot=lambda: after(subject(mr_image()))),
    quiet("NUM-003", "no-number", lambda: without_number(RawDataStorage),
          snapshot=lambda: after(of(RawDataStorage))),
    quiet("NUM-003", "classic", lambda: subject(image()), snapshot=lambda: after(subject(image()))),
    fires("NUM-004", "ct", lambda: subject(image()), snapshot=lambda: after(subject(image()))),
    fires("NUM-004", "ct-at-another-position", lambda: subject(image(ImagePositionPatient=["0", "0", "12.5"])),
          snapshot=lambda: after(subject(image()))),
    fires("NUM-004", "mr", lambda: subject(mr_image()), snapshot=lambda: after(subject(mr_image()))),
    fires("NUM-004", "mr-echo-time-written-otherwise", lambda: subject(mr_image(EchoTime="5.10")),
          snapshot=lambda: after(subject(mr_image(EchoTime="5.1")))),
    fires("NUM-004", "pet", lambda: pet(ImageIndex=5), snapshot=lambda: after(pet(ImageIndex=5))),
    fires("NUM-004", "pet-without-index", pet, "unindexed", snapshot=lambda: after(pet())),
    quiet("NUM-004", "pet-of-another-time-without-index", lambda: pet(TemporalPositionIdentifier="2"), "unindexed",
          snapshot=lambda: after(pet(TemporalPositionIdentifier="1"))),
    fires("NUM-004", "secondary-capture", lambda: of(SecondaryCaptureImageStorage), "other",
          snapshot=lambda: after(of(SecondaryCaptureImageStorage))),
    fires("NUM-004", "ultrasound", lambda: of(UltrasoundImageStorage), "other",
          snapshot=lambda: after(of(UltrasoundImageStorage))),
    fires("NUM-004", "nuclear-medicine", lambda: of(NuclearMedicineImageStorage), "other",
          snapshot=lambda: after(of(NuclearMedicineImageStorage))),
    fires("NUM-004", "pages", lambda: subject(image(**PAGE)), "other",
          snapshot=lambda: after(subject(image(**PAGE)))),
    fires("NUM-004", "scout-from-the-side", lambda: subject(image(**FROM_THE_SIDE)), "other",
          snapshot=lambda: after(subject(image(**SCOUT)))),
    fires("NUM-004", "scout-elsewhere", lambda: subject(image(**SCOUT | ELSEWHERE)), "other",
          snapshot=lambda: after(subject(image(**SCOUT)))),
    fires("NUM-004", "localizer-of-mr-in-another-plane", lambda: subject(mr_image(**SIDEWAYS)), "anew",
          snapshot=lambda: after(subject(mr_image()))),
    fires("NUM-004", "localizer-of-mr-in-two-planes-and-one-of-them", lambda: subject(mr_image(**ELSEWHERE)),
          snapshot=lambda: replace(
              after(subject(mr_image(**SIDEWAYS))),
              neighbours=(neighbour(subject(mr_image(**SIDEWAYS))), neighbour(subject(mr_image()))))),
    fires("NUM-004", "mr-hardly-turned", lambda: subject(mr_image(**HARDLY_TURNED)),
          snapshot=lambda: after(subject(mr_image()))),
    fires("NUM-004", "mr-that-does-not-say-how-it-lies", lambda: subject(mr_image(ImageOrientationPatient=None)),
          snapshot=lambda: after(subject(mr_image()))),
    fires("NUM-004", "mr-at-the-next-station", lambda: subject(mr_image(ImagePositionPatient=["0", "1", "10"])), "anew",
          snapshot=lambda: after(subject(mr_image()))),
    fires("NUM-004", "mr-at-the-station-beside", lambda: subject(mr_image(ImagePositionPatient=["-1", "0", "12"])),
          "anew", snapshot=lambda: after(subject(mr_image()))),
    fires("NUM-004", "mr-hardly-beside", lambda: subject(mr_image(ImagePositionPatient=["0.9", "0.9", "10"])),
          snapshot=lambda: after(subject(mr_image()))),
    fires("NUM-004", "mr-beside-of-unknown-size",
          lambda: subject(mr_image(ImagePositionPatient=["0", "50", "10"], Rows=None, PixelSpacing=["0.5", "0.5"])),
          snapshot=lambda: after(subject(mr_image()))),
    fires("NUM-004", "mr-beside-without-spacing",
          lambda: subject(mr_image(ImagePositionPatient=["0", "50", "10"], PixelSpacing=None)),
          snapshot=lambda: after(subject(mr_image()))),
    fires("NUM-004", "ct-beside", lambda: subject(image(ImagePositionPatient=["0", "1", "10"])),
          snapshot=lambda: after(subject(image()))),
    fires("NUM-004", "cine-numbered-at-each-place", lambda: subject(mr_image(**CINE | ELSEWHERE)), "anew",
          snapshot=lambda: after(subject(mr_image(**CINE)))),
    fires("NUM-004", "cine-at-the-same-place", lambda: subject(mr_image(**CINE)),
          snapshot=lambda: after(subject(mr_image(**CINE)))),
    fires("NUM-004", "cine-numbered-on", lambda: subject(mr_image(**CINE | ELSEWHERE, InstanceNumber="26")),
          snapshot=lambda: after(subject(mr_image(**CINE, InstanceNumber="26")))),
    fires("NUM-004", "cine-of-one-image", lambda: subject(mr_image(**CINE | ELSEWHERE | SINGLE)),
          snapshot=lambda: after(subject(mr_image(**CINE | SINGLE)))),
    fires("NUM-004", "cine-that-states-no-times", lambda: subject(mr_image(CardiacNumberOfImages="25", **ELSEWHERE)),
          snapshot=lambda: after(subject(mr_image(CardiacNumberOfImages="25")))),
    fires("NUM-004", "cine-that-does-not-say-how-long-it-is",
          lambda: subject(mr_image(TriggerTime="31.5", **ELSEWHERE)), "anew",
          snapshot=lambda: after(subject(mr_image(TriggerTime="31.5")))),
    fires("NUM-004", "dynamic-volume-with-trigger-times",
          lambda: subject(mr_image(TriggerTime="2000", TemporalPositionIdentifier="2", **ELSEWHERE)),
          snapshot=lambda: after(subject(mr_image(TriggerTime="2000", TemporalPositionIdentifier="2")))),
    fires("NUM-004", "no-cine-with-trigger-times",
          lambda: subject(mr_image(TriggerTime="2000", CardiacNumberOfImages="0", **ELSEWHERE)),
          snapshot=lambda: after(subject(mr_image(TriggerTime="2000", CardiacNumberOfImages="0")))),
    fires("NUM-004", "ct-with-trigger-times",
          lambda: subject(image(TriggerTime="2000", **ELSEWHERE)),
          snapshot=lambda: after(subject(image(TriggerTime="2000")))),
    fires("NUM-004", "number-is-the-temporal-position",
          lambda: subject(mr_image(TemporalPositionIdentifier="1", **ELSEWHERE)), "anew",
          snapshot=lambda: after(subject(mr_image(TemporalPositionIdentifier="1")))),
    fires("NUM-004", "number-is-the-temporal-index",
          lambda: subject(mr_image(TemporalPositionIndex=1, **ELSEWHERE)), "anew",
          snapshot=lambda: after(subject(mr_image(TemporalPositionIndex=1)))),
    quiet("NUM-004", "cine-of-another-phase", lambda: subject(mr_image(**CINE | ELSEWHERE | {"TriggerTime": "63"})),
          "anew", snapshot=lambda: after(subject(mr_image(**CINE)))),
    fires("NUM-004", "number-is-not-the-temporal-position",
          lambda: subject(mr_image(TemporalPositionIdentifier="2", **ELSEWHERE)),
          snapshot=lambda: after(subject(mr_image(TemporalPositionIdentifier="2")))),
    quiet("NUM-004", "same-place-at-another-time", lambda: subject(image(AcquisitionTime="101200")),
          snapshot=lambda: after(subject(image(AcquisitionTime="101201")))),
    fires("NUM-004", "another-place-at-another-time", lambda: subject(image(AcquisitionTime="101200", **ELSEWHERE)),
          snapshot=lambda: after(subject(image(AcquisitionTime="101201")))),
    fires("NUM-004", "same-place-at-the-same-time", lambda: subject(image(AcquisitionTime="101200")),
          snapshot=lambda: after(subject(image(AcquisitionTime="1012")))),
    fires("NUM-004", "same-place-of-which-one-has-no-time", lambda: subject(image(AcquisitionTime="101200")),
          snapshot=lambda: after(subject(image()))),
    fires("NUM-004", "nowhere-at-another-time",
          lambda: subject(mr_image(AcquisitionTime="101200", **NOWHERE)),
          snapshot=lambda: after(subject(mr_image(AcquisitionTime="101201", **NOWHERE)))),
    quiet("NUM-004", "next-respiratory-phase", lambda: subject(image(NominalPercentageOfRespiratoryPhase=50.0)),
          snapshot=lambda: after(subject(image(NominalPercentageOfRespiratoryPhase=0.0)))),
    fires("NUM-004", "scout-at-the-same-place", lambda: subject(image(**SCOUT)),
          snapshot=lambda: after(subject(image(**SCOUT)))),
    fires("NUM-004", "slices-without-a-plane", lambda: subject(image(**PAGE | {"ImageType": ["ORIGINAL", "PRIMARY"]})),
          snapshot=lambda: after(subject(image(**PAGE | {"ImageType": ["ORIGINAL", "PRIMARY"]})))),
    quiet("NUM-004", "second-echo", lambda: subject(mr_image(EchoTime="7.56", EchoNumbers="2")),
          snapshot=lambda: after(subject(mr_image(EchoTime="5.1", EchoNumbers="1")))),
    quiet("NUM-004", "phase-image", lambda: subject(mr_image(ImageType=["ORIGINAL", "PRIMARY", "P"])),
          snapshot=lambda: after(subject(mr_image()))),
    quiet("NUM-004", "next-gradient-direction",
          lambda: subject(mr_image(DiffusionBValue=1000.0, DiffusionGradientOrientation=[0.0, 1.0, 0.0])),
          snapshot=lambda: after(
              subject(mr_image(DiffusionBValue=1000.0, DiffusionGradientOrientation=[1.0, 0.0, 0.0])))),
    quiet("NUM-004", "other-tube-voltage", lambda: subject(image(KVP="140")),
          snapshot=lambda: after(subject(image(KVP="80")))),
    quiet("NUM-004", "next-cardiac-phase", lambda: subject(image(NominalPercentageOfCardiacPhase=75.0)),
          snapshot=lambda: after(subject(image(NominalPercentageOfCardiacPhase=40.0)))),
    quiet("NUM-004", "next-acquisition", lambda: subject(image(AcquisitionNumber="2")),
          snapshot=lambda: after(subject(image()))),
    quiet("NUM-004", "gated-pet", lambda: pet(ImageIndex=48), snapshot=lambda: after(pet(ImageIndex=1))),
    quiet("NUM-004", "second-screen", lambda: of(SecondaryCaptureImageStorage, AcquisitionNumber="2"), "other",
          snapshot=lambda: after(of(SecondaryCaptureImageStorage))),
    quiet("NUM-004", "first-of-its-number", lambda: subject(image())),
    quiet("NUM-004", "no-number", lambda: subject(image(InstanceNumber=None)),
          snapshot=lambda: after(subject(image(InstanceNumber=None)))),
    quiet("NUM-004", "malformed", lambda: numbered(b"x "), snapshot=lambda: after(numbered(b"x "))),
    quiet("NUM-004", "dose-of-each-beam", lambda: of(RTDoseStorage), snapshot=lambda: after(of(RTDoseStorage))),
    quiet("NUM-004", "enhanced", lambda: of(EnhancedMRImageStorage),
          snapshot=lambda: after(of(EnhancedMRImageStorage))),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_on_its_problem_and_on_nothing_else(case: Case) -> None:
    outcome = outcome_of(RULES, case)

    assert isinstance(outcome, Problem) is case.fires
    if isinstance(outcome, Problem):
        assert outcome.case == case.case
        assert outcome.tags == (t.INSTANCE_NUMBER,)


def found_by(code: str, judged: Subject, snapshot: Snapshot | None = None) -> Problem:
    outcome = outcome_of(RULES, Case(code, "", True, lambda: judged, lambda: snapshot or Snapshot()))
    assert isinstance(outcome, Problem)
    return outcome


def test_a_message_never_holds_the_malformed_text() -> None:
    assert "Doe" not in found_by("NUM-001", numbered(b"Doe ")).message


def test_a_repeated_number_names_the_other_instance_and_says_where() -> None:
    taken = after(subject(image(SOPInstanceUID="1.2.826.0.1.1.1.2")))
    problem = found_by("NUM-004", subject(image()), taken)

    assert problem.message == "Instance Number 1 is taken in the stack"
    assert problem.found == 1
    assert problem.other == taken.neighbours[0].other


def test_the_instance_that_takes_the_number_is_found_among_others_that_do_not() -> None:
    other_echo, same = subject(mr_image(EchoTime="9")), subject(mr_image(SOPInstanceUID="1.2.826.0.1.1.1.3"))
    taken = Snapshot(neighbours=(neighbour(other_echo), neighbour(same)))

    assert found_by("NUM-004", subject(mr_image()), taken).other == neighbour(same).other


def test_every_image_has_its_number_judged_by_one_of_the_two_rules_at_most() -> None:
    assert not UNIQUE & STACKED
    assert {Kind.RT_DOSE} == IMAGES - UNIQUE - STACKED
    assert {Kind.RAW} == UNIQUE - TYPE_1


@pytest.mark.parametrize(
    "sop_class_uid",
    [
        DigitalMammographyXRayImageStorageForPresentation, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage,
        SecondaryCaptureImageStorage, NuclearMedicineImageStorage, RTImageStorage, VLEndoscopicImageStorage,
        OphthalmicPhotography8BitImageStorage,
    ],
)  # fmt: skip
def test_views_and_stills_that_are_all_numbered_1_are_only_noted(sop_class_uid: str) -> None:
    problem = found_by("NUM-004", of(sop_class_uid), after(of(sop_class_uid)))

    assert RULES[3].grade(problem.case) == (Severity.INFO, Severity.WARN)


def test_pet_without_image_index_is_warned_of() -> None:
    assert RULES[3].grade(found_by("NUM-004", pet(), after(pet())).case) == (Severity.WARN, Severity.WARN)


def test_only_ct_mr_and_pet_are_refused_for_a_repeated_number() -> None:
    refusing = [
        (rule.code, case) for rule in RULES for case in rule.grades if rule.grade(case).standard is Severity.REFUSE
    ]

    assert refusing == [("NUM-004", "")]
    assert RULES[3].status("") is Status.INSTANCE_NUMBER_REPEATED_IN_STACK


def stored_objects(paths: Sequence[Path]) -> list[Subject]:
    """The instances of some files, each as if it had been sent."""
    subjects = []
    for path in paths:
        data = path.read_bytes()
        parts = read_file(data)
        assert isinstance(parts, Part10)
        subjects.append(subject_of_bytes(data[parts.offset :], parts.transfer_syntax))
    return subjects


def taken_numbers(subjects: list[Subject]) -> list[Problem]:
    """What the two rules say when instances come in this order and all are stored."""
    stored: dict[tuple[str, object], list[Neighbour]] = defaultdict(list)
    problems = []
    for judged in subjects:
        same_number = stored[judged.facts.series_instance_uid, judged.facts.instance_number]
        snapshot = Snapshot(neighbours=tuple(same_number))
        for rule in RULES:
            if rule.pairwise and judged.facts.kind in (rule.kinds or ()):
                outcome = rule.pairwise(judged, snapshot)
                problems += [outcome] if isinstance(outcome, Problem) else []
        same_number.append(neighbour(judged))
    return problems


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.folder)
def test_no_number_of_a_real_series_is_taken_in_whatever_order_it_comes(series: Series) -> None:
    subjects = stored_objects(series.paths)
    shuffled = random.Random(series.folder).sample(subjects, len(subjects))

    assert taken_numbers(subjects) == taken_numbers(subjects[::-1]) == taken_numbers(shuffled) == []


def test_the_corpus_does_hold_a_series_that_repeats_its_numbers() -> None:
    numbers = [judged.facts.instance_number for judged in stored_objects(files_of("mr_fieldmap_siemens_dupinum"))]

    assert len(set(numbers)) * 2 == len(numbers)


def test_the_answer_to_a_missing_prerequisite_is_not_applicable() -> None:
    assert outcome_of(RULES, Case("NUM-004", "", False, lambda: numbered(b"x "))) is Answer.NOT_APPLICABLE
    assert outcome_of(RULES, Case("NUM-001", "", False, lambda: numbered(b""))) is Answer.NOT_APPLICABLE
