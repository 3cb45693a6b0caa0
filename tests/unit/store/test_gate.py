"""What stands in the way of every object is looked at once a second, told once, and over when it is over."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from scp.errors import LedgerFault, LedgerGone, NodeFault, SpaceFault, Trouble
from scp.health import Health
from scp.layout import LEDGER
from scp.ledger.presence import presence
from scp.store.gate import Gate, Look
from scp.store.space import space
from scp.store.store import Store
from tests.unit.nodes import data_set, open_node
from tests.unit.store.objects import header
from tests.unit.system import system_error

MIB = 1 << 20


class Disk:
    """A file system with so much free."""

    def __init__(self, free: int, files: int = 0, free_files: int = 0) -> None:
        self.free = free
        self.files = files
        self.free_files = free_files
        self.asked = 0
        self.error: OSError | None = None

    def statvfs(self, _: Path) -> os.statvfs_result:
        self.asked += 1
        if self.error:
            raise self.error
        found = SimpleNamespace(f_bavail=self.free // 4096, f_frsize=4096, f_files=self.files, f_favail=self.free_files)
        return cast("os.statvfs_result", found)


def look(disk: Disk, reserve: int = 100 * MIB) -> Callable[[], NodeFault | None]:
    return space(Path(), reserve, disk.statvfs).see


def test_below_the_reserve_it_is_low_until_a_sixteenth_more_is_free() -> None:
    disk = Disk(100 * MIB)
    see = look(disk)
    assert see() is None
    disk.free -= 4096
    assert "99 MiB are free, of which 100 MiB stay" in str(see())
    disk.free = 106 * MIB
    assert isinstance(see(), SpaceFault)
    disk.free = 107 * MIB
    assert see() is None
    disk.free = 100 * MIB
    assert see() is None


def test_a_file_system_without_room_for_files_is_low() -> None:
    assert "room for 7 more files" in str(look(Disk(1 << 40, files=10_000, free_files=7))())
    assert look(Disk(1 << 40, files=10_000, free_files=7_000))() is None
    assert look(Disk(1 << 40, files=0, free_files=0))() is None  # one that counts no files


def test_what_cannot_be_asked_is_low() -> None:
    disk = Disk(1 << 40)
    disk.error = system_error(errno.EIO)
    assert "errno 5" in str(look(disk)())


def test_a_real_folder_can_be_asked(tmp_path: Path) -> None:
    assert space(tmp_path, 0).see() is None
    assert isinstance(space(tmp_path, 1 << 60).see(), SpaceFault)
    assert isinstance(space(tmp_path / "missing", 0).see(), SpaceFault)


def test_it_is_looked_at_once_a_second_whoever_asks() -> None:
    now = [0.0]
    disk, health = Disk(0), Health()
    gate = Gate(lambda: now[0])
    gate.check()  # before anything is watched, it is open
    gate.watch(health, space(Path(), MIB, disk.statvfs))
    with capture_logs() as told:
        for _ in range(10):
            with pytest.raises(SpaceFault, match="0 MiB are free"):
                gate.check()
        assert disk.asked == 1
        disk.free = 100 * MIB
        now[0] = 0.99
        with pytest.raises(SpaceFault):
            gate.check()
        now[0] = 1.0
        gate.check()
        gate.check()
    assert disk.asked == 2
    assert health.is_well
    assert [line["event"] for line in told] == ["node_unhealthy", "trouble_over"]


def test_a_store_begins_nothing_while_its_gate_is_shut(tmp_path: Path) -> None:
    gate = Gate()
    gate.watch(Health(), Look(Trouble.SPACE, lambda: SpaceFault("full")))
    store = Store(tmp_path, gate=gate)
    with pytest.raises(SpaceFault, match="full"):
        store.receive(7, header())
    assert store.spooled() == []
    store.close()


def test_a_large_object_does_not_take_what_is_to_stay_free(tmp_path: Path) -> None:
    now = [0.0]
    disk, gate, health = Disk(110 * MIB), Gate(lambda: now[0]), Health()
    gate.watch(health, space(Path(), 100 * MIB, disk.statvfs))
    store = Store(tmp_path, gate=gate)
    incoming = store.receive(7, header())

    def fill() -> None:
        for _ in range(1_000):
            incoming.write(bytes(1024))
            disk.free -= MIB
            now[0] += 0.3

    with pytest.raises(SpaceFault, match="of which 100 MiB stay"):
        fill()
    assert disk.free > 90 * MIB
    assert set(health.troubles) == {Trouble.SPACE}
    incoming.discard()
    store.close()


def test_a_ledger_that_was_removed_or_replaced_is_seen_and_one_that_came_back_too(tmp_path: Path) -> None:
    path, aside = tmp_path / "ledger", tmp_path / "aside"
    with pytest.raises(LedgerFault):
        presence(path)
    path.write_bytes(b"1")
    see: Any = presence(path)
    assert see() is None
    path.write_bytes(b"longer")
    assert see() is None
    path.rename(aside)
    assert isinstance(see(), LedgerGone)
    path.write_bytes(b"another")
    assert "replaced" in str(see())
    aside.rename(path)
    assert see() is None


def test_a_log_that_was_removed_under_a_ledger_in_use_is_seen(tmp_path: Path) -> None:
    node = open_node(tmp_path)
    see = presence(tmp_path / LEDGER)
    assert node.send(data_set()).verdict.status == 0
    assert see() is None
    (tmp_path / f"{LEDGER}-wal").unlink()
    assert isinstance(see(), LedgerGone)
    assert "stop it properly" in str(see())
    node.close()
    again = open_node(tmp_path)
    assert len(again.receipts()) == 1
    again.close()
