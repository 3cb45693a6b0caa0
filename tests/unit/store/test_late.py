"""Light objects share a sync of their file system, and the ledger lets go of their bytes after it and not before."""

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from scp.errors import LedgerFault, StoreFault, SyncFault
from scp.store import late as late_module
from scp.store.late import LIGHT_BYTES, LateSyncs, can_sync_file_systems, is_remote
from scp.store.store import Store
from tests.unit.ledger.contract import together
from tests.unit.system import descriptors, system_error

ELSEWHERE: Final = Path("/dev/shm")
"""On most systems a file system of its own, whatever that of the tests is."""


class Ledger:
    """What it was told to forget, in order, among what else happened."""

    def __init__(self) -> None:
        self.happened: list[object] = []

    def forget(self, receipts: Sequence[int]) -> None:
        self.happened.append(list(receipts))

    def forgotten(self) -> list[int]:
        return [one for receipts in self.happened if isinstance(receipts, list) for one in receipts]


@pytest.fixture
def late(tmp_path: Path) -> Iterator[LateSyncs]:
    (tmp_path / "spool").mkdir()
    one = LateSyncs(tmp_path)
    yield one
    one.close()


def broken(late: LateSyncs, monkeypatch: pytest.MonkeyPatch, number: int = errno.EIO) -> None:
    def fail() -> None:
        raise system_error(number)

    monkeypatch.setattr(late, "_sync", fail)


def test_light_objects_are_synced_late_and_others_are_not(late: LateSyncs) -> None:
    assert late.takes(LIGHT_BYTES)
    assert not late.takes(LIGHT_BYTES + 1)


def test_the_file_system_is_synced_before_anything_is_forgotten(
    late: LateSyncs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, sync = Ledger(), late._sync

    def synced() -> None:
        sync()
        ledger.happened.append("synced")

    monkeypatch.setattr(late, "_sync", synced)
    for number in (3, 1, 2):
        late.add(number, 1000)
    late.settle(ledger.forget)
    assert ledger.happened == ["synced", [3, 1, 2]]


def test_where_nothing_waits_nothing_is_done(late: LateSyncs, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    late.add(1)
    late.settle(ledger.forget)
    broken(late, monkeypatch)
    late.settle(ledger.forget)
    assert ledger.happened == [[1]]


def test_what_comes_while_the_disk_is_busy_waits_for_the_next_sync(
    late: LateSyncs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger()
    late.add(1)
    with monkeypatch.context() as busy:
        busy.setattr(late, "_sync", lambda: late.add(2))
        late.settle(ledger.forget)
    assert ledger.happened == [[1]]
    late.settle(ledger.forget)
    assert ledger.happened == [[1], [2]]


def test_a_disk_that_does_not_keep_up_is_given_no_more_until_it_does(late: LateSyncs) -> None:
    for number in range(1024):
        assert late.takes(1)
        late.add(number, LIGHT_BYTES)
    assert not late.takes(1)
    late.settle(Ledger().forget)
    assert late.takes(LIGHT_BYTES)


@pytest.mark.parametrize(("number", "fault"), [(errno.EIO, SyncFault), (errno.ENOSPC, StoreFault)])
def test_after_a_sync_that_failed_nothing_is_forgotten_and_nothing_is_late_any_more(
    late: LateSyncs, monkeypatch: pytest.MonkeyPatch, number: int, fault: type[StoreFault]
) -> None:
    ledger = Ledger()
    late.add(1, 1000)
    broken(late, monkeypatch, number)
    with pytest.raises(StoreFault) as caught:
        late.settle(ledger.forget)
    assert type(caught.value) is fault
    assert str(caught.value) == f"the file system cannot be synced ({os.strerror(number)}, errno {number})"
    assert not late.takes(1)
    assert ledger.happened == []


def test_what_is_noted_only_after_a_sync_that_failed_is_not_forgotten_either(
    late: LateSyncs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been written before, and lost by that sync; another one would not say so."""
    ledger = Ledger()
    late.add(1)
    with monkeypatch.context() as patch:
        broken(late, patch)
        with pytest.raises(SyncFault):
            late.settle(ledger.forget)
    late.add(2)
    late.settle(ledger.forget)
    assert ledger.happened == []


def test_what_the_ledger_could_not_forget_it_is_asked_to_forget_again(late: LateSyncs) -> None:
    def locked(_: object) -> None:
        raise LedgerFault("the ledger cannot be written")

    ledger = Ledger()
    late.add(1, 64 << 20)
    with pytest.raises(LedgerFault):
        late.settle(locked)
    assert not late.takes(1)
    late.add(2)
    late.settle(ledger.forget)
    assert ledger.happened == [[1, 2]]
    assert late.takes(1)


def test_what_could_not_be_restored_is_not_forgotten_whatever_becomes_of_its_file(late: LateSyncs) -> None:
    ledger = Ledger()
    late.vouch_on(1)
    late.add(1, 1000)
    late.add(2, 1000)
    late.settle(ledger.forget)
    assert ledger.happened == [[2]]


def test_objects_that_come_at_once_are_all_noted(late: LateSyncs) -> None:
    ledger = Ledger()

    def come(thread: int) -> None:
        for number in range(100):
            late.add(thread * 100 + number, 1)
            if number % 10 == 0 and thread == 0:
                late.settle(ledger.forget)

    together(4, come)
    late.settle(ledger.forget)
    assert sorted(ledger.forgotten()) == list(range(400))


def test_what_the_system_says_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    late = LateSyncs(tmp_path)
    late.add(1)
    late.close()
    with pytest.raises(StoreFault, match="errno 9"):
        late.settle(Ledger().forget)


def test_what_is_synced_is_the_file_system_of_the_objects(tmp_path: Path) -> None:
    """Spool, archive and quarantine may be links to a larger disk than the ledger's."""
    if not ELSEWHERE.is_dir() or ELSEWHERE.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    elsewhere = Path(tempfile.mkdtemp(dir=ELSEWHERE))
    try:
        for name in ("spool", "archive", "quarantine"):
            (elsewhere / name).mkdir()
            (tmp_path / name).symlink_to(elsewhere / name)
        store = Store(tmp_path)
        assert os.fstat(store.late._descriptor).st_dev == elsewhere.stat().st_dev
        store.close()
    finally:
        shutil.rmtree(elsewhere)


def test_a_folder_that_is_not_there_is_a_fault_and_one_that_is_let_go_of_is_closed(tmp_path: Path) -> None:
    before = descriptors()
    with pytest.raises(StoreFault, match="the data folder cannot be opened"):
        LateSyncs(tmp_path / "missing")
    Store(tmp_path).close()
    assert descriptors() == before


def test_a_store_that_syncs_nothing_gives_nothing_to_the_ledger(tmp_path: Path) -> None:
    for sync in (True, False):
        store = Store(tmp_path, sync=sync)
        incoming = store.receive(7, b"header")
        incoming.write(b"content")
        assert store.finish(incoming) == (b"headercontent" if sync else None)
        incoming.discard()
        store.close()


@pytest.mark.parametrize(
    ("system", "release", "can"),
    [
        ("Linux", "6.18.44-fc-v7", True),
        ("Linux", "5.8.0-1-amd64", True),
        ("Linux", "5.8-rc1", True),
        ("Linux", "10", True),
        ("Linux", "5.7.19", False),
        ("Linux", "4.18.0-553.el8", False),
        ("Linux", "unheard of", False),
        ("Darwin", "24.1.0", False),
    ],
)
def test_a_file_system_is_synced_as_a_whole_only_where_that_tells_what_was_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, release: str, can: bool
) -> None:
    (tmp_path / "spool").mkdir()
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(sysname=system, release=release))
    assert can_sync_file_systems() is can
    late = LateSyncs(tmp_path)
    assert late.takes(1) is can
    late.close()


@pytest.mark.parametrize(
    ("kind", "takes"),
    [
        (0xEF53, True),  # ext4
        (0x58465342, True),  # xfs
        (0x9123683E, True),  # btrfs
        (0x01021994, True),  # tmpfs
        (0x6969, False),  # nfs
        (0xFF534D42, False),  # cifs
        (0xFFFFFFFFFF534D42, False),  # the same where the number is signed
        (0x65735546, False),  # fuse
        (0xF15F, False),  # ecryptfs
        (0x794C7630, False),  # overlay
        (None, False),  # nobody knows
    ],
)
def test_where_somebody_else_has_the_disk_no_object_is_synced_late(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: int | None, takes: bool
) -> None:
    def fstatfs(_: int, about: Any) -> int:
        if kind is None:
            return -1
        ctypes.c_ulong.from_buffer(about).value = kind
        return 0

    (tmp_path / "spool").mkdir()
    monkeypatch.setattr(late_module, "is_remote", is_remote)  # in place of what other tests have
    monkeypatch.setattr(late_module, "_libc", SimpleNamespace(syncfs=lambda _: 0, fstatfs=fstatfs))
    late = LateSyncs(tmp_path)
    assert late.takes(1) is takes
    late.close()
