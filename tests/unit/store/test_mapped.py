"""Files as memory: read-only, gone at the end, faults only for what is one, and no SIGBUS."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

import scp
from scp.dicom.pages import file_of, pieces
from scp.dicom.status import Status
from scp.errors import DamageFault, StoreFault
from scp.store import mapped as module
from scp.store.mapped import mapped
from tests.unit.system import descriptors, system_error

SIZE: Final = 100_000
"""Bytes: more than a page."""
ROOT: Final = Path(scp.__file__).parents[1]
CUT: Final = """
import os, sys
from pathlib import Path
from scp.store.mapped import mapped
path = Path(sys.argv[1])
with mapped(path) as view:
    os.truncate(path, 0)
    print(sum(bytes(view)))
"""


@pytest.fixture(params=["small", "large"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is read as a whole, or one that is mapped because it is larger than what may be."""
    if request.param == "large":
        monkeypatch.setattr(module, "SMALL", 3)
    return tmp_path / "a"


def maps(path: Path) -> int:
    """How often this process has a file mapped."""
    return Path("/proc/self/maps").read_text().count(str(path))


def test_the_bytes_of_a_file_are_given_as_read_only_memory(path: Path) -> None:
    content = os.urandom(SIZE)
    path.write_bytes(content)
    with mapped(path) as view:
        assert bytes(view) == content
        assert view.readonly


def test_an_empty_file_is_empty_memory(path: Path) -> None:
    path.write_bytes(b"")
    with mapped(path) as view:
        assert bytes(view) == b""


def test_afterwards_neither_memory_nor_descriptor_is_kept(path: Path) -> None:
    path.write_bytes(b"content")
    before = descriptors()
    with mapped(path) as view:
        pass
    assert descriptors() == before
    assert maps(path) == 0
    with pytest.raises(ValueError, match="released"):
        bytes(view)


def test_a_missing_file_is_told_as_it_is(path: Path) -> None:
    with pytest.raises(FileNotFoundError), mapped(path):
        pass


def test_what_cannot_be_read_is_a_fault_that_names_no_path(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match=r"^a file cannot be read \(Is a directory, errno 21\)$"), mapped(tmp_path):
        pass


def test_an_error_while_the_memory_is_used_comes_through(path: Path) -> None:
    path.write_bytes(b"content")
    with pytest.raises(ZeroDivisionError), mapped(path):
        1 / 0  # noqa: B018 - raised here, seen outside


@pytest.mark.parametrize("where", [0, 65536], ids=["at_the_beginning", "further_on"])
def test_a_bad_sector_is_a_fault_for_which_the_sender_tries_again(
    path: Path, where: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(bytes(SIZE))
    read = os.preadv

    def failing(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        if offset >= where:
            raise system_error(errno.EIO)
        return read(descriptor, [buffers[0][: where - offset]], offset)

    monkeypatch.setattr(os, "preadv", failing)
    before = descriptors()
    with (
        pytest.raises(StoreFault, match=r"^a file cannot be read \(Input/output error, errno 5\)$") as raised,
        mapped(path),
    ):
        pass
    assert raised.value.status is Status.OUT_OF_RESOURCES
    assert descriptors() == before


def test_a_file_that_is_read_in_pieces_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(SIZE)
    path.write_bytes(content)
    read = os.preadv

    def by_pieces(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        return read(descriptor, [buffers[0][:4096]], offset)

    monkeypatch.setattr(os, "preadv", by_pieces)
    with mapped(path) as view:
        assert bytes(view) == content


def test_a_file_that_becomes_shorter_while_it_is_read_is_damage_to_one_object(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(bytes(SIZE))
    read = os.preadv

    def cutting(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        os.truncate(path, 4096)
        return read(descriptor, buffers, offset)

    monkeypatch.setattr(os, "preadv", cutting)
    with pytest.raises(DamageFault, match=r"^a file has become shorter while it was being read$"), mapped(path):
        pass


def test_a_file_that_becomes_shorter_just_before_it_is_mapped_is_damage_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(SIZE))
    monkeypatch.setattr(module, "SMALL", 3)
    monkeypatch.setattr(module, "_prove", lambda *_: os.truncate(path, 4096))
    with pytest.raises(DamageFault, match="shorter"), mapped(path):
        pass


def test_a_file_that_somebody_cuts_off_while_it_is_looked_at_does_not_kill_the_process(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\1" * SIZE)
    done = subprocess.run(
        [sys.executable, "-c", CUT, str(path)], stdout=subprocess.PIPE, text=True, timeout=60, cwd=ROOT
    )
    assert done.returncode != -signal.SIGBUS
    assert done.stdout == f"{SIZE}\n"


def test_memory_for_all_is_bounded_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(SIZE))
    monkeypatch.setattr(module, "_room", module._Room(3 * SIZE))
    for _ in range(2):
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(mapped(path))
            assert maps(path) == 0
            assert len(stack.enter_context(mapped(path))) == SIZE
            assert maps(path) == 1


@pytest.mark.parametrize("fresh", [True, False])
def test_of_a_large_file_long_values_are_read_without_the_memory(tmp_path: Path, fresh: bool) -> None:
    path = tmp_path / "a"
    content = os.urandom(module.SMALL + 5)
    path.write_bytes(content)
    with mapped(path, fresh=fresh) as view, view[3:] as data:
        assert file_of(data) is not None
        assert b"".join(pieces(data)) == content[3:]
    assert maps(path) == 0


def test_a_long_value_that_the_system_gives_in_parts_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    content = os.urandom(module.SMALL + 5)
    path.write_bytes(content)
    read = os.pread
    monkeypatch.setattr(
        os, "pread", lambda descriptor, size, offset: read(descriptor, -(-size // 2) if size > 1000 else size, offset)
    )
    with mapped(path) as view:
        assert b"".join(pieces(view)) == content


def test_a_fresh_file_that_is_light_is_memory_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(SIZE))
    with mapped(path, fresh=True) as view:
        assert file_of(view) is None
        assert bytes(view) == bytes(SIZE)


def test_a_long_value_that_the_disk_cannot_give_back_is_a_fault_and_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(module.SMALL + 1))
    read = os.pread

    def failing(descriptor: int, size: int, offset: int) -> bytes:
        if offset:
            raise system_error(errno.EIO)
        return read(descriptor, size // 2, offset)

    monkeypatch.setattr(os, "pread", failing)
    with (
        mapped(path) as view,
        pytest.raises(StoreFault, match=r"^a file cannot be read \(Input/output error, errno 5\)$"),
    ):
        list(pieces(view))


def test_a_long_value_that_somebody_cuts_off_is_damage_to_one_object(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(module.SMALL + 1))
    with mapped(path) as view:
        os.truncate(path, module.SMALL // 2)
        with pytest.raises(DamageFault, match="shorter"):
            list(pieces(view))
