"""What tests of ledgers share: one in a file, and a connection that reads what a node wrote."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from scp.layout import LEDGER
from scp.ledger.reading import reading
from scp.ledger.sqlite import SqliteLedger
from tests.unit.nodes import Scratch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger of the test is."""
    return tmp_path / LEDGER


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    """A ledger in a file."""
    one = SqliteLedger(path)
    yield one
    one.close()


@pytest.fixture
def db(node: Scratch) -> Iterator[apsw.Connection]:
    """A connection that reads the ledger of the node."""
    with reading(node.folder / LEDGER) as connection:
        yield connection
