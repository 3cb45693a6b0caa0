"""ENT: what the instances of one series, or of one study, contradict each other in."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydicom.uid import (
    ComprehensiveSRStorage,
    DigitalXRayImageStorageForPresentation,
    EnhancedMRImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RawDataStorage,
    RTImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    VLWholeSlideMicroscopyImageStorage,
)

from scp.audit.finding import Answer, Problem, Severity
from scp.audit.rule import Subject
from scp.audit.rules.ent import RULES
from scp.audit.snapshot import Reference, Snapshot
from scp.audit.tracked import SERIES as SERIES_ATTRIBUTES
from scp.audit.tracked import STUDY as STUDY_ATTRIBUTES
from scp.dicom import tags as t
from scp.dicom.status import Status
from tests.corpus import SERIES, Series
from tests.rules.arrivals import arrivals, subjects_of
from tests.rules.builders import Case, after, fires, image, other, outcome_of, quiet, subject

PET, US, US_LOOP = PositronEmissionTomographyImageStorage, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage
SLIDE, SR, RAW = VLWholeSlideMicroscopyImageStorage, ComprehensiveSRStorage, RawDataStorage
OTHER_STUDY: dict[str, Any] = {"StudyInstanceUID": "1.2.826.0.1.2"}
PORTAL: dict[str, Any] = {"SOPClassUID": RTImageStorage}
FILM: dict[str, Any] = {"SOPClassUID": DigitalXRayImageStorageForPresentation}
OTHER_FRAME: dict[str, Any] = {"FrameOfReferenceUID": "1.2.826.0.1.1.10"}


def slice_with(**changes: Any) -> Callable[[], Subject]:
    return lambda: subject(image(**changes))


def behind(first: Callable[[], Subject]) -> Callable[[], Snapshot]:
    return lambda: after(first())


def row(
    code: str, what: str, first: dict[str, Any], second: dict[str, Any], case: str | None = None, beside: str = ""
) -> Any:
    """An entry: one comes after another of its study and series; with a case the rule fires.

    Without one it is quiet, on what is nearly the case ``beside``.
    """
    name, judged, snapshot = what.replace(" ", "-"), slice_with(**second), behind(slice_with(**first))
    if case is None:
        return quiet(code, name, judged, beside, snapshot=snapshot)
    return fires(code, name, judged, case, snapshot=snapshot)


def both(code: str, what: str, case: str, first: dict[str, Any], second: dict[str, Any]) -> list[Any]:
    """Entries: the rule fires when these come after each other, either way; and not if either is empty or the same."""
    empty: dict[str, Any] = dict.fromkeys(first, "")
    return [
        row(code, what, first, second, case),
        row(code, f"{what} the other way", second, first, case),
        row(code, f"the same {what}", second, second, beside=case),
        row(code, f"no {what} before", empty, second, beside=case),
        row(code, f"no {what} now", first, empty, beside=case),
    ]


CASES = [
    row("ENT-201", "another study", {}, OTHER_STUDY, ""),
    row("ENT-201", "the same study", OTHER_STUDY, OTHER_STUDY),
    row("ENT-201", "no study before", {"StudyInstanceUID": ""}, {}),
    row("ENT-201", "no study now", {}, {"StudyInstanceUID": ""}),
    quiet("ENT-201", "first-of-its-series", slice_with()),
    *both("ENT-202", "patient", "", {"PatientID": "P1"}, {"PatientID": "P2"}),
    row("ENT-202", "the same with padding", {"PatientID": "P1"}, {"PatientID": " P1  "}),
    row("ENT-202", "another issuer", {"IssuerOfPatientID": "A"}, {"IssuerOfPatientID": "B"}, ""),
    row("ENT-202", "an issuer now", {}, {"IssuerOfPatientID": "B"}),
    row("ENT-202", "an issuer before", {"IssuerOfPatientID": "B"}, {}),
    quiet("ENT-202", "first-of-its-study", slice_with()),
    *both("ENT-203", "modality", "", {"Modality": "CT"}, {"Modality": "SR"}),
    quiet("ENT-203", "first-of-its-series", slice_with()),
    *both("ENT-204", "frame", "", {"FrameOfReferenceUID": "1.2.826.0.1.1.9"}, OTHER_FRAME),
    row("ENT-204", "mr", {"SOPClassUID": MRImageStorage}, {"SOPClassUID": MRImageStorage} | OTHER_FRAME, ""),
    row("ENT-204", "pet", {"SOPClassUID": PET}, {"SOPClassUID": PET} | OTHER_FRAME, ""),
    row("ENT-204", "slide", {"SOPClassUID": SLIDE}, {"SOPClassUID": SLIDE} | OTHER_FRAME, "other"),
    row("ENT-204", "slide of one frame", {"SOPClassUID": SLIDE}, {"SOPClassUID": SLIDE}, beside="other"),
    row("ENT-204", "ultrasound", {"SOPClassUID": US}, {"SOPClassUID": US} | OTHER_FRAME, "other"),
    row("ENT-204", "enhanced", {"SOPClassUID": EnhancedMRImageStorage},
        {"SOPClassUID": EnhancedMRImageStorage} | OTHER_FRAME, "other"),
    *both("ENT-205", "class", "", {"SOPClassUID": US}, {"SOPClassUID": US_LOOP}),
    row("ENT-205", "mr with raw data", {"SOPClassUID": MRImageStorage}, {"SOPClassUID": RAW}, ""),
    row("ENT-205", "image after report", {"SOPClassUID": SR}, {}, "report"),
    row("ENT-205", "report after image", {}, {"SOPClassUID": SR}, "report"),
    row("ENT-205", "report after raw data", {"SOPClassUID": RAW}, {"SOPClassUID": SR}, ""),
    quiet("ENT-205", "two-reports", slice_with(SOPClassUID=SR), "report", snapshot=behind(slice_with(SOPClassUID=SR))),
    quiet("ENT-205", "first-of-its-series", slice_with()),
    *both("ENT-206", "number", "", {"SeriesNumber": "2"}, {"SeriesNumber": "3"}),
    row("ENT-206", "number written otherwise", {"SeriesNumber": "2"}, {"SeriesNumber": "+02"}),
    *both("ENT-206", "laterality", "label", {"Laterality": "L"}, {"Laterality": "R"}),
    *both("ENT-206", "position", "label", {"PatientPosition": "HFS"}, {"PatientPosition": "FFS"}),
    row("ENT-206", "portal images of two positions", PORTAL | {"PatientPosition": "HFS"},
        PORTAL | {"PatientPosition": "HFP"}),
    row("ENT-206", "films of two positions", FILM | {"PatientPosition": "HFS"}, FILM | {"PatientPosition": "HFP"}),
    row("ENT-206", "films of two sides", FILM | {"Laterality": "L"}, FILM | {"Laterality": "R"}, "label"),
    row("ENT-206", "number and position", {"PatientPosition": "HFS"},
        {"PatientPosition": "FFS", "SeriesNumber": "3"}, ""),
    *both("ENT-207", "time", "", {"SeriesTime": "101113"}, {"SeriesTime": "101114"}),
    *both("ENT-207", "date", "", {"SeriesDate": "20260102"}, {"SeriesDate": "20260103"}),
    *both("ENT-207", "description", "", {"SeriesDescription": "a"}, {"SeriesDescription": "b"}),
    *both("ENT-207", "protocol", "", {"ProtocolName": "a"}, {"ProtocolName": "b"}),
    *both("ENT-207", "physician", "", {"PerformingPhysicianName": "A^B"}, {"PerformingPhysicianName": "A^C"}),
    *both("ENT-207", "operator", "", {"OperatorsName": "A^B"}, {"OperatorsName": "A^C"}),
    *both("ENT-207", "body part", "", {"BodyPartExamined": "HEAD"}, {"BodyPartExamined": "NECK"}),
    *both("ENT-208", "name", "", {"PatientName": "Test^Case"}, {"PatientName": "Other^Case"}),
    row("ENT-208", "marks of their own", {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Mu\u0308ller"},
        {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "M\u00fcller"}),
    row("ENT-208", "letters of full width", {"PatientName": "Yamada^T"},
        {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "\uff39\uff21\uff2d\uff21\uff24\uff21^T"}),
    row("ENT-208", "name written otherwise", {"PatientName": "Test^Case"}, {"PatientName": "TEST CASE^^"}),
    row("ENT-208", "accents as characters of their own",
        {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "M\u00fcller^J\u00f6rg"},
        {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Mu\u0308ller^Jo\u0308rg"}),
    *both("ENT-208", "birth date", "", {"PatientBirthDate": "19700101"}, {"PatientBirthDate": "19700102"}),
    *both("ENT-208", "sex", "", {"PatientSex": "M"}, {"PatientSex": "F"}),
    row("ENT-208", "name in latin letters only", {"PatientName": "Y^T=B^C=D^E"}, {"PatientName": "Y^T"}),
    *both("ENT-208", "other ideographs", "", {"PatientName": "Y^T=B^C"}, {"PatientName": "Y^T=B^D=E^F"}),
    row("ENT-208", "name of another patient", {}, {"PatientName": "Other^Case", "PatientID": "P2"}),
    *both("ENT-209", "date", "", {"StudyDate": "20260102"}, {"StudyDate": "20260103"}),
    *both("ENT-209", "time", "", {"StudyTime": "101112"}, {"StudyTime": "101113"}),
    *both("ENT-209", "id", "", {"StudyID": "1"}, {"StudyID": "2"}),
    *both("ENT-209", "description", "", {"StudyDescription": "a"}, {"StudyDescription": "b"}),
    *both("ENT-209", "accession", "accession", {"AccessionNumber": "A1"}, {"AccessionNumber": "A2"}),
    row("ENT-209", "accession and time", {}, {"AccessionNumber": "A2", "StudyTime": "01"}, "accession"),
    row("ENT-209", "accession of another patient", {}, {"AccessionNumber": "A2", "PatientID": "P2"}),
    *both("ENT-210", "manufacturer", "", {"Manufacturer": "Maker"}, {"Manufacturer": "Other"}),
    *both("ENT-210", "serial", "", {"DeviceSerialNumber": "S1"}, {"DeviceSerialNumber": "S2"}),
    *both("ENT-210", "model", "station", {"ManufacturerModelName": "Model"}, {"ManufacturerModelName": "Other"}),
    *both("ENT-210", "station", "station", {"StationName": "CT1"}, {"StationName": "CT2"}),
    row("ENT-210", "maker in another case", {"Manufacturer": "SIEMENS"}, {"Manufacturer": "Siemens"}),
    row("ENT-210", "serial and station", {}, {"DeviceSerialNumber": "S2", "StationName": "CT2"}, ""),
    *(
        row(code, "another study too", {}, OTHER_STUDY | changes)
        for code, changes in (
            ("ENT-203", {"Modality": "SR"}), ("ENT-204", OTHER_FRAME), ("ENT-205", {"SOPClassUID": SR}),
            ("ENT-206", {"SeriesNumber": "3"}), ("ENT-207", {"SeriesTime": "01"}), ("ENT-210", {"StationName": "x"}),
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_on_its_problem_and_on_nothing_else(case: Case) -> None:
    outcome = outcome_of(RULES, case)

    assert isinstance(outcome, Problem) is case.fires
    if isinstance(outcome, Problem):
        assert outcome.case == case.case
        assert outcome.case in next(rule for rule in RULES if rule.code == case.code).grades
        assert outcome.tags
        assert outcome.other == other("1.2.826.0.1.1.1.1")
        assert not outcome.unstorable


def found_by(code: str, first: dict[str, Any], second: dict[str, Any]) -> Problem:
    outcome = outcome_of(RULES, Case(code, "", True, slice_with(**second), behind(slice_with(**first))))
    assert isinstance(outcome, Problem)
    return outcome


def test_without_anything_to_compare_with_the_rules_do_not_apply() -> None:
    for rule in RULES:
        assert rule.pairwise is not None
        assert rule.pairwise(subject(image()), Snapshot()) is Answer.NOT_APPLICABLE


def test_values_that_only_one_has_do_not_contradict_and_those_of_both_pass() -> None:
    judged = subject(image(Laterality="L"))
    for rule in RULES:
        assert rule.pairwise is not None
        assert rule.pairwise(judged, after(subject(image()))) is Answer.PASS
        assert rule.pairwise(judged, Snapshot(study=Reference(other(), {}), series=Reference(other(), {}))) is (
            Answer.NOT_APPLICABLE
        )


def test_a_series_that_is_stored_in_another_study_is_found_even_if_this_study_is_known() -> None:
    snapshot = after(subject(image()))
    assert snapshot.series is not None
    moved = replace(snapshot, series=replace(snapshot.series, parent="1.2.826.0.1.2"))
    outcome = outcome_of(RULES, Case("ENT-201", "", True, slice_with(), lambda: moved))
    assert isinstance(outcome, Problem)
    assert (outcome.expected, outcome.found) == ("1.2.826.0.1.2", "1.2.826.0.1.1")
    assert outcome.tags == (t.STUDY_INSTANCE_UID,)


@pytest.mark.parametrize(
    ("code", "changes", "message"),
    [
        ("ENT-201", OTHER_STUDY, "the series is stored in another study"),
        ("ENT-202", {"PatientID": "P2"}, "differs from the study: PatientID"),
        ("ENT-206", {"SeriesNumber": "3", "PatientPosition": "FFS"},
         "differs from the series: SeriesNumber, PatientPosition"),
        ("ENT-208", {"PatientName": "Doe^Jane", "PatientSex": "F"}, "differs from the study: PatientName, PatientSex"),
    ],
)  # fmt: skip
def test_a_message_names_the_attributes_and_no_values(code: str, changes: dict[str, Any], message: str) -> None:
    assert found_by(code, {}, changes).message == message


def test_a_finding_holds_both_values_but_not_of_what_is_personal() -> None:
    frame = found_by("ENT-204", {}, OTHER_FRAME)
    assert frame.expected == {"FrameOfReferenceUID": "1.2.826.0.1.1.9"}
    assert frame.found == {"FrameOfReferenceUID": "1.2.826.0.1.1.10"}
    mixed = found_by("ENT-207", {"BodyPartExamined": "HEAD"}, {"BodyPartExamined": "NECK", "SeriesTime": "01"})
    assert (mixed.expected, mixed.found) == ({"BodyPartExamined": "HEAD"}, {"BodyPartExamined": "NECK"})
    assert mixed.tags == (t.SERIES_TIME, t.BODY_PART_EXAMINED)
    for code, changes in (("ENT-202", {"PatientID": "P2"}), ("ENT-208", {"PatientSex": "F"})):
        personal = found_by(code, {}, changes)
        assert (personal.expected, personal.found) == (None, None)


def test_no_finding_ever_holds_a_fingerprint() -> None:
    """Whatever differs: fingerprints are for the ledger alone."""
    first = subject(image())
    study = {name: f"secret {name}" for name in STUDY_ATTRIBUTES}
    series = {name: f"secret {name}" for name, attribute in SERIES_ATTRIBUTES.items() if attribute.personal}
    judged = replace(first, tracked=first.tracked._replace(study=study, series={**first.tracked.series, **series}))
    stored = {name: value.upper() for name, value in (study | series).items()}
    snapshot = Snapshot(
        study=Reference(other(), stored), series=Reference(other(), stored, first.facts.study_instance_uid)
    )
    outcomes = [rule.pairwise(judged, snapshot) for rule in RULES if rule.pairwise]
    assert sum(isinstance(outcome, Problem) for outcome in outcomes) == 2
    assert "secret" not in repr(outcomes).lower()


def test_severities_and_statuses_are_those_of_the_catalogue() -> None:
    refuse, warn, info = Severity.REFUSE, Severity.WARN, Severity.INFO
    grades = {(rule.code, case): tuple(rule.grade(case)) for rule in RULES for case in rule.grades}
    assert grades == {
        ("ENT-201", ""): (refuse, refuse), ("ENT-202", ""): (refuse, refuse), ("ENT-203", ""): (refuse, refuse),
        ("ENT-204", ""): (refuse, refuse), ("ENT-204", "other"): (info, refuse),
        ("ENT-205", ""): (info, info), ("ENT-205", "report"): (warn, warn),
        ("ENT-206", ""): (warn, refuse), ("ENT-206", "label"): (warn, warn), ("ENT-207", ""): (info, info),
        ("ENT-208", ""): (warn, refuse), ("ENT-209", ""): (info, info), ("ENT-209", "accession"): (warn, warn),
        ("ENT-210", ""): (warn, warn), ("ENT-210", "station"): (info, warn),
    }  # fmt: skip
    statuses = {rule.code: rule.status("") for rule in RULES}
    assert statuses == {
        "ENT-201": Status.SERIES_IN_TWO_STUDIES, "ENT-202": Status.STUDY_OF_TWO_PATIENTS,
        "ENT-203": Status.SERIES_OF_TWO_MODALITIES, "ENT-204": Status.SERIES_OF_TWO_FRAMES_OF_REFERENCE,
        "ENT-205": Status.REFUSED_BY_SETTINGS, "ENT-206": Status.SERIES_LABELS_DIFFER,
        "ENT-207": Status.REFUSED_BY_SETTINGS, "ENT-208": Status.DEMOGRAPHICS_DIFFER,
        "ENT-209": Status.REFUSED_BY_SETTINGS, "ENT-210": Status.REFUSED_BY_SETTINGS,
    }  # fmt: skip


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.folder)
def test_no_real_series_is_found_fault_with_in_whatever_order_it_comes(series: Series) -> None:
    subjects = subjects_of(series.paths)
    assert len(subjects) == series.files
    for order in (subjects, subjects[::-1], random.Random(series.folder).sample(subjects, len(subjects))):
        for judged, snapshot in arrivals(order):
            outcomes = [rule.pairwise(judged, snapshot) for rule in RULES if rule.pairwise]
            assert not [outcome for outcome in outcomes if isinstance(outcome, Problem)]
