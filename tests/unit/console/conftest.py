"""Consoles for tests."""

from collections.abc import Iterator

import pytest

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
