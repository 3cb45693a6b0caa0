"""DUP: the same instance again, in every way that it can come; and the same image under another UID."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit, MRImageStorage, RTDoseStorage

from scp.audit.finding import Answer, Problem, Severity
from scp.audit.rule import Scope, Subject
from scp.audit.rules.dup import RULES
from scp.audit.snapshot import Held, Snapshot
from scp.audit.tracked import PATIENT
from scp.dicom import tags as t
from scp.dicom.compare import compare
from scp.dicom.status import Status
from tests.corpus import SERIES, Series
from tests.rules.arrivals import arrivals, subjects_of
from tests.rules.builders import (
    Case,
    after,
    encoded,
    fires,
    image,
    mr_image,
    neighbour,
    other,
    outcome_of,
    quiet,
    raw,
    subject,
    subject_of_bytes,
)
from tests.unit.dicom.encode import item, open_sequence
from tests.unit.dicom.recode import copy_of, encode

EXPLICIT, BIG, JPEG = str(ExplicitVRLittleEndian), str(ExplicitVRBigEndian), str(JPEGBaseline8Bit)
OTHER_PIXELS = bytes(31) + b"\1"
CONFLICTS = ("DUP-002", "DUP-003", "DUP-004", "DUP-005", "DUP-006")
Maker = Callable[[], Subject]
Before = Callable[[], Snapshot]


def held(stored: Subject, *, confirmed: bool = True) -> Held:
    """What the ledger holds of a stored instance."""
    facts = stored.facts
    return Held(
        other(facts.sop_instance_uid), b"", stored.request.transfer_syntax, facts.sop_class_uid,
        facts.series_instance_uid, facts.study_instance_uid, stored.tracked.study.get(PATIENT, ""), confirmed,
    )  # fmt: skip


def identical(*, confirmed: bool = True) -> Snapshot:
    return Snapshot(held=held(subject(image()), confirmed=confirmed), identical=True)


def conflict(stored: bytes, came: bytes, stored_syntax: str = EXPLICIT, came_syntax: str = EXPLICIT) -> Snapshot:
    """What is known when one object is stored and another one comes under its SOP Instance UID."""
    return Snapshot(
        held=held(subject_of_bytes(stored, stored_syntax)),
        comparison=compare(stored, stored_syntax, came, came_syntax),
    )


def pair(syntax: str = EXPLICIT, **changes: Any) -> tuple[Maker, Before]:
    """A CT slice comes again with these changes."""

    def came() -> bytes:
        return encoded(image(**changes), syntax)

    return (
        lambda: subject_of_bytes(came(), syntax),
        lambda: conflict(encoded(image()), came(), EXPLICIT, syntax),
    )


def compressed(**changes: Any) -> bytes:
    codestream = item() + item(b"\xff\xd8ab")
    return encoded(image(PixelData=None, **changes)) + open_sequence(0x7FE00010, "OB", codestream)


def lossy(**changes: Any) -> tuple[Maker, Before]:
    """The slice comes again, lossily compressed and with these changes."""
    return (
        lambda: subject_of_bytes(compressed(**changes), JPEG),
        lambda: conflict(encoded(image()), compressed(**changes), EXPLICIT, JPEG),
    )


def unreadable() -> tuple[Maker, Before]:
    """The slice comes again, with a length that points past its end."""
    spoilt = encoded(image())[:-2]
    return lambda: subject_of_bytes(spoilt), lambda: conflict(encoded(image()), spoilt)


def only(code: str, what: str, both: tuple[Maker, Before]) -> list[Any]:
    """Entries of the table: of the rules about conflicts this one fires, and all others are quiet."""
    judged, snapshot = both
    return [
        (fires if each == code else quiet)(each, what.replace(" ", "-"), judged, snapshot=snapshot)
        for each in CONFLICTS
    ]


CHANGED_PATIENT: dict[str, Any] = {"PatientID": "P2"}
PARENTS: dict[str, Any] = {
    "study": {"StudyInstanceUID": "1.2.826.0.1.2"},
    "series": {"SeriesInstanceUID": "1.2.826.0.1.1.2"},
    "class": {"SOPClassUID": MRImageStorage},
}

CASES = [
    fires("DUP-001", "identical", lambda: subject(image()), snapshot=identical),
    fires("DUP-001", "unconfirmed", lambda: subject(image()), "unconfirmed",
          snapshot=lambda: identical(confirmed=False)),
    quiet("DUP-001", "first-of-its-uid", lambda: subject(image())),
    quiet("DUP-001", "other-bytes", pair(StationName="CT2")[0], "unconfirmed", snapshot=pair(StationName="CT2")[1]),
    *(quiet(code, "identical", lambda: subject(image()), snapshot=identical) for code in CONFLICTS),
    *(quiet(code, "first-of-its-uid", lambda: subject(image())) for code in CONFLICTS),
    *only("DUP-002", "big endian", pair(BIG)),
    *only("DUP-002", "other padding and number form", pair(SliceThickness="2.50")),
    *only("DUP-002", "volatile attribute", pair(RetrieveAETitle="PACS")),
    *only("DUP-003", "corrected name", pair(PatientName="Other^Name")),
    *only("DUP-003", "corrected id", pair(**CHANGED_PATIENT)),
    *only("DUP-003", "id that was missing", pair(PatientID="")),
    *only("DUP-003", "other order, big endian", pair(BIG, AccessionNumber="A2", StudyID="9")),
    *only("DUP-004", "one attribute", pair(StationName="CT2")),
    *only("DUP-004", "one attribute and the name", pair(StationName="CT2", PatientName="Other^Name")),
    *only("DUP-004", "one attribute more", pair(ImageComments="x")),
    *only("DUP-004", "one attribute and no id", pair(StationName="CT2", PatientID="")),
    *only("DUP-004", "one attribute and an id that was missing", (
        lambda: subject(image(StationName="CT2")),
        lambda: conflict(encoded(image(PatientID="")), encoded(image(StationName="CT2"))),
    )),
    *only("DUP-005", "one pixel", pair(PixelData=OTHER_PIXELS)),
    *only("DUP-005", "one pixel and an attribute", pair(PixelData=OTHER_PIXELS, StationName="CT2")),
    *only("DUP-005", "no pixels", pair(PixelData=None)),
    *only("DUP-005", "lossy copy", lossy()),
    *only("DUP-005", "lossy copy of a corrected patient", lossy(**CHANGED_PATIENT)),
    *only("DUP-005", "unreadable", unreadable()),
    *(row for name, changes in PARENTS.items() for row in only("DUP-006", name, pair(**changes))),
    *only("DUP-006", "study and pixels", pair(**PARENTS["study"], PixelData=OTHER_PIXELS)),
    *only("DUP-006", "patient and pixels", pair(**CHANGED_PATIENT, PixelData=OTHER_PIXELS)),
    *only("DUP-006", "patient and attribute", pair(**CHANGED_PATIENT, StationName="CT2")),
    *only("DUP-006", "study of a lossy copy", lossy(**PARENTS["study"])),
    fires("DUP-007", "same-place", lambda: subject(image()), snapshot=lambda: after(subject(image()))),
    fires("DUP-007", "same-place-in-mr", lambda: subject(mr_image()), snapshot=lambda: after(subject(mr_image()))),
    quiet("DUP-007", "other-place", lambda: subject(image(ImagePositionPatient=["0", "0", "10.001"])),
          snapshot=lambda: after(subject(image()))),
    fires("DUP-007", "same-place-at-the-same-time", lambda: subject(image(AcquisitionTime="101200")),
          snapshot=lambda: after(subject(image(AcquisitionTime="101200.00")))),
    fires("DUP-007", "same-place-of-which-one-has-no-time", lambda: subject(image(AcquisitionTime="101200")),
          snapshot=lambda: after(subject(image()))),
    quiet("DUP-007", "same-place-at-another-time", lambda: subject(image(AcquisitionTime="101200")),
          snapshot=lambda: after(subject(image(AcquisitionTime="101201")))),
    fires("DUP-007", "same-place-at-another-time-and-at-the-same", lambda: subject(image(AcquisitionTime="101200")),
          snapshot=lambda: replace(
              after(subject(image(AcquisitionTime="101201"))),
              neighbours=tuple(neighbour(subject(image(AcquisitionTime=time))) for time in ("101201", "101200")))),
    quiet("DUP-007", "other-echo", lambda: subject(mr_image(EchoTime="9")),
          snapshot=lambda: after(subject(mr_image()))),
    quiet("DUP-007", "other-plane", lambda: subject(image(ImageOrientationPatient=["0", "1", "0", "1", "0", "0"])),
          snapshot=lambda: after(subject(image()))),
    quiet("DUP-007", "no-place", lambda: subject(image(ImagePositionPatient=None)),
          snapshot=lambda: after(subject(image(ImagePositionPatient=None)))),
    quiet("DUP-007", "pages-in-zeros", lambda: subject(image(ImageOrientationPatient=["0"] * 6)),
          snapshot=lambda: after(subject(image(ImageOrientationPatient=["0"] * 6)))),
    quiet("DUP-007", "no-number", lambda: subject(image(InstanceNumber=None)),
          snapshot=lambda: after(subject(image(InstanceNumber=None)))),
    quiet("DUP-007", "doses-of-two-beams", lambda: subject(image(SOPClassUID=RTDoseStorage)),
          snapshot=lambda: after(subject(image(SOPClassUID=RTDoseStorage)))),
    quiet("DUP-007", "first-of-its-number", lambda: subject(image())),
    quiet("DUP-007", "not-an-image", lambda: subject(image(SOPClassUID="1.2.840.10008.5.1.4.1.1.66")),
          snapshot=lambda: after(subject(image(SOPClassUID="1.2.840.10008.5.1.4.1.1.66")))),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_on_its_problem_and_on_nothing_else(case: Case) -> None:
    outcome = outcome_of(RULES, case)

    assert isinstance(outcome, Problem) is case.fires
    if isinstance(outcome, Problem):
        assert outcome.case == case.case
        assert outcome.tags
        assert outcome.other is not None
        assert len(f"{case.code} {outcome.message}") <= 64


def found_by(code: str, both: tuple[Maker, Before]) -> Problem:
    outcome = outcome_of(RULES, Case(code, "", True, *both))
    assert isinstance(outcome, Problem)
    return outcome


def test_without_a_stored_instance_or_a_comparison_the_rules_do_not_apply() -> None:
    judged = subject(image())
    uncompared = Snapshot(held=held(judged))
    for rule in RULES[1:6]:
        assert rule.pairwise is not None
        assert rule.pairwise(judged, Snapshot()) is Answer.NOT_APPLICABLE
        assert rule.pairwise(judged, uncompared) is Answer.NOT_APPLICABLE
        assert rule.pairwise(judged, identical()) is Answer.NOT_APPLICABLE
    assert outcome_of(RULES, Case("DUP-001", "", False, lambda: judged, lambda: uncompared)) is Answer.PASS


CHANGES: dict[str, tuple[Any, Any]] = {
    "StudyInstanceUID": (None, "1.2.826.0.1.2"),
    "PatientID": (None, "P2"),
    "AccessionNumber": (None, "A2"),
    "StationName": (None, "CT2"),
    "PixelData": (None, OTHER_PIXELS),
}


@pytest.mark.parametrize("chosen", list(product(*([False, True] for _ in CHANGES))))
def test_of_the_rules_about_conflicts_exactly_one_speaks(chosen: tuple[bool, ...]) -> None:
    changes = {name: CHANGES[name][1] for name, yes in zip(CHANGES, chosen, strict=True) if yes}
    both = pair(BIG, **changes) if "PixelData" not in changes else pair(**changes)
    speaking = [code for code in CONFLICTS if isinstance(outcome_of(RULES, Case(code, "", True, *both)), Problem)]
    study, patient, accession, station, pixels = chosen
    if study or (patient and (station or pixels)):
        expected = "DUP-006"
    elif pixels:
        expected = "DUP-005"
    elif station:
        expected = "DUP-004"
    else:
        expected = "DUP-003" if patient or accession else "DUP-002"
    assert speaking == [expected]


def test_what_is_stored_is_never_replaced_whatever_the_profile() -> None:
    for code, both in (
        ("DUP-002", pair(BIG)), ("DUP-003", pair(PatientName="x")), ("DUP-004", pair(StationName="x")),
        ("DUP-005", pair(PixelData=OTHER_PIXELS)), ("DUP-006", pair(**PARENTS["study"])),
    ):  # fmt: skip
        assert found_by(code, both).unstorable
    assert not found_by("DUP-001", (lambda: subject(image()), identical)).unstorable


@pytest.mark.parametrize(
    ("code", "both", "message"),
    [
        ("DUP-001", (lambda: subject(image()), identical), "is stored already, with the same bytes"),
        ("DUP-002", pair(BIG), "is stored already, in another encoding"),
        ("DUP-003", pair(PatientName="Grün"), "1 attribute differs: PatientName"),
        ("DUP-003", pair(PatientName="x", PatientID="y", StudyID="z", AccessionNumber="a"),
         "4 attributes differ: AccessionNumber, PatientName, PatientID, ..."),
        ("DUP-004", pair(StationName="x", PatientName="y"), "1 attribute differs: StationName"),
        ("DUP-005", pair(PixelData=OTHER_PIXELS), "different PixelData"),
        ("DUP-005", lossy(), "lossy compression: pixels cannot be compared"),
        ("DUP-005", unreadable(), "cannot be compared with the stored copy"),
        ("DUP-006", pair(**PARENTS["study"], **PARENTS["series"]), "is stored under another study, series"),
        ("DUP-006", pair(**PARENTS["study"], **PARENTS["series"], **PARENTS["class"]),
         "is stored under another study, series, SOP Class"),
        ("DUP-006", pair(PatientID="P2", StationName="x"), "is stored under another patient"),
    ],
)  # fmt: skip
def test_a_message_says_what_differs_and_names_nobody(code: str, both: tuple[Maker, Before], message: str) -> None:
    assert found_by(code, both).message == message


def test_private_attributes_are_named_by_their_tags() -> None:
    def private(value: str) -> Dataset:
        ds = image()
        ds.private_block(0x0019, "MAKER 1", create=True).add_new(0x0A, "LO", value)
        return ds

    both = lambda: subject(private("y")), lambda: conflict(encoded(private("x")), encoded(private("y")))
    problem = found_by("DUP-004", both)
    assert problem.message == "1 attribute differs: (0019,100A)"
    assert problem.tags == (0x0019100A,)


def test_offending_elements_are_those_of_the_top_level() -> None:
    def requested(text: str) -> Dataset:
        request = Dataset()
        request.RequestedProcedureID = text
        return image(RequestAttributesSequence=[request, request])

    both = lambda: subject(requested("y")), lambda: conflict(encoded(requested("x")), encoded(requested("y")))
    problem = found_by("DUP-003", both)
    assert problem.tags == (0x00400275,)
    assert problem.message == "2 attributes differ: RequestedProcedureID"


def test_a_message_names_three_attributes_at_most() -> None:
    three: dict[str, Any] = {"PatientName": "x", "PatientID": "y", "StudyID": "z"}
    assert found_by("DUP-003", pair(**three)).message == "3 attributes differ: PatientName, PatientID, StudyID"
    four = found_by("DUP-003", pair(**three, AccessionNumber="a"))
    assert four.message == "4 attributes differ: AccessionNumber, PatientName, PatientID, ..."


def test_a_message_and_a_finding_hold_nothing_but_ascii_and_no_private_creator() -> None:
    """An Error Comment is in the default repertoire, and the ledger holds no text that a peer wrote."""

    def private(samples: bytes) -> Dataset:
        group = Dataset()
        group.WaveformData = samples
        group["WaveformData"].VR = "OW"
        ds = image()
        ds.private_block(0x0019, "Doe^Jane", create=True).add_new(0x0A, "SQ", [group])
        return ds

    both = lambda: subject(private(b"ab")), lambda: conflict(encoded(private(b"cd")), encoded(private(b"ab")))
    problem = found_by("DUP-005", both)
    assert (problem.message, problem.tags) == ("different WaveformData", (0x0019100A,))
    assert (problem.expected, problem.found) == (None, None)
    many = pair(PatientName="x", PatientID="y", StudyID="z", AccessionNumber="a")
    assert found_by("DUP-003", many).message.isascii()


def test_a_uid_that_is_none_is_not_shown() -> None:
    strange = raw(image(), SeriesInstanceUID=b"Doe^Jane")
    both = lambda: subject(strange), lambda: conflict(encoded(image()), encoded(strange))
    assert found_by("DUP-006", both).found == {"(0020,000E) SeriesInstanceUID": "not a UID"}


def test_more_differences_than_are_recorded_are_said_to_be_more() -> None:
    def many(text: str) -> Dataset:
        items = []
        for _ in range(120):
            ds = Dataset()
            ds.CodeValue = text
            items.append(ds)
        return image(ViewCodeSequence=items)

    both = lambda: subject(many("y")), lambda: conflict(encoded(many("x")), encoded(many("y")))
    assert found_by("DUP-004", both).message == "over 100 attributes differ: CodeValue"


def test_a_finding_holds_uids_and_digests_but_no_values_that_may_be_personal() -> None:
    parents = found_by("DUP-006", pair(**PARENTS["study"]))
    assert parents.expected == {"(0020,000D) StudyInstanceUID": "1.2.826.0.1.1"}
    assert parents.found == {"(0020,000D) StudyInstanceUID": "1.2.826.0.1.2"}
    patient = found_by("DUP-006", pair(PatientID="P2", StationName="x"))
    assert (patient.expected, patient.found, patient.tags) == (None, None, (t.PATIENT_ID,))
    for code, changes in (("DUP-003", {"PatientName": "x"}), ("DUP-004", {"ImageComments": "x"})):
        problem = found_by(code, pair(**changes))
        assert (problem.expected, problem.found) == (None, None)
    pixels = found_by("DUP-005", pair(PixelData=OTHER_PIXELS))
    assert isinstance(pixels.found, dict)
    assert str(pixels.found["(7FE0,0010)"]).startswith("blake3:")
    reencoded = found_by("DUP-002", pair(BIG))
    assert (reencoded.expected, reencoded.found) == (EXPLICIT, BIG)
    assert found_by("DUP-002", pair(RetrieveAETitle="PACS")).found is None
    copy = found_by("DUP-007", (lambda: subject(image(SOPInstanceUID="1.2.3")), lambda: after(subject(image()))))
    assert (copy.expected, copy.found) == ("1.2.826.0.1.1.1.1", "1.2.3")


def test_severities_and_statuses_are_those_of_the_catalogue() -> None:
    refuse, warn, info = Severity.REFUSE, Severity.WARN, Severity.INFO
    grades = {(rule.code, case): tuple(rule.grade(case)) for rule in RULES for case in rule.grades}
    assert grades == {
        ("DUP-001", ""): (refuse, refuse), ("DUP-001", "unconfirmed"): (info, info), ("DUP-002", ""): (refuse, refuse),
        ("DUP-003", ""): (refuse, refuse), ("DUP-004", ""): (refuse, refuse), ("DUP-005", ""): (refuse, refuse),
        ("DUP-006", ""): (refuse, refuse), ("DUP-007", ""): (warn, refuse),
    }  # fmt: skip
    assert [rule.status("") for rule in RULES] == [
        Status.DUPLICATE_SOP_INSTANCE, Status.DUPLICATE_SOP_INSTANCE, Status.CONFLICT_DEMOGRAPHICS,
        Status.CONFLICT_ATTRIBUTES, Status.CONFLICT_PIXELS, Status.CONFLICT_PARENT, Status.DUPLICATE_IMAGE,
    ]  # fmt: skip
    assert all(rule.scope is Scope.PAIRWISE for rule in RULES)


def flip_a_bit(ds: Dataset) -> None:
    ds.PixelData = bytes([ds.PixelData[0] ^ 1]) + ds.PixelData[1:]


VARIANTS: dict[str, Callable[[Dataset], None]] = {
    "DUP-002": lambda ds: setattr(ds, "RetrieveAETitle", "PACS"),
    "DUP-003": lambda ds: setattr(ds, "PatientName", "Corrected^Name"),
    "DUP-004": lambda ds: setattr(ds, "ProtocolName", "another protocol"),
    "DUP-005": flip_a_bit,
    "DUP-006": lambda ds: setattr(ds, "SeriesInstanceUID", "1.2.826.0.1.9"),
}


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.folder)
def test_real_instances_that_were_changed_are_told_for_what_they_are(series: Series) -> None:
    for path in series.paths[:2]:
        stored = copy_of(path)
        for code, change in VARIANTS.items():
            ds = dcmread(path)
            change(ds)
            data, syntax = encode(ds, stored.syntax)
            judged, snapshot = subject_of_bytes(data, syntax), conflict(stored.data, data, stored.syntax, syntax)
            speaking = [
                rule.code
                for rule in RULES[1:6]
                if rule.pairwise and isinstance(rule.pairwise(judged, snapshot), Problem)
            ]
            assert speaking == [code]


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.folder)
def test_no_image_of_a_real_series_is_there_twice_in_whatever_order_it_comes(series: Series) -> None:
    subjects = subjects_of(series.paths)
    assert len(subjects) == series.files
    for order in (subjects, subjects[::-1], random.Random(series.folder).sample(subjects, len(subjects))):
        for judged, snapshot in arrivals(order):
            assert not isinstance(RULES[6].pairwise and RULES[6].pairwise(judged, snapshot), Problem)
