"""After a crash, what was decided is finished, and what nobody was told about is removed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scp.errors import LedgerFault
from scp.layout import Place, Placement, spool_path
from scp.store.recover import Decided, Recovery, recover
from scp.store.store import Store
from tests.unit.store.objects import ARCHIVED, CASE, QUARANTINED, archived, quarantined, received


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store(tmp_path)
    yield one
    one.close()


def test_an_empty_spool_needs_nothing(store: Store) -> None:
    assert recover(store, lambda receipt, path: None) == Recovery(0, 0, 0)


def test_an_object_that_was_accepted_is_moved_to_the_archive(store: Store) -> None:
    received(store)
    assert recover(store, lambda receipt, path: Decided(archived(receipt))) == Recovery(1, 0, 0)
    assert store.has(ARCHIVED)
    assert store.spooled() == []


def test_an_object_that_was_refused_is_moved_to_quarantine_with_its_case(store: Store, tmp_path: Path) -> None:
    received(store)
    assert recover(store, lambda receipt, path: Decided(quarantined(), path.name.encode())) == Recovery(1, 0, 0)
    assert store.has(QUARANTINED)
    assert (tmp_path / CASE).read_bytes() == b"0000000000007.part"


def test_a_move_that_only_lacked_its_last_step_is_finished(store: Store, tmp_path: Path) -> None:
    source = received(store)
    (tmp_path / ARCHIVED).parent.mkdir(parents=True)
    (tmp_path / ARCHIVED).hardlink_to(source)
    assert recover(store, lambda receipt, path: Decided(archived(receipt))) == Recovery(1, 0, 0)
    assert store.spooled() == []


def test_an_object_that_the_ledger_does_not_know_is_removed(store: Store) -> None:
    received(store)
    assert recover(store, lambda receipt, path: None) == Recovery(0, 1, 0)
    assert store.spooled() == []


def test_an_object_that_had_its_place_once_is_kept_though_the_ledger_does_not_know_it(store: Store) -> None:
    """It was acknowledged; a ledger that was made anew knows only what has its place."""
    store.place(received(store), archived(7))
    recalled = store.recall(ARCHIVED, 7)
    assert recover(store, lambda receipt, path: None) == Recovery(0, 0, 1)
    assert store.spooled() == [recalled]


def test_an_object_that_is_kept_elsewhere_is_removed(store: Store) -> None:
    received(store)
    nowhere = Placement(Place.NOWHERE, ARCHIVED, 3)
    assert recover(store, lambda receipt, path: Decided(nowhere)) == Recovery(1, 0, 0)
    assert store.spooled() == []


@pytest.mark.parametrize("name", ["notes.txt", "core", "ZZZZZZZZZZZZZ.part", "000000000000U.part"])
def test_a_file_that_is_not_ours_stays_where_it_is(store: Store, tmp_path: Path, name: str) -> None:
    stray = tmp_path / "spool" / name
    stray.write_bytes(b"")
    assert recover(store, lambda receipt, path: None) == Recovery(0, 0, 1)
    assert stray.exists()


def test_an_object_about_which_the_ledger_cannot_be_asked_stays_where_it_is(store: Store) -> None:
    def decided(receipt: int, path: Path) -> Decided | None:
        raise LedgerFault("the ledger cannot be read")

    source = received(store)
    assert recover(store, decided) == Recovery(0, 0, 1)
    assert source.exists()


def test_an_object_that_cannot_be_moved_stays_where_it_is_and_holds_up_no_other(store: Store, tmp_path: Path) -> None:
    def decided(receipt: int, path: Path) -> Decided | None:
        return {7: Decided(archived()), 8: Decided(quarantined(), b"the case")}[receipt]

    (tmp_path / "archive" / "1.2").write_bytes(b"a file where a folder belongs")
    source = received(store, 7)
    received(store, 8)
    assert recover(store, decided) == Recovery(1, 0, 1)
    assert store.spooled() == [source] == [tmp_path / spool_path(7)]
