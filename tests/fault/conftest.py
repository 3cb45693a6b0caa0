"""Nodes for tests, as the wire tests have them."""

import gc
from collections.abc import Iterator

import pytest

from tests.wire.conftest import start_node, study

__all__ = ["start_node", "study"]


@pytest.fixture
def swept() -> Iterator[None]:
    """Collect garbage with the test: pynetdicom leaves it the sockets of associations that broke, with warnings."""
    yield
    gc.collect()
