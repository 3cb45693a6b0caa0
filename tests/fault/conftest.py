"""Nodes for tests, as the wire tests have them."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scp.store.late import is_remote
from tests.wire.conftest import start_node, study

__all__ = ["start_node", "study"]


@pytest.fixture
def swept() -> Iterator[None]:
    """Collect garbage with the test: pynetdicom leaves it the sockets of associations that broke, with warnings."""
    yield
    gc.collect()


@pytest.fixture
def late(tmp_path: Path) -> None:
    """Skip where no object is synced late, as in the overlay of a container: then there is nothing to be seen."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        if is_remote(descriptor):
            pytest.skip("light objects are synced one by one in this file system: see --basetemp")
    finally:
        os.close(descriptor)
