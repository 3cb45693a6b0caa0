"""The senders: the same DCMTK storescu processes for every node."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.nodes import ENVIRONMENT, LOOPBACK
from benchmark.running import BenchError


@dataclass(frozen=True, slots=True)
class Sent:
    """How long it took until everything was sent and answered, and what went wrong, if anything."""

    seconds: float
    problem: str = ""


def need_storescu() -> None:
    """Raise BenchError if DCMTK's storescu is missing."""
    if not (shutil.which("storescu") and shutil.which("echoscu")):
        raise BenchError("DCMTK's storescu and echoscu are needed (Debian package dcmtk)")


def send_at_once(port: int, shares: Sequence[Sequence[Path]]) -> Sent:
    """Send each share on an association of its own, all at the same time."""
    started = time.perf_counter()
    senders = [_storescu(port, share) for share in shares]
    codes = [sender.wait() for sender in senders]
    return _sent(started, codes)


def send_singly(port: int, files: Sequence[Path]) -> Sent:
    """Send each file on an association of its own, one after the other."""
    started = time.perf_counter()
    codes = [_storescu(port, [file]).wait() for file in files]
    return _sent(started, codes)


def _sent(started: float, codes: Sequence[int]) -> Sent:
    seconds = time.perf_counter() - started
    return Sent(seconds, f"storescu ended with {sorted(set(codes))}" if any(codes) else "")


def _storescu(port: int, files: Sequence[Path]) -> subprocess.Popen[bytes]:
    """Start a sender of files in one folder, and in that folder: so the command line has only their short names."""
    return subprocess.Popen(
        ["storescu", "--no-halt", "--required", LOOPBACK, str(port), *(file.name for file in files)],
        env=ENVIRONMENT, cwd=files[0].parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
