"""Exactly one receipt for each C-STORE-RQ that reached the node, whatever became of it."""

from collections.abc import Callable, Mapping
from typing import Final

import pytest

from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct, large_ct
from tests.wire.peer import Peer

HangUp = Callable[[Peer], None]

ENDINGS: Final[Mapping[HangUp, str]] = {Peer.abort: "aborted", Peer.finish: "lost", Peer.reset: "lost"}
"""How an association ended, by what its peer did."""

RELEASED_TOO_EARLY: Final = {**ENDINGS, Peer.release: "released"}

hang_ups = pytest.mark.parametrize("hang_up", ENDINGS, ids=["abort", "fin", "rst"])


def receipts_of(node: NodeProcess, instance: Instance) -> list[dict[str, object]]:
    """Return the receipts for a SOP Instance UID once the only association is closed."""
    return [row for row in node.receipts() if row["affected_sop_instance_uid"] == instance.sop_instance_uid]


class TestHangingUp:
    @pytest.mark.parametrize("hang_up", RELEASED_TOO_EARLY, ids=["abort", "fin", "rst", "release"])
    @pytest.mark.parametrize("half", [0, 100_000, 400_000], ids=["after_the_command", "early", "late"])
    def test_in_mid_data_set_stores_nothing_and_leaves_one_receipt(
        self, shared_node: NodeProcess, study: int, hang_up: HangUp, half: int
    ) -> None:
        instance = large_ct(1, study)
        peer = Peer.of(shared_node.port, instance).associate()
        context = peer.request(instance)
        if half:
            peer.send_data(instance.data[:half], context=context, last=False)
        hang_up(peer)
        (line,) = shared_node.wait_for("instance", sop_instance_uid=instance.sop_instance_uid)
        (closed,) = shared_node.wait_for("association_closed", association=line["association"])
        (receipt,) = receipts_of(shared_node, instance)
        assert receipt["outcome"] == line["verdict"] == "aborted"
        assert receipt["status"] is None
        assert receipt["kept"] == "nowhere"
        assert (closed["received"], closed["aborted"]) == (1, 1)
        assert closed["ending"] == RELEASED_TOO_EARLY[hang_up]
        assert closed["bytes"] <= half
        assert shared_node.spooled() == []
        assert shared_node.rows("SELECT 1 FROM instance WHERE uid = ?", instance.sop_instance_uid) == []

    @hang_ups
    def test_after_the_last_fragment_leaves_one_receipt(
        self, shared_node: NodeProcess, study: int, hang_up: HangUp
    ) -> None:
        instance = ct(1, study)
        peer = Peer.of(shared_node.port, instance).associate()
        context = peer.request(instance)
        peer.send_data(instance.data, context=context)
        hang_up(peer)
        (line,) = shared_node.wait_for("instance", sop_instance_uid=instance.sop_instance_uid)
        shared_node.wait_for("association_closed", association=line["association"])
        (receipt,) = receipts_of(shared_node, instance)
        assert receipt["outcome"] in ("accept", "aborted")

    @hang_ups
    def test_between_requests_adds_no_receipt(self, shared_node: NodeProcess, study: int, hang_up: HangUp) -> None:
        instance = ct(1, study)
        peer = Peer.of(shared_node.port, instance).associate()
        peer.store(instance)
        hang_up(peer)
        (line,) = shared_node.wait_for("instance", sop_instance_uid=instance.sop_instance_uid)
        (closed,) = shared_node.wait_for("association_closed", association=line["association"])
        assert closed["received"] == closed["accepted"] == 1
        assert closed["ending"] == ENDINGS[hang_up]

    @hang_ups
    def test_before_a_request_leaves_an_association_without_receipts(
        self, shared_node: NodeProcess, hang_up: HangUp
    ) -> None:
        peer = Peer.of(shared_node.port, ct()).associate()
        hang_up(peer)
        opened = shared_node.wait_for("association_opened", port=peer.local_port)[-1]
        (closed,) = shared_node.wait_for("association_closed", association=opened["association"])
        assert (closed["received"], closed["ending"]) == (0, ENDINGS[hang_up])

    def test_what_was_interrupted_can_be_sent_again(self, shared_node: NodeProcess, study: int) -> None:
        instance = large_ct(1, study)
        peer = Peer.of(shared_node.port, instance).associate()
        context = peer.request(instance)
        peer.send_data(instance.data[:1000], context=context, last=False)
        peer.abort()
        shared_node.wait_for("instance", sop_instance_uid=instance.sop_instance_uid, verdict="aborted")
        with Peer.of(shared_node.port, instance) as again:
            assert again.store(instance).status == "0000"
        assert [row["outcome"] for row in receipts_of(shared_node, instance)] == ["aborted", "accept"]


def test_requests_that_do_not_wait_for_responses_are_answered_in_their_order(node: NodeProcess) -> None:
    instances = [ct(number) for number in range(1, 21)]
    with Peer.of(node.port, *instances) as peer:
        for instance in instances:
            peer.send_data(instance.data, context=peer.request(instance))
        answers = [peer.response() for _ in instances]
    assert [(answer.message_id, answer.status) for answer in answers] == [(number, "0000") for number in range(1, 21)]


def test_an_abort_behind_requests_that_wait_leaves_one_receipt_for_each_that_was_read(node: NodeProcess) -> None:
    """The node reads one request at a time; what still lay in the connection when it broke never reached it."""
    instances = [ct(number) for number in range(1, 21)]
    peer = Peer.of(node.port, *instances).associate()
    for instance in instances:
        peer.send_data(instance.data, context=peer.request(instance))
    peer.abort()
    (closed,) = node.wait_for("association_closed")
    receipts = node.receipts()
    assert [row["message_id"] for row in receipts] == list(range(1, len(receipts) + 1))
    assert closed["received"] == len(receipts) >= 1
    assert closed["accepted"] + closed["aborted"] == len(receipts)


def test_the_outcome_of_every_request_is_on_record_in_its_order(node: NodeProcess) -> None:
    good, bad, cut = ct(1), ct(2, Modality=None), large_ct(3)
    peer = Peer.of(node.port, good).associate()
    for instance in (good, good, bad, ct(4, PixelSpacing=None)):
        peer.store(instance)
    context = peer.request(cut)
    peer.send_data(cut.data[:10_000], context=context, last=False)
    peer.abort()
    (closed,) = node.wait_for("association_closed")
    receipts = node.receipts()
    assert [row["outcome"] for row in receipts] == ["accept", "refuse", "refuse", "warn", "aborted"]
    assert [row["status"] for row in receipts] == [0x0000, 0x0111, 0xA910, 0x0000, None]
    assert [row["message_id"] for row in receipts] == [1, 2, 3, 4, 5]
    assert [row["received"] for row in receipts] == sorted(row["received"] for row in receipts)
    counts = {name: closed[name] for name in ("received", "accepted", "warned", "refused", "retried", "aborted")}
    assert counts == {"received": 5, "accepted": 1, "warned": 1, "refused": 2, "retried": 0, "aborted": 1}
    assert closed["refused_by_code"] == {"DUP-001": 1, "REQ-001": 1}
    assert closed["bytes"] == sum(row["size"] for row in receipts)


def test_an_object_over_the_limit_is_answered_a700_and_has_a_receipt(start_node: StartNode) -> None:
    node = start_node("[limits]\nobject_bytes = 4096\n")
    node.tolerate("fault")
    instance = large_ct()
    with Peer.of(node.port, instance) as peer:
        response = peer.store(instance)
        small = peer.store(ct(2))
    assert (response.status, small.status) == ("A700", "0000")
    assert "limit" in response.comment
    assert [row["outcome"] for row in node.receipts()] == ["retry", "accept"]
