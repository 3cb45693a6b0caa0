"""A sync of a folder is shared by those who wait for it, and never by one who came after it had begun."""

import threading
from pathlib import Path

import pytest

from scp.errors import NodeFault, StoreFault
from scp.store.rounds import Rounds

FOLDER = Path("a")


class Disk:
    """Syncs that wait until they may end; each writes down what had been written when it began."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.synced: list[list[str]] = []
        self.may_end = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.faults: list[Exception | None] = []
        self.rounds = Rounds(self.sync)
        self.heard: dict[str, Exception | None] = {}

    def sync(self, path: Path) -> None:
        seen = list(self.written)
        fault = self.faults.pop(0) if self.faults else None
        self.begun.release()
        assert self.may_end.acquire(timeout=30)
        if fault:
            raise fault
        self.synced.append(seen)

    def write(self, name: str, folder: Path = FOLDER) -> threading.Thread:
        def run() -> None:
            self.written.append(name)
            try:
                self.rounds.sync(folder)
                self.heard[name] = None
            except Exception as error:
                self.heard[name] = error

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def wait_for(self, users: int) -> None:
        while self.rounds._folders[FOLDER].users < users:
            pass


def test_those_who_come_during_a_sync_share_the_next() -> None:
    disk = Disk()
    threads = [disk.write("first")]
    assert disk.begun.acquire(timeout=30)
    threads += [disk.write(name) for name in ("second", "third", "fourth")]
    disk.wait_for(4)
    disk.may_end.release(2)
    for thread in threads:
        thread.join(30)
    assert len(disk.synced) == 2
    assert disk.synced[0] == ["first"]
    assert set(disk.synced[1]) == {"first", "second", "third", "fourth"}
    assert set(disk.heard.values()) == {None}
    assert not disk.rounds._folders


def test_folders_do_not_wait_for_each_other() -> None:
    disk = Disk()
    threads = [disk.write("a"), disk.write("b", Path("b"))]
    assert disk.begun.acquire(timeout=30)
    assert disk.begun.acquire(timeout=30)
    disk.may_end.release(2)
    for thread in threads:
        thread.join(30)
    assert len(disk.synced) == 2


@pytest.mark.parametrize("error", [StoreFault("the disk said no"), RuntimeError("a mistake of ours")])
def test_a_sync_that_fails_fails_for_those_it_was_for_and_for_nobody_else(error: Exception) -> None:
    disk = Disk()
    disk.faults = [None, error]
    threads = [disk.write("first")]
    assert disk.begun.acquire(timeout=30)
    threads += [disk.write("second"), disk.write("third")]
    disk.wait_for(3)
    disk.may_end.release(2)
    for thread in threads:
        thread.join(30)
    assert disk.heard["first"] is None
    assert all(isinstance(disk.heard[name], (type(error), NodeFault)) for name in ("second", "third"))
    assert len(disk.synced) == 1
    later = disk.write("later")
    disk.may_end.release()
    later.join(30)
    assert disk.heard["later"] is None
