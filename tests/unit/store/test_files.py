"""Files and folders are made durably, replace nothing, and what fails is told without a path."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scp.errors import StoreFault, SyncFault
from scp.store.files import fault, make_folder, sync_folder, write_file
from tests.unit.system import descriptors, system_error


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were synced, in order; they really are."""
    paths: list[str] = []
    real: Callable[[int], None] = os.fsync

    def fsync(descriptor: int) -> None:
        paths.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return paths


def test_missing_folders_are_made_from_above_and_each_is_synced_in_the_one_above(
    tmp_path: Path, synced: list[str]
) -> None:
    make_folder(tmp_path / "a" / "b" / "c", sync=True)
    assert (tmp_path / "a" / "b" / "c").is_dir()
    assert synced == [str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")]


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, synced: list[str]) -> None:
    make_folder(tmp_path, sync=True)
    assert synced == []


def test_folders_of_scratch_nodes_are_not_synced(tmp_path: Path, synced: list[str]) -> None:
    make_folder(tmp_path / "a", sync=False)
    assert (tmp_path / "a").is_dir()
    assert synced == []


def test_a_folder_is_for_its_owner_and_group_only(tmp_path: Path) -> None:
    make_folder(tmp_path / "a", sync=False)
    assert (tmp_path / "a").stat().st_mode & 0o007 == 0


def test_a_folder_that_another_thread_made_in_between_is_as_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a"
    real = Path.mkdir

    def mkdir(path: Path, mode: int = 0o777) -> None:
        real(path, mode)
        real(path, mode)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    make_folder(folder, sync=True)
    assert folder.is_dir()


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(OSError, match="a"):
        make_folder(tmp_path / "a" / "b", sync=True)


def test_a_folder_that_cannot_be_synced_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match=r"a folder cannot be synced \(No such file or directory, errno 2\)"):
        sync_folder(tmp_path / "missing")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreFault, match="Not a directory, errno 20"):
        sync_folder(tmp_path / "file")


def test_a_failing_sync_of_a_folder_leaves_no_descriptor_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        raise system_error(errno.EIO)

    monkeypatch.setattr(os, "fsync", fsync)
    before = descriptors()
    with pytest.raises(StoreFault, match="errno 5"):
        sync_folder(tmp_path)
    assert descriptors() == before


def test_a_file_is_written_whole_and_synced(tmp_path: Path, synced: list[str]) -> None:
    content = os.urandom(100_000)
    write_file(tmp_path / "a", content, sync=True)
    assert (tmp_path / "a").read_bytes() == content
    assert synced == [str(tmp_path / "a")]


def test_a_file_of_a_scratch_node_is_not_synced(tmp_path: Path, synced: list[str]) -> None:
    write_file(tmp_path / "a", b"", sync=False)
    assert (tmp_path / "a").read_bytes() == b""
    assert synced == []


def test_a_file_is_for_its_owner_and_group_only(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"", sync=False)
    assert (tmp_path / "a").stat().st_mode & 0o007 == 0


def test_writing_goes_on_where_the_system_wrote_only_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:3]))
    write_file(tmp_path / "a", b"0123456789", sync=False)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"first")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "a", b"second", sync=True)
    assert (tmp_path / "a").read_bytes() == b"first"


def test_a_fault_names_the_error_and_no_path() -> None:
    error = PermissionError(errno.EACCES, "Permission denied", "/data/archive/SECRET.dcm")
    assert str(fault("the spool cannot be written", error)) == (
        "the spool cannot be written (Permission denied, errno 13)"
    )


def test_a_folder_whose_name_is_not_durable_is_not_left_for_others_to_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(system_error(errno.EIO)))
        with pytest.raises(SyncFault):
            make_folder(tmp_path / "a" / "b", sync=True)
    assert list(tmp_path.iterdir()) == []
    make_folder(tmp_path / "a" / "b", sync=True)
    assert (tmp_path / "a" / "b").is_dir()
