"""A node in a process of its own: started on a free port, awaited, watched and stopped."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmark.nodes import ENVIRONMENT, LOOPBACK, Node

_START: Final = 120.0
_STOP: Final = 60.0


class BenchError(Exception):
    """Something is missing or fails, so that nothing can be measured."""


@dataclass(frozen=True, slots=True)
class Running:
    """A node that answers."""

    node: Node
    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def pid(self) -> int:
        """The process ID."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process is still running."""
        return self.process.poll() is None


@contextmanager
def running(node: Node, folder: Path) -> Iterator[Running]:
    """Start a node that keeps everything in ``folder``, wait until it answers a C-ECHO, and stop it at the end.

    What it writes goes to a file, as it would under a service manager. Raises BenchError if it does not start.
    """
    (folder / "out").mkdir(exist_ok=True)
    port = _free_port()
    with (folder / "output.txt").open("ab") as output:
        process = subprocess.Popen(
            node.command(port, folder), env=ENVIRONMENT, cwd=folder, stdout=output, stderr=output,
        )  # fmt: skip
    started = Running(node, process, port, folder)
    try:
        _wait_for(started)
        yield started
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP)
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _wait_for(started: Running) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and started.is_alive:
        echo = ["echoscu", LOOPBACK, str(started.port)]
        if subprocess.run(echo, env=ENVIRONMENT, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.05)
    said = (started.folder / "output.txt").read_text(errors="replace")[-1000:]
    raise BenchError(f"{started.node.title} does not answer; it said:\n{said}")
