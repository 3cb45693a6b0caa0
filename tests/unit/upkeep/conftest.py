"""A folder that a node left in good order, filled once and copied for each test."""

import shutil
from pathlib import Path

import pytest

from tests.unit.nodes import Scratch, open_node
from tests.unit.upkeep.folders import filled


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that others are copied from."""
    folder = tmp_path_factory.mktemp("upkeep") / "data"
    filled(folder).close()
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """Give a folder that a node left in good order."""
    shutil.copytree(template, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def node(folder: Path) -> Scratch:
    """Give a node that is running in such a folder."""
    return open_node(folder)
