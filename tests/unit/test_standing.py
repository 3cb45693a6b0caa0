"""A node is running only if its process holds the data folder, whatever a file says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scp.standing import Reload, Standing, publish, running, withdraw
from scp.store.store import Store


def test_whoever_holds_the_folder_and_says_so_is_running(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for reload in (None, Reload(1.5), Reload(2.5, ("a",), ("b", "c"), ("d",))):
        publish(tmp_path, Standing(os.getpid(), reload))
        assert running(tmp_path) == Standing(os.getpid(), reload)
    assert (tmp_path / "node.json").stat().st_mode & 0o777 == 0o640
    store.close()
    assert running(tmp_path) is None


def test_a_file_that_a_crash_left_is_nobody(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        publish(tmp_path, Standing(other.pid))
        assert running(tmp_path) is None  # its number belongs to another process now
        other.communicate(b"\n")
    assert running(tmp_path) is None
    store.close()


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"pid": 1}', '{"pid": 1, "reload": {}}', '{"pid": 1, "reload": 7}']
)
def test_a_file_that_says_nothing_is_nobody(tmp_path: Path, content: str) -> None:
    Store(tmp_path).close()
    (tmp_path / "node.json").write_text(content)
    assert running(tmp_path) is None


def test_after_the_end_nothing_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(tmp_path, Standing(os.getpid()))
    withdraw(tmp_path)
    assert running(tmp_path) is None
    withdraw(tmp_path)
    store.close()
