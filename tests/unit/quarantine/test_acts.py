"""Release, replace and drop: what is stored, what lies in quarantine and what the ledger says always agree."""

import fcntl
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import orjson
import pytest
from pydicom.uid import MRImageStorage

from scp import comparing
from scp.audit.catalogue import RULES
from scp.audit.finding import Decision
from scp.audit.policy import Policy, Profile, make_policy
from scp.cases import Cases
from scp.dicom.compare import compare
from scp.dicom.difference import Comparison
from scp.dicom.request import Association
from scp.errors import NodeFault
from scp.ids import as_text, new_id
from scp.layout import LEDGER, Place, archive_path, quarantine_path
from scp.ledger.acts import Act, acts_on
from scp.ledger.port import Receipt
from scp.ledger.reading import reading
from scp.ledger.sqlite import SqliteLedger
from scp.ledger.withdraw import Withdrawal
from scp.quarantine.acts import Quarantine, Result, result_document
from scp.quarantine.moving import Mover
from scp.quarantine.readmission import NO_PLACE, REFUSED, STORED, TAKEN
from scp.store.store import Store
from tests.rules.builders import INSTANCE, SERIES, STUDY, encoded, image, raw
from tests.unit.ledger.contract import together
from tests.unit.nodes import LIMITS, Scratch, association, data_set

IMAGE = data_set()
OTHER_PIXELS = data_set(PixelData=b"\1" * 32)
SECOND: dict[str, Any] = {"SOPInstanceUID": "1.2.9", "InstanceNumber": "2", "ImagePositionPatient": ["0", "0", "20"]}
ARCHIVED = archive_path(STUDY, SERIES, INSTANCE)
OBSERVE = make_policy(RULES, Profile.OBSERVE)
STANDARD = make_policy(RULES)
WHO = "os:tester"


def acting(node: Scratch, policy: Policy = STANDARD, ledger: SqliteLedger | None = None) -> Quarantine:
    """What acts in the node's own process."""
    return Quarantine(ledger or node.ledger, node.store, lambda _: policy, LIMITS)


def receipt(node: Scratch, number: int) -> Receipt:
    found = node.ledger.receipt(number)
    assert found is not None
    return found


def acts(node: Scratch, number: int) -> list[Act]:
    with reading(node.folder / LEDGER) as db:
        return acts_on(db, number)


def data_in(node: Scratch, path: str) -> bytes:
    return (node.folder / path).read_bytes()


def refused(node: Scratch, data: bytes = IMAGE, sender: Association | None = None, **said: Any) -> int:
    """Let the node refuse an object, and return its receipt."""
    answer = node.send(data, sender, **said)
    assert answer.verdict.decision is Decision.REFUSE
    return answer.receipt


def mismatched(node: Scratch, data: bytes = IMAGE) -> int:
    """Refuse an object because its sender says that it is of another class."""
    return refused(node, data, sop_class_uid=MRImageStorage, abstract_syntax=MRImageStorage)


@pytest.mark.parametrize("kind", ["release", "replace", "drop"])
def test_an_object_that_is_still_on_its_way_to_quarantine_is_not_acted_on(
    node: Scratch, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever acts on a whole series may come by while it is still being sent."""
    results: list[Result] = []
    real = Cases.document

    def document(cases: Cases, number: int, *arguments: Any, **named: Any) -> bytes:
        results.append(getattr(acting(node), kind)(number, WHO, "the whole series"))
        return real(cases, number, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Cases, "document", document)
        number = mismatched(node)
    (result,) = results
    assert (result.done, result.outcome, result.why) == (
        False,
        "impossible",
        "it is on its way to quarantine: try again",
    )
    assert receipt(node, number).placement.place is Place.QUARANTINE
    assert acting(node).drop(number, WHO, "the whole series").done
    assert node.files("quarantine") == node.files("spool") == []


# Release


def test_what_would_be_refused_again_stays_where_it_is_and_is_told_why(node: Scratch) -> None:
    number = mismatched(node)
    before = node.files("quarantine"), receipt(node, number)
    result = acting(node).release(number, WHO)
    assert (result.done, result.outcome, result.why, result.act) == (False, "refused", REFUSED, None)
    assert result.codes == ("UID-007",)
    assert result.findings[0]["message"]
    assert (node.files("quarantine"), receipt(node, number)) == before
    assert node.files("archive") == node.files("spool") == []
    assert acts(node, number) == []


def test_what_the_present_settings_accept_is_admitted_under_its_own_receipt(node: Scratch) -> None:
    number = mismatched(node)
    result = acting(node, OBSERVE).release(number, WHO, "settings were changed")
    assert (result.done, result.outcome, result.codes) == (True, "released", ())
    assert data_in(node, ARCHIVED).endswith(IMAGE)
    assert node.files("quarantine") == node.files("spool") == []
    after = receipt(node, number)
    assert (after.placement.place, after.placement.path, after.placement.original) == (Place.ARCHIVE, ARCHIVED, number)
    assert (after.outcome.value, after.status) == ("refuse", 0xA901), "what was answered stays as it was"
    (act,) = acts(node, number)
    assert (act.kind, act.who, act.reason, act.outcome) == ("release", WHO, "settings were changed", "released")
    assert act.id == result.act


def test_what_the_ledger_accepts_by_now_is_admitted(node: Scratch) -> None:
    """The reference that it contradicted was replaced by now."""
    first = node.send(IMAGE).receipt
    late = refused(node, data_set(**SECOND, Rows=2, Columns=8))
    wide = refused(node, data_set(Rows=2, Columns=8))
    quarantine = acting(node)
    assert quarantine.release(late, WHO).outcome == "refused"
    assert quarantine.replace(wide, WHO, "the scan was repeated").done
    assert quarantine.release(late, WHO).outcome == "released"
    assert receipt(node, first).placement.place is Place.QUARANTINE


def test_a_released_instance_is_an_instance_like_any_other(node: Scratch) -> None:
    number = mismatched(node)
    acting(node, OBSERVE).release(number, WHO)
    sender = association()
    assert node.send(IMAGE, sender).verdict.status == 0x0000, "its sender was told that it had been refused"
    assert node.send(IMAGE, sender).verdict.status == 0x0111
    conflict = node.send(OTHER_PIXELS)
    assert conflict.verdict.status == 0xC115
    assert conflict.verdict.findings[0].problem.other is not None
    assert conflict.verdict.findings[0].problem.other.receipt == number
    assert node.send(data_set(**SECOND, PatientID="P2")).verdict.status == 0xC132


def test_by_force_it_is_admitted_all_the_same_and_the_ledger_says_what_was_overruled(node: Scratch) -> None:
    node.send(IMAGE)
    number = refused(node, data_set(**SECOND, PatientID="P2"))
    result = acting(node).release(number, WHO, " the ID was corrected ", force=True)
    assert (result.done, result.outcome, result.codes) == (True, "forced", ("ENT-202",))
    (act,) = acts(node, number)
    assert (act.outcome, act.codes, act.reason) == ("forced", ("ENT-202",), "the ID was corrected")
    assert len(node.files("archive")) == 2


def test_force_replaces_nothing(node: Scratch) -> None:
    node.send(IMAGE)
    number = refused(node, OTHER_PIXELS)
    result = acting(node).release(number, WHO, "please", force=True)
    assert (result.done, result.outcome, result.why, result.codes) == (False, "impossible", TAKEN, ("DUP-005",))
    assert data_in(node, ARCHIVED).endswith(IMAGE)
    assert node.files("spool") == []


@pytest.mark.parametrize(
    "data",
    [
        encoded(raw(image(), SOPInstanceUID=b"../../x ")),
        encoded(raw(image(), StudyInstanceUID=b"../x")),
        data_set(SOPInstanceUID=None),
    ],
)
def test_what_has_no_place_cannot_be_forced(node: Scratch, data: bytes) -> None:
    number = refused(node, data)
    result = acting(node).release(number, WHO, "please", force=True)
    assert (result.outcome, result.why) == ("impossible", NO_PLACE)
    assert node.files("archive") == []


def test_what_is_stored_by_now_is_not_admitted_twice(node: Scratch) -> None:
    number = mismatched(node)
    node.send(IMAGE)
    for policy in (STANDARD, OBSERVE):
        result = acting(node, policy).release(number, WHO)
        assert (result.outcome, result.why) == ("impossible", STORED)


def test_an_act_decodes_frames_in_turn_with_the_node(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever compares compressed copies in one process does so one at a time: a frame is in memory for it."""
    node.send(IMAGE)
    number = refused(node, OTHER_PIXELS)
    waited = []

    def noted(*both: Any) -> Comparison:
        waited.append(comparing._one_at_a_time.locked())
        return compare(*both)

    monkeypatch.setattr(comparing, "_takes_much", lambda *_: True)
    monkeypatch.setattr(comparing, "compare", noted)
    acting(node).release(number, WHO, dry_run=True)
    assert waited == [True]


def test_force_and_replace_and_drop_need_a_reason(node: Scratch) -> None:
    number = mismatched(node)
    quarantine = acting(node)
    calls: list[Callable[[], Result]] = [
        lambda: quarantine.release(number, WHO, "", force=True),
        lambda: quarantine.replace(number, WHO, " \n"),
        lambda: quarantine.drop(number, WHO, ""),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="a reason is needed"):
            call()
    assert acts(node, number) == []


def test_the_request_is_judged_as_it_was_made_word_for_word(node: Scratch) -> None:
    number = refused(node, sop_instance_uid="Doe^John")
    result = acting(node).release(number, WHO)
    assert "UID-001" in result.codes
    assert "Doe" not in repr(result)


def test_without_its_case_it_is_judged_by_what_the_ledger_has(node: Scratch) -> None:
    number = mismatched(node)
    next((node.folder / "quarantine").rglob("*.json")).unlink()
    assert acting(node).release(number, WHO).codes == ("UID-007",)


def test_bytes_that_are_not_what_was_received_are_not_released(node: Scratch) -> None:
    number = mismatched(node)
    path = next((node.folder / "quarantine").rglob("*.dcm"))
    path.write_bytes(path.read_bytes()[:-1] + b"\7")
    result = acting(node, OBSERVE).release(number, WHO)
    assert (result.outcome, result.why) == (
        "impossible", "it cannot be read: the bytes are not those that were received",
    )  # fmt: skip


def test_a_rehearsal_says_what_would_be_and_changes_nothing(node: Scratch) -> None:
    node.send(IMAGE)
    conflict = refused(node, OTHER_PIXELS)
    before = node.files("quarantine"), node.files("archive"), node.receipts()
    quarantine = acting(node, OBSERVE)
    other = mismatched(node, data_set(**SECOND))
    before = node.files("quarantine"), node.files("archive"), node.receipts()
    assert quarantine.release(other, WHO, dry_run=True).outcome == "released"
    assert quarantine.release(conflict, WHO, dry_run=True).outcome == "impossible"
    replaced = quarantine.replace(conflict, WHO, "why not", dry_run=True)
    assert (replaced.done, replaced.outcome, replaced.codes, replaced.act) == (True, "replaced", (), None)
    assert quarantine.drop(conflict, WHO, "why not", dry_run=True).outcome == "dropped"
    assert (node.files("quarantine"), node.files("archive"), node.receipts()) == before
    assert node.files("spool") == []
    assert acts(node, conflict) == acts(node, other) == []


# Replace


def test_the_quarantined_copy_becomes_the_archived_one_and_the_old_one_goes_to_quarantine(node: Scratch) -> None:
    old = node.send(IMAGE, association("FIRST")).receipt
    new = refused(node, OTHER_PIXELS, association("SECOND"))
    result = acting(node).replace(new, WHO, "the second is right")
    assert (result.done, result.outcome, result.other) == (True, "replaced", old)
    assert data_in(node, ARCHIVED).endswith(OTHER_PIXELS)
    path = quarantine_path(old, receipt(node, old).received)
    assert data_in(node, path).endswith(IMAGE)
    assert node.files("quarantine") == [path.removeprefix("quarantine/").replace("dcm", end) for end in ("dcm", "json")]
    assert node.files("spool") == []
    assert receipt(node, old).placement.path == path
    assert receipt(node, new).placement.path == ARCHIVED
    assert acts(node, old) == acts(node, new)
    (act,) = acts(node, new)
    assert (act.receipt, act.other, act.reason) == (new, old, "the second is right")


def test_the_case_of_the_old_one_shows_in_what_the_new_one_differs(node: Scratch) -> None:
    old = node.send(IMAGE).receipt
    new = refused(node, data_set(PatientName="Other^Name"))
    acting(node).replace(new, WHO, "corrected")
    (path,) = (node.folder / "quarantine").rglob(f"{as_text(old)}.json")
    case = orjson.loads(path.read_bytes())
    (difference,) = case["differences"]["differences"]
    assert (difference["first"], difference["second"]) == ("Other^Name", "Test^Case")


def test_a_replacement_can_be_replaced_by_what_it_replaced(node: Scratch) -> None:
    old = node.send(IMAGE).receipt
    new = refused(node, OTHER_PIXELS)
    quarantine = acting(node)
    quarantine.replace(new, WHO, "the second is right")
    assert quarantine.replace(old, WHO, "no, the first was").done
    assert data_in(node, ARCHIVED).endswith(IMAGE)
    assert [path for path in node.files("quarantine") if path.endswith(".dcm")] == [
        receipt(node, new).placement.path.removeprefix("quarantine/")
    ]
    assert node.files("spool") == []
    assert node.send(OTHER_PIXELS).verdict.status == 0xC115
    assert len(acts(node, old)) == 2


def test_what_comes_after_a_replacement_is_judged_by_what_is_archived_now(node: Scratch) -> None:
    old = node.send(IMAGE).receipt
    new = refused(node, data_set(PatientID="P2", PatientName="Other^Name"))
    acting(node).replace(new, WHO, "wrong worklist entry")
    assert node.send(data_set(**SECOND)).verdict.status == 0xC132
    assert node.send(data_set(**SECOND, PatientID="P2", PatientName="Other^Name")).verdict.status == 0x0000
    sender = association()
    assert node.send(IMAGE, sender).verdict.findings[0].problem.other is not None
    assert receipt(node, old).placement.place is Place.QUARANTINE


def test_the_old_one_may_come_again_and_is_refused_and_kept_once(node: Scratch) -> None:
    node.send(IMAGE)
    new = refused(node, OTHER_PIXELS)
    acting(node).replace(new, WHO, "the second is right")
    before = node.files("quarantine")
    assert node.send(IMAGE).verdict.status == 0xC115
    assert node.files("quarantine") == before


def test_the_oldest_that_stays_is_what_others_are_compared_with(node: Scratch) -> None:
    """The first of a series moves to another study; the series is compared with its second from then on."""
    node.send(IMAGE)
    node.send(data_set(**SECOND))
    elsewhere = refused(node, data_set(StudyInstanceUID="1.2.77", SeriesInstanceUID="1.2.77.1", Rows=2, Columns=8))
    assert acting(node).replace(elsewhere, WHO, "it belongs there").done
    third = {"SOPInstanceUID": "1.2.10", "InstanceNumber": "3", "ImagePositionPatient": ["0", "0", "30"]}
    contradiction = node.send(data_set(**third, Rows=2, Columns=8, PatientID="P2", Modality="MR"))
    others = {one.code: one.problem.other for one in contradiction.verdict.findings if one.problem.other}
    assert {"ENT-202", "ENT-203", "STK-251"} <= set(others)
    assert {other.sop_instance_uid for other in others.values() if other} == {"1.2.9"}
    moved = {"StudyInstanceUID": "1.2.77", "SeriesInstanceUID": "1.2.77.1", **third}
    assert node.send(data_set(**moved, Rows=2, Columns=8)).verdict.status == 0x0000


def test_reformats_of_a_plane_are_compared_with_the_oldest_of_it_that_stays(node: Scratch) -> None:
    """The first coronal slice moves to another study; a slice of another size is told of the second then."""
    reformat: dict[str, Any] = {"ImageType": ["DERIVED", "SECONDARY", "MPR"]}
    coronal = reformat | {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1], "Rows": 2, "Columns": 8}
    node.send(data_set(SOPInstanceUID="1.2.8", InstanceNumber="4", **reformat))
    node.send(data_set(**coronal))
    node.send(data_set(**coronal | SECOND))
    elsewhere = refused(node, data_set(StudyInstanceUID="1.2.77", SeriesInstanceUID="1.2.77.1"))
    assert acting(node).replace(elsewhere, WHO, "it belongs there").done
    third = {"SOPInstanceUID": "1.2.10", "InstanceNumber": "3", "ImagePositionPatient": ["0", "30", "0"]}
    contradiction = node.send(data_set(**coronal | third | {"Rows": 4, "Columns": 4}))
    assert contradiction.verdict.status == 0xC141
    others = [one.problem.other for one in contradiction.verdict.findings if one.code == "STK-251"]
    assert [other and other.sop_instance_uid for other in others] == ["1.2.9"]


def test_a_study_is_compared_with_the_oldest_that_stays_and_names_the_patient(node: Scratch) -> None:
    third = {"SOPInstanceUID": "1.2.10", "InstanceNumber": "3", "ImagePositionPatient": ["0", "0", "30"]}
    node.send(IMAGE)
    node.send(data_set(**SECOND, PatientID=""))
    node.send(data_set(**third))
    elsewhere = refused(node, data_set(StudyInstanceUID="1.2.77", SeriesInstanceUID="1.2.77.1"))
    assert acting(node).replace(elsewhere, WHO, "it belongs there").done
    contradiction = node.send(data_set(**third | {"SOPInstanceUID": "1.2.11", "InstanceNumber": "4"}, PatientID="P2"))
    others = [one.problem.other for one in contradiction.verdict.findings if one.code == "ENT-202"]
    assert [other and other.sop_instance_uid for other in others] == ["1.2.10"]


@pytest.mark.parametrize(
    ("nothing", "other", "code"),
    [
        ({"FrameOfReferenceUID": ""}, {"FrameOfReferenceUID": "1.2.99"}, "ENT-204"),
        ({"PixelSpacing": None}, {"PixelSpacing": ["0.7", "0.7"]}, "STK-252"),
    ],
)
def test_the_oldest_that_stays_and_can_contradict_is_what_others_are_compared_with(
    node: Scratch, nothing: dict[str, Any], other: dict[str, Any], code: str
) -> None:
    third = {"SOPInstanceUID": "1.2.10", "InstanceNumber": "3", "ImagePositionPatient": ["0", "0", "30"]}
    node.send(IMAGE)
    node.send(data_set(**SECOND | nothing))
    node.send(data_set(**third))
    elsewhere = refused(node, data_set(StudyInstanceUID="1.2.77", SeriesInstanceUID="1.2.77.1"))
    assert acting(node).replace(elsewhere, WHO, "it belongs there").done
    contradiction = node.send(data_set(**third | {"SOPInstanceUID": "1.2.11", "InstanceNumber": "4"} | other))
    others = [one.problem.other for one in contradiction.verdict.findings if one.code == code]
    assert [other and other.sop_instance_uid for other in others] == ["1.2.10"]


def test_a_series_in_which_nobody_can_contradict_keeps_its_oldest(node: Scratch) -> None:
    nothing: dict[str, Any] = {"FrameOfReferenceUID": "", "PixelSpacing": None}
    third = {"SOPInstanceUID": "1.2.10", "InstanceNumber": "3", "ImagePositionPatient": ["0", "0", "30"]}
    node.send(IMAGE)
    node.send(data_set(**SECOND | nothing))
    node.send(data_set(**third | nothing))
    elsewhere = refused(node, data_set(StudyInstanceUID="1.2.77", SeriesInstanceUID="1.2.77.1"))
    assert acting(node).replace(elsewhere, WHO, "it belongs there").done
    matrix = node.send(data_set(SOPInstanceUID="1.2.11", InstanceNumber="4", Rows=2, Columns=8))
    others = [one.problem.other for one in matrix.verdict.findings if one.code == "STK-251"]
    assert [other and other.sop_instance_uid for other in others] == ["1.2.9"]


def test_a_series_that_was_emptied_begins_anew(node: Scratch) -> None:
    node.send(IMAGE)
    elsewhere = refused(node, data_set(StudyInstanceUID="1.2.77", SeriesInstanceUID="1.2.77.1"))
    acting(node).replace(elsewhere, WHO, "it belongs there")
    fresh = data_set(**SECOND, PatientID="P9", Modality="CT", Rows=2, Columns=8)
    assert node.send(fresh).verdict.status == 0x0000
    assert node.send(data_set(**SECOND | {"SOPInstanceUID": "1.2.11", "InstanceNumber": "3"})).verdict.status == 0xC132


def test_with_nothing_to_replace_it_says_so(node: Scratch) -> None:
    number = mismatched(node)
    result = acting(node).replace(number, WHO, "please")
    assert (result.outcome, result.done) == ("impossible", False)
    assert "nothing is stored under its SOP Instance UID" in result.why
    node.send(IMAGE)
    assert acting(node).replace(number, WHO, "please").why == STORED


def test_an_instance_whose_file_is_gone_is_not_replaced(node: Scratch) -> None:
    node.send(IMAGE)
    number = refused(node, OTHER_PIXELS)
    (node.folder / ARCHIVED).unlink()
    result = acting(node).replace(number, WHO, "please")
    assert (result.outcome, "is not there" in result.why) == ("impossible", True)
    assert receipt(node, number).placement.place is Place.QUARANTINE
    assert node.files("spool") == []


def test_if_what_takes_over_cannot_be_read_nothing_is_replaced(node: Scratch) -> None:
    node.send(IMAGE)
    node.send(data_set(**SECOND))
    number = refused(node, OTHER_PIXELS)
    (node.folder / archive_path(STUDY, SERIES, "1.2.9")).unlink()
    result = acting(node).replace(number, WHO, "please")
    assert (result.outcome, "cannot be read" in result.why) == ("impossible", True)
    assert data_in(node, ARCHIVED).endswith(IMAGE)
    assert node.files("spool") == []


def test_what_comes_in_the_meantime_is_taken_into_account(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan had no instance that could take over; by now there is one."""
    node.send(IMAGE)
    number = refused(node, data_set(StudyInstanceUID="1.2.77", SeriesInstanceUID="1.2.77.1"))
    quarantine = acting(node)
    plan_of = quarantine._withdrawal
    late = [data_set(**SECOND)]

    def planned(displaced: Receipt) -> Withdrawal:
        plan = plan_of(displaced)
        if late:
            assert node.send(late.pop()).verdict.status == 0x0000
        return plan

    monkeypatch.setattr(quarantine, "_withdrawal", planned)
    assert quarantine.replace(number, WHO, "it belongs there").done
    third = {"SOPInstanceUID": "1.2.10", "InstanceNumber": "3", "ImagePositionPatient": ["0", "0", "30"]}
    assert node.send(data_set(**third, Rows=2, Columns=8)).verdict.status == 0xC141


def test_what_changes_for_ever_is_given_up(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    node.send(IMAGE)
    number = refused(node, OTHER_PIXELS)
    quarantine = acting(node)
    plan_of = quarantine._withdrawal
    monkeypatch.setattr(quarantine, "_withdrawal", lambda displaced: replace(plan_of(displaced), newest=0))
    with pytest.raises(NodeFault, match="keeps changing"):
        quarantine.replace(number, WHO, "please")
    assert data_in(node, ARCHIVED).endswith(IMAGE)
    assert acting(node).replace(number, WHO, "please").done
    assert node.files("spool") == []


# Drop


def test_dropping_removes_bytes_and_case_and_the_ledger_keeps_the_receipt(node: Scratch) -> None:
    number = mismatched(node)
    result = acting(node).drop(number, WHO, "a test pattern")
    assert (result.done, result.outcome) == (True, "dropped")
    assert node.files("quarantine") == node.files("spool") == []
    after = receipt(node, number)
    assert (after.placement.place, after.placement.path, after.status) == (Place.NOWHERE, "", 0xA901)
    assert [act.reason for act in acts(node, number)] == ["a test pattern"]


def test_what_was_dropped_and_comes_again_is_kept_again(node: Scratch) -> None:
    acting(node).drop(mismatched(node), WHO, "a test pattern")
    again = mismatched(node)
    assert len(node.files("quarantine")) == 2
    assert receipt(node, again).placement.original == again


def test_what_has_lost_its_bytes_can_be_dropped(node: Scratch) -> None:
    number = mismatched(node)
    next((node.folder / "quarantine").rglob("*.dcm")).unlink()
    assert acting(node).release(number, WHO).outcome == "impossible"
    assert acting(node).drop(number, WHO, "lost").done
    assert node.files("quarantine") == node.files("spool") == []


# What acts are about


def test_a_resend_stands_for_what_was_kept(node: Scratch) -> None:
    kept, resent = mismatched(node), mismatched(node)
    result = acting(node).drop(resent, WHO, "twice")
    assert (result.done, result.receipt) == (True, kept)


@pytest.mark.parametrize("act", ["release", "replace", "drop"])
def test_what_is_not_in_quarantine_cannot_be_acted_on(node: Scratch, act: str) -> None:
    accepted = node.send(IMAGE).receipt
    result = getattr(acting(node), act)(accepted, WHO, "please")
    assert (result.outcome, result.why) == ("impossible", "it is not in quarantine (any more)")
    unknown = getattr(acting(node), act)(new_id(), WHO, "please")
    assert unknown.why == "there is no receipt with this number"


def test_a_result_as_json_names_receipts_as_people_see_them(node: Scratch) -> None:
    number = mismatched(node)
    document = result_document(acting(node).drop(number, WHO, "a test pattern"))
    assert (document["receipt"], document["done"], document["why"]) == (as_text(number), True, None)
    assert orjson.dumps(document)


# Beside a running node


def test_another_process_can_act_beside_a_running_node(node: Scratch) -> None:
    """A store without the lock, and a ledger of its own."""
    old = node.send(IMAGE).receipt
    new = refused(node, data_set(PatientID="P2"))
    beside = Store(node.folder, holder=None)
    with closing(SqliteLedger(node.folder / LEDGER)) as ledger:
        assert Quarantine(ledger, beside, lambda _: STANDARD, LIMITS).replace(new, WHO, "corrected").done
    beside.close()
    assert receipt(node, old).placement.place is Place.QUARANTINE
    assert node.send(OTHER_PIXELS).verdict.findings[0].code == "DUP-006"


def test_what_another_process_took_away_is_no_reference_any_more(node: Scratch) -> None:
    """The node remembers what series are compared with, and notices that somebody else has written."""
    node.send(IMAGE)
    new = refused(node, data_set(PatientID="P2"))
    beside = Store(node.folder, holder=None)
    with closing(SqliteLedger(node.folder / LEDGER)) as ledger:
        assert Quarantine(ledger, beside, lambda _: STANDARD, LIMITS).replace(new, WHO, "corrected").done
    beside.close()
    assert node.send(data_set(**SECOND)).verdict.status == 0xC132
    assert node.send(data_set(**SECOND, PatientID="P2")).verdict.status == 0x0000


def test_until_an_act_is_finished_the_replaced_object_is_not_taken_for_the_one_that_replaced_it(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed after it has decided leaves the old bytes in the place of the new ones."""

    def die(*_: object) -> None:
        raise NodeFault("killed")

    node.send(IMAGE)
    number = refused(node, OTHER_PIXELS)
    with monkeypatch.context() as patched:
        patched.setattr(Mover, "finish", die)
        with pytest.raises(NodeFault):
            acting(node).replace(number, WHO, "the right one")
    assert IMAGE in data_in(node, ARCHIVED)
    with node.store.data_set(ARCHIVED, number) as (data, _):
        assert data == OTHER_PIXELS
    answer = node.send(data_set(PixelData=b"\1" * 32, WindowCenter="77"))
    assert [finding.code for finding in answer.verdict.findings] == ["DUP-004"]


def test_acts_wait_for_each_other(node: Scratch) -> None:
    number = mismatched(node)
    results: list[Result] = []
    second = threading.Thread(target=lambda: results.append(acting(node).drop(number, WHO, "a test")), daemon=True)
    with node.store.acting():
        second.start()
        held = Store(node.folder, holder=None)
        with pytest.raises(BlockingIOError), (node.folder / ".acts").open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.close()
        assert results == []
        assert len(node.files("quarantine")) == 2
    second.join(timeout=60)
    assert [result.outcome for result in results] == ["dropped"]


def test_of_two_that_act_on_one_object_at_once_one_does(node: Scratch) -> None:
    number = mismatched(node)
    quarantine = acting(node, OBSERVE)
    outcomes = together(
        8, lambda one: (quarantine.release(number, WHO) if one % 2 else quarantine.drop(number, WHO, "a test")).outcome
    )
    assert outcomes.count("impossible") == 7
    assert len(acts(node, number)) == 1
    assert node.files("spool") == []
