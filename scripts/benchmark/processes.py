"""CPU time and memory of a process and its children, from /proc."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROCESSOR: Final = slice(11, 15)
"""utime, stime, and the same of children that have ended: fields 14 to 17 of proc(5), counted after the name."""
_PEAK, _RESIDENT = "VmHWM", "VmRSS"
_LOOK_EVERY: Final = 0.05
_QUIET: Final = 0.1
_PATIENCE: Final = 60.0


def tree(process: int) -> list[int]:
    """Return a process and all its descendants, including those that have ended but were not waited for."""
    found = [process]
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):
                for child in (task / "children").read_text().split():
                    found.extend(tree(int(child)))
    return found


def processor_seconds(process: int) -> float:
    """Return the seconds of CPU time, user and system, of a process and its children."""
    ticks = 0
    for one in tree(process):
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[_PROCESSOR]))
    return ticks / _TICKS


def settled_processor_seconds(process: int) -> float:
    """Return the seconds of CPU time once they stop growing: work may go on after the start, or after a response."""
    deadline = time.monotonic() + _PATIENCE
    before = processor_seconds(process)
    while time.monotonic() < deadline:
        time.sleep(_QUIET)
        now = processor_seconds(process)
        if now == before:
            break
        before = now
    return before


def peak_bytes(process: int) -> int:
    """Return the sum of the peak memory of a process and of each of its living children."""
    return sum(_memory(one, _PEAK) for one in tree(process))


def resident_bytes(process: int) -> int:
    """Return the memory that a process and its living children have now."""
    return sum(_memory(one, _RESIDENT) for one in tree(process))


@dataclass(slots=True)
class Peak:
    """The largest value seen so far."""

    bytes: int = 0

    def look(self, process: int) -> None:
        """Look again."""
        self.bytes = max(self.bytes, peak_bytes(process))


@contextmanager
def watched_peak(process: int, *, often: bool) -> Iterator[Peak]:
    """Yield the peak memory of a process, complete at the end; for short-lived children it must look ``often``."""
    peak, over = Peak(), threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_EVERY):
            peak.look(process)

    watcher = threading.Thread(target=watch, daemon=True) if often else None
    if watcher:
        watcher.start()
    try:
        yield peak
    finally:
        over.set()
        if watcher:
            watcher.join()
        peak.look(process)


def _memory(process: int, field: str) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    return 0
