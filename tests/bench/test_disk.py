"""Where the folders of runs go."""

import errno
import fcntl
from pathlib import Path

import pytest

from benchmark.disk import spread
from tests.unit.system import descriptors, system_error

GET, SET, TOP = 0x80086601, 0x40086602, 0x00020000


class Flags:
    """A file system as ioctl shows it: with these flags on every folder, or without any."""

    def __init__(self, flags: int | None) -> None:
        self.flags = flags
        self.asked: list[int] = []

    def ioctl(self, descriptor: int, request: int, argument: bytearray | bytes) -> int:
        self.asked.append(request)
        if self.flags is None:
            raise system_error(errno.ENOTTY)
        if request == GET:
            assert isinstance(argument, bytearray)
            argument[:] = self.flags.to_bytes(8, "little")
        else:
            self.flags = int.from_bytes(argument, "little")
        return 0


def test_a_folder_can_be_used_as_before_whatever_its_file_system(tmp_path: Path) -> None:
    spread(tmp_path)
    spread(tmp_path)

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").write_bytes(b"1")
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "file"]


def test_one_flag_is_set_and_the_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = Flags(0x80000)
    monkeypatch.setattr(fcntl, "ioctl", system.ioctl)
    spread(tmp_path)
    assert system.asked == [GET, SET]
    assert system.flags == 0x80000 | TOP


def test_a_file_system_without_flags_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, system = descriptors(), Flags(None)
    monkeypatch.setattr(fcntl, "ioctl", system.ioctl)
    spread(tmp_path)
    assert system.asked == [GET]
    assert descriptors() == before
