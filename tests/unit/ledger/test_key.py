"""The key of the fingerprints is beside the ledger and not in it; a wrong one is not taken."""

from pathlib import Path

import pytest

from scp.errors import LedgerFault
from scp.ledger.key import NAME, key_beside, key_path, load_or_make_key
from scp.ledger.reading import open_reader
from scp.ledger.sqlite import SqliteLedger
from tests.unit.ledger.contract import together


def opened(path: Path) -> bytes:
    ledger = SqliteLedger(path)
    ledger.close()
    return ledger.fingerprint_key


def test_the_key_is_in_a_file_for_its_owner_only_and_not_in_the_ledger(path: Path) -> None:
    key = opened(path)
    assert key_path(path).read_bytes() == key
    assert key_path(path).stat().st_mode & 0o777 == 0o600
    assert key not in path.read_bytes()
    assert sorted(file.name for file in path.parent.iterdir() if "sqlite" not in file.name) == [NAME]


def test_a_new_ledger_takes_the_key_that_is_there(path: Path) -> None:
    key = opened(path)
    path.unlink()
    assert opened(path) == key


def test_a_ledger_whose_key_is_lost_is_not_opened(path: Path) -> None:
    opened(path)
    key_path(path).unlink()
    with pytest.raises(LedgerFault, match="restore it, or rebuild"):
        SqliteLedger(path)


@pytest.mark.parametrize(("content", "why"), [(b"short", "has 5 bytes"), (b"k" * 32, "of another ledger")])
def test_a_ledger_with_a_wrong_key_is_not_opened(path: Path, content: bytes, why: str) -> None:
    opened(path)
    key_path(path).write_bytes(content)
    with pytest.raises(LedgerFault, match=why):
        SqliteLedger(path)


def test_a_reader_finds_the_key(path: Path) -> None:
    key = opened(path)
    db = open_reader(path)
    assert key_beside(db) == key
    db.close()


def test_of_several_that_make_it_at_once_all_get_the_same(path: Path) -> None:
    keys = together(8, lambda _: load_or_make_key(key_path(path), sync=True))
    assert len(set(keys)) == 1
    assert [file.name for file in path.parent.iterdir()] == [NAME]
