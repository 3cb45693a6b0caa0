"""A node as its users have it: ``python -m scp serve`` in a process of its own, seen from outside.

What it tells is read from its standard output by a thread, so that a test waits for a line and never for a time.
"""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import apsw

from scp.ids import as_text

PATIENCE: Final = 120.0
"""Seconds after which something that should have happened long ago is taken not to happen: a machine may be busy."""

_PIPE_BYTES: Final = 1 << 20
"""As much as anybody may have: of a reader who is busy elsewhere for two seconds, lines that find no room are lost."""
_CONNECTION_BROKE: Final = {None, "ConnectionResetError", "BrokenPipeError"}

Line = Mapping[str, Any]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without settings of a node, and with ``changes``."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AUDITSCP_")}
    return clean | dict(changes or {})


class NodeProcess:
    """A node in a process; entering the context starts it and waits until it is ready.

    ``folder`` is the data folder, ``settings`` the text of a configuration file, ``options`` go to ``serve``;
    ``wrapper`` is a command that runs the one that follows it.
    """

    def __init__(
        self,
        folder: Path,
        settings: str = "",
        *,
        options: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.port = 0
        self.output = b""
        self.was_killed = False
        self._changed = threading.Condition()
        self._lines: list[Line] = []
        self._silent = False
        self._tolerated: set[str] = set()
        beside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.node", dir=folder.parent))
        self._config, self._stderr = beside / "auditscp.toml", beside / "stderr.txt"
        self.configure(settings)
        self._command = [
            *wrapper, sys.executable, "-m", "scp", "serve", "--config", str(self._config),
            "--host", "127.0.0.1", "--port", "0", "--data", str(folder), *options,
        ]  # fmt: skip
        self._environ = environment(environ)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process and wait until it is ready to be called."""
        self.launch()
        try:
            self.port = self.wait_for("ready", len(self.lines("ready")) + 1)[-1]["port"]
        except BaseException:
            self.kill()
            raise
        return self

    def launch(self) -> None:
        """Start the process and do not wait: it may be meant to fail."""
        self._silent = False
        with self._stderr.open("ab") as stderr:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=stderr, env=self._environ, cwd=Path(__file__).parents[2]
            )
        assert self._process.stdout is not None
        with suppress(OSError):  # it would have less room, that is all
            fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def configure(self, settings: str) -> None:
        """Write another configuration file, for the next start or reload."""
        self._config.write_text(settings)

    def comes_up(self) -> bool:
        """Wait until a node that was launched is ready or has ended, and return whether it is ready."""
        with self._changed:
            self._changed.wait_for(lambda: self._silent or self._found("ready", {}), PATIENCE)
            ready = self._found("ready", {})
        self.port = ready[-1]["port"] if ready else 0
        return bool(ready)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the node to stop, and return its exit code."""
        self.signal(number)
        return self.exit_code()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the node at once, as a crash would."""
        assert self._process is not None
        self.was_killed = True
        self._process.kill()
        self.exit_code()

    def exit_code(self, timeout: float = PATIENCE) -> int:
        """Wait for the process to end by itself, and for its last line."""
        assert self._process is not None
        code = self._process.wait(timeout)
        with self._changed:
            self._changed.wait_for(lambda: self._silent, timeout)
        return code

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def stderr(self) -> str:
        """What was written to standard error so far."""
        return self._stderr.read_text(errors="replace")

    def forget_stderr(self) -> None:
        """Forget what was written to standard error so far: it was meant to be."""
        self._stderr.write_text("")

    def lines(self, event: str, **fields: Any) -> list[Line]:
        """Return the log lines of an event that have these fields, as they stand."""
        with self._changed:
            return self._found(event, fields)

    def wait_for(self, event: str, n: int = 1, timeout: float = PATIENCE, **fields: Any) -> list[Line]:
        """Wait until ``n`` log lines of an event have these fields, and return them."""
        with self._changed:
            self._changed.wait_for(lambda: self._silent or len(self._found(event, fields)) >= n, timeout)
            found = self._found(event, fields)
        assert len(found) >= n, f"{len(found)} of {n} lines {event} {fields}\n{self._account()}"
        return found

    def is_quiet(self) -> bool:
        """Whether every association has ended that was opened since the node is ready, as far as it has told."""
        with self._changed:
            since = max((at for at, line in enumerate(self._lines) if line["event"] == "ready"), default=0)
            opened, closed = (
                {line["association"] for line in self._lines[since:] if line["event"] == event}
                for event in ("association_opened", "association_closed")
            )
        return opened <= closed

    def until(self, holds: Callable[[], bool], timeout: float = PATIENCE) -> bool:
        """Wait until something holds of the process that it does not tell, and return whether it came to that."""
        deadline = time.monotonic() + timeout
        while not holds():
            if time.monotonic() > deadline:
                return False
            with self._changed:
                self._changed.wait(0.005)
        return True

    def threads(self) -> int:
        """Return how many threads the process has."""
        return self._entries("task")

    def descriptors(self) -> int:
        """Return how many descriptors the process has open."""
        return self._entries("fd")

    def allow_descriptors(self, number: int) -> None:
        """Let the process have no more descriptors than this from now on."""
        assert self._process is not None
        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (number, number))

    def processor_seconds(self) -> float:
        """Return for how long processors have worked for the process, whatever else they have to do."""
        assert self._process is not None
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Return the resident memory of the process, in bytes."""
        assert self._process is not None
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def peak_memory(self) -> int:
        """Return the most memory that was ever resident, in bytes."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))

    def tolerate(self, *events: str) -> None:
        """Let lines of these events be errors: the test makes the node complain."""
        self._tolerated.update(events)

    def complaints(self) -> list[Line]:
        """Return the error lines, but for those tolerated and for what a library says of broken connections."""
        with self._changed:
            errors = [line for line in self._lines if line["level"] == "error"]
        return [
            line
            for line in errors
            if line["event"] not in self._tolerated
            and not (line["event"] == "library" and line.get("error") in _CONNECTION_BROKE)
        ]

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Ask the ledger, read-only, beside the running node."""
        path = self.folder / "ledger.sqlite3"
        database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            database.set_busy_timeout(60_000)
            cursor = database.execute(statement, values)
            return [dict(zip((name for name, _ in cursor.get_description()), row, strict=True)) for row in cursor]
        finally:
            database.close()

    def receipts(self) -> list[dict[str, Any]]:
        """Return every receipt, oldest first; its own number and its association's as the log writes them."""
        rows = self.rows("SELECT * FROM receipt ORDER BY id")
        return [row | {"name": as_text(row["id"]), "association": as_text(row["association"])} for row in rows]

    def archived(self) -> list[Path]:
        """Return the files in the archive."""
        return self._files("archive", "*.dcm")

    def quarantined(self) -> list[Path]:
        """Return the objects in quarantine."""
        return self._files("quarantine", "*.dcm")

    def cases(self) -> list[dict[str, Any]]:
        """Return the cases in quarantine, oldest first."""
        return [json.loads(path.read_bytes()) for path in self._files("quarantine", "*.json")]

    def spooled(self) -> list[Path]:
        """Return what is in the spool."""
        return self._files("spool", "*")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running and (kind is not None or self.stop() != 0):
            self.kill()

    def _entries(self, place: str) -> int:
        assert self._process is not None
        return sum(1 for _ in Path(f"/proc/{self._process.pid}/{place}").iterdir())

    def _files(self, place: str, pattern: str) -> list[Path]:
        return sorted(path for path in (self.folder / place).rglob(pattern) if path.is_file())

    def _found(self, event: str, fields: Mapping[str, Any]) -> list[Line]:
        wanted: Callable[[Line], bool] = lambda line: all(line.get(name) == value for name, value in fields.items())  # noqa: E731
        return [line for line in self._lines if line["event"] == event and wanted(line)]

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for raw in stream:
                with self._changed:
                    self.output += raw
                    if raw.endswith(b"\n"):  # or else a kill cut it off
                        self._lines.append(json.loads(raw))
                    self._changed.notify_all()
        with self._changed:
            self._silent = True
            self._changed.notify_all()

    def _account(self) -> str:
        return f"last lines:\n{self.output[-3000:].decode()}\nstandard error:\n{self.stderr[-3000:]}"
