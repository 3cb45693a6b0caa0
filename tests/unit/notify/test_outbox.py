"""What is put into the outbox stays until it is delivered or too old, and each channel has its own."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from scp.notify.outbox import Letter, Outbox, Progress

HOUR = 3_600_000_000
NOTHING = Progress({}, {})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notify.sqlite3"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    one = Outbox(path, "webhook")
    yield one
    one.close()


def test_letters_and_how_far_they_get_survive(path: Path, outbox: Outbox) -> None:
    letter = Letter(7, "refusals", 100, "{}")
    outbox.put([letter], Progress({"since": 5, "health": "disk"}, {10: 3, 20: 4}))
    outbox.close()
    again = Outbox(path, "webhook")
    assert again.due(100, 10) == [letter]
    assert (again.mark("since"), again.mark("health"), again.mark("audit")) == (5, "disk", None)
    assert again.told() == {10: 3, 20: 4}
    again.close()


class Disk(apsw.VFS):
    """Notes whether all that was written to journals is on the disk."""

    def __init__(self) -> None:
        super().__init__("disk", "unix", makedefault=True)
        self.journals: dict[str, bool] = {}

    def xOpen(self, name: Any, flags: list[int]) -> "Written":
        return Written(self, name, flags)


class Written(apsw.VFSFile):
    """A file of such a disk."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk, self._name = disk, name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        if self._name.endswith("-wal"):
            self._disk.journals[self._name] = False

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        if self._name in self._disk.journals:
            self._disk.journals[self._name] = True


def test_a_letter_and_how_far_it_gets_are_on_the_disk_before_it_can_be_delivered(path: Path) -> None:
    disk = Disk()
    try:
        outbox = Outbox(path, "webhook")
        outbox.put([Letter(7, "refusals", 100, "{}")], Progress({"since": 5}, {10: 3}))
        assert disk.journals == {f"{path}-wal": True}
        outbox.close()
    finally:
        disk.unregister()


def test_the_file_is_for_its_owner_only(path: Path, outbox: Outbox) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_told_is_forgotten_where_nobody_looks_any_more(outbox: Outbox) -> None:
    outbox.put([], Progress({}, {10: 3, 20: 4}, since=0))
    outbox.put([], Progress({}, {20: 6, 30: 7}, since=20))
    assert outbox.told() == {20: 6, 30: 7}


def test_a_letter_that_failed_waits_until_it_is_due_again(outbox: Outbox) -> None:
    outbox.put([Letter(1, "refusals", 100, "a"), Letter(2, "health", 200, "b")], NOTHING)
    assert [one.id for one in outbox.due(150, 10)] == [1]
    outbox.failed(outbox.due(150, 10)[0], due=500)
    assert outbox.next_due() == 200
    assert [one.id for one in outbox.due(499, 10)] == [2]
    assert [(one.id, one.attempts) for one in outbox.due(500, 10)] == [(1, 1), (2, 0)]
    assert [one.id for one in outbox.due(500, 1)] == [1]


def test_a_clock_that_was_set_back_holds_nothing_up_for_long(outbox: Outbox) -> None:
    outbox.put([Letter(1, "refusals", 100 * HOUR, "")], NOTHING)
    assert [one.id for one in outbox.due(97 * HOUR, 10)] == [1]


def test_whoever_hurries_has_everything_due(outbox: Outbox) -> None:
    outbox.put([Letter(1, "refusals", 100, "")], NOTHING)
    outbox.failed(outbox.due(100, 1)[0], due=HOUR)
    assert outbox.due(200, 10) == []
    outbox.hurry()
    assert len(outbox.due(200, 10)) == 1


def test_what_was_delivered_or_is_too_old_is_gone(outbox: Outbox) -> None:
    letters = [Letter(number, "refusals", number * 100, "") for number in (1, 2, 3)]
    outbox.put(letters, NOTHING)
    outbox.delivered(letters[1])
    assert outbox.waiting() == 2
    assert outbox.expire(before=300) == [letters[0]]
    assert outbox.expire(before=300) == []
    assert outbox.due(300, 10) == [letters[2]]


def test_each_channel_has_its_own(path: Path, outbox: Outbox) -> None:
    other = Outbox(path, "email")
    outbox.put([Letter(1, "refusals", 100, "")], Progress({"since": 5}, {1: 1}))
    other.put([Letter(2, "refusals", 50, "")], Progress({"since": 6}, {2: 2}))
    assert (outbox.waiting(), other.mark("since"), other.told(), outbox.next_due()) == (1, 6, {2: 2}, 100)
    assert other.expire(before=1000) != []
    outbox.forget()
    assert (outbox.waiting(), outbox.mark("since"), outbox.told(), outbox.next_due()) == (0, None, {}, None)
    assert other.mark("since") == 6
    other.close()


def test_two_channels_may_begin_at_once(tmp_path: Path) -> None:
    """In one file that is not there yet; without a lock one of them failed in one of eight times."""
    failures: list[Exception] = []
    together = threading.Barrier(2)

    def begin(path: Path, channel: str) -> None:
        together.wait()
        try:
            Outbox(path, channel).close()
        except apsw.Error as error:
            failures.append(error)

    for number in range(100):
        path = tmp_path / f"{number}.sqlite3"
        threads = [threading.Thread(target=begin, args=(path, channel)) for channel in ("webhook", "email")]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert failures == []
