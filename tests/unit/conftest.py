"""What unit tests share: a look at the lines that are told, a clock that can be set, and a node."""

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator, MutableSequence
from pathlib import Path
from typing import Any

import pytest
import structlog

from scp import ids
from scp.observe import lines
from scp.store import late
from tests.unit.nodes import Scratch, open_node


@pytest.fixture(autouse=True)
def own_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let light objects be synced late wherever the tests are, as they may be in the overlay of a container."""
    monkeypatch.setattr(late, "is_remote", lambda _: False)


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set the clock of the process, in microseconds; the identifiers of later tests are of the true time again."""

    def set_to(moment: int) -> None:
        monkeypatch.setattr(ids, "_last", ids._last)
        monkeypatch.setattr(time, "time_ns", lambda: moment * 1000)

    return set_to


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> MutableSequence[Any]:
    """The canonical lines of this test, each as its fields."""
    capture = structlog.testing.LogCapture()
    logger = structlog.wrap_logger(
        structlog.ReturnLogger(), processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    monkeypatch.setattr(lines, "_log", logger)
    return capture.entries


@pytest.fixture
def node(tmp_path: Path, told: object) -> Iterator[Scratch]:
    """A node without a network, whose data folder is that of the test."""
    one = open_node(tmp_path)
    yield one
    one.close()


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """Put back what setting up the logs changes for the whole process."""
    libraries = [logging.getLogger(name) for name in ("pydicom", "pynetdicom")]
    before = [(list(one.handlers), one.level, one.propagate) for one in libraries]
    hook = threading.excepthook
    with warnings.catch_warnings():
        yield
    threading.excepthook = hook
    for one, (handlers, level, propagate) in zip(libraries, before, strict=True):
        one.handlers, one.level, one.propagate = handlers, level, propagate
    structlog.reset_defaults()
