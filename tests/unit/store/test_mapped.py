"""Files as memory: read-only, gone at the end, and faults only for what is one."""

from pathlib import Path

import pytest

from scp.errors import StoreFault
from scp.store.mapped import mapped
from tests.unit.system import descriptors


def test_the_bytes_of_a_file_are_given_as_read_only_memory(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    with mapped(tmp_path / "a") as view:
        assert bytes(view) == b"content"
        assert view.readonly


def test_an_empty_file_is_empty_memory(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with mapped(tmp_path / "a") as view:
        assert bytes(view) == b""


def test_afterwards_neither_memory_nor_descriptor_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    before = descriptors()
    with mapped(tmp_path / "a") as view:
        pass
    assert descriptors() == before
    with pytest.raises(ValueError, match="released"):
        bytes(view)


def test_a_missing_file_is_told_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), mapped(tmp_path / "a"):
        pass


def test_what_cannot_be_read_is_a_fault_that_names_no_path(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match=r"^a file cannot be read \(IsADirectoryError, errno 21\)$"), mapped(tmp_path):
        pass


def test_an_error_while_the_memory_is_used_comes_through(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    with pytest.raises(ZeroDivisionError), mapped(tmp_path / "a"):
        1 / 0  # noqa: B018 - raised here, seen outside
