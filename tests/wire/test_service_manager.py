"""A service manager is told when the node listens and when it ends, as systemd wants it (sd_notify(3))."""

import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.wire.conftest import StartNode
from tests.wire.node import PATIENCE, NodeProcess


def in_a_folder() -> tuple[str, str]:
    path = str(Path(tempfile.mkdtemp()) / "notify")
    return path, path


def without_a_file() -> tuple[str, str]:
    name = f"auditscp-test-{uuid4()}"
    return "@" + name, "\0" + name


@pytest.mark.parametrize("make", [in_a_folder, without_a_file])
def test_the_manager_is_told_that_the_node_listens_and_that_it_stops(
    start_node: StartNode, make: Callable[[], tuple[str, str]]
) -> None:
    named, address = make()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(PATIENCE)
        node = start_node(environ={"NOTIFY_SOCKET": named})
        listening = f"STATUS=AUDITSCP listens on 127.0.0.1 port {node.port}"
        assert manager.recv(1000).decode().split("\n") == ["READY=1", listening]
        assert node.stop() == 0
        assert manager.recv(1000).decode().split("\n") == ["STOPPING=1", "STATUS=associations have 20 seconds to end"]


def test_a_manager_that_has_gone_is_no_reason_to_stop(start_node: StartNode, tmp_path: Path) -> None:
    node = start_node(environ={"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    assert node.stop() == 0


def test_a_node_that_cannot_start_is_never_ready(tmp_path: Path) -> None:
    named, address = without_a_file()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.setblocking(False)
        node = NodeProcess(tmp_path / "data", "[node]\nnonsense = 1\n", environ={"NOTIFY_SOCKET": named})
        node.launch()
        assert node.exit_code() == 2
        with pytest.raises(BlockingIOError):
            manager.recv(1000)
