"""The lines that a node tells: one for each association when it opens and when it closes, one for each instance."""

from typing import Final

from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct
from tests.wire.peer import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, Peer

STEPS: Final = {"receive", "sync", "judge", "admit", "place", "respond", "total"}


def store(node: NodeProcess, *instances: Instance) -> None:
    """Send instances over one association and wait until the node has told all about it."""
    with Peer.of(node.port, *instances, calling="CT1") as peer:
        for instance in instances:
            peer.store(instance)
    node.wait_for("association_closed", len(node.lines("association_closed")) + 1)


def test_an_accepted_instance_is_told_with_its_uids_verdict_status_size_and_times(node: NodeProcess) -> None:
    instance = ct()
    store(node, instance)
    (line,) = node.lines("instance")
    (receipt,) = node.receipts()
    times, timestamp = dict(line["ms"]), line["timestamp"]
    assert {name: value for name, value in line.items() if name not in ("ms", "timestamp")} == {
        "event": "instance",
        "receipt": receipt["name"],
        "association": receipt["association"],
        "calling_ae_title": "CT1",
        "sop_class_uid": instance.sop_class_uid,
        "sop_instance_uid": instance.sop_instance_uid,
        "series_instance_uid": "1.2.826.0.1.1.1",
        "study_instance_uid": "1.2.826.0.1.1",
        "verdict": "accept",
        "status": "0000",
        "codes": [],
        "bytes": len(instance.data),
        "level": "info",
    }
    assert set(times) == STEPS
    assert min(times.values()) >= 0
    assert timestamp.endswith("Z")


def test_a_refused_instance_is_a_warning_with_the_codes_of_all_findings(node: NodeProcess) -> None:
    store(node, ct(1), ct(2, PatientID="OTHER", Rows=2, Columns=8))
    line = node.lines("instance")[1]
    assert (line["level"], line["verdict"], line["status"]) == ("warning", "refuse", "C132")
    assert line["codes"] == ["ENT-202", "STK-251"]


def test_a_uid_that_is_none_is_not_shown(node: NodeProcess) -> None:
    instance = ct()
    with Peer.of(node.port, instance) as peer:
        peer.store(Instance(instance.sop_class_uid, "../x", instance.transfer_syntax, b""))
    (line,) = node.wait_for("instance")
    assert line["sop_instance_uid"] is None


def test_an_association_is_told_when_it_opens_and_when_it_closes(node: NodeProcess) -> None:
    sent = ct(1), ct(2, PixelSpacing=None), ct(1), ct(1, WindowCenter="40"), ct(1)
    store(node, *sent)
    (opened,), (closed,) = node.lines("association_opened"), node.lines("association_closed")
    assert opened["implementation_class_uid"] == IMPLEMENTATION_CLASS_UID
    assert opened["implementation_version_name"] == IMPLEMENTATION_VERSION_NAME
    assert {name: value for name, value in closed.items() if name not in ("seconds", "timestamp")} == {
        "event": "association_closed",
        "association": opened["association"],
        "address": "127.0.0.1",
        "calling_ae_title": "CT1",
        "ending": "released",
        "received": 5,
        "accepted": 1,
        "warned": 1,
        "refused": 3,
        "retried": 0,
        "aborted": 0,
        "refused_by_code": {"DUP-001": 2, "DUP-004": 1},
        "bytes": sum(len(instance.data) for instance in sent),
        "level": "info",
    }
    assert closed["seconds"] >= 0
