"""References are read once and remembered, and the memory has a bound."""

from pathlib import Path

import pytest

from scp.ledger import references
from scp.ledger.port import Ledger
from scp.ledger.sqlite import SqliteLedger
from tests.unit.ledger.contract import admit, draft, look, sent


def reference_of(ledger: Ledger, number: int) -> int:
    """The receipt of the first instance of a series, as a later one of it would see it."""
    series = look(ledger, draft(sent(SOPInstanceUID="1.2.99", SeriesInstanceUID=f"1.3.{number}"))).series
    assert series is not None
    return series.other.receipt


def test_more_series_than_are_remembered_still_have_their_references(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "_MOST", 2)
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    first = [draft(sent(SOPInstanceUID=f"1.2.{number}", SeriesInstanceUID=f"1.3.{number}")) for number in range(5)]
    for one in first:
        admit(ledger, one)
    for _ in range(2):
        assert [reference_of(ledger, number) for number in range(5)] == [one.receipt for one in first]
    ledger.close()
