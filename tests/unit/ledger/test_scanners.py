"""A scanner has one number, and a receipt names it by that."""

from dataclasses import replace
from pathlib import Path

import pytest

from scp.ledger import scanners
from scp.ledger.sqlite import SqliteLedger
from tests.rules.builders import image, raw, subject
from tests.unit.ledger.contract import admit, association, draft, sent


def scanners_of(ledger: SqliteLedger) -> list[tuple[object, ...]]:
    return ledger.transact(lambda db: list(db.execute("SELECT * FROM scanner ORDER BY id")))


def numbers_of(ledger: SqliteLedger) -> list[object]:
    return ledger.transact(lambda db: [row[0] for row in db.execute("SELECT scanner FROM receipt ORDER BY id")])


def test_the_instances_of_a_scanner_share_its_row(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    for serial in ("1", "2", "1"):
        admit(ledger, draft(sent(DeviceSerialNumber=serial, SOPInstanceUID=f"1.2.{len(numbers_of(ledger))}")))
    assert [row[3] for row in scanners_of(ledger)] == ["1", "2"]
    assert numbers_of(ledger) == [1, 2, 1]
    ledger.close()


def test_who_names_nothing_has_no_number() -> None:
    ledger = SqliteLedger(None)
    admit(ledger, draft(sent(Manufacturer=None, ManufacturerModelName=None, DeviceSerialNumber=None)))
    assert (numbers_of(ledger), scanners_of(ledger)) == ([None], [])
    ledger.close()


def test_any_number_of_scanners_is_known_and_not_all_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanners, "_MOST", 2)
    ledger = SqliteLedger(None)
    for number, serial in enumerate([b"1 ", b"2 ", b"3 ", b"1 ", b"x" * 100, b"x" * 64]):
        one = subject(raw(image(SOPInstanceUID=f"1.2.{number}"), DeviceSerialNumber=serial))
        admit(ledger, draft(replace(one, request=replace(one.request, association=association()))))
    assert numbers_of(ledger) == [1, 2, 3, 1, 4, 4]
    ledger.close()


def test_what_is_undone_is_not_remembered() -> None:
    ledger = SqliteLedger(None)
    one = draft(sent())
    admit(ledger, one)
    with pytest.raises(Exception, match="ledger cannot be written"):
        admit(ledger, replace(one, subject=sent(DeviceSerialNumber="new", SOPInstanceUID="1.2.9")))
    assert len(scanners_of(ledger)) == 1
    admit(ledger, draft(sent(DeviceSerialNumber="new", SOPInstanceUID="1.2.9")))
    assert numbers_of(ledger) == [1, 2]
    assert len(scanners_of(ledger)) == 2
    ledger.close()
