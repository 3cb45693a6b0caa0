"""A series of a ledger is read, looked into, judged and written; its history stays."""

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGLosslessSV1,
    KeyObjectSelectionDocumentStorage,
)

from scp import series as series_module
from scp.audit.catalogue import RULES
from scp.audit.finding import Severity
from scp.audit.policy import Profile, make_policy
from scp.audit.series.result import SeriesVerdict
from scp.errors import StoreFault
from scp.ids import new_id
from scp.ledger import series as kept_series
from scp.ledger.acts import Act, ActKind, record
from scp.ledger.series import Written, read_series, unjudged, write_audit
from scp.ledger.series_status import history, newest, past_document, status, status_document
from scp.series import Audited, Auditor, opener
from tests.rules.builders import INSTANCE, SERIES, STUDY, encoded, image
from tests.unit.nodes import LIMITS, Scratch, data_set, open_node
from tests.unit.series import slice_at, volume

MADE = 1_767_348_672_000_000


@pytest.fixture
def auditor(tmp_path: Path) -> Auditor:
    return Auditor(make_policy(RULES), LIMITS, opener(tmp_path))


def send(node: Scratch, *numbers: int, **changes: Any) -> None:
    for data in volume(*numbers, **changes):
        assert node.send(data).verdict.is_stored


def look(node: Scratch, auditor: Auditor, uid: str = SERIES, *, pixels: bool = False) -> Audited:
    found = node.ledger.transact(lambda db: auditor.audit(db, uid, pixels=pixels))
    assert found is not None
    return found


def write(node: Scratch, audited: Audited, made: int = MADE) -> Written:
    return node.ledger.transact(lambda db: write_audit(db, audited.kept, audited.audit, made))


def judge(node: Scratch, auditor: Auditor, **more: Any) -> Written:
    return write(node, look(node, auditor, **more))


def codes(audited: Audited) -> list[str]:
    return [one.code for one in audited.audit.findings]


def test_a_series_is_judged_from_what_the_ledger_keeps(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, 3, 5, 6)
    audited = look(node, auditor)
    assert audited.audit.verdict is SeriesVerdict.ATTENTION
    assert codes(audited) == ["NUM-005", "SER-305"]
    assert (audited.audit.series_instance_uid, audited.audit.study_instance_uid) == (SERIES, STUDY)
    assert audited.audit.modality == "CT"
    assert audited.audit.stacks[0].uids == tuple(f"{INSTANCE}.{n}" for n in (1, 2, 3, 5, 6))


def test_nothing_is_said_of_a_series_that_is_not_there(node: Scratch, auditor: Auditor) -> None:
    assert node.ledger.transact(lambda db: auditor.audit(db, "1.2.3")) is None
    send(node, 1)
    node.ledger.transact(lambda db: db.execute("DELETE FROM instance"))
    assert node.ledger.transact(lambda db: read_series(db, SERIES)) is None


def test_members_have_all_that_was_kept_of_them(node: Scratch) -> None:
    send(node, 4)
    kept = node.ledger.transact(lambda db: read_series(db, SERIES))
    assert kept is not None
    (one,) = kept.members
    assert (one.sop_instance_uid, one.sop_class_uid, one.instance_number) == (f"{INSTANCE}.4", CTImageStorage, 4)
    assert one.geometry.position == [0, 0, 10]
    assert kept.context.variants[one.geometry.variant]["manufacturer"] == "Maker"


# What was refused


def test_what_contradicts_the_series_and_was_refused_counts(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, 3)
    for _ in range(2):
        assert not node.send(slice_at(4, Modality="MR")).verdict.is_stored
    assert not node.send(slice_at(3, Rows=5, PixelData=bytes(40))).verdict.is_stored
    audited = look(node, auditor)
    assert audited.audit.verdict is SeriesVerdict.CONTRADICTORY
    assert audited.audit.refused == {"ENT-203": 1, "DUP-005": 1}


def test_what_was_refused_and_then_sent_right_does_not(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2)
    assert not node.send(slice_at(3, Modality="MR")).verdict.is_stored
    send(node, 3)
    assert look(node, auditor).audit.verdict is SeriesVerdict.CONSISTENT


def test_a_resend_says_nothing_against_the_series(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, 3)
    node.send(slice_at(2))
    assert look(node, auditor).audit.refused == {}


def test_a_reference_that_had_everybody_refused_is_the_odd_one_out(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, Modality="MR")
    for number in (2, 3, 4):
        assert not node.send(slice_at(number)).verdict.is_stored
    assert codes(look(node, auditor)) == ["ENT-299"]


# What only the objects tell


def selection(*uids: str) -> bytes:
    items = []
    for uid in uids:
        items.append(Dataset())
        items[-1].ReferencedSOPInstanceUID = uid
    return data_set(
        SOPClassUID=KeyObjectSelectionDocumentStorage, SOPInstanceUID=f"{INSTANCE}.99", Modality="KO",
        SeriesInstanceUID=f"{SERIES}.9", ReferencedImageSequence=Items(items), ImagePositionPatient=None,
        ImageOrientationPatient=None, PixelData=None, FrameOfReferenceUID=None,
    )  # fmt: skip


def test_references_are_looked_up(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2)
    assert node.send(selection(f"{INSTANCE}.1", f"{INSTANCE}.3")).verdict.is_stored
    (finding,) = look(node, auditor, f"{SERIES}.9").audit.findings
    assert (finding.code, finding.found) == ("REF-401", (f"{INSTANCE}.3",))


def test_an_object_that_cannot_be_read_is_passed_over(node: Scratch, auditor: Auditor) -> None:
    assert node.send(selection("1.2.3")).verdict.is_stored
    (path,) = (node.folder / "archive").rglob("*.dcm")
    path.write_bytes(b"no DICOM file any more")
    assert look(node, auditor, f"{SERIES}.9").audit.findings == ()
    path.unlink()
    assert look(node, auditor, f"{SERIES}.9").audit.findings == ()


def test_without_objects_nothing_is_said_of_references(node: Scratch) -> None:
    assert node.send(selection("1.2.3")).verdict.is_stored
    assert look(node, Auditor(make_policy(RULES), LIMITS), f"{SERIES}.9").audit.findings == ()


PIXELS = bytes(range(32))


def test_copies_of_pixels_are_found_if_somebody_asks_and_not_forgotten(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, 4, PixelData=PIXELS)
    send(node, 3, PixelData=PIXELS[::-1])
    assert codes(look(node, auditor)) == []
    judge(node, auditor, pixels=True)
    audited = look(node, auditor)
    assert [one.message for one in audited.audit.findings] == [
        "3 images have the same pixels: Instance Number 1, 2 and 4"
    ]
    assert not write(node, audited).is_new


def test_an_object_that_cannot_be_read_to_its_end_is_passed_over(node: Scratch, tmp_path: Path) -> None:
    def full() -> NoReturn:
        raise StoreFault("the spool cannot be written")

    auditor = Auditor(make_policy(RULES), replace(LIMITS, scratch=full), opener(tmp_path))
    send(node, 1, 2, PixelData=PIXELS)
    send(node, 3, PixelData=PIXELS[::-1])
    large = image(SOPInstanceUID=f"{INSTANCE}.4", InstanceNumber="4", ImagePositionPatient=[0, 0, 10],
                  SliceLocation=None, PixelData=PIXELS)  # fmt: skip
    large.add_new(0x00420011, "OB", bytes(2 << 20))
    deflated = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = deflated.compress(encoded(large, ExplicitVRLittleEndian)) + deflated.flush()
    answer = node.send(
        data, transfer_syntax=DeflatedExplicitVRLittleEndian, sop_instance_uid=f"{INSTANCE}.4",
        sop_class_uid=CTImageStorage, abstract_syntax=CTImageStorage,
    )  # fmt: skip
    assert answer.verdict.is_stored
    (finding,) = (one for one in look(node, auditor, pixels=True).audit.findings if one.code == "DUP-008")
    assert finding.message == "2 images have the same pixels: Instance Number 1 and 2"


def test_references_of_an_object_that_cannot_be_read_to_its_end_are_passed_over(node: Scratch, tmp_path: Path) -> None:
    def broken(*_: Any) -> NoReturn:
        raise StoreFault("a file cannot be read")

    assert node.send(selection("1.2.3")).verdict.is_stored
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series_module, "referenced_instances", broken)
        auditor = Auditor(make_policy(RULES), LIMITS, opener(tmp_path))
        assert "REF-401" not in codes(look(node, auditor, f"{SERIES}.9"))


def test_blank_images_are_no_copies(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, 3)
    assert codes(look(node, auditor, pixels=True)) == []


def test_compressed_images_with_nothing_in_them_are_blank(node: Scratch, auditor: Auditor) -> None:
    for number, fragment in enumerate((b"\xff\xd8" * 30, b"\xff\xd8" * 30, b"\xff", b"\xff"), 1):
        ds = image(SOPInstanceUID=f"{INSTANCE}.{number}", InstanceNumber=str(number), Rows=64, Columns=64,
                   ImagePositionPatient=[0, 0, 2 * number], SliceLocation=None)  # fmt: skip
        ds.PixelData = encapsulate([fragment], has_bot=False)
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        data = encoded(ds, JPEGLosslessSV1)
        assert node.send(data, transfer_syntax=JPEGLosslessSV1).verdict.is_stored
    (finding,) = look(node, auditor, pixels=True).audit.findings
    assert finding.message == "2 images have the same pixels: Instance Number 1 and 2"


def test_an_object_without_pixels_has_no_copies(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, PixelData=None, Rows=None, Columns=None)
    assert "DUP-008" not in codes(look(node, auditor, pixels=True))


# What is written


def test_findings_are_opened_and_closed_and_stay(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, 3, 6, 7)
    first = judge(node, auditor)
    assert first.is_new
    assert [one.code for one in first.opened] == ["NUM-005", "SER-305"]
    send(node, 4)
    second = judge(node, auditor)
    assert [one.message[:9] for one in second.opened] == ["Instance ", "1 slice m"]
    assert second.closed == 2
    send(node, 5)
    third = judge(node, auditor)
    assert (third.opened, third.closed) == ((), 2)
    past = node.ledger.transact(lambda db: history(db, SERIES))
    assert [(one.verdict, one.instances, len(one.opened), len(one.closed)) for one in past] == [
        (SeriesVerdict.CONSISTENT, 7, 0, 2), (SeriesVerdict.ATTENTION, 6, 2, 2), (SeriesVerdict.ATTENTION, 5, 2, 0),
    ]  # fmt: skip
    assert [past_document(one)["audited"] for one in past] == ["2026-01-02T10:11:12.000Z"] * 3


def test_an_audit_that_says_the_same_of_the_same_is_not_written_again(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, 3, 5, 6)
    first = judge(node, auditor)
    again = judge(node, auditor)
    assert (again.audit, again.is_new) == (first.audit, False)
    strict = Auditor(make_policy(RULES, Profile.STRICT), LIMITS, auditor.open_object)
    assert judge(node, strict).is_new


def test_a_finding_comes_back_from_the_ledger_as_it_was(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, 3, 5, 6)
    audited = look(node, auditor)
    write(node, audited)
    found = node.ledger.transact(lambda db: status(db, SERIES))
    assert found is not None
    assert found.findings == audited.audit.findings
    assert (found.verdict, found.made, found.is_open) == (SeriesVerdict.ATTENTION, MADE, False)
    assert (found.instances, found.images, found.refused) == (5, 5, {})
    assert found.stacks[0]["gaps"][0]["missing"] == 1
    shown = status_document(found)
    assert (shown["verdict"], shown["open"], shown["audited"]) == ("attention", False, "2026-01-02T10:11:12.000Z")


def test_a_series_is_open_until_it_is_judged_and_whenever_something_comes(node: Scratch, auditor: Auditor) -> None:
    def is_open() -> bool:
        found = node.ledger.transact(lambda db: status(db, SERIES))
        assert found is not None
        assert found.is_open is (SERIES in node.ledger.transact(unjudged))
        return found.is_open

    send(node, 1, 2, 3)
    assert is_open()
    judge(node, auditor)
    assert not is_open()
    send(node, 4)
    assert is_open()
    judge(node, auditor)
    node.send(slice_at(9, Modality="MR"))
    assert is_open()
    judge(node, auditor)
    node.send(slice_at(3))
    assert not is_open(), "an identical resend changes nothing"


def test_a_series_that_was_never_judged_has_no_verdict(node: Scratch) -> None:
    send(node, 1)
    found = node.ledger.transact(lambda db: status(db, SERIES))
    assert found is not None
    shown = status_document(found)
    assert (shown["verdict"], shown["audited"], shown["open"], shown["stacks"]) == (None, None, True, [])
    assert node.ledger.transact(lambda db: status(db, "1.2.3")) is None


def test_series_are_listed_newest_first_and_by_verdict(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, 3)
    send(node, 11, 12, 14, 15, SeriesInstanceUID=f"{SERIES}.2")
    judge(node, auditor)
    judge(node, auditor, uid=f"{SERIES}.2")

    def listed(*how: Any) -> list[str]:
        return [one.series_instance_uid for one in node.ledger.transact(lambda db: list(newest(db, *how)))]

    assert listed(9) == [f"{SERIES}.2", SERIES]
    assert listed(1) == [f"{SERIES}.2"]
    assert listed(9, SeriesVerdict.CONSISTENT) == [SERIES]
    assert node.ledger.transact(kept_series.all_series) == [SERIES, f"{SERIES}.2"]


def test_acts_tell_of_which_series_they_were(node: Scratch) -> None:
    send(node, 1)
    receipt = node.receipts()[0].id
    assert node.ledger.transact(kept_series.last_act) == 0
    act = Act(new_id(), MADE, ActKind.DROP.value, "somebody", "", receipt, "dropped", "")
    node.ledger.transact(lambda db: record(db, act))
    assert node.ledger.transact(kept_series.last_act) == act.id
    assert node.ledger.transact(lambda db: kept_series.acted_on(db, 0)) == [SERIES]
    assert node.ledger.transact(lambda db: kept_series.acted_on(db, act.id)) == []


def test_the_modality_is_that_of_most(node: Scratch, tmp_path: Path) -> None:
    observe = make_policy(RULES, Profile.OBSERVE)
    other = open_node(tmp_path / "observing", lambda _: observe)
    send(other, 1, Modality="MR")
    send(other, 2, 3)
    audited = look(other, Auditor(observe, LIMITS))
    assert audited.audit.modality == "CT"
    assert audited.audit.verdict is SeriesVerdict.CONTRADICTORY
    other.close()


def test_what_the_ledger_keeps_names_nobody(node: Scratch, auditor: Auditor) -> None:
    send(node, 1, 2, PatientName="Zebulon^Quartz")
    send(node, 3, PatientName="Yolanda^Quartz")
    written = judge(node, auditor)
    assert [(one.code, one.severity) for one in written.opened] == [("ENT-299", Severity.WARN)]
    content = b"".join(file.read_bytes() for file in node.folder.glob("ledger*"))
    assert b"Quartz" not in content
