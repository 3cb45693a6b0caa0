"""What SOP Instance UIDs are found by, and that two of them with one number are two."""

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from scp.ledger import uid_key
from scp.ledger.browse import one_instance
from scp.ledger.sqlite import SqliteLedger
from tests.unit.ledger.contract import admit, draft, look, sent


def test_the_number_of_a_uid_never_changes_as_b2sum_says_and_has_six_bytes() -> None:
    assert uid_key.key_of("1.2.840.10008.1.1") == 0x1CA3ED38A97D
    assert all(-(1 << 47) <= uid_key.key_of(f"1.2.{number}") < 1 << 47 for number in range(1000))


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
