"""What is being received: counted, digested, bounded and durable, or else a fault and nothing left open."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from blake3 import blake3

from scp.dicom.shape import LONGEST
from scp.errors import ObjectTooLarge, StoreFault
from scp.store.spool import Incoming
from tests.unit.system import descriptors, system_error

HEADER = b"header of the file"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "object.part"


def test_header_and_pieces_are_written_in_order(path: Path) -> None:
    incoming = Incoming(str(path), HEADER, limit=100)
    incoming.write(b"one")
    incoming.write(memoryview(b"two"))
    incoming.finish()
    incoming.close()
    assert path.read_bytes() == HEADER + b"onetwo"


def test_size_and_digest_are_those_of_the_data_set_alone(path: Path) -> None:
    incoming = Incoming(str(path), HEADER, limit=100)
    incoming.write(b"one")
    incoming.write(b"two")
    assert incoming.size == 6
    assert incoming.digest == b""
    incoming.finish()
    assert incoming.digest == blake3(b"onetwo").digest()
    incoming.close()


def test_how_a_data_set_begins_is_known_without_its_file(path: Path) -> None:
    incoming = Incoming(str(path), HEADER, limit=10_000_000)
    beginning = bytes(range(256)) * (LONGEST // 256 + 1)
    incoming.write(beginning)
    incoming.write(b"two")
    assert incoming.head == beginning[:LONGEST]
    incoming.close()


def test_the_data_set_is_given_without_the_header(path: Path) -> None:
    incoming = Incoming(str(path), HEADER, limit=100)
    incoming.write(b"content")
    with incoming.data() as data:
        assert bytes(data) == b"content"
        assert data.readonly
    with pytest.raises(ValueError, match="released"):
        bytes(data)
    incoming.close()


def test_an_empty_data_set_is_empty_memory(path: Path) -> None:
    incoming = Incoming(str(path), HEADER, limit=100)
    with incoming.data() as data:
        assert bytes(data) == b""
    incoming.close()


def test_an_object_is_synced_when_that_is_asked_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    incoming = Incoming(str(path), HEADER, limit=100)
    incoming.finish()
    assert synced == []
    incoming.sync()
    assert len(synced) == 1
    incoming.close()


def test_an_object_that_came_in_one_piece_is_given_whole_as_it_is_in_its_file(path: Path) -> None:
    incoming = Incoming(str(path), HEADER, limit=100)
    incoming.write(memoryview(b"content"))
    incoming.finish()
    assert incoming.content() == path.read_bytes() == HEADER + b"content"
    assert incoming.length == len(HEADER) + 7
    incoming.close()


@pytest.mark.parametrize("pieces", [(), (b"one", b"two")])
def test_an_object_that_came_in_any_other_way_is_only_in_its_file(path: Path, pieces: tuple[bytes, ...]) -> None:
    incoming = Incoming(str(path), HEADER, limit=100)
    for piece in pieces:
        incoming.write(piece)
    incoming.finish()
    assert incoming.content() is None
    assert incoming.length == len(path.read_bytes())
    incoming.close()


def test_an_object_of_exactly_the_limit_is_taken_and_a_byte_more_is_not(path: Path) -> None:
    incoming = Incoming(str(path), HEADER, limit=4)
    incoming.write(b"1234")
    with pytest.raises(ObjectTooLarge, match="larger than 4 bytes"):
        incoming.write(b"5")
    incoming.discard()


def test_an_object_that_is_there_already_is_not_replaced(path: Path) -> None:
    path.write_bytes(b"first")
    with pytest.raises(StoreFault, match=r"the spool cannot be written \(File exists, errno 17\)"):
        Incoming(str(path), HEADER, limit=100)
    assert path.read_bytes() == b"first"


def test_a_spool_that_is_gone_is_a_fault(path: Path) -> None:
    with pytest.raises(StoreFault, match="No such file or directory, errno 2"):
        Incoming(str(path / "below"), HEADER, limit=100)


def test_a_piece_that_cannot_be_written_is_a_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    incoming = Incoming(str(path), HEADER, limit=100)

    def write(descriptor: int, content: memoryview) -> int:
        raise system_error(errno.EIO)

    monkeypatch.setattr(os, "writev", write)
    with pytest.raises(StoreFault, match=r"the spool cannot be written \(Input/output error, errno 5\)"):
        incoming.write(b"piece")
    incoming.discard()


def test_writing_goes_on_where_the_system_wrote_only_a_part(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:5]))
    monkeypatch.setattr(os, "writev", lambda descriptor, pieces: write(descriptor, b"".join(pieces)[:5]))
    incoming = Incoming(str(path), HEADER, limit=100)
    incoming.write(b"0123456789")
    incoming.close()
    assert path.read_bytes() == HEADER + b"0123456789"


def test_a_failed_sync_is_a_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        raise system_error(errno.EIO)

    incoming = Incoming(str(path), HEADER, limit=100)
    monkeypatch.setattr(os, "fsync", fsync)
    incoming.finish()
    with pytest.raises(StoreFault, match="the spool cannot be synced"):
        incoming.sync()
    incoming.discard()


def test_closing_keeps_the_file_and_may_be_done_twice(path: Path) -> None:
    incoming = Incoming(str(path), HEADER, limit=100)
    incoming.write(b"data")
    incoming.close()
    incoming.close()
    assert path.read_bytes() == HEADER + b"data"


def test_discarding_removes_the_file_and_may_be_done_twice(path: Path) -> None:
    before = descriptors()
    incoming = Incoming(str(path), HEADER, limit=100)
    incoming.discard()
    incoming.discard()
    assert not path.exists()
    assert descriptors() == before


def test_a_file_system_that_takes_no_more_bytes_is_a_fault_and_not_a_crash(path: Path) -> None:
    """A real limit of the system, in a process of its own: files of 64 kB and not a byte more."""
    program = """
import resource, signal, sys
from pathlib import Path
from scp.errors import StoreFault
from scp.store.spool import Incoming
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
incoming = Incoming(Path(sys.argv[1]), b"header", limit=1 << 30)
try:
    for _ in range(100):
        incoming.write(bytes(1000))
except StoreFault as fault:
    print(fault)
    incoming.discard()
"""
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"the spool cannot be written (File too large, errno {errno.EFBIG})"
    assert not path.exists()
