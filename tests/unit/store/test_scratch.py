"""Places for what is too large for memory: all of it comes back, and nothing is left behind."""

import errno
import gc
import os
from pathlib import Path
from typing import Final

import pytest

from scp.dicom.pages import PIECE, digest, pieces
from scp.dicom.status import Status
from scp.errors import StoreFault
from scp.store import scratch as module
from scp.store.scratch import Scratch
from tests.unit.system import descriptors, system_error

CONTENT: Final = os.urandom(2 * PIECE + 5)


def filled(folder: Path | None) -> Scratch:
    place = Scratch(folder)
    for start in range(0, len(CONTENT), 100_000):
        place.write(CONTENT[start : start + 100_000])
    return place


@pytest.mark.parametrize("is_named", [True, False], ids=["in_a_folder", "where_temporary_files_belong"])
def test_what_was_written_is_there_as_memory_and_in_pieces(tmp_path: Path, is_named: bool) -> None:
    memory = filled(tmp_path if is_named else None).memory()
    assert bytes(memory) == CONTENT
    assert b"".join(pieces(memory[3:])) == CONTENT[3:]
    assert digest(memory) == digest(CONTENT)


def test_nobody_else_sees_it(tmp_path: Path) -> None:
    place = filled(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(place.memory()) == len(CONTENT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_it_is_gone_with_the_last_who_has_it(tmp_path: Path, is_looked_at: bool) -> None:
    gc.collect()
    before = descriptors()
    place: Scratch | None = filled(tmp_path)
    part: memoryview | None = None
    if place and is_looked_at:
        part = place.memory()[5:]
        place = None
        assert bytes(part[:5]) == CONTENT[5:10]
        assert len(b"".join(pieces(part))) == len(CONTENT) - 5
    del place, part
    assert descriptors() == before


def test_no_room_for_it_is_a_fault_for_which_the_sender_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        StoreFault, match=r"^the spool cannot be written \(No such file or directory, errno 2\)$"
    ) as raised:
        Scratch(tmp_path / "missing")
    assert raised.value.status is Status.OUT_OF_RESOURCES

    class Full:
        def write(self, _: memoryview) -> int:
            raise system_error(errno.ENOSPC)

        def close(self) -> None:
            pass

    monkeypatch.setattr(module, "TemporaryFile", lambda **_: Full())
    with pytest.raises(StoreFault, match=r"^the spool cannot be written \(No space left on device, errno 28\)$"):
        Scratch(tmp_path).write(b"a")
