"""Faults from outside: system calls that fail, disks that are full, and other programs that are in the way."""

import os
import re
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from tests.wire.node import PATIENCE, NodeProcess

_BUSY_MS: Final = 60_000
"""A node writes its ledger by itself, too: whoever wants it waits."""
_CALL: Final = re.compile(r"^\d+ +(\w+)\((.*)\) += -1 E\w+ .*\(INJECTED\)$", re.MULTILINE)


class Injected:
    """What strace said while it let calls fail."""

    def __init__(self, out: Path) -> None:
        self._out = out

    def calls(self) -> list[tuple[str, str]]:
        """Return name and arguments of each call that failed."""
        return _CALL.findall(self._out.read_text(errors="replace"))


@contextmanager
def failing(node: NodeProcess, calls: str, error: str, when: str = "1+") -> Iterator[Injected]:
    """Let system calls of a running node fail until the block ends; ``when`` counts them in each thread."""
    with _tampered(node, calls, f"error={error}:when={when}") as out:
        yield Injected(out)


@contextmanager
def delayed(node: NodeProcess, calls: str, seconds: float) -> Iterator[None]:
    """Let each of these system calls of a running node take so much longer until the block ends."""
    with _tampered(node, calls, f"delay_enter={round(seconds * 1e6)}"):
        yield


@contextmanager
def _tampered(node: NodeProcess, calls: str, how: str) -> Iterator[Path]:
    out = node.folder.parent / f"injected-{calls.replace(',', '-')}"
    command = ["strace", "-f", "-y", "-p", str(node.pid), "-o", str(out), "-e", f"trace={calls}"]
    command += ["-e", f"inject={calls}:{how}"]
    strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert strace.stderr is not None
        assert "attached" in strace.stderr.readline()
        yield out
    finally:
        strace.send_signal(signal.SIGINT)
        strace.communicate(timeout=PATIENCE)


@contextmanager
def largest_file(node: NodeProcess, size: int) -> Iterator[None]:
    """Let a running node write no file beyond a size until the block ends."""
    before = resource.prlimit(node.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(node.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Hold a ledger's write lock, as a tool that hangs would, until the block ends."""
    database = apsw.Connection(str(ledger))
    database.set_busy_timeout(_BUSY_MS)
    try:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")
    finally:
        database.close()


def touch(ledger: Path) -> None:
    """Commit something to a ledger that makes no difference."""
    database = apsw.Connection(str(ledger))
    try:
        database.set_busy_timeout(_BUSY_MS)
        database.execute("CREATE TABLE scratch (a); DROP TABLE scratch")
    finally:
        database.close()


def spoil(ledger: Path) -> None:
    """Overwrite everything in a ledger but its first page, as a failing disk might, beside a running node."""
    database = apsw.Connection(str(ledger))
    try:
        database.set_busy_timeout(_BUSY_MS)
        assert not database.pragma("wal_checkpoint(TRUNCATE)"), "what is in its log would not be spoilt"
        page = database.pragma("page_size")
    finally:
        database.close()
    with ledger.open("r+b") as file:
        file.seek(page)
        file.write(os.urandom(ledger.stat().st_size - page))


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    """Give a file or folder another name until the block ends."""
    elsewhere = path.with_name(f"{path.name}.elsewhere")
    path.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(path)


class SmallDisk:
    """A file system of its own, in memory, which only root can have."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self._size = size

    def mount(self) -> str:
        """Mount it, and return why that cannot be done; empty if it is."""
        self.folder.mkdir()
        options = f"size={self._size},mode=0700"
        return self._run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder))

    def unmount(self) -> None:
        """Let it go, with everything on it."""
        self._run("umount", str(self.folder))

    @contextmanager
    def full(self, *, but: int = 0) -> Iterator[None]:
        """Fill it, but for some bytes, until the block ends."""
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while (free := self._free()) > but:
                file.write(bytes(min(free - but, 1 << 20)))
        try:
            yield
        finally:
            ballast.unlink()

    def _free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def _run(self, *command: str) -> str:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return f"{command[0]} is missing"
        return done.stderr.strip() if done.returncode else ""
