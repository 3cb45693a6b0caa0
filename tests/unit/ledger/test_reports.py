"""A report counts every request once, from tallies that are never off."""

from collections import Counter
from pathlib import Path
from typing import Any

import apsw
import pytest
from pydicom.uid import MRImageStorage

from scp.audit.catalogue import RULES
from scp.audit.policy import Profile, make_policy
from scp.errors import NodeFault
from scp.layout import LEDGER
from scp.ledger.reading import reading
from scp.ledger.reports import UNSTATED, report
from scp.outcomes import Outcome
from tests.unit.ledger.test_queries import plans
from tests.unit.nodes import Scratch, association, cut_off, data_set, open_node, request_for
from tests.unit.quarantine.test_acts import WHO, acting

HOUR = 3_600_000_000
IMAGE = data_set()
SECOND: dict[str, Any] = {"SOPInstanceUID": "1.2.9", "InstanceNumber": "2", "ImagePositionPatient": ["0", "0", "20"]}
OTHER_SCANNER: dict[str, Any] = {
    "StudyInstanceUID": "1.7", "SeriesInstanceUID": "1.7.1", "SOPInstanceUID": "1.7.1.1", "PatientID": "P7",
    "Manufacturer": "ACME", "ManufacturerModelName": "Scan", "DeviceSerialNumber": "17", "SoftwareVersions": "3.1",
}  # fmt: skip


def now(node: Scratch) -> int:
    return node.receipts()[-1].received + 1


def test_an_empty_ledger_has_an_empty_report(node: Scratch, db: apsw.Connection) -> None:
    made = report(db, 7)
    assert (made.totals.receipts, made.totals.bytes, made.since, made.until) == (0, 0, None, 7)
    assert [len(part) for part in (made.senders, made.scanners, made.rules, made.tightened)] == [0, 0, 0, 0]
    assert made.totals.rate(Outcome.REFUSE) == 0.0


def test_every_request_is_counted_once_by_sender_scanner_and_outcome(node: Scratch, db: apsw.Connection) -> None:
    first, second = association("FIRST"), association("SECOND")
    node.send(IMAGE, first)
    node.send(IMAGE, first)
    node.send(data_set(**SECOND, PatientID="P2"), second)
    node.send(data_set(**OTHER_SCANNER), second)
    cut_off(node.intake, request_for(IMAGE, second))
    made = report(db, now(node))
    assert made.totals.outcomes == {"accept": 2, "refuse": 2, "aborted": 1}
    assert made.totals.receipts == 5
    assert made.totals.bytes == sum(one.size for one in node.receipts())
    assert {(one.calling_ae_title, one.counts.receipts) for one in made.senders} == {("FIRST", 2), ("SECOND", 3)}
    by_name = {one.names["manufacturer"]: one.counts.outcomes for one in made.scanners}
    assert by_name == {"Maker": {"accept": 1, "refuse": 2}, "ACME": {"accept": 1}, "": {"aborted": 1}}
    assert next(one.names for one in made.scanners if one.names["manufacturer"] == "ACME") == {
        "manufacturer": "ACME",
        "manufacturer_model_name": "Scan",
        "device_serial_number": "17",
        "software_versions": "3.1",
    }
    assert {one.names == UNSTATED for one in made.scanners} == {True, False}
    assert made.totals.last // HOUR == made.until // HOUR


def test_rates_are_of_what_was_judged(node: Scratch, db: apsw.Connection) -> None:
    node.send(IMAGE)
    node.send(data_set(**SECOND, PatientID="P2"))
    cut_off(node.intake, request_for(IMAGE))
    made = report(db, now(node))
    assert made.totals.rate(Outcome.REFUSE) == made.totals.rate(Outcome.ACCEPT) == 0.5
    assert next(one.rate for one in made.rules if one.code == "ENT-202") == 0.5


def test_rules_are_counted_by_what_they_did(node: Scratch, db: apsw.Connection) -> None:
    node.send(IMAGE)
    for _ in range(3):
        node.send(data_set(**SECOND, PatientID="P2", ImageOrientationPatient=None))
    fired = {one.code: one for one in report(db, now(node)).rules}
    assert (fired["ENT-202"].refused, fired["ENT-202"].warned) == (3, 0)
    assert (fired["GEO-102"].refused, fired["GEO-102"].warned) == (0, 3)
    found = Counter(
        row[0] for row in node.ledger.transact(lambda db: list(db.execute("SELECT code FROM finding")))
    )  # fmt: skip
    assert {code: one.refused + one.warned + one.noted for code, one in fired.items()} == dict(found)


def test_it_says_what_strict_would_have_refused_under_standard(node: Scratch, db: apsw.Connection) -> None:
    node.send(data_set(ImagePositionPatient=None))
    (one,) = report(db, now(node)).tightened
    assert (one.profile, f"{one.status:04X}", one.receipts, one.rate) == ("strict", "A920", 1, 1.0)


def test_it_says_what_standard_would_have_refused_under_observe(tmp_path: Path, told: object) -> None:
    observe = make_policy(RULES, Profile.OBSERVE)
    node = open_node(tmp_path / "observing", lambda _: observe)
    node.send(IMAGE, sop_class_uid=MRImageStorage)
    with reading(node.folder / LEDGER) as db:
        made = report(db, now(node))
    assert [(one.profile, f"{one.status:04X}") for one in made.tightened] == [("standard", "A901"), ("strict", "A901")]
    assert made.totals.would_refuse == {"standard": 1, "strict": 1}
    node.close()


def test_a_report_may_be_of_one_sender_and_of_a_time(node: Scratch, db: apsw.Connection) -> None:
    node.send(IMAGE, association("FIRST"))
    node.send(data_set(**SECOND, PatientID="P2"), association("SECOND"))
    when = now(node)
    mine = report(db, when, calling_ae_title="SECOND")
    assert (mine.totals.outcomes, mine.calling_ae_title) == ({"refuse": 1}, "SECOND")
    assert [one.code for one in mine.rules if one.refused] == ["ENT-202"]
    assert report(db, when, since=when).totals.receipts == 2, "from the full hour on"
    assert report(db, when, since=when).since == when // HOUR * HOUR
    assert report(db, when, since=when + HOUR).totals.receipts == 0


def test_what_was_done_in_quarantine_is_counted(node: Scratch, db: apsw.Connection) -> None:
    node.send(IMAGE, association("FIRST"))
    refused = node.send(data_set(**SECOND, PatientID="P2"), association("SECOND")).receipt
    acting(node).drop(refused, WHO, "a test")
    when = now(node)
    assert report(db, when).acts == {"dropped": 1}
    assert report(db, when, calling_ae_title="SECOND").acts == {"dropped": 1}
    assert report(db, when, calling_ae_title="FIRST").acts == {}
    assert report(db, when, since=when + HOUR).acts == {}
    assert report(db, when).totals.receipts == 2, "an act is no request"


def test_what_is_undone_is_not_counted(node: Scratch, db: apsw.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    node.ledger._db.execute("CREATE TEMP TRIGGER stop BEFORE INSERT ON instance BEGIN SELECT RAISE(ABORT, 'no'); END")
    node.send(IMAGE)
    node.ledger._db.execute("DROP TRIGGER stop")
    made = report(db, now(node))
    assert made.totals.outcomes == {"retry": 1}
    node.send(IMAGE)
    assert [one.names["manufacturer"] for one in report(db, now(node)).scanners] in (["Maker", ""], ["", "Maker"])


def test_no_report_looks_at_receipts(node: Scratch, db: apsw.Connection) -> None:
    steps = plans(db, lambda: report(db, 7, 3, "A"))
    assert any("tally" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") and "json_each" not in step]
    assert not [step for step in steps if "finding" in step]


def test_a_ledger_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(NodeFault, match="no ledger"), reading(tmp_path / LEDGER):
        pass
