"""What has its place can be moved to another, and no step of that loses it."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scp.errors import StoreFault
from scp.layout import Place, Placement, recall_path
from scp.store.store import Store
from tests.unit.store.objects import ARCHIVED, CASE, QUARANTINED, archived, quarantined, received
from tests.unit.system import system_error


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store(tmp_path)
    yield one
    one.close()


@pytest.fixture
def held(store: Store) -> bytes:
    """The bytes of an object in quarantine."""
    source = received(store)
    content = source.read_bytes()
    store.place(source, quarantined(), b"the case")
    return content


def test_a_recalled_object_has_a_second_name_and_keeps_the_first(store: Store, held: bytes, tmp_path: Path) -> None:
    recalled = store.recall(QUARANTINED, 7)
    assert recalled == store.recalled(7) == tmp_path / recall_path(7)
    assert recalled.read_bytes() == (tmp_path / QUARANTINED).read_bytes() == held
    assert store.spooled() == [recalled]


def test_from_there_it_is_moved_and_its_case_goes(store: Store, held: bytes, tmp_path: Path) -> None:
    recalled = store.recall(QUARANTINED, 7)
    store.place(recalled, archived(), None, {QUARANTINED: recalled})
    assert (tmp_path / ARCHIVED).read_bytes() == held
    assert not (tmp_path / QUARANTINED).exists()
    assert not (tmp_path / CASE).exists()
    assert store.spooled() == []


def test_what_stays_where_it_is_only_loses_the_second_name(store: Store, held: bytes, tmp_path: Path) -> None:
    store.place(store.recall(QUARANTINED, 7), quarantined())
    assert (tmp_path / QUARANTINED).read_bytes() == held
    assert (tmp_path / CASE).read_bytes() == b"the case"
    assert store.spooled() == []


def test_what_goes_nowhere_is_removed_with_its_case(store: Store, held: bytes, tmp_path: Path) -> None:
    recalled = store.recall(QUARANTINED, 7)
    store.place(recalled, Placement(Place.NOWHERE, "", 7), None, {QUARANTINED: recalled})
    assert [path for path in (tmp_path / "quarantine").rglob("*") if path.is_file()] == store.spooled() == []


def test_another_file_under_a_name_that_is_left_stays(store: Store, held: bytes, tmp_path: Path) -> None:
    recalled = store.recall(QUARANTINED, 7)
    (tmp_path / QUARANTINED).unlink()
    (tmp_path / QUARANTINED).write_bytes(b"somebody else's")
    store.place(recalled, archived(), None, {QUARANTINED: recalled})
    assert (tmp_path / QUARANTINED).read_bytes() == b"somebody else's"
    assert (tmp_path / ARCHIVED).read_bytes() == held


def test_a_name_that_is_gone_already_is_left(store: Store, held: bytes, tmp_path: Path) -> None:
    recalled = store.recall(QUARANTINED, 7)
    (tmp_path / QUARANTINED).unlink()
    store.place(recalled, archived(), None, {QUARANTINED: recalled, "archive/9/9/9.dcm": store.recalled(9)})
    assert (tmp_path / ARCHIVED).read_bytes() == held


def test_while_it_has_no_place_it_is_read_from_the_spool(store: Store, held: bytes, tmp_path: Path) -> None:
    store.recall(QUARANTINED, 7)
    with store.data_set(ARCHIVED, 7) as (data, _):
        assert held.endswith(bytes(data))


def test_what_is_not_there_cannot_be_recalled(store: Store) -> None:
    with pytest.raises(StoreFault, match="not where the ledger says"):
        store.recall(QUARANTINED, 7)


def test_what_is_recalled_already_is_a_fault(store: Store, held: bytes) -> None:
    store.recall(QUARANTINED, 7)
    with pytest.raises(StoreFault, match="the object cannot be moved"):
        store.recall(QUARANTINED, 7)


def test_a_name_that_cannot_be_removed_is_a_fault_and_nothing_is_lost(
    store: Store, held: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recalled = store.recall(QUARANTINED, 7)

    def fails(*_: Any, **__: Any) -> None:
        raise system_error(errno.EROFS)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", fails)
        with pytest.raises(StoreFault, match="the object cannot be moved"):
            store.place(recalled, archived(), None, {QUARANTINED: recalled})
    assert recalled.read_bytes() == (tmp_path / QUARANTINED).read_bytes() == held


def test_a_tool_may_look_beside_a_node_and_a_node_may_start_beside_a_tool(store: Store, tmp_path: Path) -> None:
    Store(tmp_path, holder=None).close()
    tool = Store(tmp_path / "other", holder=None)
    Store(tmp_path / "other").close()
    tool.close()


def test_a_folder_that_cannot_be_written_is_a_fault(store: Store, tmp_path: Path) -> None:
    (tmp_path / ".acts").mkdir()
    with pytest.raises(StoreFault, match="the data folder cannot be written"), store.acting():
        pass
