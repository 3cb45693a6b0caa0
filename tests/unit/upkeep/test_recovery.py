"""At start, and when a fault is over, what was decided is finished and what nobody was told of is cleared away."""

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from scp.audit.finding import Decision
from scp.cases import Cases
from scp.config import Retention
from scp.errors import LedgerFault, StoreFault, SyncFault, Trouble
from scp.health import Health
from scp.ids import as_text, new_id
from scp.layout import spool_path
from scp.quarantine.moving import Mover
from scp.store.gate import Gate
from scp.store.trash import throw_study
from scp.upkeep import chores
from scp.upkeep.chores import probe
from scp.upkeep.keeper import Chore, Keeper
from scp.upkeep.recovery import Decide, Recovered, again, at_start
from scp.upkeep.swap import require_ledger
from tests.unit.nodes import LIMITS, Scratch, cut_off, open_node, request_for
from tests.unit.system import system_error
from tests.unit.upkeep.folders import CONFLICT, heavy_slice_of, slice_of, table
from tests.unit.upkeep.test_verify import flaws


def decide(node: Scratch) -> Decide:
    return Mover(node.ledger, node.store, Cases(node.ledger, node.store, LIMITS)).decided


def start(node: Scratch) -> tuple[Recovered, list[Any]]:
    with capture_logs() as told:
        done = at_start(node.store, node.ledger, decide(node), sync=True)
    return done, told


def test_after_a_proper_stop_there_is_nothing_to_do_but_check(node: Scratch) -> None:
    done, told = start(node)
    assert done == Recovered(0, 0, 0, 0, 0, 0, 7, 0)
    assert [line["event"] for line in told] == ["recovered"]
    node.close()


def test_a_new_node_says_nothing(tmp_path: Path) -> None:
    node = open_node(tmp_path)
    assert start(node) == (Recovered(0, 0, 0, 0, 0, 0, 0, 0), [])
    node.close()


def test_a_trash_that_cannot_be_looked_into_is_said(node: Scratch) -> None:
    (node.folder / "trash").write_bytes(b"")
    with pytest.raises(StoreFault, match="the trash cannot be read"):
        start(node)
    node.close()


def test_acknowledged_objects_that_have_no_file_are_named(node: Scratch) -> None:
    rows = table(node.folder, "SELECT id, path FROM receipt WHERE kept <> 'nowhere' ORDER BY id DESC LIMIT 2")
    for _, path in rows:
        (node.folder / path).unlink()
    done, told = start(node)
    assert (done.checked, done.missing) == (7, 2)
    (line,) = [line for line in told if line["event"] == "objects_missing"]
    assert (line["log_level"], line["objects"]) == ("error", 2)
    assert line["receipts"] == [as_text(number) for number, _ in rows]
    node.close()


def test_a_ledger_that_cannot_be_read_a_second_time_does_not_stop_the_start(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> None:
        raise LedgerFault("the ledger cannot be read")

    monkeypatch.setattr("scp.upkeep.recovery.reading", broken)
    done, _ = start(node)
    assert done == Recovered(0, 0, 0, 0, 0, 0, 0, 0)
    node.close()


def test_a_start_checks_no_more_than_the_newest_however_many_came(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = table(node.folder, "SELECT path FROM receipt WHERE kept <> 'nowhere' ORDER BY id")
    for (path,) in (rows[0], rows[-1]):
        (node.folder / path).unlink()
    monkeypatch.setattr("scp.upkeep.recovery.CHECKED_MOST", 3)
    done, _ = start(node)
    assert (done.checked, done.missing) == (3, 1)
    node.close()


def test_only_the_last_hours_before_the_newest_receipt_are_checked(node: Scratch) -> None:
    with node.ledger._lock:
        node.ledger._db.execute(
            "UPDATE receipt SET received = received - 90000000000"
            " WHERE id IN (SELECT id FROM receipt ORDER BY id LIMIT 3)"
        )
    done, _ = start(node)
    assert done.checked == 4
    node.close()


def test_what_retention_left_in_the_trash_goes_where_the_ledger_says(node: Scratch) -> None:
    ((number,),) = table(node.folder, "SELECT id FROM receipt WHERE kept = 'archive' ORDER BY id LIMIT 1")
    throw_study(node.folder, node.folder / "archive" / "1.2.826.0.1.1", number, sync=True)
    done, _ = start(node)
    assert (done.restored, done.removed, done.failed, done.missing) == (1, 0, 0, 0)
    assert flaws(node.folder) == []
    node.close()


def test_a_folder_with_objects_and_without_a_ledger_gets_no_new_one(folder: Path) -> None:
    require_ledger(folder)
    for path in folder.glob("ledger.sqlite3*"):
        path.unlink()
    with pytest.raises(LedgerFault, match="run auditscp rebuild"):
        require_ledger(folder)
    (folder / "ledger.sqlite3").touch()  # made by a start that came no further
    with pytest.raises(LedgerFault, match="run auditscp rebuild"):
        require_ledger(folder)


def test_a_folder_without_objects_needs_no_ledger(tmp_path: Path) -> None:
    require_ledger(tmp_path)
    (tmp_path / "archive" / "1.2").mkdir(parents=True)
    require_ledger(tmp_path)


# What a fault left behind


def failing(monkeypatch: pytest.MonkeyPatch, call: str, number: int = errno.EIO) -> pytest.MonkeyPatch:
    def failed(*_: Any, **__: Any) -> None:
        raise system_error(number)

    monkeypatch.setattr(os, call, failed)
    return monkeypatch


@pytest.mark.parametrize("data", [slice_of(7), CONFLICT.replace(b"77", b"78")], ids=["archive", "quarantine"])
def test_what_was_decided_and_could_not_be_placed_is_placed_when_it_can(
    node: Scratch, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        failing(broken, "link")
        assert node.send(data).verdict.decision is Decision.RETRY
        again(node.store, node.intake.left_behind, decide(node))
    (left,) = node.intake.left_behind
    assert node.files("spool") == [left.name]
    with capture_logs() as told:
        again(node.store, node.intake.left_behind, decide(node))
    assert [(line["event"], line["finished"]) for line in told] == [("cleared", 1)]
    assert node.intake.left_behind == set()
    assert node.files("spool") == []
    assert flaws(node.folder) == []
    node.close()


def test_what_could_not_be_asked_about_is_removed_when_the_ledger_knows_nothing_of_it(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any) -> None:
        raise LedgerFault("the ledger cannot be read")

    with monkeypatch.context() as broken:
        broken.setattr(node.ledger, "knows", locked)
        broken.setattr(node.ledger, "admit", locked)
        assert node.send(slice_of(7)).verdict.decision is Decision.RETRY
    assert set(node.intake.health.troubles) == {Trouble.LEDGER}
    assert len(node.files("spool")) == 1
    again(node.store, node.intake.left_behind, decide(node))
    assert node.files("spool") == []
    assert node.send(slice_of(7)).verdict.status == 0
    assert node.intake.health.is_well
    node.close()


def test_what_could_not_be_removed_is_removed_when_it_can(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(system_error(errno.EROFS)))
        cut_off(node.intake, request_for(slice_of(7)))
    assert len(node.intake.left_behind) == 1
    again(node.store, node.intake.left_behind, decide(node))
    assert node.files("spool") == []
    node.close()


def test_what_is_being_received_is_not_touched(node: Scratch) -> None:
    reception = node.intake.begin(request_for(slice_of(7)))
    again(node.store, node.intake.left_behind, decide(node))
    reception.incoming.write(slice_of(7))
    assert node.intake.complete(reception).verdict.status == 0
    node.close()


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_sync_that_the_disk_failed_is_not_forgotten_and_one_for_want_of_space_is(
    node: Scratch, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        failing(broken, "fsync", number)
        assert node.send(heavy_slice_of(7, study=9)).verdict.decision is Decision.RETRY
    trouble = Trouble.SYNC if number == errno.EIO else Trouble.DISK
    assert set(node.intake.health.troubles) == {trouble}
    assert node.send(heavy_slice_of(7, study=9)).verdict.status == 0
    assert node.intake.health.is_well is (number != errno.EIO)
    node.close()


def test_a_sync_that_failed_is_told_and_what_it_was_about_is_written_anew_before_another(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel tells of a failed write once: a second sync of the same would say that all is well."""
    health, path = node.intake.health, node.folder / "archive/1.2.826.0.1.9/1.2.826.0.1.9.1/1.2.826.0.1.9.1.7.dcm"
    _, clear = chores.chores(node.store, node.ledger, health, Gate(), node.intake.left_behind, decide(node))
    with monkeypatch.context() as broken:
        failing(broken, "link")
        assert node.send(heavy_slice_of(7, study=9)).verdict.decision is Decision.RETRY
    health.clear(Trouble.DISK)
    with monkeypatch.context() as broken:
        failing(broken, "fsync")
        with pytest.raises(SyncFault):
            clear.do()
    assert set(health.troubles) == {Trouble.SYNC}
    assert not path.exists()
    assert len(node.files("spool")) == len(node.intake.left_behind) == 1
    clear.do()
    assert path.exists()
    assert node.files("spool") == []
    assert set(health.troubles) == {Trouble.SYNC}
    node.close()


def test_a_start_on_a_disk_that_fails_a_sync_is_none(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        failing(broken, "link")
        node.send(heavy_slice_of(7))
    failing(monkeypatch, "fsync")
    with pytest.raises(SyncFault):
        start(node)
    assert len(node.files("spool")) == 1
    node.close()


# Chores


def test_a_trouble_that_is_over_is_seen_while_nobody_sends(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    health = Health()
    gate = Gate()
    look, clear = chores.chores(node.store, node.ledger, health, gate, node.intake.left_behind, decide(node))
    health.report(Trouble.LEDGER, "locked")
    health.report(Trouble.DISK, "read-only")
    (node.folder / spool_path(new_id())).write_bytes(b"")
    node.intake.left_behind.update(node.store.spooled())
    clear.do()
    assert len(node.files("spool")) == 1  # the ledger has not answered yet
    with monkeypatch.context() as broken:
        failing(broken, "fsync")
        look.do()
        assert set(health.troubles) == {Trouble.LEDGER, Trouble.DISK}
    look.do()
    assert health.is_well
    clear.do()
    assert node.files("spool") == []
    node.close()


def test_a_ledger_that_can_begin_and_end_a_transaction_and_write_nothing_is_still_in_trouble(node: Scratch) -> None:
    health = Health()
    look, _ = chores.chores(node.store, node.ledger, health, Gate(), set(), decide(node))
    health.report(Trouble.LEDGER, "full")
    node.ledger._db.execute("CREATE TEMP TRIGGER full BEFORE INSERT ON meta BEGIN SELECT RAISE(ABORT, 'no'); END")
    look.do()
    assert set(health.troubles) == {Trouble.LEDGER}
    node.ledger._db.execute("DROP TRIGGER full")
    before = table(node.folder, "SELECT * FROM meta")
    look.do()
    assert health.is_well
    assert table(node.folder, "SELECT * FROM meta") == before
    node.close()


def test_a_probe_leaves_nothing_behind_and_says_what_fails(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    probe(node.folder)
    assert node.files("spool") == []
    failing(monkeypatch, "fsync")
    with pytest.raises(StoreFault, match="errno 5"):
        probe(node.folder)
    assert node.files("spool") == []
    node.close()


def test_retention_is_a_chore_only_where_something_is_to_leave(node: Scratch) -> None:
    def of(settings: Retention) -> tuple[Chore, ...]:
        return chores.retention_chores(node.store, node.ledger, settings, threading.Event(), sync=True)

    assert of(Retention()) == ()
    (chore,) = of(Retention(quarantine_days=1))
    chore.do()
    assert len(node.files("quarantine")) == 6
    node.close()


def test_chores_are_done_when_they_are_due_and_one_that_fails_does_not_stop_the_others() -> None:
    now, done = [0.0], list[str]()

    def fail(name: str, error: Exception) -> None:
        done.append(name)
        raise error

    keeper = Keeper(
        Chore("a", lambda: done.append("a"), every=10.0),
        Chore("b", lambda: fail("b", LedgerFault("locked")), every=4.0, after=1.0),
        Chore("c", lambda: fail("c", KeyError("secret")), every=4.0, after=1.0),
        clock=lambda: now[0],
    )
    with capture_logs() as told:
        assert keeper.turn() == 1.0
        now[0] = 1.5
        assert keeper.turn() == 4.0
        now[0] = 5.5
        keeper.turn()
    assert done == ["a", "b", "c", "b", "c"]
    assert [line["event"] for line in told if line["event"] == "chore_failed"] == ["chore_failed"] * 2
    assert "secret" not in str(told)


def test_a_keeper_stops_at_once_and_does_nothing_after() -> None:
    began = threading.Event()
    keeper = Keeper(Chore("x", began.set, every=3600.0))
    keeper.start()
    assert began.wait(60)
    keeper.stop()
    assert not keeper._thread.is_alive()
    idle = Keeper()
    idle.start()
    idle.stop()
