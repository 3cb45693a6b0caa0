"""UID: every rule on what it names, and on what comes close to it."""

from dataclasses import replace

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    ColorPaletteStorage,
    EnhancedSRStorage,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    MRImageStorage,
    ProcedureLogStorage,
    RawDataStorage,
)

from scp.audit.finding import Problem, Severity
from scp.audit.rule import Subject
from scp.audit.rules.uid import REQUEST_RULES, RULES
from scp.dicom import tags as t
from scp.dicom.status import Status
from tests.rules.builders import (
    ASSOCIATION,
    INSTANCE,
    SERIES,
    STUDY,
    Case,
    encoded,
    fires,
    image,
    outcome_of,
    quiet,
    raw,
    subject,
    subject_of_bytes,
)

UUID_END = 2**128
GE, SIEMENS = "1.2.840.113619.2.1.5", "1.3.12.2.1107.5.1"
STANDALONE_OVERLAY = "1.2.840.10008.5.1.4.1.1.8"
PRIVATE_CLASS = "1.3.12.2.1107.5.9.1"
NEWER_CLASS = "1.2.840.10008.5.1.4.1.1.99999"


def sent(**request: str) -> Subject:
    """A good CT slice and a request about it, which may say something else."""
    return subject(image(), **request)


def holding(**values: bytes | None) -> Subject:
    """A CT slice with UIDs written byte by byte; the request names what the Data Set holds. None leaves one out."""
    absent = {keyword: None for keyword, value in values.items() if value is None}
    return subject(raw(image(**absent), **{keyword: value for keyword, value in values.items() if value is not None}))


def palette(**values: bytes) -> Subject:
    """An object of the standard that belongs to no patient."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = ColorPaletteStorage, "1.2.840.10008.1.5.1"
    return subject(raw(ds, **values))


def padded(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)


def without_uids() -> Subject:
    """A Data Set with no UI element at all."""
    ds = Dataset()
    ds.Modality = "CT"
    return subject(ds)


def with_element(tag: int, value: bytes) -> Subject:
    """A CT slice with one explicit LO element before all others, in a group where it does not belong."""
    header = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + b"LO"
    return subject_of_bytes(header + len(value).to_bytes(2, "little") + value + encoded(image()))


def from_software(implementation_class_uid: str) -> Subject:
    good = sent()
    association = replace(ASSOCIATION, implementation_class_uid=implementation_class_uid)
    return replace(good, request=replace(good.request, association=association))


SIXTY_FOUR = "1.2." + "3" * 60

CASES = [
    fires("UID-001", "leading-zero", lambda: holding(SOPInstanceUID=b"1.2.03.4")),
    fires("UID-001", "65-characters", lambda: holding(SOPInstanceUID=(SIXTY_FOUR + "3").encode() + b"\0")),
    fires("UID-001", "path", lambda: holding(SOPInstanceUID=b"../../etc/passwd")),
    fires("UID-001", "newline", lambda: holding(SOPInstanceUID=b"1.2.3\n")),
    fires("UID-001", "empty-component", lambda: holding(SOPInstanceUID=b"1.2..3")),
    fires("UID-001", "two-values", lambda: holding(SOPInstanceUID=b"1.2.3\\1.2.4\0")),
    fires("UID-001", "request-alone", lambda: sent(sop_instance_uid="1.2.03")),
    quiet("UID-001", "64-characters", lambda: holding(SOPInstanceUID=SIXTY_FOUR.encode())),
    quiet("UID-001", "zero-component", lambda: holding(SOPInstanceUID=b"1.2.0.4\0")),
    quiet("UID-001", "padded-with-space", lambda: holding(SOPInstanceUID=b"1.2.3 ")),
    quiet("UID-001", "absent-everywhere", lambda: holding(SOPInstanceUID=None)),
    fires("UID-002", "study", lambda: holding(StudyInstanceUID=b"1.2.3a")),
    fires("UID-002", "series", lambda: holding(SeriesInstanceUID=b"1.2.3.")),
    fires("UID-002", "class", lambda: holding(SOPClassUID=b"1.2.840.010008.5.1.4.1.1.2")),
    quiet("UID-002", "good", sent),
    quiet("UID-002", "all-absent", lambda: holding(StudyInstanceUID=None, SeriesInstanceUID=None, SOPClassUID=None)),
    fires("UID-003", "frame-of-reference", lambda: holding(FrameOfReferenceUID=b"FRAME ")),
    fires("UID-003", "last-of-a-list", lambda: holding(FailedSOPInstanceUIDList=b"1.2.3\\1.2.04")),
    fires("UID-003", "62nd-of-a-list", lambda: holding(FailedSOPInstanceUIDList=b"\\".join([b"1.2"] * 61 + [b"x"]))),
    quiet("UID-003", "empty", lambda: holding(FrameOfReferenceUID=b"")),
    quiet("UID-003", "padding-only", lambda: holding(FrameOfReferenceUID=b"\0\0")),
    quiet("UID-003", "good-list", lambda: holding(FailedSOPInstanceUIDList=b"1.2.3\0\\1.2.4\\\\1.2.5")),
    quiet("UID-003", "list-longer-than-is-read", lambda: holding(
        FailedSOPInstanceUIDList=b"\\".join([SIXTY_FOUR.encode()] * 80) + b"\0")),
    quiet("UID-003", "other-rules-uids", lambda: holding(SOPInstanceUID=b"x ", StudyInstanceUID=b"y ")),
    quiet("UID-003", "no-others", palette),
    fires("UID-004", "space", lambda: holding(SOPInstanceUID=b"1.2.3 ")),
    fires("UID-004", "two-nuls", lambda: holding(SeriesInstanceUID=b"1.22\0\0")),
    fires("UID-004", "leading-space", lambda: holding(FrameOfReferenceUID=b" 1.2")),
    quiet("UID-004", "one-nul", lambda: holding(SOPInstanceUID=b"1.2.3\0")),
    quiet("UID-004", "no-uids", without_uids),
    fires("UID-005", "first-component-3", lambda: holding(SeriesInstanceUID=b"3.2.1\0")),
    fires("UID-005", "second-component-40", lambda: holding(StudyInstanceUID=b"1.40.1")),
    fires("UID-005", "uuid-of-129-bits", lambda: holding(SOPInstanceUID=padded(f"2.25.{UUID_END}"))),
    fires("UID-005", "uuid-and-suffix", lambda: holding(SOPInstanceUID=b"2.25.1234.5\0")),
    fires("UID-005", "standards-own-instance", lambda: holding(SOPInstanceUID=b"1.2.840.10008.1.2.3.4\0")),
    fires("UID-005", "class-as-instance", lambda: holding(SOPInstanceUID=padded(MRImageStorage))),
    quiet("UID-005", "second-component-39", lambda: holding(StudyInstanceUID=b"1.39.1")),
    quiet("UID-005", "second-component-40-under-2", lambda: holding(StudyInstanceUID=b"2.40.1")),
    quiet("UID-005", "greatest-uuid", lambda: holding(SOPInstanceUID=padded(f"2.25.{UUID_END - 1}"))),
    quiet("UID-005", "well-known-instance", palette),
    quiet("UID-005", "well-known-frame", lambda: holding(FrameOfReferenceUID=b"1.2.840.10008.1.4.1.1\0")),
    quiet("UID-005", "beside-the-standards-root", lambda: holding(SOPInstanceUID=b"1.2.840.100080.1")),
    quiet("UID-005", "malformed", lambda: holding(
        SOPInstanceUID=b"9.x ", SeriesInstanceUID=b"9.y ", StudyInstanceUID=b"9.z ", FrameOfReferenceUID=b"9.w ")),
    fires("UID-006", "instance-and-series", lambda: holding(SOPInstanceUID=padded(SERIES))),
    fires("UID-006", "series-and-study", lambda: holding(SeriesInstanceUID=padded(STUDY))),
    fires("UID-006", "series-and-frame", lambda: holding(FrameOfReferenceUID=padded(SERIES))),
    fires("UID-006", "all-one", lambda: holding(
        SOPInstanceUID=padded(STUDY), SeriesInstanceUID=padded(STUDY), FrameOfReferenceUID=padded(STUDY))),
    fires("UID-006", "study-and-frame", lambda: holding(FrameOfReferenceUID=padded(STUDY)), "frame_of_reference"),
    quiet("UID-006", "all-different", sent),
    quiet("UID-006", "prefix", lambda: holding(FrameOfReferenceUID=padded(f"{STUDY}.0")), "frame_of_reference"),
    quiet("UID-006", "one-uid-alone", palette),
    fires("UID-007", "class", lambda: sent(sop_class_uid=MRImageStorage)),
    fires("UID-007", "both", lambda: sent(sop_class_uid=MRImageStorage, sop_instance_uid="1.2.3")),
    fires("UID-007", "empty-class", lambda: sent(sop_class_uid="")),
    fires("UID-007", "instance", lambda: sent(sop_instance_uid=f"{INSTANCE}.0"), "instance"),
    fires("UID-007", "empty-instance", lambda: sent(sop_instance_uid=""), "instance"),
    quiet("UID-007", "same", sent),
    quiet("UID-007", "padding", lambda: subject(raw(image(), SOPInstanceUID=b"1.2.3   "), sop_instance_uid="1.2.3"),
          "instance"),
    quiet("UID-007", "absent-in-data-set", lambda: subject(
        image(SOPInstanceUID=None, SOPClassUID=None), sop_instance_uid="1.2", sop_class_uid=MRImageStorage)),
    quiet("UID-007", "one-absent-in-data-set", lambda: subject(image(SOPClassUID=None), sop_class_uid=MRImageStorage)),
    fires("UID-008", "other-context", lambda: sent(abstract_syntax=MRImageStorage)),
    fires("UID-008", "related-to-something-else", lambda: subject(
        image(SOPClassUID=ProcedureLogStorage), abstract_syntax=MRImageStorage,
        related_general_classes=(EnhancedSRStorage,))),
    quiet("UID-008", "same", sent),
    quiet("UID-008", "related-general-class", lambda: subject(
        image(SOPClassUID=ProcedureLogStorage), abstract_syntax=EnhancedSRStorage,
        related_general_classes=(EnhancedSRStorage,))),
    quiet("UID-008", "empty", lambda: sent(sop_class_uid="", abstract_syntax=MRImageStorage)),
    fires("UID-009", "dicomdir", lambda: holding(SOPClassUID=padded(MediaStorageDirectoryStorage))),
    fires("UID-009", "verification-in-the-request", lambda: sent(sop_class_uid="1.2.840.10008.1.1")),
    fires("UID-009", "print-meta-class", lambda: holding(SOPClassUID=b"1.2.840.10008.5.1.1.9\0")),
    fires("UID-009", "transfer-syntax", lambda: holding(SOPClassUID=padded(ImplicitVRLittleEndian))),
    quiet("UID-009", "storage", sent),
    quiet("UID-009", "raw-data", lambda: holding(SOPClassUID=padded(RawDataStorage))),
    quiet("UID-009", "newer-than-the-dictionary", lambda: holding(SOPClassUID=padded(NEWER_CLASS))),
    quiet("UID-009", "private", lambda: holding(SOPClassUID=padded(PRIVATE_CLASS))),
    quiet("UID-009", "no-class", lambda: holding(SOPClassUID=None)),
    fires("UID-010", "retired", lambda: holding(SOPClassUID=padded(STANDALONE_OVERLAY))),
    fires("UID-010", "private", lambda: holding(SOPClassUID=padded(PRIVATE_CLASS)), "private"),
    quiet("UID-010", "current", sent),
    quiet("UID-010", "newer-than-the-dictionary", lambda: holding(SOPClassUID=padded(NEWER_CLASS)), "private"),
    quiet("UID-010", "malformed", lambda: holding(SOPClassUID=b"CT")),
    fires("UID-011", "command", lambda: with_element(0x00000902, b"oops")),
    fires("UID-011", "file-meta", lambda: with_element(0x00020016, b"STORE ")),
    quiet("UID-011", "group-0004", lambda: with_element(0x00041130, b"SET ")),
    quiet("UID-011", "none", sent),
    fires("UID-012", "nothing", lambda: from_software("")),
    fires("UID-012", "not-a-uid", lambda: from_software("1.2.x")),
    quiet("UID-012", "said", sent),
    fires("UID-013", "two-makers", lambda: holding(SOPInstanceUID=padded(GE), SeriesInstanceUID=padded(SIEMENS))),
    fires("UID-013", "fourth-component", lambda: holding(
        SOPInstanceUID=b"1.2.840.113619.1", SeriesInstanceUID=b"1.2.840.113704.1")),
    fires("UID-013", "uuid-and-root", lambda: holding(SOPInstanceUID=b"2.25.1234\0")),
    quiet("UID-013", "fifth-component", lambda: holding(
        SOPInstanceUID=b"1.2.840.113619.1", SeriesInstanceUID=b"1.2.840.113619.2")),
    quiet("UID-013", "two-uuids", lambda: holding(SOPInstanceUID=b"2.25.1234\0", SeriesInstanceUID=b"2.25.9876\0")),
    quiet("UID-013", "too-short-to-tell", lambda: holding(
        SOPInstanceUID=b"1.2.3.4\0", SeriesInstanceUID=b"1.9.3.4.5\0")),
    quiet("UID-013", "malformed", lambda: holding(SOPInstanceUID=b"1.2.840.x.1.2.3\0")),
    quiet("UID-013", "no-series", lambda: holding(SeriesInstanceUID=None)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_on_its_problem_and_on_nothing_else(case: Case) -> None:
    outcome = outcome_of(RULES, case)

    assert isinstance(outcome, Problem) is case.fires
    if isinstance(outcome, Problem):
        assert outcome.case == case.case
        assert outcome.message.isprintable()


def found_by(code: str, judged: Subject) -> Problem:
    outcome = outcome_of(RULES, Case(code, "", True, lambda: judged))
    assert isinstance(outcome, Problem)
    return outcome


def test_a_message_never_holds_the_malformed_text() -> None:
    path = holding(SOPInstanceUID=b"../../etc/passwd", FrameOfReferenceUID=b"DOE^JANE")

    assert "passwd" not in found_by("UID-001", path).message
    assert "DOE" not in found_by("UID-003", path).message


class TestWhatHasNoPlace:
    @pytest.mark.parametrize("value", [b"../../x ", b"1.2..3", b"1.2.3\n", b"1.2.3\\1.2.4\0", b"1.2.3\xff"])
    @pytest.mark.parametrize(
        ("code", "keyword"),
        [("UID-001", "SOPInstanceUID"), ("UID-002", "StudyInstanceUID"), ("UID-002", "SeriesInstanceUID")],
    )
    def test_a_uid_that_is_no_file_name_is_refused_in_every_profile(
        self, code: str, keyword: str, value: bytes
    ) -> None:
        assert found_by(code, holding(**{keyword: value})).unstorable

    @pytest.mark.parametrize(
        ("code", "keyword"),
        [("UID-001", "SOPInstanceUID"), ("UID-002", "StudyInstanceUID"), ("UID-002", "SeriesInstanceUID")],
    )
    def test_leading_zeros_can_be_stored_if_settings_allow_it(self, code: str, keyword: str) -> None:
        assert not found_by(code, holding(**{keyword: b"1.2.03"})).unstorable

    def test_a_malformed_sop_class_uid_can_be_stored_if_settings_allow_it(self) -> None:
        assert not found_by("UID-002", holding(SOPClassUID=b"../x")).unstorable

    def test_what_the_request_says_does_not_keep_an_instance_from_being_stored(self) -> None:
        assert not found_by("UID-001", sent(sop_instance_uid="../x")).unstorable


def test_every_fault_of_grammar_has_its_own_words() -> None:
    faults = (b"1.2.3x", (SIXTY_FOUR + "3").encode() + b"\0", b"1.2..3", b"1.2.03")
    messages = [found_by("UID-001", holding(SOPInstanceUID=value)).message for value in faults]

    assert messages == [
        "SOP Instance UID: not only digits and dots",
        "SOP Instance UID: longer than 64 characters",
        "SOP Instance UID: a component is empty",
        "SOP Instance UID: a component starts with 0",
    ]


@pytest.mark.parametrize("uid", ["3.1", "1.40.1", "2.25.1.2", "1.2.840.10008.1"])
def test_what_is_wrong_with_a_root_fits_into_the_comment_whole(uid: str) -> None:
    found = found_by("UID-005", holding(FrameOfReferenceUID=padded(uid)))
    assert len(f"UID-005 {found.message}") <= 64


def test_a_retired_class_without_a_name_is_named_by_its_uid() -> None:
    nameless = "1.2.840.10008.5.1.4.1.1.40"
    assert found_by("UID-010", holding(SOPClassUID=padded(nameless))).message == f"retired: {nameless}"


def test_all_malformed_uids_are_offending_elements() -> None:
    problem = found_by("UID-002", holding(StudyInstanceUID=b"x ", SeriesInstanceUID=b"1.2.3\0", SOPClassUID=b"y "))

    assert problem.tags == (t.STUDY_INSTANCE_UID, t.SOP_CLASS_UID)


def test_the_answer_names_the_class_before_the_instance() -> None:
    rule = REQUEST_RULES[0]
    class_and_instance = found_by("UID-007", sent(sop_class_uid=MRImageStorage, sop_instance_uid="1.2.3"))
    instance = found_by("UID-007", sent(sop_instance_uid="1.2.3"))

    assert rule.status(class_and_instance.case) is Status.SOP_CLASS_MISMATCH
    assert rule.status(instance.case) is Status.SOP_INSTANCE_MISMATCH
    assert t.SOP_INSTANCE_UID in class_and_instance.tags
    assert (instance.expected, instance.found) == ("1.2.3", INSTANCE)


def test_an_empty_affected_uid_is_called_empty() -> None:
    assert found_by("UID-007", sent(sop_instance_uid="")).message == "Affected SOP Instance UID is empty"
    assert found_by("UID-007", sent(sop_class_uid="")).message == "Affected SOP Class UID is empty"


def test_one_uid_at_three_levels_is_more_than_a_frame_of_reference_named_like_its_study() -> None:
    problem = found_by("UID-006", holding(SeriesInstanceUID=padded(STUDY), FrameOfReferenceUID=padded(STUDY)))

    assert problem.case == ""
    assert set(problem.tags) == {t.SERIES_INSTANCE_UID, t.STUDY_INSTANCE_UID, t.FRAME_OF_REFERENCE_UID}


def test_a_hostile_number_of_bad_uids_stays_a_short_answer() -> None:
    ds = image()
    for element in range(0x1010, 0x1090):
        ds.add_new(0x00090000 | element, "UN", b"")  # replaced below: pydicom writes no malformed UI
    data = encoded(ds).replace(b"UN\0\0\0\0\0\0", b"UI\2\0x ")

    problem = found_by("UID-003", subject_of_bytes(data))

    assert len(problem.tags) == 16


def test_rules_about_the_request_are_those_that_an_identical_resend_must_pass() -> None:
    assert [rule.code for rule in REQUEST_RULES] == ["UID-007", "UID-008", "UID-009"]


def test_rules_stand_in_the_order_of_their_codes_with_the_grades_of_the_catalogue() -> None:
    refusing = {rule.code for rule in RULES if rule.grade("").standard is Severity.REFUSE}

    assert [rule.code for rule in RULES] == [f"UID-{number:03}" for number in range(1, 14)]
    assert refusing == {"UID-001", "UID-002", "UID-007", "UID-008", "UID-009"}
