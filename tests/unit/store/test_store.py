"""Objects move from the spool to their place: the case first, durably, and never over another file."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from scp.dicom import tags as t
from scp.errors import ObjectTooLarge, StoreFault
from scp.layout import Place, Placement, spool_path
from scp.store.rounds import Rounds
from scp.store.store import Store
from tests.unit.dicom.encode import explicit
from tests.unit.store.objects import ARCHIVED, CASE, MODALITY, QUARANTINED, archived, header, quarantined, received
from tests.unit.system import descriptors, system_error


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store(tmp_path, object_bytes=100_000)
    yield one
    one.close()


def failing(call: str, number: int, when: Callable[[Any], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a system call fail for some of its first arguments."""
    real = getattr(os, call)

    def replaced(first: Any, *others: Any, **named: Any) -> Any:
        if when(first):
            raise system_error(number)
        return real(first, *others, **named)

    monkeypatch.setattr(os, call, replaced)


def is_a_folder(descriptor: int) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").readlink().is_dir()


def test_a_store_makes_its_folders_and_takes_over_what_is_there(tmp_path: Path) -> None:
    first = Store(tmp_path / "data")
    received(first)
    first.close()
    second = Store(tmp_path / "data")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"spool", "archive", "quarantine", ".lock"}
    assert len(second.spooled()) == 1
    second.close()


def test_a_data_folder_belongs_to_one_node(store: Store, tmp_path: Path) -> None:
    before = descriptors()
    with pytest.raises(StoreFault, match=r"another node \(process \d+\) is using the data folder"):
        Store(tmp_path)
    assert descriptors() == before


def test_a_data_folder_that_was_let_go_of_can_be_used_again(tmp_path: Path) -> None:
    Store(tmp_path).close()
    Store(tmp_path).close()


def test_a_file_in_the_place_of_the_data_folder_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(StoreFault, match="the data folder cannot be made or written"):
        Store(tmp_path / "data")


def test_an_object_is_received_into_the_spool_by_its_receipt(store: Store, tmp_path: Path) -> None:
    path = received(store)
    assert path == tmp_path / spool_path(7)
    assert path.read_bytes() == header() + MODALITY
    assert store.spooled() == [path]


def test_the_spool_is_listed_oldest_first(store: Store) -> None:
    paths = [received(store, receipt) for receipt in (9, 8, 10)]
    assert store.spooled() == [paths[1], paths[0], paths[2]]


def test_the_limit_of_the_node_is_the_limit_of_an_object(store: Store) -> None:
    incoming = store.receive(7, header())
    with pytest.raises(ObjectTooLarge):
        incoming.write(bytes(100_001))
    incoming.discard()


def test_an_accepted_object_moves_to_the_archive(store: Store, tmp_path: Path) -> None:
    source = received(store)
    content = source.read_bytes()
    store.place(source, archived())
    assert (tmp_path / ARCHIVED).read_bytes() == content
    assert store.spooled() == []
    assert store.has(ARCHIVED)


def test_an_object_may_be_named_as_text(store: Store, tmp_path: Path) -> None:
    sources = [received(store, receipt) for receipt in (7, 8)]
    content = sources[0].read_bytes()
    store.place(str(sources[0]), archived())
    store.place(str(sources[1]), Placement(Place.NOWHERE, ARCHIVED, 7))
    assert (tmp_path / ARCHIVED).read_bytes() == content
    assert store.spooled() == []


def test_a_refused_object_moves_to_quarantine_with_its_case(store: Store, tmp_path: Path) -> None:
    source = received(store)
    content = source.read_bytes()
    store.place(source, quarantined(), b"the case")
    assert (tmp_path / QUARANTINED).read_bytes() == content
    assert (tmp_path / CASE).read_bytes() == b"the case"
    assert sorted(path.name for path in (tmp_path / CASE).parent.iterdir()) == [
        "0000000000007.dcm",
        "0000000000007.json",
    ]
    assert store.spooled() == []


def test_the_case_is_there_before_the_object(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing("link", errno.EIO, lambda _: True, monkeypatch)
    source = received(store)
    with pytest.raises(StoreFault, match=r"the object cannot be moved to its place \(Input/output error, errno 5\)"):
        store.place(source, quarantined(), b"the case")
    assert (tmp_path / CASE).read_bytes() == b"the case"
    assert not store.has(QUARANTINED)
    assert source.exists()


def test_a_case_that_was_half_written_before_a_crash_is_written_again(store: Store, tmp_path: Path) -> None:
    (tmp_path / CASE).parent.mkdir(parents=True)
    (tmp_path / CASE).with_suffix(".json.part").write_bytes(b"the c")
    (tmp_path / CASE).write_bytes(b"an older case")
    store.place(received(store), quarantined(), b"the case")
    assert (tmp_path / CASE).read_bytes() == b"the case"
    assert not (tmp_path / CASE).with_suffix(".json.part").exists()


def test_nothing_in_the_data_folder_is_for_everybody_to_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store(tmp_path / "data")
        store.place(received(store, 7), archived())
        store.place(received(store, 8), quarantined(), b"{}")
        received(store, 9)
        with store.acting():
            modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").rglob("*")}
        store.close()
    finally:
        os.umask(before)
    assert {name for name, mode in modes.items() if mode & 0o027} == set()


def test_what_is_kept_already_is_only_removed_from_the_spool(store: Store, tmp_path: Path) -> None:
    source = received(store)
    store.place(source, Placement(Place.NOWHERE, ARCHIVED, 3))
    assert not source.exists()
    assert not (tmp_path / ARCHIVED).exists()
    store.place(source, Placement(Place.NOWHERE, "", 7))


def test_a_file_with_the_same_data_set_is_as_good(store: Store, tmp_path: Path) -> None:
    store.place(received(store, 7, ae_title="FIRST_AND_LONGER"), archived())
    before = (tmp_path / ARCHIVED).read_bytes()
    source = received(store, 8, ae_title="SECOND")
    assert source.stat().st_size != len(before), "the senders have names of different lengths"
    store.place(source, archived(8))
    assert (tmp_path / ARCHIVED).read_bytes() == before
    assert not source.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"no DICOM file at all", header() + explicit(t.MODALITY, "CS", b"MR"), header() + MODALITY + b"\0\0"],
    ids=["empty", "text", "another Data Set", "a longer Data Set"],
)
def test_a_file_with_other_bytes_is_never_replaced_and_the_spool_keeps_what_came(
    store: Store, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / ARCHIVED).parent.mkdir(parents=True)
    (tmp_path / ARCHIVED).write_bytes(content)
    source = received(store)
    with pytest.raises(StoreFault, match="a file that the ledger does not know"):
        store.place(source, archived())
    assert (tmp_path / ARCHIVED).read_bytes() == content
    assert source.read_bytes() == header() + MODALITY


def test_a_file_where_a_folder_belongs_is_a_fault_and_the_spool_keeps_what_came(store: Store, tmp_path: Path) -> None:
    (tmp_path / "archive" / "1.2").write_bytes(b"")
    source = received(store)
    with pytest.raises(StoreFault, match="the object cannot be moved to its place"):
        store.place(source, archived())
    assert source.exists()


def test_an_object_that_is_gone_from_the_spool_is_a_fault(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="No such file or directory, errno 2"):
        store.place(tmp_path / spool_path(7), archived())


def test_before_the_spool_lets_go_of_an_object_its_new_folder_is_synced(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = received(store)
    failing("fsync", errno.EIO, is_a_folder, monkeypatch)
    with pytest.raises(StoreFault, match="a folder cannot be synced"):
        store.place(source, archived())
    assert source.exists()


def test_a_name_that_could_not_be_synced_is_written_anew_the_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second sync of the same name would say that all is well, whatever the disk had lost."""
    source, linked = received(store), list[object]()
    real = os.link
    (store.folder / ARCHIVED).parent.mkdir(parents=True)
    with monkeypatch.context() as broken:
        failing("fsync", errno.EIO, is_a_folder, broken)
        with pytest.raises(StoreFault, match="a folder cannot be synced"):
            store.place(source, archived())
    assert source.exists()
    assert not store.has(ARCHIVED)
    monkeypatch.setattr(os, "link", lambda *names: linked.append(real(*names)))
    store.place(source, archived())
    assert len(linked) == 1
    assert store.has(ARCHIVED)
    assert not source.exists()


def test_a_name_that_an_earlier_attempt_left_is_written_anew_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    source, linked = received(store), list[object]()
    (store.folder / ARCHIVED).parent.mkdir(parents=True)
    real = os.link
    real(source, store.folder / ARCHIVED)
    monkeypatch.setattr(os, "link", lambda *names: linked.append(real(*names)))
    store.place(source, archived())
    assert len(linked) == 1  # beside the attempt that finds the name taken
    assert store.has(ARCHIVED)
    assert not source.exists()


def test_a_case_that_cannot_be_synced_keeps_the_object_in_the_spool(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = received(store)
    failing("fsync", errno.EIO, lambda descriptor: not is_a_folder(descriptor), monkeypatch)
    with pytest.raises(StoreFault, match="errno 5"):
        store.place(source, quarantined(), b"the case")
    assert source.exists()
    assert not store.has(QUARANTINED)


def test_a_scratch_store_syncs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing("fsync", errno.EIO, lambda _: True, monkeypatch)
    store = Store(tmp_path, sync=False)
    store.place(received(store), quarantined(), b"the case")
    assert store.has(QUARANTINED)
    store.close()


def test_a_stored_data_set_is_given_with_its_transfer_syntax(store: Store) -> None:
    store.place(received(store), archived())
    with store.data_set(ARCHIVED, 7) as (data, syntax):
        assert bytes(data) == MODALITY
        assert syntax == ExplicitVRLittleEndian


def test_a_data_set_that_holds_file_meta_elements_is_given_as_it_came(store: Store) -> None:
    foreign = explicit(0x00020010, "UI", ImplicitVRLittleEndian.encode() + b"\0") + MODALITY
    store.place(received(store, data=foreign), archived())
    with store.data_set(ARCHIVED, 7) as (data, syntax):
        assert bytes(data) == foreign
        assert syntax == ExplicitVRLittleEndian


def test_an_object_that_is_still_on_its_way_is_read_from_the_spool(store: Store) -> None:
    received(store)
    with store.data_set(ARCHIVED, 7) as (data, _):
        assert bytes(data) == MODALITY


def test_an_object_that_moves_while_it_is_looked_for_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    source = received(store)
    real = Path.open

    def opened(path: Path, *arguments: Any, **named: Any) -> Any:
        if path == source:
            monkeypatch.setattr(Path, "open", real)
            store.place(source, archived())
        return real(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", opened)
    with store.data_set(ARCHIVED, 7) as (data, _):
        assert bytes(data) == MODALITY


def test_an_object_that_is_nowhere_is_a_fault(store: Store) -> None:
    with pytest.raises(StoreFault, match="not where the ledger says"), store.data_set(ARCHIVED, 7):
        pass


@pytest.mark.parametrize("content", [b"", b"rotten" * 100])
def test_a_file_that_is_no_dicom_any_more_is_a_fault(store: Store, tmp_path: Path, content: bytes) -> None:
    (tmp_path / ARCHIVED).parent.mkdir(parents=True)
    (tmp_path / ARCHIVED).write_bytes(content)
    with pytest.raises(StoreFault, match="not a DICOM file any more"), store.data_set(ARCHIVED, 7):
        pass


def test_reading_leaves_no_descriptor_open(store: Store) -> None:
    store.place(received(store), archived())
    before = descriptors()
    with store.data_set(ARCHIVED, 7):
        pass
    assert descriptors() == before


@pytest.mark.parametrize("second", ["1.2/1.3/1.5.dcm", "1.2/1.6/1.5.dcm"], ids=["same_series", "same_study"])
def test_nobody_is_done_before_the_folders_that_another_is_making_are_durable(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    """Who finds a folder there does not know whether its name is on the disk."""
    synced: list[str] = []
    made, over = threading.Event(), threading.Event()

    def sync(folder: Path | str) -> None:
        if threading.current_thread() is other:
            made.set()
            assert over.wait(30)
        synced.append(Path(folder).relative_to(tmp_path).as_posix())

    monkeypatch.setattr("scp.store.files.sync_folder", sync)
    store._rounds = Rounds[str](sync)
    first, mine = received(store, 6), received(store, 7)
    other = threading.Thread(target=store.place, args=(first, Placement(Place.ARCHIVE, "archive/1.2/1.3/1.4.dcm", 6)))
    other.start()
    assert made.wait(30)
    store.place(mine, Placement(Place.ARCHIVE, f"archive/{second}", 7))
    before = set(synced)
    over.set()
    other.join()
    assert before >= {"archive", "archive/1.2", f"archive/{second.rpartition('/')[0]}"}
    assert store.has("archive/1.2/1.3/1.4.dcm")
