"""The census are right, and whoever asks often does not make the ledger count often."""

from pathlib import Path
from typing import Any

import apsw
import pytest

from scp.errors import LedgerFault
from scp.layout import LEDGER
from scp.ledger import census
from scp.ledger.census import Census, LatestCensus
from tests.unit.ledger.test_notices import AUDIT
from tests.unit.nodes import data_set, open_node

OTHER: dict[str, Any] = {
    "StudyInstanceUID": "1.7", "SeriesInstanceUID": "1.7.1", "SOPInstanceUID": "1.7.1.1", "PatientID": "P7",
    "FrameOfReferenceUID": "1.7.9",
}  # fmt: skip


def test_quarantine_and_series_are_counted(tmp_path: Path, told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    node, latest = open_node(tmp_path), LatestCensus(tmp_path / LEDGER)
    assert latest.read() == Census(0, 0, {})
    refused = data_set(WindowCenter="7")
    for data in (data_set(), data_set(**OTHER), refused, refused):
        node.send(data)
    assert latest.read() == Census(0, 0, {})
    monkeypatch.setattr(census, "_REMEMBER", 0.0)
    monkeypatch.setattr(census, "_SHARE", 0)
    latest = LatestCensus(tmp_path / LEDGER)
    assert latest.read() == Census(1, len(refused), {"none": 2})

    def audit(db: apsw.Connection) -> None:
        db.execute(AUDIT, (1, 1, "attention"))
        db.execute(AUDIT, (2, 2, "consistent"))

    node.ledger.transact(audit)
    assert latest.read() == Census(1, len(refused), {"none": 1, "consistent": 1})
    node.close()


def test_a_ledger_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    latest = LatestCensus(tmp_path / LEDGER)
    with pytest.raises(LedgerFault, match="there is no ledger"):
        latest.read()


def test_a_ledger_that_breaks_under_the_count_is_a_fault(tmp_path: Path, told: Any) -> None:
    node = open_node(tmp_path)
    node.ledger.transact(lambda db: db.execute("DROP TABLE series"))
    with pytest.raises(LedgerFault, match="cannot be read"):
        LatestCensus(tmp_path / LEDGER).read()
    node.close()
