"""The embedded ledger keeps the contract, and is durable, private and honest about its faults."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest

from scp import turn
from scp.audit.finding import Finding, Problem, Severity
from scp.errors import LedgerFault
from scp.ids import as_text, new_id
from scp.ledger import sqlite
from scp.ledger.port import Ledger
from scp.ledger.schema import VERSION
from scp.ledger.sqlite import SqliteLedger
from scp.outcomes import Ending, Outcome
from tests.rules.builders import SERIES, image
from tests.unit.ledger.contract import (
    RECEIVED,
    REFUSE,
    LedgerContract,
    admit,
    association,
    draft,
    look,
    sent,
)
from tests.unit.system import descriptors

PATIENCE = 30

PERSONAL: dict[str, Any] = {
    "PatientName": "Zebulon^Quirinius", "PatientID": "PID-4711-XYZ", "PatientBirthDate": "19310517",
    "OperatorsName": "Opal^Ortrun", "StudyDescription": "Delirium in Elbflorenz", "AccessionNumber": "ACC-0815-Q",
    "SeriesDescription": "Knee of a tenor", "StudyID": "STUDY-31337",
}  # fmt: skip


def rows_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What another program reads in the file."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


class TestSqliteLedger(LedgerContract):
    """In a file."""

    @pytest.fixture
    def make_ledger(self, path: Path) -> Callable[[], Ledger]:
        return lambda: SqliteLedger(path)


class TestLedgerInMemory(LedgerContract):
    """Thrown away: what it promises while it is open."""

    @pytest.fixture
    def make_ledger(self) -> Callable[[], Ledger]:
        return lambda: SqliteLedger(None, durability="none")

    @pytest.mark.skip(reason="nothing is left of it")
    def test_what_was_admitted_is_there_when_the_ledger_is_opened_again(
        self, make_ledger: Callable[[], Ledger]
    ) -> None: ...


def test_two_ledgers_have_two_keys(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    ledgers = [SqliteLedger(tmp_path / name / "ledger.sqlite3") for name in "ab"]
    assert ledgers[0].fingerprint_key != ledgers[1].fingerprint_key
    for one in ledgers:
        one.close()


def test_a_commit_is_on_disk_before_it_is_told(ledger: SqliteLedger) -> None:
    assert ledger._db.pragma("journal_mode") == "wal"
    assert ledger._db.pragma("synchronous") == 2


def test_what_was_admitted_survives_a_kill(path: Path) -> None:
    """Another process admits, says so and is gone without closing anything."""
    program = """
import os, sys
from pathlib import Path
from scp.ledger.sqlite import SqliteLedger
from tests.unit.ledger.contract import admit, draft, sent
one = draft(sent())
admit(SqliteLedger(Path(sys.argv[1])), one)
print(one.receipt, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert done.returncode == -9
    again = SqliteLedger(path)
    assert again.knows(int(done.stdout))
    again.close()


def test_the_file_and_those_beside_it_are_for_their_owner_only(ledger: SqliteLedger, path: Path) -> None:
    admit(ledger, draft(sent()))
    files = list(path.parent.iterdir())
    assert len(files) == 4
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


def test_combinations_of_values_are_noted_once_in_each_series(ledger: SqliteLedger, path: Path) -> None:
    for number, maker in enumerate(("A", "A", "B", "A")):
        admit(ledger, draft(sent(SOPInstanceUID=f"1.2.{number}", Manufacturer=maker)))
    admit(ledger, draft(sent(SOPInstanceUID="1.2.9", Manufacturer="C")), REFUSE)
    noted = rows_of(path, "SELECT uid, variant.tracked FROM variant JOIN series ON id = series")
    makers = sorted((uid, orjson.loads(values)["manufacturer"]) for uid, values in noted)
    assert makers == [(SERIES, "A"), (SERIES, "B")]


def test_combinations_of_values_that_were_undone_or_removed_are_noted_again(ledger: SqliteLedger, path: Path) -> None:
    def makers() -> list[str]:
        found = rows_of(path, "SELECT tracked FROM variant")
        return sorted(orjson.loads(values)["manufacturer"] for (values,) in found)

    first = draft(sent(SOPInstanceUID="1.2.1", Manufacturer="A"))
    admit(ledger, first)
    twice = replace(draft(sent(SOPInstanceUID="1.2.2", Manufacturer="B")), receipt=first.receipt)
    with pytest.raises(LedgerFault):
        admit(ledger, twice)
    assert makers() == ["A"]
    admit(ledger, draft(sent(SOPInstanceUID="1.2.2", Manufacturer="B")))
    assert makers() == ["A", "B"]
    ledger.transact(lambda db: db.execute("DELETE FROM variant"))
    admit(ledger, draft(sent(SOPInstanceUID="1.2.3", Manufacturer="B")))
    assert makers() == ["B"]


def test_an_association_is_one_row_with_its_beginning_and_end(ledger: SqliteLedger, path: Path) -> None:
    sender = association("CT1", "192.0.2.17")
    admit(ledger, draft(sent(sender)))
    admit(ledger, draft(sent(sender, SOPInstanceUID="1.2.9")))
    columns = "calling_ae_title, address, implementation_version_name, opened, closed, ending"
    before = rows_of(path, f"SELECT {columns} FROM association")
    ledger.end(sender, RECEIVED, RECEIVED + 5, Ending.RELEASED, None)
    assert before == [("CT1", "192.0.2.17", "TEST_1", None, None, None)]
    after = rows_of(path, f"SELECT {columns} FROM association")
    assert after == [("CT1", "192.0.2.17", "TEST_1", RECEIVED, RECEIVED + 5, "released")]


def test_an_association_whose_first_receipt_was_undone_is_written_with_the_next(ledger: SqliteLedger) -> None:
    sender = association()
    one = draft(sent(sender))
    admit(ledger, one)
    with pytest.raises(LedgerFault):
        admit(ledger, replace(one, subject=sent(sender, SOPInstanceUID="1.2.9")))  # its number is taken
    two = draft(sent(sender, SOPInstanceUID="1.2.9"))
    admit(ledger, two)
    assert ledger.knows(two.receipt)


def test_what_strict_would_have_answered_is_kept(ledger: SqliteLedger, path: Path) -> None:
    admit(ledger, draft(sent()), replace(REFUSE, tightened={"strict": 0xC021}))
    assert rows_of(path, "SELECT tightened FROM receipt") == [('{"strict":49185}',)]


def test_nothing_personal_is_in_the_file(ledger: SqliteLedger, path: Path) -> None:
    finding = Finding("ENT-202", Severity.REFUSE, 0xC132, Problem("another patient", (0x00100020,)))
    admit(ledger, draft(sent(**PERSONAL)))
    admit(ledger, draft(sent(**PERSONAL, SOPInstanceUID="1.2.9")), replace(REFUSE, findings=(finding,)))
    ledger.record(new_id(), RECEIVED, sent(**PERSONAL).request, Outcome.ABORTED, None, 0)
    content = b"".join(file.read_bytes() for file in path.parent.iterdir()).lower()
    assert image().Manufacturer.encode().lower() in content
    for value in PERSONAL.values():
        for part in value.lower().replace("^", " ").split():
            assert part.encode() not in content or len(part) < 5


def test_a_name_in_the_place_of_a_uid_is_not_in_the_file(ledger: SqliteLedger, path: Path) -> None:
    one = sent()
    name = "Zebulon^Quirinius"
    facts = replace(
        one.facts, sop_class_uid=name, study_instance_uid=name, series_instance_uid=name, concatenation_uid=name
    )
    request = replace(one.request, sop_class_uid=name, sop_instance_uid=name, abstract_syntax=name)
    admit(ledger, draft(replace(one, facts=facts, request=request)), REFUSE)
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"Zebulon" not in content


# Faults


@pytest.mark.parametrize("version", [1, 99])
def test_a_ledger_of_another_version_is_not_touched(path: Path, version: int) -> None:
    SqliteLedger(path).close()
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", version)
    connection.close()
    before = descriptors()
    with pytest.raises(LedgerFault, match=f"the ledger has version {version}; this release reads version {VERSION}"):
        SqliteLedger(path)
    assert descriptors() == before


@pytest.mark.parametrize("content", [b"this is no database, and long enough to be none" * 50, os.urandom(5_000)])
def test_a_file_that_is_no_ledger_is_a_fault(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LedgerFault, match="it is no ledger, or damaged: restore a backup"):
        SqliteLedger(path)
    assert path.read_bytes() == content


def test_a_ledger_whose_folder_is_missing_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(LedgerFault, match="the ledger cannot be opened"):
        SqliteLedger(tmp_path / "missing" / "ledger.sqlite3")


def test_a_folder_in_the_place_of_the_ledger_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(LedgerFault, match="the ledger cannot be opened"):
        SqliteLedger(tmp_path)


def test_a_corrupt_ledger_is_a_fault_when_it_is_asked(path: Path) -> None:
    ledger = SqliteLedger(path)
    numbers = [draft(sent(SOPInstanceUID=f"1.2.{number}")) for number in range(50)]
    for one in numbers:
        admit(ledger, one)
    ledger.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    with pytest.raises(LedgerFault, match=r"the ledger cannot be (opened|read)"):
        SqliteLedger(path).receipt(numbers[0].receipt)


ACTS: list[tuple[str, Callable[[SqliteLedger], object]]] = [
    ("admit", lambda ledger: admit(ledger, draft(sent(SOPInstanceUID="1.2.9")))),
    ("record", lambda ledger: ledger.record(new_id(), RECEIVED, sent().request, Outcome.ABORTED, None, 0)),
    ("end", lambda ledger: ledger.end(association(), RECEIVED, RECEIVED, Ending.RELEASED, None)),
    ("confirm", lambda ledger: ledger.confirm(1)),
    ("knows", lambda ledger: ledger.knows(1)),
    ("receipt", lambda ledger: ledger.receipt(1)),
]
WRITES = [(name, act) for name, act in ACTS if name in ("admit", "record", "end", "confirm")]


@pytest.mark.parametrize(("name", "act"), ACTS, ids=[name for name, _ in ACTS])
def test_a_closed_ledger_is_a_fault(path: Path, name: str, act: Callable[[SqliteLedger], object]) -> None:
    ledger = SqliteLedger(path)
    ledger.close()
    with pytest.raises(LedgerFault, match="the ledger cannot be"):
        act(ledger)


def test_a_ledger_may_be_closed_twice(path: Path) -> None:
    ledger = SqliteLedger(path)
    ledger.close()
    ledger.close()
    again = SqliteLedger(path)
    assert not again.knows(1)
    again.close()


@pytest.mark.parametrize(("name", "act"), WRITES, ids=[name for name, _ in WRITES])
def test_a_ledger_that_cannot_be_written_is_a_fault_and_works_again_afterwards(
    ledger: SqliteLedger, name: str, act: Callable[[SqliteLedger], object]
) -> None:
    ledger._db.pragma("query_only", True)
    with pytest.raises(LedgerFault, match="the ledger cannot be written: it is read-only"):
        act(ledger)
    ledger._db.pragma("query_only", False)
    act(ledger)


def test_a_ledger_that_another_program_holds_is_a_fault_and_works_again_afterwards(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_TRIES", 1)
    ledger = SqliteLedger(path)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    one = draft(sent())
    with pytest.raises(LedgerFault, match="another program holds it"):
        admit(ledger, one)
    other.execute("ROLLBACK")
    other.close()
    assert admit(ledger, one).instance == one.receipt
    ledger.close()


def test_while_another_program_holds_the_ledger_who_waits_for_it_holds_up_nobody_else(
    ledger: SqliteLedger, path: Path
) -> None:
    """Others have the turn meanwhile, and can look things up."""
    one = draft(sent())
    with closing(apsw.Connection(str(path))) as other, ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN IMMEDIATE")

        def write() -> Any:
            turn.take()
            try:
                began.set()
                return admit(ledger, one)
            finally:
                turn.leave()

        began = threading.Event()
        admitted = pool.submit(write)
        assert began.wait(PATIENCE)
        for _ in range(100):
            turn.take()
            assert not ledger.knows(one.receipt)
            turn.leave()
        assert not admitted.done()
        other.execute("ROLLBACK")
        assert admitted.result(PATIENCE).instance == one.receipt


def test_a_log_that_became_long_under_a_reader_is_cut_when_it_begins_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_LOG_BYTES", 1 << 20)
    monkeypatch.setattr(sqlite, "_CHECKPOINT_PAGES", 100)
    log = path.with_name(f"{path.name}-wal")

    with closing(SqliteLedger(path)) as mine, closing(apsw.Connection(str(path))) as reader:

        def write(megabytes: int) -> int:
            for _ in range(megabytes):
                mine.transact(lambda db: db.execute("REPLACE INTO sealed VALUES (1, randomblob(1 << 20))"))
            return log.stat().st_size

        reader.execute("BEGIN; SELECT count(*) FROM sealed")
        assert write(10) > 10 << 20
        reader.execute("COMMIT")
        write(1)  # carries over what the reader held up
        assert write(1) < 3 << 20


def test_a_disk_that_is_full_is_a_fault_and_what_was_written_stays(ledger: SqliteLedger) -> None:
    admit(ledger, draft(sent()))
    ledger._db.pragma("max_page_count", ledger._db.pragma("page_count"))
    written: list[int] = []

    def fill() -> None:
        for number in range(10_000):
            one = draft(sent(SOPInstanceUID=f"1.2.{number}"))
            admit(ledger, one)
            written.append(one.receipt)

    with pytest.raises(LedgerFault, match="the disk is full"):
        fill()
    ledger._db.pragma("max_page_count", 1_000_000)
    assert all(ledger.knows(receipt) for receipt in written)
    admit(ledger, draft(sent(SOPInstanceUID="1.3")))


def test_a_second_receipt_with_one_number_is_a_fault_and_changes_nothing(ledger: SqliteLedger) -> None:
    one = draft(sent())
    admit(ledger, one)
    with pytest.raises(LedgerFault, match="ConstraintError"):
        ledger.record(one.receipt, RECEIVED, one.subject.request, Outcome.ABORTED, None, 0)
    receipt = ledger.receipt(one.receipt)
    assert receipt is not None
    assert receipt.outcome is Outcome.ACCEPT


def test_a_fault_names_no_value(ledger: SqliteLedger) -> None:
    one = draft(sent(**PERSONAL))
    admit(ledger, one)
    with pytest.raises(LedgerFault) as caught:
        admit(ledger, replace(draft(sent(**PERSONAL)), receipt=one.receipt))
    assert str(caught.value) == "the ledger cannot be written: ConstraintError"


def test_an_association_needs_an_identifier(ledger: SqliteLedger) -> None:
    nameless = replace(association(), id="A")
    with pytest.raises(ValueError, match="an identifier has"):
        ledger.end(nameless, RECEIVED, RECEIVED, Ending.RELEASED, None)
    assert len(as_text(new_id())) == 13


def test_a_look_leaves_no_transaction_open(ledger: SqliteLedger) -> None:
    look(ledger, draft(sent()))
    assert not ledger._db.in_transaction
