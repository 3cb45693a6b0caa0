"""A sender that never got its answer is no duplicate: it does not know what we know."""

from collections.abc import Callable

import pytest
from pydicom.uid import ImplicitVRLittleEndian

from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, contexts_of, ct
from tests.wire.peer import VERIFICATION, Peer

PATIENT_NODE = "[duplicates]\nwait_seconds = 30\n"
"""A resend waits longer for the fate of the first than any test takes."""


def sent_unread(node: NodeProcess, instance: Instance) -> Peer:
    """Send an instance over a new association, up to where the node has answered, and do not read the response."""
    peer = Peer.of(node.port, instance).associate()
    context = peer.request(instance)
    peer.send_data(instance.data, context=context)
    node.wait_for("instance", sop_instance_uid=instance.sop_instance_uid, verdict="accept")
    return peer


def store(node: NodeProcess, instance: Instance) -> str:
    """Send an instance over an association of its own and return the status."""
    with Peer.of(node.port, instance) as peer:
        return peer.store(instance).status


@pytest.mark.parametrize("hang_up", [Peer.abort, Peer.finish, Peer.reset], ids=["abort", "fin", "rst"])
def test_a_resend_is_answered_0000_if_the_response_was_lost_and_0111_the_third_time(
    shared_node: NodeProcess, study: int, hang_up: Callable[[Peer], None]
) -> None:
    instance = ct(1, study)
    hang_up(sent_unread(shared_node, instance))
    (first,) = shared_node.lines("instance", sop_instance_uid=instance.sop_instance_uid)
    shared_node.wait_for("association_closed", association=first["association"])
    assert store(shared_node, instance) == "0000"
    assert store(shared_node, instance) == "0111"
    rows = shared_node.rows(
        "SELECT original, kept FROM receipt WHERE affected_sop_instance_uid = ?", instance.sop_instance_uid
    )
    assert len({row["original"] for row in rows}) == 1
    assert [row["kept"] for row in rows] == ["archive", "nowhere", "nowhere"]


def test_a_resend_whose_own_response_is_lost_is_answered_0000_again(shared_node: NodeProcess, study: int) -> None:
    instance = ct(1, study)
    sent_unread(shared_node, instance).reset()
    for attempt in range(3):
        shared_node.wait_for("association_closed", association=last_association(shared_node, instance))
        peer = Peer.of(shared_node.port, instance).associate()
        assert peer.store(instance).status == "0000", attempt
        peer.reset()
    shared_node.wait_for("association_closed", association=last_association(shared_node, instance))
    assert store(shared_node, instance) == "0000"
    assert store(shared_node, instance) == "0111"


def last_association(node: NodeProcess, instance: Instance) -> str:
    """Return the association of the newest receipt for an instance."""
    rows = [row for row in node.receipts() if row["affected_sop_instance_uid"] == instance.sop_instance_uid]
    return str(rows[-1]["association"])


def test_a_released_association_has_read_its_responses(shared_node: NodeProcess, study: int) -> None:
    instance = ct(1, study)
    assert [store(shared_node, instance) for _ in range(2)] == ["0000", "0111"]


def test_whoever_sends_something_else_has_read_the_response_before(shared_node: NodeProcess, study: int) -> None:
    first, second = ct(1, study), ct(2, study)
    peer = Peer.of(shared_node.port, first).associate()
    assert [peer.store(first).status, peer.store(second).status] == ["0000", "0000"]
    peer.reset()
    (line,) = shared_node.wait_for("instance", sop_instance_uid=first.sop_instance_uid)
    shared_node.wait_for("association_closed", association=line["association"])
    assert [store(shared_node, first), store(shared_node, second)] == ["0111", "0000"]


def test_a_c_echo_shows_that_the_response_was_read(shared_node: NodeProcess, study: int) -> None:
    instance = ct(1, study)
    peer = Peer(shared_node.port, [*contexts_of([instance]), (VERIFICATION, [ImplicitVRLittleEndian])]).associate()
    assert [peer.store(instance).status, peer.echo().status] == ["0000", "0000"]
    peer.reset()
    (line,) = shared_node.wait_for("instance", sop_instance_uid=instance.sop_instance_uid)
    shared_node.wait_for("association_closed", association=line["association"])
    assert store(shared_node, instance) == "0111"


@pytest.mark.parametrize(
    ("end", "status"),
    [(Peer.reset, "0000"), (Peer.abort, "0000"), (Peer.release, "0111")],
    ids=["rst", "abort", "release"],
)
def test_a_resend_beside_the_first_association_waits_for_its_end(
    start_node: StartNode, end: Callable[[Peer], None], status: str
) -> None:
    node, instance = start_node(PATIENT_NODE), ct()
    first = Peer.of(node.port, instance).associate()
    assert first.store(instance).status == "0000"
    with Peer.of(node.port, instance) as second:
        context = second.request(instance)
        second.send_data(instance.data, context=context)
        end(first)
        assert second.response().status == status


def test_a_silent_first_association_has_read_its_response_after_the_time_set(start_node: StartNode) -> None:
    node, instance = start_node("[duplicates]\nwait_seconds = 0\n"), ct()
    with Peer.of(node.port, instance) as first:
        assert first.store(instance).status == "0000"
        assert store(node, instance) == "0111"


def test_another_object_under_an_unconfirmed_uid_is_refused_all_the_same(shared_node: NodeProcess, study: int) -> None:
    instance = ct(1, study)
    sent_unread(shared_node, instance).reset()
    assert store(shared_node, ct(1, study, WindowCenter="40")) == "C111"


def test_a_restart_does_not_forget_what_was_not_confirmed(start_node: StartNode) -> None:
    node = start_node()
    lost, read = ct(1), ct(2)
    assert store(node, read) == "0000"
    sent_unread(node, lost).reset()
    node.wait_for("association_closed", 2)
    assert node.stop() == 0
    node.start()
    assert [store(node, lost), store(node, read), store(node, lost)] == ["0000", "0111", "0111"]
