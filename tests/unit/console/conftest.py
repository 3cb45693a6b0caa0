"""Consoles for tests."""

from collections.abc import Iterator
from functools import partial

import pytest

from scp.console.throttle import Throttle
from tests.unit.console.consoles import USERS, Consoled, consoled


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consoled]:
    """A node whose console is for whoever works on this machine."""
    with consoled(tmp_path_factory.mktemp("local")) as one:
        yield one


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consoled]:
    """A node whose console has users."""
    with consoled(tmp_path_factory.mktemp("guarded"), **USERS) as one:
        yield one


@pytest.fixture
def frozen_throttles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no wait of whoever guesses passwords end during a test, however long that takes."""
    monkeypatch.setattr("scp.console.access.Throttle", partial(Throttle, clock=lambda: 0.0))
