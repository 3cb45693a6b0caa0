"""The case of a refused object has what a person needs to judge it again: both sides, and who sent what when."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import orjson
import pytest
from pydicom.uid import MRImageStorage

from scp import cases as cases_module
from scp.audit.finding import Decision, Finding, Problem, Severity, Verdict
from scp.cases import VERSION, Cases
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID
from scp.errors import NodeFault, StoreFault
from scp.ids import as_text, new_id
from scp.layout import archive_path, timestamp
from scp.outcomes import Outcome
from tests.rules.builders import INSTANCE, SERIES, STUDY
from tests.unit.ledger.contract import RECEIVED, admit, draft, sent
from tests.unit.nodes import LIMITS, Scratch, association, data_set

IMAGE = data_set()


def case_of(node: Scratch, receipt: int) -> dict[str, Any]:
    """The case that lies in quarantine."""
    (path,) = (node.folder / "quarantine").rglob(f"{as_text(receipt)}.json")
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    return found


def test_a_case_says_what_was_asked_and_what_was_answered(node: Scratch) -> None:
    sender = association("CT1", "192.0.2.17")
    answer = node.send(IMAGE, sender, sop_class_uid=MRImageStorage, abstract_syntax=MRImageStorage, message_id=7)
    case = case_of(node, answer.receipt)
    receipt = node.ledger.receipt(answer.receipt)
    assert receipt is not None
    assert case["version"] == VERSION
    assert case["case"] == as_text(answer.receipt)
    assert case["association"] == asdict(sender)
    assert case["written_by"]["implementation_class_uid"] == IMPLEMENTATION_CLASS_UID
    assert case["receipt"] == {
        "id": as_text(answer.receipt),
        "received": timestamp(receipt.received),
        "message_id": 7,
        "affected_sop_class_uid": MRImageStorage,
        "affected_sop_instance_uid": INSTANCE,
        "study_instance_uid": STUDY,
        "series_instance_uid": SERIES,
        "abstract_syntax": MRImageStorage,
        "transfer_syntax": "1.2.840.10008.1.2.1",
        "outcome": "refuse",
        "status": "A901",
        "comment": answer.verdict.comment,
        "blake3": receipt.digest.hex(),
        "size": len(IMAGE),
        "path": receipt.placement.path,
    }
    assert case["differences"] is None


def test_a_case_shows_what_the_peer_said_even_where_the_ledger_may_not(node: Scratch) -> None:
    answer = node.send(IMAGE, sop_instance_uid="Doe^John")
    assert case_of(node, answer.receipt)["receipt"]["affected_sop_instance_uid"] == "Doe^John"


def test_personal_values_of_both_objects_are_shown_in_the_case(node: Scratch) -> None:
    node.send(IMAGE, association("FIRST"))
    answer = node.send(data_set(SOPInstanceUID="1.2.9", InstanceNumber="2", PatientID="P2"), association("SECOND"))
    case = case_of(node, answer.receipt)
    finding = next(one for one in case["findings"] if one["code"] == "ENT-202")
    assert finding["severity"] == "refuse"
    assert finding["expected"] == {"(0010,0020) PatientID": "P1"}
    assert finding["found"] == {"(0010,0020) PatientID": "P2"}
    assert finding["other"]["calling_ae_title"] == "FIRST"
    assert finding["other"]["receipt"] == as_text(node.receipts()[0].id)
    assert case["differences"] is None, "it is another instance"


def test_what_a_rule_states_is_shown_in_the_case_as_it_states_it(node: Scratch) -> None:
    node.send(IMAGE)
    answer = node.send(data_set(SOPInstanceUID="1.2.9", InstanceNumber="2", StudyInstanceUID="1.2.8"))
    (finding,) = [one for one in case_of(node, answer.receipt)["findings"] if one["code"] == "ENT-201"]
    assert (finding["expected"], finding["found"]) == (STUDY, "1.2.8")


def test_two_copies_of_one_instance_are_compared_in_the_case(node: Scratch) -> None:
    node.send(IMAGE)
    case = case_of(node, node.send(data_set(PatientName="Another^Name")).receipt)
    assert case["differences"]["pixels"] == "equal"
    (difference,) = case["differences"]["differences"]
    assert (difference["path"], difference["first"], difference["second"]) == (
        "(0010,0010)", "Test^Case", "Another^Name",
    )  # fmt: skip


def test_without_the_other_object_the_case_has_one_side(node: Scratch, tmp_path: Path) -> None:
    node.send(IMAGE)
    answer = node.send(data_set(PatientName="Another^Name"))
    (node.folder / archive_path(STUDY, SERIES, INSTANCE)).unlink()
    (source,) = (node.folder / "quarantine").rglob("*.dcm")
    case = orjson.loads(Cases(node.ledger, node.store, LIMITS).document(answer.receipt, source))
    assert case["differences"] is None
    assert case["findings"][0]["expected"] is None
    assert case["findings"][0]["found"] is not None


def test_if_the_other_object_breaks_off_the_case_has_one_side(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> NoReturn:
        raise StoreFault("a file cannot be read")

    node.send(IMAGE)
    answer = node.send(data_set(PatientName="Another^Name"))
    (source,) = (node.folder / "quarantine").rglob("*.dcm")
    monkeypatch.setattr(cases_module, "compare_in_turn", broken)
    case = orjson.loads(Cases(node.ledger, node.store, LIMITS).document(answer.receipt, source))
    assert case["differences"] is None
    assert case["findings"][0]["found"] is not None


def test_without_a_receipt_there_is_no_case(node: Scratch, tmp_path: Path) -> None:
    with pytest.raises(NodeFault, match="no receipt"):
        Cases(node.ledger, node.store, LIMITS).document(new_id(), tmp_path / "any")


def test_a_case_is_made_of_any_bytes(node: Scratch, tmp_path: Path) -> None:
    problem = Problem("found", (0x00100020,))
    refused = Verdict(Decision.REFUSE, 0xC132, findings=(Finding("ENT-202", Severity.REFUSE, 0xC132, problem),))
    one = draft(sent())
    admit(node.ledger, one, refused)
    source = tmp_path / "rotten"
    source.write_bytes(b"no DICOM file")
    case = orjson.loads(Cases(node.ledger, node.store, LIMITS).document(one.receipt, source))
    assert case["findings"][0]["found"] == {"(0010,0020) PatientID": None}


def test_a_receipt_without_a_status_can_be_a_case_too(node: Scratch, tmp_path: Path) -> None:
    number = new_id()
    node.ledger.record(number, RECEIVED, sent().request, Outcome.ABORTED, None, 0)
    source = tmp_path / "part"
    source.write_bytes(b"")
    case = orjson.loads(Cases(node.ledger, node.store, LIMITS).document(number, source))
    assert case["receipt"]["status"] is None
    assert case["findings"] == []
