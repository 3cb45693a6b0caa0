"""What was committed is carried over into the ledger's file, beside whoever writes."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from scp.errors import LedgerFault
from scp.ledger.checkpoints import Checkpoints
from scp.ledger.sqlite import SqliteLedger


@pytest.fixture
def checkpoints(ledger: SqliteLedger, path: Path) -> Iterator[Checkpoints]:
    one = Checkpoints(path, sync=True)
    yield one
    one.close()


def write(ledger: SqliteLedger, pages: int) -> None:
    statement = "INSERT INTO sealed VALUES ((SELECT coalesce(max(id), 0) + 1 FROM sealed), zeroblob(?))"
    ledger.transact(lambda db: db.execute(statement, (pages * 4096,)))


def test_what_is_worth_it_is_carried_over_once(ledger: SqliteLedger, checkpoints: Checkpoints, path: Path) -> None:
    checkpoints.carry()
    size = path.stat().st_size
    write(ledger, 1_500)
    assert path.stat().st_size == size
    assert checkpoints.carry() > 1_500
    assert path.stat().st_size > size + 1_500 * 4096
    assert checkpoints.carry() == 0


def test_a_little_is_left_for_later(ledger: SqliteLedger, checkpoints: Checkpoints) -> None:
    write(ledger, 500)
    assert checkpoints.carry() == 0
    write(ledger, 600)
    assert checkpoints.carry() > 1_000


def test_after_it_the_log_begins_anew(ledger: SqliteLedger, checkpoints: Checkpoints, path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    sizes = []
    for _ in range(4):
        write(ledger, 1_500)
        checkpoints.carry()
        sizes.append(log.stat().st_size)
    assert sizes[-1] < 2 * sizes[0]


def test_a_writer_in_mid_transaction_is_not_waited_for(ledger: SqliteLedger, checkpoints: Checkpoints) -> None:
    write(ledger, 1_500)

    def meanwhile(db: apsw.Connection) -> int:
        db.execute("DELETE FROM sealed")
        return checkpoints.carry()

    assert ledger.transact(meanwhile) > 1_500
    assert ledger.sealed() == []


def test_who_is_at_it_already_is_not_waited_for(ledger: SqliteLedger, checkpoints: Checkpoints, path: Path) -> None:
    write(ledger, 1_500)
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN; SELECT count(*) FROM sealed")
    write(ledger, 1_500)
    assert 0 < checkpoints.carry() < 2_500, "beyond what a reader looks at, nothing is carried"
    reader.close()
    assert checkpoints.carry() > 500


def test_a_ledger_that_is_none_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(LedgerFault, match="cannot be opened"):
        Checkpoints(tmp_path / "none", sync=True)
    (tmp_path / "other").write_bytes(b"not a ledger" * 1000)
    with pytest.raises(LedgerFault, match="cannot be opened"):
        Checkpoints(tmp_path / "other", sync=True)


def test_a_ledger_that_cannot_be_written_is_a_fault(ledger: SqliteLedger, checkpoints: Checkpoints) -> None:
    write(ledger, 1_500)
    checkpoints.close()
    with pytest.raises(LedgerFault, match="cannot be written"):
        checkpoints.carry()


def test_the_end_does_not_wait_for_what_is_being_carried_over(ledger: SqliteLedger, checkpoints: Checkpoints) -> None:
    began, over = threading.Event(), threading.Event()

    def long(*_: Any) -> None:
        began.set()
        over.wait()

    checkpoints._db.create_scalar_function("long", long, 0)
    thread = threading.Thread(target=checkpoints._db.execute, args=("SELECT long()",))
    thread.start()
    began.wait()
    checkpoints.close()
    over.set()
    thread.join()
