"""Stopping: what is being received is finished, idle peers are let go, nobody new is let in, and the exit code is 0."""

import signal
import socket
import time
from contextlib import suppress
from typing import Final

import pytest

from tests.wire.conftest import StartNode
from tests.wire.node import PATIENCE, NodeProcess
from tests.wire.objects import Instance, ct, large_ct
from tests.wire.peer import HungUpError, Peer, RejectedError

DEADLINE: Final = f"[association]\ndrain_timeout = {2 * PATIENCE}\n"
"""Longer than a test waits for the process to end, so that ending at all means not to have waited for it."""

IDLE: Final = 1.0
"""Seconds after which an association is idle while the node drains: written out again."""

signals = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "sigint"])


def in_mid_data_set(node: NodeProcess, instance: Instance) -> tuple[Peer, int]:
    """Associate, and send a request and half of its Data Set."""
    peer = Peer.of(node.port, instance).associate()
    context = peer.request(instance)
    peer.send_data(instance.data[: len(instance.data) // 2], context=context, last=False)
    return peer, context


def finish(peer: Peer, context: int, one: Instance, *others: Instance) -> None:
    """Send the other half of a Data Set, other instances, and the wish for release, all at once.

    So the node never waits for us: a pause of ours, however short, may be one too long for it.
    """
    peer.send_data(one.data[len(one.data) // 2 :], context=context)
    for other in others:
        peer.send_data(other.data, context=peer.request(other))
    peer.ask_for_release()


def stopped(node: NodeProcess) -> tuple[int, int]:
    """Return how many associations ended by themselves and how many were cut off, as the last line says."""
    (line,) = node.wait_for("stopped")
    return line["finished"], line["aborted"]


@signals
def test_a_node_without_associations_exits_with_0(start_node: StartNode, number: signal.Signals) -> None:
    node = start_node(DEADLINE)
    node.signal(number)
    assert node.exit_code() == 0
    assert [line["seconds"] for line in node.lines("draining")] == [2 * PATIENCE]
    assert stopped(node) == (0, 0)


@signals
def test_what_is_being_received_is_finished_and_answered_0000(start_node: StartNode, number: signal.Signals) -> None:
    node, instance = start_node(DEADLINE), large_ct()
    idle = Peer.of(node.port, instance).associate()
    peer, context = in_mid_data_set(node, instance)
    node.signal(number)
    # The idle association is cut off first: from here on the other one has been waited for longer than idle ones are.
    assert idle.hung_up().aborted
    node.wait_for("association_closed", ending="shutdown")
    finish(peer, context, instance)
    assert peer.response().status == "0000"
    peer.be_released()
    assert node.exit_code() == 0
    assert stopped(node) == (1, 1)
    assert len(node.archived()) == 1
    assert node.spooled() == []
    (row,) = node.rows("SELECT ending FROM association WHERE ending <> 'shutdown'")
    assert row["ending"] == "released"


def test_further_instances_of_a_busy_association_are_taken_while_draining(start_node: StartNode) -> None:
    node, first, second = start_node(DEADLINE), large_ct(1), large_ct(2)
    peer, context = in_mid_data_set(node, first)
    node.signal(signal.SIGTERM)
    node.wait_for("draining")
    finish(peer, context, first, second)
    assert [peer.response().status for _ in (first, second)] == ["0000", "0000"]
    peer.be_released()
    assert node.exit_code() == 0
    assert len(node.archived()) == 2


def test_an_association_that_is_between_two_instances_is_not_taken_for_an_idle_one(start_node: StartNode) -> None:
    first, second = ct(1), ct(2)
    for _ in range(10):
        node = start_node(DEADLINE)
        idle, busy = Peer.of(node.port, ct()).associate(), Peer.of(node.port, first, second).associate()
        time.sleep(1.5 * IDLE)
        began = time.monotonic()
        assert busy.store(first).status == "0000"
        node.signal(signal.SIGTERM)
        assert idle.hung_up().aborted
        with suppress(HungUpError, OSError):
            assert busy.store(second).status == "0000"
            busy.release()
            assert node.exit_code() == 0
            assert stopped(node) == (1, 1)
            return
        assert time.monotonic() - began > IDLE, "it is cut off though it was not silent for so long"
        assert node.exit_code() == 0
    pytest.fail("this machine is always too slow to be seen as busy")


def test_an_idle_association_is_aborted_well_before_the_deadline(start_node: StartNode) -> None:
    node = start_node(DEADLINE)
    peer = Peer.of(node.port, ct()).associate()
    node.signal(signal.SIGTERM)
    assert peer.hung_up().aborted
    assert node.exit_code() == 0
    assert stopped(node) == (0, 1)


def test_a_connection_that_never_associated_does_not_hold_up_the_end(start_node: StartNode) -> None:
    node = start_node(DEADLINE)
    with socket.create_connection(("127.0.0.1", node.port)):
        with Peer.of(node.port, ct()):
            pass
        node.signal(signal.SIGTERM)
        assert node.exit_code() == 0


def test_new_associations_are_refused_while_draining(start_node: StartNode) -> None:
    node, instance = start_node(DEADLINE), large_ct()
    idle = Peer.of(node.port, instance).associate()
    peer, context = in_mid_data_set(node, instance)
    node.signal(signal.SIGTERM)
    idle.hung_up()
    with pytest.raises((ConnectionRefusedError, RejectedError, HungUpError)), Peer.of(node.port, ct(2)):
        pass
    finish(peer, context, instance)
    assert peer.response().status == "0000"
    peer.be_released()
    assert node.exit_code() == 0
    assert len(node.archived()) == 1


def test_a_peer_that_stops_in_mid_data_set_is_cut_off_at_the_deadline(start_node: StartNode) -> None:
    node, instance = start_node("[association]\ndrain_timeout = 2\n"), large_ct()
    peer, _ = in_mid_data_set(node, instance)
    node.signal(signal.SIGTERM)
    assert peer.hung_up().aborted
    assert node.exit_code() == 0
    assert stopped(node) == (0, 1)
    (receipt,) = node.receipts()
    assert receipt["outcome"] == "aborted"
    (row,) = node.rows("SELECT ending FROM association")
    assert row["ending"] == "shutdown"
    assert node.spooled() == []


def test_what_was_stored_is_there_after_a_restart(start_node: StartNode) -> None:
    node, instance = start_node(), ct()
    with Peer.of(node.port, instance) as peer:
        assert peer.store(instance).status == "0000"
    assert node.stop() == 0
    assert "ledger.sqlite3-wal" not in {path.name for path in node.folder.iterdir()}
    node.start()
    with Peer.of(node.port, instance) as peer:
        assert peer.store(instance).status == "0111"


class TestStartsThatFail:
    def test_a_second_node_on_the_same_data_folder_exits_with_2_and_says_why(self, node: NodeProcess) -> None:
        second = NodeProcess(node.folder)
        second.launch()
        assert second.exit_code() == 2
        assert "another node (process " in second.stderr
        assert second.output == b""
        with Peer.of(node.port, ct()) as peer:
            assert peer.store(ct()).status == "0000"

    def test_a_port_in_use_exits_with_2_and_says_which(self, node: NodeProcess) -> None:
        second = NodeProcess(node.folder.with_name("other"), options=["--port", str(node.port)])
        second.launch()
        assert second.exit_code() == 2
        assert f"port {node.port}" in second.stderr
        assert "Traceback" not in second.stderr

    def test_wrong_settings_exit_with_2_and_are_all_reported(self, node: NodeProcess) -> None:
        second = NodeProcess(node.folder.with_name("other"), '[node]\nae_titel = "X"\n[audit]\nprofile = "lax"\n')
        second.launch()
        assert second.exit_code() == 2
        assert "ae_titel" in second.stderr
        assert "profile" in second.stderr
        assert not node.folder.with_name("other").exists()

    def test_a_data_folder_that_is_a_file_exits_with_2(self, node: NodeProcess) -> None:
        folder = node.folder.with_name("file")
        folder.write_text("")
        second = NodeProcess(folder)
        second.launch()
        assert second.exit_code() == 2
        assert "Traceback" not in second.stderr
