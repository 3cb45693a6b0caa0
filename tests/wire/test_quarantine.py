"""Refused objects: kept with a case that says why, once, and answered the same whenever they come again."""

from typing import Any

import pytest
from blake3 import blake3

from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct, data_set_in
from tests.wire.peer import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, Peer


def store(node: NodeProcess, *instances: Instance, calling: str = "PEER") -> list[str]:
    """Send instances over one association and return the statuses."""
    with Peer.of(node.port, *instances, calling=calling) as peer:
        return [peer.store(instance).status for instance in instances]


def finding(case: dict[str, Any], code: str) -> dict[str, Any]:
    """Return the finding with a code, which there is once."""
    (found,) = [one for one in case["findings"] if one["code"] == code]
    return dict(found)


class TestCase:
    def test_object_and_case_are_beside_each_other_under_the_receipts_name(self, node: NodeProcess) -> None:
        refused = ct(1, Modality=None)
        assert store(node, refused) == ["A910"]
        (path,) = node.quarantined()
        (receipt,) = node.receipts()
        assert path.stem == receipt["name"]
        assert path.with_suffix(".json").is_file()
        assert path.parent.parent.name == "quarantine"
        assert data_set_in(path) == refused.data

    def test_the_case_holds_receipt_association_findings_and_status(self, node: NodeProcess) -> None:
        first, refused = ct(1), ct(2, Rows=2, Columns=8)
        store(node, first, calling="CT1")
        with Peer.of(node.port, refused, calling="CT2", called="WHOEVER") as peer:
            assert peer.store(refused).status == "C141"
            port = peer.local_port
        (case,) = node.cases()
        accepted, receipt = node.receipts()
        assert case["case"] == case["receipt"]["id"] == receipt["name"]
        assert case["receipt"] | {"received": "", "comment": ""} == {
            "id": receipt["name"],
            "received": "",
            "message_id": 1,
            "affected_sop_class_uid": refused.sop_class_uid,
            "affected_sop_instance_uid": refused.sop_instance_uid,
            "study_instance_uid": "1.2.826.0.1.1",
            "series_instance_uid": "1.2.826.0.1.1.1",
            "abstract_syntax": refused.sop_class_uid,
            "transfer_syntax": refused.transfer_syntax,
            "outcome": "refuse",
            "status": "C141",
            "comment": "",
            "blake3": blake3(refused.data).hexdigest(),
            "size": len(refused.data),
            "path": node.quarantined()[0].relative_to(node.folder).as_posix(),
        }
        assert case["receipt"]["comment"].startswith("STK-251 ")
        assert case["association"] == {
            "id": receipt["association"],
            "address": "127.0.0.1",
            "port": port,
            "calling_ae_title": "CT2",
            "called_ae_title": "WHOEVER",
            "implementation_class_uid": IMPLEMENTATION_CLASS_UID,
            "implementation_version_name": IMPLEMENTATION_VERSION_NAME,
        }
        found = finding(case, "STK-251")
        assert found["severity"] == "refuse"
        other = found["other"]
        assert other["receipt"] == accepted["name"]
        assert other["sop_instance_uid"] == first.sop_instance_uid
        assert other["path"] == node.archived()[0].relative_to(node.folder).as_posix()
        assert other["calling_ae_title"] == "CT1"

    @pytest.mark.parametrize(
        ("changes", "code", "keyword", "stored", "came"),
        [
            ({"PatientID": "OTHER"}, "ENT-202", "PatientID", "P1", "OTHER"),
            ({"Modality": "MR"}, "ENT-203", "Modality", "CT", "MR"),
            (
                {"FrameOfReferenceUID": "1.2.826.0.2"},
                "ENT-204",
                "FrameOfReferenceUID",
                "1.2.826.0.1.1.9",
                "1.2.826.0.2",
            ),
        ],
    )
    def test_a_finding_shows_both_sides(
        self, node: NodeProcess, changes: dict[str, Any], code: str, keyword: str, stored: str, came: str
    ) -> None:
        store(node, ct(1), ct(2, **changes))
        (case,) = node.cases()
        found = finding(case, code)
        assert side(found["expected"], keyword) == stored
        assert side(found["found"], keyword) == came

    def test_another_object_under_the_same_uid_shows_every_difference(self, node: NodeProcess) -> None:
        changes: dict[str, Any] = {"WindowCenter": "40", "PatientName": "Other^Name", "PixelData": bytes(32)}
        assert store(node, ct(1), ct(1, **changes)) == ["0000", "C115"]
        (case,) = node.cases()
        differences = {one["path"]: one for one in case["differences"]["differences"]}
        assert set(differences) == {"(0010,0010)", "(0028,1050)", "(7FE0,0010)"}
        assert differences["(0010,0010)"]["first"] == "Test^Case"
        assert differences["(0010,0010)"]["second"] == "Other^Name"
        assert differences["(0028,1050)"]["first"] is None

    def test_all_findings_are_in_the_case_and_the_first_gives_the_status(self, node: NodeProcess) -> None:
        assert store(node, ct(1), ct(2, PatientID="OTHER", Rows=2, Columns=8)) == ["0000", "C132"]
        (case,) = node.cases()
        assert {"ENT-202", "STK-251"} <= {one["code"] for one in case["findings"]}
        assert case["receipt"]["status"] == "C132"

    def test_the_status_in_the_case_is_the_one_that_was_sent(self, start_node: StartNode) -> None:
        node = start_node('[responses]\nSTK-251 = "C111"\n')
        assert store(node, ct(1), ct(2, Rows=2, Columns=8)) == ["0000", "C111"]
        (case,) = node.cases()
        assert case["receipt"]["status"] == "C111"

    def test_nothing_that_a_peer_said_is_part_of_a_path(self, node: NodeProcess) -> None:
        instance = ct()
        with Peer.of(node.port, instance) as peer:
            statuses = [
                peer.store(instance, sop_instance_uid=uid).status
                for uid in ("../../../../escaped", "/etc/passwd", "1.2\n3", "1.2.3/4")
            ]
        assert statuses == ["0117"] * 4
        names = {path.stem for path in node.quarantined()}
        assert names == {receipt["name"] for receipt in node.receipts() if receipt["kept"] == "quarantine"}
        assert not list(node.folder.parent.rglob("*escaped*"))


def side(value: Any, keyword: str) -> Any:
    """Return one attribute of a side of a finding, which is named by tag or keyword, or is the value itself."""
    if isinstance(value, dict):
        return next(one for name, one in value.items() if keyword in name.replace(" ", ""))
    return value


class TestIdenticalResend:
    def test_of_a_refused_object_keeps_no_second_copy_but_has_its_own_receipt_and_the_same_status(
        self, node: NodeProcess
    ) -> None:
        refused = ct(2, Rows=2, Columns=8)
        assert store(node, ct(1), refused, refused) == ["0000", "C141", "C141"]
        assert store(node, refused, calling="ANOTHER") == ["C141"]
        assert len(node.quarantined()) == 1
        first, *others = [row for row in node.receipts() if row["status"] == 0xC141]
        assert len(others) == 2
        assert {row["original"] for row in others} == {first["id"]}
        assert {row["path"] for row in others} == {first["path"]}
        assert [row["kept"] for row in others] == ["nowhere", "nowhere"]
        assert [len(node.rows("SELECT 1 FROM finding WHERE receipt = ?", row["id"])) for row in others] == [1, 1]

    def test_of_a_stored_instance_keeps_nothing_in_quarantine(self, node: NodeProcess) -> None:
        assert store(node, ct(), ct(), ct()) == ["0000", "0111", "0111"]
        assert node.quarantined() == []
        assert node.cases() == []

    def test_of_a_refused_object_under_another_request_is_kept(self, node: NodeProcess) -> None:
        """The same bytes with another Affected SOP Instance UID are another case."""
        instance = ct()
        with Peer.of(node.port, instance) as peer:
            for uid in ("1.2.3", "1.2.4"):
                assert peer.store(instance, sop_instance_uid=uid).status == "A902"
        assert len(node.quarantined()) == 2


def test_a_refused_object_is_no_reference_for_later_ones(node: NodeProcess) -> None:
    refused = ct(1, Modality="", Rows=2, Columns=8, PatientID="OTHER")
    assert store(node, refused, ct(1), ct(2)) == ["A910", "0000", "0000"]
