"""Lists are complete, newest first, and never read a table through."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from pydicom.uid import MRImageStorage

from scp.audit.catalogue import INTERNAL
from scp.audit.finding import Decision, Finding, Problem, Severity, Verdict
from scp.ids import as_text, time_of
from scp.layout import LEDGER, Place
from scp.ledger import queries
from scp.ledger.acts import State
from scp.ledger.queries import HeldFilter, ReceiptFilter, entry_document, held, patient_fingerprint, receipts
from scp.ledger.reading import reading
from scp.ledger.sqlite import SqliteLedger
from scp.outcomes import Ending
from tests.rules.builders import INSTANCE, SERIES, STUDY
from tests.unit.ledger.contract import admit, draft, sent
from tests.unit.nodes import Scratch, association, cut_off, data_set, open_node, request_for
from tests.unit.quarantine.test_acts import WHO, acting

IMAGE = data_set(SoftwareVersions="3.1")
SECOND: dict[str, Any] = {"SOPInstanceUID": "1.2.9", "InstanceNumber": "2", "ImagePositionPatient": ["0", "0", "20"]}
ELSEWHERE: dict[str, Any] = {
    "StudyInstanceUID": "1.7", "SeriesInstanceUID": "1.7.1", "SOPInstanceUID": "1.7.1.1", "PatientID": "P7",
}  # fmt: skip


class Traffic:
    """A node to which something of each sort was sent."""

    def __init__(self, node: Scratch) -> None:
        first, second = association("FIRST", "192.0.2.1"), association("SECOND", "192.0.2.2")
        self.node = node
        self.accepted = node.send(IMAGE, first).receipt
        self.conflict = node.send(data_set(PixelData=b"\1" * 32), second).receipt
        self.patient = node.send(data_set(**SECOND, PatientID="P2"), second).receipt
        self.resent = node.send(data_set(**SECOND, PatientID="P2"), first).receipt
        self.warned = node.send(data_set(**ELSEWHERE, ImagePositionPatient=None), first).receipt
        self.mismatched = node.send(
            data_set(**ELSEWHERE | {"SOPInstanceUID": "1.7.1.2"}), second, sop_class_uid=MRImageStorage
        ).receipt
        cut_off(node.intake, request_for(IMAGE, second))
        self.aborted = node.receipts()[-1].id
        node.intake.ended(second, 1, Ending.ABORTED)


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    node = open_node(tmp_path_factory.mktemp("traffic"))
    yield Traffic(node)
    node.close()


@pytest.fixture
def db(traffic: Traffic) -> Iterator[apsw.Connection]:
    with reading(traffic.node.folder / LEDGER) as connection:
        yield connection


def names(traffic: Traffic, numbers: list[int]) -> list[str]:
    return [next(name for name, value in vars(traffic).items() if value == number) for number in numbers]


# Receipts


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "aborted mismatched warned resent patient conflict accepted"),
        ({"limit": 2}, "aborted mismatched"),
        ({"limit": None}, "aborted mismatched warned resent patient conflict accepted"),
        ({"calling_ae_title": "FIRST"}, "warned resent accepted"),
        ({"calling_ae_title": "FIRST", "limit": 1}, "warned"),
        ({"calling_ae_title": "NOBODY"}, ""),
        ({"outcome": "refuse"}, "mismatched resent patient conflict"),
        ({"outcome": "accept"}, "accepted"),
        ({"outcome": "aborted"}, "aborted"),
        ({"outcome": "refuse", "calling_ae_title": "FIRST"}, "resent"),
        ({"status": 0xC115}, "conflict"),
        ({"status": 0}, "warned accepted"),
        ({"status": 0, "outcome": "warn"}, "warned"),
        ({"status": 0xC115, "outcome": "accept"}, ""),
        ({"rule": "ENT-202"}, "resent patient"),
        ({"rule": "ent-202", "limit": 1}, "resent"),
        ({"rule": "DUP"}, "conflict"),
        ({"rule": "GEO-101"}, "warned"),
        ({"rule": "ENT-202", "calling_ae_title": "FIRST"}, "resent"),
        ({"rule": "NO-SUCH"}, ""),
        ({"series": SERIES}, "resent patient conflict accepted"),
        ({"series": "1.7.1"}, "mismatched warned"),
        ({"series": "1.7.1", "outcome": "warn"}, "warned"),
        ({"instance": INSTANCE}, "aborted conflict accepted"),
        ({"instance": "1.2.9"}, "resent patient"),
        ({"instance": "1.2.9", "rule": "ENT-202", "calling_ae_title": "SECOND"}, "patient"),
    ],
)
def test_receipts_are_found_by_everything_that_is_asked(
    traffic: Traffic, db: apsw.Connection, asked: dict[str, Any], found: str
) -> None:
    assert names(traffic, [one.id for one in receipts(db, ReceiptFilter(**asked))]) == found.split()


def test_receipts_of_a_time(traffic: Traffic, db: apsw.Connection) -> None:
    at = time_of(traffic.warned) + 1000
    after = [one.id for one in receipts(db, ReceiptFilter(since=at))]
    before = [one.id for one in receipts(db, ReceiptFilter(until=at))]
    assert traffic.accepted in before
    assert traffic.aborted in after
    assert sorted(before + after) == sorted(one.id for one in receipts(db, ReceiptFilter()))


def test_pages_follow_each_other(traffic: Traffic, db: apsw.Connection) -> None:
    whole = [one.id for one in receipts(db, ReceiptFilter())]
    pages, last = list[int](), None
    while page := receipts(db, ReceiptFilter(limit=2, before=last)):
        pages += [one.id for one in page]
        last = pages[-1]
    assert pages == whole


def test_a_receipt_with_two_findings_of_one_code_takes_one_place_of_a_page(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / LEDGER)
    code = INTERNAL.code
    findings = tuple(Finding(code, Severity.WARN, 0xB007, Problem(f"rule {one} failed")) for one in ("A", "B"))
    drafts = [draft(sent(SOPInstanceUID=f"1.2.{number}")) for number in range(2)]
    for one in drafts:
        admit(ledger, one, Verdict(Decision.WARN, 0xB007, findings=findings))
    with reading(tmp_path / LEDGER) as db:
        found = receipts(db, ReceiptFilter(rule=code, limit=2))
    assert [one.id for one in found] == [one.receipt for one in reversed(drafts)]
    ledger.close()


def test_a_sender_that_sends_seldom_is_found_too(
    traffic: Traffic, db: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_RECENT_ONES", queries._RECENT_ONES.replace("20000", "1"))
    found = receipts(db, ReceiptFilter(calling_ae_title="FIRST", limit=3))
    assert names(traffic, [one.id for one in found]) == ["warned", "resent", "accepted"]


def test_an_entry_says_what_came_from_whom_and_what_became_of_it(traffic: Traffic, db: apsw.Connection) -> None:
    (entry,) = receipts(db, ReceiptFilter(status=0xC115))
    document = entry_document(entry)
    assert document["receipt"] == document["original"] == as_text(traffic.conflict)
    assert (document["calling_ae_title"], document["address"]) == ("SECOND", "192.0.2.2")
    assert (document["outcome"], document["status"], document["state"]) == ("refuse", "C115", "held")
    assert document["codes"][0] == "DUP-005"
    assert document["scanner"]["manufacturer"] == "Maker"
    assert document["replaced_by"] is None
    accepted = next(one for one in receipts(db, ReceiptFilter()) if one.id == traffic.accepted)
    assert (accepted.state, accepted.kept, accepted.scanner["software_versions"]) == (None, Place.ARCHIVE, "3.1")
    warned = next(one for one in receipts(db, ReceiptFilter()) if one.id == traffic.warned)
    assert entry_document(warned)["would_be"] == {"strict": "A920"}
    aborted = entry_document(receipts(db, ReceiptFilter(limit=1))[0])
    assert (aborted["status"], aborted["scanner"], aborted["codes"]) == (None, None, [])


# Quarantine


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "mismatched patient conflict"),
        ({"limit": 1}, "mismatched"),
        ({"calling_ae_title": "SECOND"}, "mismatched patient conflict"),
        ({"calling_ae_title": "FIRST"}, ""),
        ({"rule": "ENT-202"}, "patient"),
        ({"rule": "uid"}, "mismatched"),
        ({"series": SERIES}, "patient conflict"),
        ({"study": STUDY}, "patient conflict"),
        ({"study": "1.7", "series": SERIES}, ""),
        ({"state": None}, "mismatched patient conflict"),
        ({"state": State.DROPPED}, ""),
    ],
)
def test_what_is_held_is_found_by_everything_that_is_asked(
    traffic: Traffic, db: apsw.Connection, asked: dict[str, Any], found: str
) -> None:
    assert names(traffic, [one.id for one in held(db, HeldFilter(**asked))]) == found.split()


@pytest.mark.parametrize(
    ("patient", "found"), [("P1", "conflict"), ("P2", "patient"), ("P2 ", "patient"), ("P7", "mismatched"), ("P", "")]
)
def test_a_patient_is_found_by_the_fingerprint_of_the_id(
    traffic: Traffic, db: apsw.Connection, patient: str, found: str
) -> None:
    mark = patient_fingerprint(traffic.node.folder / LEDGER, patient)
    assert names(traffic, [one.id for one in held(db, HeldFilter(patient=mark))]) == found.split()


def test_what_was_held_is_found_by_what_became_of_it(tmp_path: Path, told: object) -> None:
    node = open_node(tmp_path)
    old = node.send(IMAGE).receipt
    new = node.send(data_set(PixelData=b"\1" * 32)).receipt
    gone = node.send(data_set(**SECOND, PatientID="P2")).receipt
    forced = node.send(data_set(**SECOND | {"SOPInstanceUID": "1.2.10"}, PatientID="P2")).receipt
    mark = patient_fingerprint(tmp_path / LEDGER, "P1")
    quarantine = acting(node)
    assert quarantine.drop(gone, WHO, "a test").done
    assert quarantine.release(forced, WHO, "a test", force=True).done
    assert quarantine.replace(new, WHO, "a test").done
    with reading(tmp_path / LEDGER) as db:

        def found(state: State | None) -> list[int]:
            return [one.id for one in held(db, HeldFilter(state=state))]

        assert found(State.HELD) == [old]
        assert found(State.REPLACED) == [new]
        assert found(State.DROPPED) == [gone]
        assert found(State.RELEASED) == [forced]
        assert found(None) == [forced, gone, new, old]
        (entry,) = held(db, HeldFilter(patient=mark))
        assert (entry.id, entry.replaced_by, entry.state) == (old, new, State.HELD)
    node.close()


# Plans


def plans(db: apsw.Connection, ask: Any) -> list[str]:
    """How SQLite goes about every statement of a query."""
    steps: list[str] = []
    statements: list[tuple[str, Any]] = []

    def traced(cursor: apsw.Cursor, statement: str, values: Any) -> bool:
        statements.append((statement, values))
        return True

    db.exec_trace = traced
    ask()
    db.exec_trace = None
    for statement, values in statements:
        steps += [str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    return steps


def numbers(db: apsw.Connection, asked: ReceiptFilter | HeldFilter) -> list[int]:
    """What a list is of; its lines are then read one by one, by their numbers."""
    return queries._receipts(db, asked) if isinstance(asked, ReceiptFilter) else queries.held_numbers(db, asked)


EVERYTHING = [
    ReceiptFilter(since=1, until=2, before=3),
    ReceiptFilter(calling_ae_title="A"),
    ReceiptFilter(outcome="refuse"),
    ReceiptFilter(status=0xC111),
    ReceiptFilter(rule="DUP"),
    ReceiptFilter(series="1.2"),
    ReceiptFilter(instance="1.2"),
    ReceiptFilter(1, 2, "A", "refuse", 0xC111, "DUP", "1.2", "1.2"),
    HeldFilter(),
    HeldFilter(since=1, calling_ae_title="A", rule="DUP", series="1", study="1", patient="0", before=3),
    HeldFilter(patient="0"),
    HeldFilter(series="1.2"),
    HeldFilter(study="1.2"),
    HeldFilter(state=State.DROPPED),
    HeldFilter(state=None, rule="DUP"),
]


@pytest.mark.parametrize("asked", EVERYTHING)
def test_no_list_reads_a_table_through(db: apsw.Connection, asked: ReceiptFilter | HeldFilter) -> None:
    steps = plans(db, lambda: numbers(db, asked))
    scans = {step for step in steps if step.startswith("SCAN") and "json_each" not in step}
    assert steps
    # All that is in quarantine may be gone through; of a sender the newest receipts, which are counted off by number.
    allowed = {"SCAN receipt USING COVERING INDEX receipt_held", "SCAN receipt USING INDEX receipt_held"}
    assert scans <= ({"SCAN receipt"} if asked == ReceiptFilter(calling_ae_title="A") else allowed)
    if asked in (HeldFilter(patient="0"), HeldFilter(series="1.2"), HeldFilter(study="1.2")):
        assert scans == set()


@pytest.mark.parametrize("asked", [ReceiptFilter(outcome="refuse"), ReceiptFilter(rule="DUP-004"), HeldFilter()])
def test_what_an_index_has_in_order_is_not_sorted(db: apsw.Connection, asked: ReceiptFilter | HeldFilter) -> None:
    steps = plans(db, lambda: numbers(db, asked))
    assert not [step for step in steps if "ORDER BY" in step]


def test_the_line_of_an_entry_is_read_by_numbers_alone(db: apsw.Connection) -> None:
    steps = plans(db, lambda: queries._entry(db, receipts(db, ReceiptFilter(limit=1))[0].id))
    assert {step for step in steps if step.startswith("SCAN")} <= {"SCAN receipt", "SCAN (subquery-1)"}


def test_severities_that_lists_count_from_are_those_of_the_index(db: apsw.Connection) -> None:
    statement = str(db.execute("SELECT sql FROM sqlite_schema WHERE name = 'finding_code'").get)
    assert statement.endswith(f"severity > {Severity.INFO:d}")
