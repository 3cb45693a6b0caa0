"""Pages read the ledger by connections of their own, which are used again while they are good."""

from pathlib import Path

import apsw
import pytest

from scp.console.readers import Readers, TooSlow
from scp.errors import LedgerFault
from scp.layout import LEDGER
from tests.unit.nodes import open_node


@pytest.fixture
def path(tmp_path: Path) -> Path:
    open_node(tmp_path).close()
    return tmp_path / LEDGER


def test_a_connection_is_lent_again(path: Path) -> None:
    readers = Readers(path)
    with readers.reading() as first:
        with readers.reading() as second:
            assert second is not first
        with readers.reading() as third:
            assert third is second
    readers.close()
    readers.close()


def test_more_than_a_few_are_not_kept(path: Path) -> None:
    readers = Readers(path)
    lent = [readers.reading() for _ in range(6)]
    connections = [one.__enter__() for one in lent]
    for one in lent:
        one.__exit__(None, None, None)
    closed = []
    for db in connections:
        try:
            db.execute("SELECT 1")
        except apsw.ConnectionClosedError:
            closed.append(db)
    assert len(closed) == 2
    readers.close()


@pytest.mark.parametrize(
    ("error", "raised"),
    [(apsw.SQLError("x"), LedgerFault), (apsw.InterruptError("x"), TooSlow), (ValueError("x"), ValueError)],
)
def test_after_an_error_a_connection_is_not_lent_again(path: Path, error: Exception, raised: type[Exception]) -> None:
    readers = Readers(path)
    with pytest.raises(raised), readers.reading() as db:
        raise error
    with pytest.raises(apsw.ConnectionClosedError):
        db.execute("SELECT 1")
    with readers.reading() as other:
        assert other is not db
    readers.close()


def test_a_ledger_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(LedgerFault, match="no ledger"), Readers(tmp_path / "none").reading():
        pass


def test_what_takes_too_long_is_stopped(path: Path) -> None:
    readers = Readers(path, seconds=0.0)
    endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) FROM c"
    with pytest.raises(TooSlow), readers.reading() as db:
        db.execute(endless).fetchall()
