"""After a crash: what was decided is finished, what was never acknowledged is gone, and a line says so."""

from pathlib import Path

from scp.ids import as_text, new_id
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct, large_ct
from tests.wire.peer import Peer


def store(node: NodeProcess, *instances: Instance) -> list[str]:
    """Send instances over one association and return the statuses."""
    with Peer.of(node.port, *instances) as peer:
        return [peer.store(instance).status for instance in instances]


def back_to_spool(node: NodeProcess, path: Path) -> Path:
    """Put a file back where it was before it was moved to its place."""
    (receipt,) = [row for row in node.receipts() if node.folder / row["path"] == path and row["kept"] != "nowhere"]
    spooled = node.folder / "spool" / f"{receipt['name']}.part"
    path.rename(spooled)
    return spooled


def test_an_object_that_was_never_acknowledged_is_removed(start_node: StartNode) -> None:
    node = start_node()
    node.kill()
    orphan = node.folder / "spool" / f"{as_text(new_id())}.part"
    orphan.write_bytes(bytes(1000))
    node.start()
    assert not orphan.exists()
    (line,) = node.lines("recovered")
    assert (line["finished"], line["discarded"], line["failed"]) == (0, 1, 0)


def test_an_accepted_instance_that_was_not_moved_is_moved_to_the_archive(start_node: StartNode) -> None:
    node = start_node()
    instance = ct()
    store(node, instance)
    node.wait_for("association_closed", ending="released")
    node.kill()
    (archived,) = node.archived()
    content = archived.read_bytes()
    spooled = back_to_spool(node, archived)
    node.start()
    assert not spooled.exists()
    assert archived.read_bytes() == content
    (line,) = node.lines("recovered")
    assert (line["finished"], line["discarded"], line["failed"]) == (1, 0, 0)
    assert store(node, instance) == ["0111"]


def test_a_refused_object_that_was_not_moved_gets_its_place_and_its_case(start_node: StartNode) -> None:
    node = start_node()
    assert store(node, ct(1), ct(2, Rows=2, Columns=8, PatientName="Test^Case")) == ["0000", "C141"]
    assert node.until(lambda: node.rows("SELECT id FROM sealed") == [])  # or else the first would be written anew
    node.kill()
    (quarantined,) = node.quarantined()
    (case,) = node.cases()
    quarantined.with_suffix(".json").unlink()
    back_to_spool(node, quarantined)
    node.start()
    assert node.quarantined() == [quarantined]
    assert node.cases() == [case]
    assert [line["finished"] for line in node.lines("recovered")] == [1]


def test_an_instance_that_was_linked_but_not_removed_from_the_spool_is_there_once(start_node: StartNode) -> None:
    node = start_node()
    store(node, ct())
    node.kill()
    (archived,) = node.archived()
    spooled = back_to_spool(node, archived)
    archived.hardlink_to(spooled)
    node.start()
    assert node.archived() == [archived]
    assert node.spooled() == []


def test_a_case_that_was_half_written_is_written_again(start_node: StartNode) -> None:
    node = start_node()
    store(node, ct(1, Modality=None))
    node.kill()
    (quarantined,) = node.quarantined()
    whole = quarantined.with_suffix(".json").read_bytes()
    quarantined.with_suffix(".json").unlink()
    quarantined.with_suffix(".json.part").write_bytes(whole[:100])
    back_to_spool(node, quarantined)
    node.start()
    assert quarantined.with_suffix(".json").read_bytes() == whole
    assert not quarantined.with_suffix(".json.part").exists()


def test_what_was_killed_in_mid_data_set_leaves_nothing_and_can_be_sent_again(start_node: StartNode) -> None:
    node = start_node()
    instance, stored = large_ct(1), large_ct(2)
    peer = Peer.of(node.port, instance).associate()
    assert peer.store(stored).status == "0000"
    context = peer.request(instance)
    peer.send_data(instance.data[:300_000], context=context, last=False)
    node.kill()
    peer.close()
    node.start()
    assert node.spooled() == []
    assert [path.stem for path in node.archived()] == [stored.sop_instance_uid]
    assert store(node, instance) == ["0000"]


def test_what_was_answered_0000_is_there_after_kill_9(start_node: StartNode) -> None:
    node = start_node()
    instances = [ct(number) for number in range(1, 21)]
    peer = Peer.of(node.port, *instances).associate()
    assert [peer.store(instance).status for instance in instances] == ["0000"] * 20
    node.kill()
    peer.close()
    node.start()
    assert {path.stem for path in node.archived()} == {instance.sop_instance_uid for instance in instances}
    assert len(node.rows("SELECT 1 FROM instance")) == 20
    # The last response may not have been read; every other one has been.
    assert store(node, *instances) == ["0111"] * 19 + ["0000"]


def test_a_stranger_in_the_spool_is_left_alone_and_counted(start_node: StartNode) -> None:
    node = start_node()
    node.kill()
    stranger = node.folder / "spool" / "notes.txt"
    stranger.write_text("not ours")
    node.start()
    assert stranger.read_text() == "not ours"
    assert [line["failed"] for line in node.lines("recovered")] == [1]
    stranger.unlink()


def test_a_quiet_start_says_nothing_about_recovery(node: NodeProcess) -> None:
    assert node.lines("recovered") == []
