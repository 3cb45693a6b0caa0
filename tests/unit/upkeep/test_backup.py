"""A copy of the ledger is whole, of one moment, and under its name there is never half of one."""

import errno
import os
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from scp.errors import LedgerFault, StoreFault
from scp.upkeep import backup
from scp.upkeep.backup import Unsound, back_up
from tests.unit.nodes import Scratch, open_node
from tests.unit.system import system_error
from tests.unit.upkeep.folders import slice_of, table


def dump(path: Path) -> list[str]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        return [f"{one} {row}" for one in tables for row in db.execute(f"SELECT * FROM {one} ORDER BY 1, 2")]


def ledger(node: Scratch) -> Path:
    return node.folder / "ledger.sqlite3"


def test_the_copy_of_a_ledger_in_use_has_every_row_and_is_one_file(node: Scratch, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    (tmp_path / "copies").mkdir()
    target = tmp_path / "copies" / "copy.sqlite3"
    done = back_up(ledger(node), target, lambda *pages: told.append(pages))
    assert dump(target) == dump(ledger(node))
    assert [path.name for path in target.parent.iterdir()] == ["copy.sqlite3"]
    assert (done.receipts, done.bytes) == (8, target.stat().st_size)
    assert target.stat().st_mode & 0o077 == 0
    assert told[-1][0] == told[-1][1] > 0
    node.close()


def test_the_copy_does_not_hold_the_key(node: Scratch, tmp_path: Path) -> None:
    back_up(ledger(node), tmp_path / "copy")
    assert node.ledger.fingerprint_key not in (tmp_path / "copy").read_bytes()
    node.close()


def test_what_is_stored_meanwhile_does_not_get_half_into_the_copy(
    node: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(ledger(node))
    monkeypatch.setattr(backup, "_PAGES", 1)
    pages: list[int] = []

    def store(done: int, total: int) -> None:
        pages.append(total)
        if len(pages) < 20:
            node.send(slice_of(100 + len(pages)))

    back_up(ledger(node), tmp_path / "copy", store)
    assert dump(tmp_path / "copy") == before
    assert len(pages) >= 20
    assert set(pages) == {len(pages)}  # it never began again
    node.close()


def test_a_copy_from_before_is_replaced_and_anything_else_is_not(node: Scratch, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    back_up(ledger(node), target)
    node.send(slice_of(50))
    assert back_up(ledger(node), target).receipts == 9
    target.write_bytes(b"somebody's work")
    with pytest.raises(StoreFault, match="which is no copy of a ledger"):
        back_up(ledger(node), target)
    assert target.read_bytes() == b"somebody's work"
    with pytest.raises(StoreFault, match="the ledger itself"):
        back_up(ledger(node), ledger(node))
    node.close()


def test_another_database_and_the_ledger_of_another_node_are_no_copies(node: Scratch, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite3"
    with closing(apsw.Connection(str(other))) as db:
        db.execute("CREATE TABLE work (text)")
    (tmp_path / "another").mkdir()
    another = open_node(tmp_path / "another")
    for target in (other, ledger(another)):
        before = target.read_bytes()
        with pytest.raises(StoreFault, match="which is no copy of a ledger"):
            back_up(ledger(node), target)
        assert target.read_bytes() == before
    another.close()
    with pytest.raises(StoreFault, match="which is no copy of a ledger"):
        back_up(ledger(node), ledger(another))
    node.close()


def test_where_there_is_no_room_nothing_is_left_and_the_old_copy_stays(
    node: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy"
    back_up(ledger(node), target)
    before = target.read_bytes()

    def full(*_: object) -> None:
        raise system_error(errno.ENOSPC)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFault, match="errno 28"):
        back_up(ledger(node), target)
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "data"]
    node.close()


@pytest.mark.parametrize("target", ["missing/copy", "data/ledger.sqlite3/copy"])
def test_a_target_that_cannot_be_is_a_fault(node: Scratch, tmp_path: Path, target: str) -> None:
    with pytest.raises(StoreFault):
        back_up(ledger(node), tmp_path / target)
    node.close()


def test_a_ledger_that_is_not_there_cannot_be_copied(tmp_path: Path) -> None:
    with pytest.raises(LedgerFault, match="there is no ledger"):
        back_up(tmp_path / "ledger.sqlite3", tmp_path / "copy")


def test_the_copy_of_a_damaged_ledger_is_told_to_be_unsound(node: Scratch, tmp_path: Path) -> None:
    node.close()
    path = ledger(node)
    ((root,),) = table(node.folder, "SELECT rootpage FROM sqlite_schema WHERE name = 'receipt_quarantined'")
    ((size,),) = table(node.folder, "PRAGMA page_size")
    content = bytearray(path.read_bytes())
    content[(root - 1) * size + 8 : (root - 1) * size + 16] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(Unsound):
        back_up(path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_disk_that_is_full_is_said_to_be_that_of_the_copy(
    node: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise apsw.FullError("FullError: database or disk is full")

    def failing(*_: object) -> None:
        error = apsw.IOError("IOError: disk I/O error")
        error.extendedresult = apsw.SQLITE_IOERR_WRITE  # type: ignore[attr-defined]  # its stubs have it of none
        raise error

    for fails, why in ((full, "the disk is full"), (failing, "the disk failed, or is full")):
        monkeypatch.setattr(backup, "_copy", fails)
        with pytest.raises(StoreFault, match=f"^the copy cannot be written: {why}$"):
            back_up(ledger(node), tmp_path / "copy")
    node.close()


def test_what_a_backup_that_was_killed_left_is_removed_by_one_of_another_day(node: Scratch, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    old, new, *others = (copies / f"{name}.part" for name in ("copy.17", "copy.18", "else.17", "copy.of.17"))
    for path in (old, new, *others):
        path.write_bytes(b"")
    for path in (old, *others):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    back_up(ledger(node), copies / "copy")
    assert sorted(path.name for path in copies.iterdir()) == ["copy", "copy.18.part", "copy.of.17.part", "else.17.part"]
    node.close()
