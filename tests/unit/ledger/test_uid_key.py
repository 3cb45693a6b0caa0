"""What SOP Instance UIDs are found by, and that two of them with one number are two."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import apsw
import pytest

from scp.ledger import uid_key
from scp.ledger.browse import one_instance
from scp.ledger.sqlite import SqliteLedger
from tests.unit.ledger.contract import admit, draft, look, sent


def test_the_number_of_a_uid_never_changes_as_b2sum_says_and_has_six_bytes() -> None:
    head, tail = 0xF4C5ACD7, int("08a1a1", 11)  # printf 1.2.840.100 | b2sum -l 32
    assert uid_key.key_of("1.2.840.10008.1.1") == (head << 21 & (1 << 48) - 1 | tail) - (1 << 47)
    assert all(-(1 << 47) <= uid_key.key_of(f"1.2.{number}") < 1 << 47 for number in range(1000))


def test_uids_that_count_are_neighbours_and_others_are_not() -> None:
    keys = [uid_key.key_of(f"1.2.840.113619.2.388.14165493.{number}") for number in range(100_000, 101_000)]
    assert keys == sorted(keys)
    assert keys[-1] - keys[0] < 11**3
    keys = sorted(uid_key.key_of(f"1.2.840.113619.2.388.{number}.1234567") for number in range(100_000, 101_000))
    assert min(after - before for before, after in pairwise(keys)) > 11**3


@pytest.mark.parametrize("text", ["", "1", "1.2.x", " 1.2 ", "-1-1-1", "1.2.\u0663", "zzzzzzzzzzzz", "1_2_3_4_5"])
def test_any_text_has_a_number(text: str) -> None:
    assert -(1 << 47) <= uid_key.key_of(text) < 1 << 47


def test_another_uid_with_the_same_number_is_another_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scp.ledger.uid_key.key_of", "scp.ledger.rows.key_of"):
        monkeypatch.setattr(name, lambda _: 7)
    ledger = SqliteLedger(tmp_path / "ledger")
    first, second, third = (draft(sent(SOPInstanceUID=f"1.2.{number}")) for number in (1, 2, 3))
    for one in (first, second):
        assert look(ledger, one).held is None
        admit(ledger, one)
    for one in (first, second):
        held = look(ledger, replace(one, receipt=one.receipt + 1)).held
        assert held
        assert held.other.receipt == one.receipt
    assert look(ledger, third).held is None
    db = apsw.Connection(str(tmp_path / "ledger"))
    assert [(one_instance(db, f"1.2.{number}") or (0,))[0] for number in (1, 2, 3)] == [
        first.receipt,
        second.receipt,
        0,
    ]
    db.close()
    ledger.close()
