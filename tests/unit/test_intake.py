"""The way of one instance: kept, answered and told exactly once, whatever fails on the way."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from pydicom.uid import MRImageStorage

from scp import provenance
from scp.audit import engine, examiner
from scp.audit.catalogue import RULES
from scp.audit.finding import Decision
from scp.audit.finding import Outcome as RuleOutcome
from scp.audit.policy import Profile, make_policy
from scp.audit.rule import Subject
from scp.delivery import Deliveries
from scp.dicom.facts import Facts
from scp.dicom.part10 import file_header, read_note
from scp.dicom.sop_classes import Kind
from scp.dicom.status import Status
from scp.errors import StoreFault
from scp.intake import Answer, NotBegun, Waiting
from scp.layout import Place, archive_path, spool_path
from scp.ledger.port import Draft, Judge
from scp.ledger.sqlite import SqliteLedger
from scp.outcomes import Ending, Outcome
from scp.store.recover import Decided, recover
from tests.rules.builders import INSTANCE, SERIES, STUDY, encoded, image, raw
from tests.unit.dicom.mutate import Encoded, mutated
from tests.unit.ledger.contract import together
from tests.unit.nodes import Scratch, association, cut_off, data_set, open_node, request_for, take
from tests.unit.system import descriptors, system_error

ARCHIVED = archive_path(STUDY, SERIES, INSTANCE)
SECRET = "Zebulon^Quirinius"
IMAGE = data_set()
HEAVY = data_set(Rows=256, Columns=256, PixelData=bytes(2 * 256 * 256))
OTHER_PIXELS = data_set(PixelData=b"\1" * 32)
MISMATCH: dict[str, Any] = {"sop_class_uid": MRImageStorage, "abstract_syntax": MRImageStorage}
Told = list[dict[str, Any]]


def failing(
    call: str, number: int, monkeypatch: pytest.MonkeyPatch, when: Callable[[Any], bool] = lambda _: True
) -> pytest.MonkeyPatch:
    """Let a system call fail for some of its first arguments, until the patch is undone."""
    real = getattr(os, call)

    def replaced(first: Any, *others: Any, **named: Any) -> Any:
        if when(first):
            raise system_error(number)
        return real(first, *others, **named)

    monkeypatch.setattr(os, call, replaced)
    return monkeypatch


def in_spool(descriptor: int) -> bool:
    return "/spool/" in str(Path(f"/proc/self/fd/{descriptor}").readlink())


def decided(answer: Answer) -> tuple[Decision, str]:
    return answer.verdict.decision, f"{answer.verdict.status:04X}"


def check_try_again(node: Scratch, answer: Answer, comment: str = "cannot store now, try again") -> None:
    """The answer is A700 for our own reasons, and its receipt says the same."""
    assert decided(answer) == (Decision.RETRY, "A700")
    assert answer.verdict.comment == comment
    assert answer.verdict.findings == ()
    receipt = node.ledger.receipt(answer.receipt)
    assert receipt is not None
    assert (receipt.outcome, receipt.status) == (Outcome.RETRY, Status.OUT_OF_RESOURCES)
    assert receipt.placement.place is Place.NOWHERE
    assert receipt.size == answer.size
    assert node.files("spool") == []


# What becomes of an instance


def test_a_good_instance_is_archived_as_it_came_and_answered_with_success(node: Scratch, told: Told) -> None:
    request = request_for(IMAGE)
    answer = take(node.intake, request, IMAGE)
    assert decided(answer) == (Decision.ACCEPT, "0000")
    assert answer.size == len(IMAGE)
    content = (node.folder / ARCHIVED).read_bytes()
    kept = provenance.read(read_note(content))
    assert kept is not None
    assert content == file_header(request, provenance.written(answer.receipt, kept.received, request)) + IMAGE
    assert node.files("spool") == node.files("quarantine") == []
    assert [(receipt.id, receipt.outcome, receipt.status) for receipt in node.receipts()] == [
        (answer.receipt, Outcome.ACCEPT, 0)
    ]
    assert [line["event"] for line in told] == ["instance"]
    assert list(told[0]["ms"]) == ["receive", "sync", "judge", "admit", "place", "total"]


def test_an_object_may_come_in_pieces(node: Scratch) -> None:
    reception = node.intake.begin(request_for(IMAGE))
    for begin in range(0, len(IMAGE), 100):
        reception.incoming.write(IMAGE[begin : begin + 100])
    assert decided(node.intake.complete(reception)) == (Decision.ACCEPT, "0000")
    assert (node.folder / ARCHIVED).read_bytes().endswith(IMAGE)


def test_an_instance_with_warnings_is_archived(node: Scratch) -> None:
    answer = node.send(data_set(ImagePositionPatient=None))
    assert decided(answer) == (Decision.WARN, "0000")
    assert node.files("archive") == [ARCHIVED.removeprefix("archive/")]


@pytest.mark.parametrize("number", [b"one ", b""])
def test_an_instance_number_that_is_none_is_nobodys_namesake(node: Scratch, number: bytes) -> None:
    node.send(IMAGE)
    answer = node.send(encoded(raw(image(SOPInstanceUID="1.2.9"), InstanceNumber=number)))
    assert answer.verdict.is_stored
    assert "NUM-004" not in {finding.code for finding in answer.verdict.findings}


def test_a_refused_object_is_quarantined_with_its_case(node: Scratch) -> None:
    answer = node.send(IMAGE, **MISMATCH)
    assert decided(answer) == (Decision.REFUSE, "A901")
    assert node.files("archive") == node.files("spool") == []
    path, case = node.files("quarantine")
    assert (path.endswith(".dcm"), case.endswith(".json")) == (True, True)
    assert (node.folder / "quarantine" / path).read_bytes().endswith(IMAGE)
    document = orjson.loads((node.folder / "quarantine" / case).read_bytes())
    assert document["receipt"]["status"] == "A901"
    assert document["findings"][0]["code"] == "UID-007"
    assert node.receipts()[0].placement.path == f"quarantine/{path}"


def test_the_same_refused_object_again_is_refused_again_and_kept_once(node: Scratch) -> None:
    first = node.send(IMAGE, **MISMATCH)
    before = node.files("quarantine")
    second = node.send(IMAGE, **MISMATCH)
    assert decided(second) == decided(first)
    assert node.files("quarantine") == before
    assert node.files("spool") == []
    assert [receipt.placement.original for receipt in node.receipts()] == [first.receipt, first.receipt]


def test_another_object_under_the_same_uid_is_refused_and_the_first_is_kept(node: Scratch) -> None:
    node.send(IMAGE)
    answer = node.send(OTHER_PIXELS)
    assert decided(answer) == (Decision.REFUSE, "C115")
    assert (node.folder / ARCHIVED).read_bytes().endswith(IMAGE)
    case = orjson.loads((node.folder / "quarantine" / node.files("quarantine")[1]).read_bytes())
    assert case["differences"]["pixels"] == "different"
    assert case["findings"][0]["other"]["path"] == ARCHIVED


def test_the_policy_is_that_of_the_sender(tmp_path: Path, told: Told) -> None:
    standard, observe = make_policy(RULES), make_policy(RULES, Profile.OBSERVE)
    node = open_node(tmp_path, lambda sender: observe if sender.calling_ae_title == "OLD" else standard)
    assert decided(node.send(IMAGE, association("NEW"), **MISMATCH)) == (Decision.REFUSE, "A901")
    assert decided(node.send(IMAGE, association("OLD"), **MISMATCH)) == (Decision.WARN, "0000")
    assert told[-1]["would_be"] == {"standard": "A901", "strict": "A901"}
    node.close()


def test_a_rule_that_fails_is_told_and_the_instance_is_stored(
    node: Scratch, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(sent: Subject) -> RuleOutcome:
        raise ValueError(SECRET)

    rule = replace(RULES[0], instance=fail)
    monkeypatch.setitem(cast("dict[Kind, object]", engine._INSTANCE), Kind.CT, ((rule, rule.instance),))
    assert decided(node.send(IMAGE)) == (Decision.WARN, "0000")
    assert [line["event"] for line in told] == ["rule_failed", "instance"]
    assert told[0]["code"] == rule.code
    assert SECRET not in repr(told)


def test_nothing_personal_is_told(node: Scratch, told: Told) -> None:
    personal = {"PatientName": SECRET, "PatientID": "PID-4711", "StudyDescription": "Delirium", "SOPInstanceUID": "1.2"}
    sender = association()
    node.send(data_set(**personal), sender)
    node.send(data_set(**personal, PixelData=b"\1" * 32), sender)
    node.send(data_set(**personal), sender, sop_instance_uid=SECRET, sop_class_uid=SECRET)
    cut_off(node.intake, request_for(IMAGE, sender, sop_instance_uid=SECRET))
    assert len(told) == 4
    assert not any(word in repr(told) for word in ("Zebulon", "Quirinius", "4711", "Delirium"))


def test_pixel_data_as_long_as_no_database_can_count_are_refused_and_not_a_fault(node: Scratch) -> None:
    absurd = data_set(Rows=65535, Columns=65535, SamplesPerPixel=65535, BitsAllocated=65528, NumberOfFrames=2**31 - 1)
    assert decided(node.send(absurd)) == (Decision.REFUSE, "C0A2")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated())
def test_whatever_is_wrong_with_a_data_set_it_is_decided_about(node: Scratch, sample: Encoded) -> None:
    """No bytes make us say *try again*: that would be for ever."""
    request = replace(request_for(sample.data), transfer_syntax=sample.transfer_syntax)
    answer = take(node.intake, request, sample.data)
    assert answer.verdict.decision is not Decision.RETRY
    assert "INT-001" not in [finding.code for finding in answer.verdict.findings]


# Resends


def test_an_instance_sent_twice_on_one_association_is_a_duplicate(node: Scratch) -> None:
    sender = association()
    assert decided(node.send(IMAGE, sender)) == (Decision.ACCEPT, "0000")
    assert decided(node.send(IMAGE, sender)) == (Decision.REFUSE, "0111")
    assert len(node.files("archive")) == 1
    assert node.files("quarantine") == node.files("spool") == []


def test_a_sender_that_never_got_its_answer_is_answered_again_and_after_that_it_is_a_duplicate(node: Scratch) -> None:
    first = association()
    node.send(IMAGE, first)
    node.intake.ended(first, 1, Ending.LOST)
    second = association()
    assert decided(node.send(IMAGE, second)) == (Decision.ACCEPT, "0000")
    assert decided(node.send(IMAGE, second)) == (Decision.REFUSE, "0111")
    assert [receipt.outcome for receipt in node.receipts()] == [Outcome.ACCEPT, Outcome.ACCEPT, Outcome.REFUSE]


def test_a_sender_that_gets_no_answer_again_is_answered_again(node: Scratch) -> None:
    for _ in range(3):
        sender = association()
        assert decided(node.send(IMAGE, sender)) == (Decision.ACCEPT, "0000")
        node.intake.ended(sender, 1, Ending.ABORTED)


def test_a_released_association_has_had_its_answers(node: Scratch) -> None:
    sender = association()
    node.send(IMAGE, sender)
    node.intake.ended(sender, 1, Ending.RELEASED)
    assert decided(node.send(IMAGE)) == (Decision.REFUSE, "0111")


def test_whatever_comes_next_on_an_association_shows_that_it_has_had_its_answer(node: Scratch) -> None:
    sender = association()
    node.send(IMAGE, sender)
    node.intake.heard(sender)
    node.intake.ended(sender, 1, Ending.LOST)
    assert decided(node.send(IMAGE)) == (Decision.REFUSE, "0111")


def test_something_on_an_association_that_stored_nothing_is_of_no_account(node: Scratch) -> None:
    node.intake.heard(association())
    assert node.receipts() == []


def test_what_a_sender_knows_is_remembered_over_a_restart(tmp_path: Path, told: Told) -> None:
    next_slice = data_set(SOPInstanceUID="1.2.9", InstanceNumber="2", ImagePositionPatient=["0", "0", "20"])
    node = open_node(tmp_path)
    lost, released = association(), association()
    node.send(IMAGE, lost)
    node.send(next_slice, released)
    node.intake.ended(released, 1, Ending.RELEASED)
    node.close()
    again = open_node(tmp_path)
    assert decided(again.send(next_slice)) == (Decision.REFUSE, "0111")
    assert decided(again.send(IMAGE)) == (Decision.ACCEPT, "0000")
    again.close()


def test_a_resend_elsewhere_waits_for_the_first_sender_and_not_longer_than_it_may(node: Scratch) -> None:
    node.send(IMAGE, association())
    assert decided(node.send(IMAGE, association())) == (Decision.REFUSE, "0111")


@pytest.mark.parametrize(("ending", "status"), [(Ending.LOST, "0000"), (Ending.RELEASED, "0111")])
def test_a_resend_elsewhere_is_answered_by_how_the_first_association_ends(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch, ending: Ending, status: str
) -> None:
    node = open_node(tmp_path, settle_seconds=3_600)
    first, answers, waits, settle = association(), list[Answer](), threading.Event(), Deliveries.settle

    def settled(*arguments: Any) -> None:
        waits.set()
        settle(*arguments)

    monkeypatch.setattr(Deliveries, "settle", settled)
    node.send(IMAGE, first)
    resend = threading.Thread(target=lambda: answers.append(node.send(IMAGE, association())), daemon=True)
    resend.start()
    assert waits.wait(timeout=60)
    node.intake.ended(first, 1, ending)
    resend.join(timeout=60)
    assert [f"{answer.verdict.status:04X}" for answer in answers] == [status]
    node.close()


def test_of_one_instance_from_everywhere_at_once_one_is_stored_and_nobody_has_to_try_again(node: Scratch) -> None:
    answers = together(12, lambda _: node.send(IMAGE))
    assert {answer.verdict.status for answer in answers} <= {0x0000, 0x0111}
    assert sum(receipt.placement.place is Place.ARCHIVE for receipt in node.receipts()) == 1
    assert len(node.receipts()) == 12
    assert node.files("archive") == [ARCHIVED.removeprefix("archive/")]
    assert node.files("spool") == node.files("quarantine") == []


def test_of_twelve_objects_with_one_uid_at_once_one_is_stored_and_the_others_are_quarantined(node: Scratch) -> None:
    objects = [data_set(PixelData=bytes([number]) * 32) for number in range(12)]
    answers = together(12, lambda number: node.send(objects[number]))
    assert sorted(f"{answer.verdict.status:04X}" for answer in answers) == ["0000"] + ["C115"] * 11
    assert len(node.files("quarantine")) == 22
    stored = next(number for number, answer in enumerate(answers) if answer.verdict.is_stored)
    assert (node.folder / ARCHIVED).read_bytes().endswith(objects[stored])


# Requests that never are complete


def test_an_abandoned_object_leaves_a_receipt_and_nothing_else(node: Scratch, told: Told) -> None:
    reception = node.intake.begin(request_for(IMAGE))
    reception.incoming.write(IMAGE[:100])
    node.intake.abandon(reception)
    receipt = node.receipts()[0]
    assert (receipt.id, receipt.outcome, receipt.status, receipt.size) == (
        reception.receipt, Outcome.ABORTED, None, 100,
    )  # fmt: skip
    assert node.files("spool") == node.files("archive") == []
    assert (told[0]["verdict"], told[0]["status"]) == ("aborted", None)


def test_an_abandoned_object_that_cannot_be_removed_is_left_for_upkeep(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        failing("unlink", errno.EACCES, patch)
        cut_off(node.intake, request_for(IMAGE))
    assert node.intake.left_behind == {node.folder / spool_path(node.receipts()[0].id)}


def test_a_request_whose_command_set_is_wrong_is_refused_with_its_status_and_nothing_is_kept(
    node: Scratch, told: Told
) -> None:
    answer = node.intake.refuse(node.intake.begin(request_for(IMAGE)), Status.MISTYPED_ARGUMENT, 0x00000800)
    assert decided(answer) == (Decision.REFUSE, "0212")
    assert (answer.verdict.offending, answer.size) == ((0x00000800,), 0)
    receipt = node.receipts()[0]
    assert (receipt.id, receipt.outcome, receipt.status) == (answer.receipt, Outcome.REFUSE, 0x0212)
    assert node.files("spool") == node.files("archive") == node.files("quarantine") == []
    assert (told[0]["verdict"], told[0]["status"]) == ("refuse", "0212")


def test_a_request_that_was_never_begun_has_a_receipt_too(node: Scratch) -> None:
    cut_off(node.intake, request_for(IMAGE))
    assert [(receipt.outcome, receipt.size) for receipt in node.receipts()] == [(Outcome.ABORTED, 0)]


@pytest.mark.parametrize("how", ["abandon", "aborted"])
def test_an_aborted_request_shows_that_the_last_answer_was_read(node: Scratch, how: str) -> None:
    sender = association()
    node.send(IMAGE, sender)
    if how == "abandon":
        node.intake.abandon(node.intake.begin(request_for(IMAGE, sender)))
    else:
        cut_off(node.intake, request_for(IMAGE, sender))
    node.intake.ended(sender, 1, Ending.LOST)
    assert decided(node.send(IMAGE)) == (Decision.REFUSE, "0111")


# Faults before the decision


def test_no_room_for_an_object_means_try_again(node: Scratch, monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    with monkeypatch.context() as patch:
        failing("writev", errno.ENOSPC, patch, in_spool)
        answer = node.send(IMAGE)
    check_try_again(node, answer)
    assert [line["event"] for line in told] == ["fault", "instance"]
    assert decided(node.send(IMAGE)) == (Decision.ACCEPT, "0000")


def test_no_room_for_an_object_that_comes_in_pieces_is_told_with_the_answer(
    node: Scratch, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    failing("open", errno.ENOSPC, monkeypatch, lambda path: "spool" in str(path))
    with pytest.raises(NotBegun) as caught:
        node.intake.begin(request_for(IMAGE))
    check_try_again(node, caught.value.answer)
    assert [line["event"] for line in told] == ["fault", "instance"]


def test_no_room_in_the_middle_of_an_object_means_try_again(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    reception = node.intake.begin(request_for(IMAGE))
    reception.incoming.write(IMAGE[:100])
    with monkeypatch.context() as patch:
        failing("writev", errno.ENOSPC, patch, in_spool)
        with pytest.raises(StoreFault) as caught:
            reception.incoming.write(IMAGE[100:])
    answer = node.intake.failed(reception, caught.value)
    check_try_again(node, answer)
    assert answer.size == len(IMAGE)


def test_a_sync_that_fails_means_try_again_and_is_not_repeated(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []

    def fails(descriptor: int) -> bool:
        synced.append(descriptor)
        return in_spool(descriptor)

    with monkeypatch.context() as patch:
        failing("fsync", errno.EIO, patch, fails)
        answer = node.send(HEAVY)
    check_try_again(node, answer)
    assert len(synced) == 1
    assert node.files("archive") == []


def test_a_light_object_needs_no_sync_of_its_own_as_the_ledger_vouches_for_it(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        failing("fsync", errno.EIO, patch, in_spool)
        answer = node.send(IMAGE)
    assert decided(answer) == (Decision.ACCEPT, "0000")
    assert node.ledger.sealed() == [answer.receipt]
    assert node.ledger.unseal(answer.receipt) == (node.folder / ARCHIVED).read_bytes()
    node.settle()
    assert node.ledger.sealed() == []


def test_a_refused_light_object_has_its_case_on_the_disk_and_its_bytes_in_the_ledger(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def note(descriptor: int) -> bool:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append("/".join(path.relative_to(node.folder).parts[:1]) + path.suffix)
        return False

    with monkeypatch.context() as patch:
        failing("fsync", errno.EIO, patch, note)
        answer = node.send(IMAGE, **MISMATCH)
    assert node.ledger.sealed() == [answer.receipt]
    assert synced == ["quarantine", "quarantine.part", "quarantine"]


def test_what_is_kept_already_is_not_sealed(node: Scratch) -> None:
    first = node.send(IMAGE)
    assert decided(node.send(IMAGE)) == (Decision.REFUSE, "0111")
    assert node.ledger.sealed() == [first.receipt]
    assert node.files("spool") == []


def test_what_is_kept_already_and_has_no_file_is_synced_into_its_place(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger survived a crash that the file did not; this may be the only copy, and nobody vouches for it."""
    node.send(IMAGE)
    node.settle()
    (node.folder / ARCHIVED).unlink()
    synced: list[str] = []

    def note(descriptor: int) -> bool:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        return False

    with monkeypatch.context() as patch:
        failing("fsync", errno.EIO, patch, note)
        assert decided(node.send(IMAGE)) == (Decision.REFUSE, "0111")
    assert (node.folder / ARCHIVED).read_bytes().endswith(IMAGE)
    assert ["/spool/" in synced[0], synced[1:]] == [True, [str((node.folder / ARCHIVED).parent)]]
    assert node.ledger.sealed() == []


@pytest.mark.parametrize("pieces", [1, 2])
def test_an_object_that_is_heavy_or_came_in_pieces_is_synced_before_the_ledger_has_it_and_then_its_place(
    node: Scratch, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    synced: list[tuple[str, bool]] = []

    def note(descriptor: int) -> bool:
        synced.append((str(Path(f"/proc/self/fd/{descriptor}").readlink()), bool(node.receipts())))
        return False

    data = HEAVY if pieces == 1 else IMAGE
    half = len(data) if pieces == 1 else 100
    with monkeypatch.context() as patch:
        failing("fsync", errno.EIO, patch, note)
        reception = node.intake.begin(request_for(data))
        for piece in filter(None, (data[:half], data[half:])):
            reception.incoming.write(piece)
        assert decided(node.intake.complete(reception)) == (Decision.ACCEPT, "0000")
    assert synced[0] == (str(reception.incoming.path), False)
    assert synced[-1] == (str((node.folder / ARCHIVED).parent), True)
    assert node.ledger.sealed() == []


def test_an_object_over_the_limit_is_not_taken_and_the_sender_hears_why(tmp_path: Path, told: Told) -> None:
    node = open_node(tmp_path, object_bytes=100)
    check_try_again(node, node.send(IMAGE), "the object is larger than this node's limit")
    node.close()


def test_a_mistake_of_ours_costs_the_sender_no_answer(
    node: Scratch, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    def fail(*_: object) -> Facts:
        raise RuntimeError(SECRET)

    with monkeypatch.context() as patch:
        patch.setattr(examiner, "read_facts", fail)
        answer = node.send(IMAGE)
    check_try_again(node, answer)
    assert told[0]["fault"].startswith("unexpected RuntimeError at tests.unit.test_intake:")
    assert SECRET not in repr(told)
    assert decided(node.send(IMAGE)) == (Decision.ACCEPT, "0000")


def test_a_fault_leaves_no_descriptor_open(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    before = descriptors()
    with monkeypatch.context() as patch:
        failing("writev", errno.ENOSPC, patch, in_spool)
        node.send(IMAGE)
    with monkeypatch.context() as patch:
        failing("fsync", errno.EIO, patch, in_spool)
        node.send(HEAVY)
    node.send(IMAGE)
    assert descriptors() == before


def test_a_ledger_that_cannot_be_written_means_try_again(node: Scratch, told: Told) -> None:
    node.ledger._db.pragma("query_only", True)
    answer = node.send(IMAGE)
    node.ledger._db.pragma("query_only", False)
    assert decided(answer) == (Decision.RETRY, "A700")
    assert node.files("spool") == node.files("archive") == []
    assert [line["event"] for line in told] == ["fault", "fault", "instance"]
    assert decided(node.send(IMAGE)) == (Decision.ACCEPT, "0000")


def test_while_the_ledger_cannot_even_be_asked_the_object_stays_until_recovery(tmp_path: Path, told: Told) -> None:
    node = open_node(tmp_path)
    node.ledger.close()
    assert decided(node.send(IMAGE)) == (Decision.RETRY, "A700")
    assert len(node.files("spool")) == 1
    assert node.files("archive") == []
    node.store.close()
    again = open_node(tmp_path)
    assert recover(again.store, lambda number, _: None).discarded == 1
    again.close()


def test_a_ledger_that_cannot_be_asked_about_a_broken_object_leaves_no_descriptor_open(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = open_node(tmp_path)
    node.ledger.close()
    before = descriptors()
    failing("writev", errno.EIO, monkeypatch, in_spool)
    assert decided(node.send(IMAGE)) == (Decision.RETRY, "A700")
    assert descriptors() == before
    node.store.close()


def test_the_end_of_an_association_is_no_place_for_faults(node: Scratch, told: Told) -> None:
    sender = association()
    node.send(IMAGE, sender)
    node.ledger.close()
    node.intake.heard(sender)
    cut_off(node.intake, request_for(IMAGE, sender))
    node.intake.ended(sender, 1, Ending.RELEASED)
    assert [line["event"] for line in told[1:]] == ["fault", "fault", "instance", "fault"]


def test_a_stored_copy_that_cannot_be_read_means_try_again(node: Scratch) -> None:
    node.send(IMAGE)
    (node.folder / ARCHIVED).unlink()
    check_try_again(node, node.send(OTHER_PIXELS))


class Restless(SqliteLedger):
    """A ledger in which something else is stored the first times that one looks."""

    times = 0

    def admit(self, draft: Draft, judge: Judge[Any]) -> Any:
        self.times -= 1
        return Waiting(draft.receipt) if self.times >= 0 else super().admit(draft, judge)


@pytest.fixture
def restless(tmp_path: Path, told: Told) -> Iterator[tuple[Scratch, Restless]]:
    ledger = Restless(None)
    node = open_node(tmp_path, ledger=ledger, settle_seconds=0)
    yield node, ledger
    node.close()


def test_a_stored_copy_may_change_three_times_while_it_is_compared(restless: tuple[Scratch, Restless]) -> None:
    node, ledger = restless
    ledger.times = 3
    assert decided(node.send(IMAGE)) == (Decision.ACCEPT, "0000")


def test_a_stored_copy_that_keeps_changing_means_try_again_and_not_for_ever(
    restless: tuple[Scratch, Restless],
) -> None:
    node, ledger = restless
    ledger.times = 4
    check_try_again(node, node.send(IMAGE))


# Faults after the decision


def test_a_move_that_fails_after_the_decision_means_try_again_and_the_resend_finishes_it(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = association()
    with monkeypatch.context() as patch:
        failing("link", errno.EIO, patch)
        answer = node.send(IMAGE, sender)
    assert decided(answer) == (Decision.RETRY, "A700")
    assert node.files("archive") == []
    assert len(node.files("spool")) == 1
    assert decided(node.send(IMAGE, sender)) == (Decision.ACCEPT, "0000")
    assert (node.folder / ARCHIVED).read_bytes().endswith(IMAGE)
    assert [receipt.outcome for receipt in node.receipts()] == [Outcome.ACCEPT, Outcome.ACCEPT]


def test_a_case_that_cannot_be_written_means_try_again_and_recovery_writes_it(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = open_node(tmp_path)
    with monkeypatch.context() as patch:
        failing("write", errno.ENOSPC, patch, lambda descriptor: not in_spool(descriptor))
        answer = node.send(IMAGE, **MISMATCH)
    assert decided(answer) == (Decision.RETRY, "A700")
    assert [name for name in node.files("quarantine") if not name.endswith(".part")] == []
    assert decided(node.send(IMAGE, **MISMATCH)) == (Decision.REFUSE, "A901")
    receipt = node.ledger.receipt(answer.receipt)
    assert receipt is not None
    cases = node.intake._cases
    done = recover(node.store, lambda number, path: Decided(receipt.placement, cases.document(number, path)))
    assert done.finished == 1
    assert [Path(name).suffix for name in node.files("quarantine")] == [".dcm", ".json"]
    node.close()


def test_a_file_that_was_lost_is_healed_by_a_resend(node: Scratch) -> None:
    sender = association()
    node.send(IMAGE, sender)
    (node.folder / ARCHIVED).unlink()
    assert decided(node.send(IMAGE, sender)) == (Decision.REFUSE, "0111")
    assert (node.folder / ARCHIVED).read_bytes().endswith(IMAGE)


def test_a_file_that_is_in_the_way_is_not_replaced(node: Scratch) -> None:
    (node.folder / ARCHIVED).parent.mkdir(parents=True)
    (node.folder / ARCHIVED).write_bytes(b"of somebody else")
    assert decided(node.send(IMAGE)) == (Decision.RETRY, "A700")
    assert (node.folder / ARCHIVED).read_bytes() == b"of somebody else"
    assert len(node.files("spool")) == 1


@pytest.mark.parametrize("data", [IMAGE, HEAVY], ids=["light", "heavy"])
def test_as_long_as_another_file_is_in_the_way_no_resend_is_answered_with_success(node: Scratch, data: bytes) -> None:
    (node.folder / ARCHIVED).parent.mkdir(parents=True)
    (node.folder / ARCHIVED).write_bytes(b"of somebody else")
    assert [decided(node.send(data)) for _ in range(3)] == [(Decision.RETRY, "A700")] * 3
    (node.folder / ARCHIVED).unlink()
    assert decided(node.send(data)) == (Decision.ACCEPT, "0000")
    assert (node.folder / ARCHIVED).read_bytes().endswith(data)
    assert node.folder / spool_path(node.receipts()[0].id) in node.intake.left_behind
