"""REQ: what an instance needs to be somebody's, and to be stored somewhere."""

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ColorPaletteStorage

from scp.audit.finding import Problem, Severity
from scp.audit.rule import Subject
from scp.audit.rules.req import RULES
from scp.dicom import tags as t
from scp.dicom.status import Status
from tests.rules.builders import Case, fires, image, outcome_of, quiet, raw, subject

PRIVATE_CLASS = "1.3.12.2.1107.5.9.1"


def lacking(*keywords: str, **changes: str) -> Subject:
    """A CT slice without some attributes."""
    return subject(image(**changes, **dict.fromkeys(keywords)))


def palette(*, sop_instance_uid: str | None = "1.2.840.10008.1.5.1") -> Subject:
    """A colour palette: no patient, no study, no series, no Modality."""
    ds = Dataset()
    ds.SOPClassUID = ColorPaletteStorage
    if sop_instance_uid is not None:
        ds.SOPInstanceUID = sop_instance_uid
    return subject(ds)


CASES = [
    fires("REQ-001", "no-class", lambda: lacking("SOPClassUID")),
    fires("REQ-001", "no-instance", lambda: lacking("SOPInstanceUID")),
    fires("REQ-001", "no-study", lambda: lacking("StudyInstanceUID")),
    fires("REQ-001", "no-series", lambda: lacking("SeriesInstanceUID")),
    fires("REQ-001", "no-modality", lambda: lacking("Modality")),
    fires("REQ-001", "empty-study", lambda: subject(raw(image(), StudyInstanceUID=b""))),
    fires("REQ-001", "padding-for-a-series", lambda: subject(raw(image(), SeriesInstanceUID=b"\0\0"))),
    fires("REQ-001", "spaces-for-a-modality", lambda: subject(raw(image(), Modality=b"  "))),
    fires("REQ-001", "private-without-series", lambda: lacking("SeriesInstanceUID", SOPClassUID=PRIVATE_CLASS)),
    fires("REQ-001", "palette-without-instance", lambda: palette(sop_instance_uid=None)),
    fires("REQ-001", "private-without-modality", lambda: lacking("Modality", SOPClassUID=PRIVATE_CLASS),
          "unknown_class"),
    quiet("REQ-001", "complete", lacking),
    quiet("REQ-001", "private", lambda: lacking(SOPClassUID=PRIVATE_CLASS), "unknown_class"),
    quiet("REQ-001", "palette", palette),
    quiet("REQ-001", "malformed-is-another-matter", lambda: subject(raw(image(), StudyInstanceUID=b"x "))),
    fires("REQ-002", "absent", lambda: lacking("PatientID")),
    fires("REQ-002", "empty", lambda: subject(image(PatientID=""))),
    fires("REQ-002", "spaces", lambda: subject(raw(image(), PatientID=b"    "))),
    quiet("REQ-002", "present", lacking),
    quiet("REQ-002", "palette", palette),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_on_its_problem_and_on_nothing_else(case: Case) -> None:
    outcome = outcome_of(RULES, case)

    assert isinstance(outcome, Problem) is case.fires
    if isinstance(outcome, Problem):
        assert outcome.case == case.case


def found_by(code: str, judged: Subject) -> Problem:
    outcome = outcome_of(RULES, Case(code, "", True, lambda: judged))
    assert isinstance(outcome, Problem)
    return outcome


@pytest.mark.parametrize("keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_without_a_uid_there_is_no_place_to_store(keyword: str) -> None:
    assert found_by("REQ-001", lacking(keyword)).unstorable


def test_without_an_instance_uid_there_is_no_place_for_a_palette_either() -> None:
    assert found_by("REQ-001", palette(sop_instance_uid=None)).unstorable


def test_without_a_modality_an_instance_can_be_stored_if_settings_allow_it() -> None:
    assert not found_by("REQ-001", lacking("Modality")).unstorable
    assert not found_by("REQ-001", lacking("Modality", SOPClassUID=PRIVATE_CLASS)).unstorable


def test_the_message_lists_what_is_missing_in_the_words_of_the_standard() -> None:
    problem = found_by("REQ-001", lacking("SeriesInstanceUID", "Modality"))

    assert problem.message == "missing: Series Instance UID, Modality"
    assert problem.tags == (t.SERIES_INSTANCE_UID, t.MODALITY)


def test_a_private_instance_without_modality_is_kept_and_any_other_is_not() -> None:
    identity, _ = RULES

    assert identity.grade("").standard is Severity.REFUSE
    assert identity.grade("unknown_class").standard is Severity.INFO
    assert identity.status("") is Status.IDENTITY_MISSING


def test_a_missing_patient_id_shows_no_other_personal_value() -> None:
    problem = found_by("REQ-002", lacking("PatientID"))

    assert (problem.message, problem.expected, problem.found) == ("no Patient ID", None, None)
    assert problem.tags == (t.PATIENT_ID,)
