"""How much memory a node takes: large objects at once, many associations in sequence, idle associations."""

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Final

from pydicom.uid import MRImageStorage
from rich.progress import Progress

from benchmark.association import Association
from benchmark.figures import MEGABYTE, Cell
from benchmark.nodes import Node
from benchmark.options import Options
from benchmark.processes import processor_seconds, resident_bytes
from benchmark.running import BenchError, running
from benchmark.series import Series
from benchmark.throughput import run

AT_ONCE: Final = 8
_STEPS: Final = 10
_WATCHED_SECONDS: Final = 10
_MIB: Final = 1 << 20
_BYTES_PER_PIXEL: Final = 2
ROOM: Final = "[association]\nmax_associations = 1000\nmax_associations_per_peer = 1000\n"
"""Settings of this node: with the default limits it would end the measurement."""


@dataclass(frozen=True, slots=True)
class Idle:
    """The CPU time of an idle node over ten seconds, in percent of one processor."""

    associations: int
    cpu_percent: float
    resident_megabytes: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of one node. ``large_bytes`` is the size of each of the large objects.

    ``sequence`` is the resident memory, in megabytes, after so many associations of one instance each.
    """

    node: str
    title: str
    large_objects: int
    large_bytes: int
    large_seconds: float
    large_peak_megabytes: float
    large_void: str
    sequence: tuple[tuple[int, float], ...]
    idle: tuple[Idle, ...]


def measure(nodes: Sequence[Node], asked: Options, work: Path, progress: Progress) -> list[Memory]:
    """Measure each node."""
    cell, files = _large(asked.megabytes, work / "large")
    found = []
    for node in nodes:
        task = progress.add_task(f"{AT_ONCE} large objects: {node.title}", total=None)
        with tempfile.TemporaryDirectory(prefix="run-", dir=work) as folder:
            large = run(node, Path(folder), cell, files)
        progress.remove_task(task)
        with tempfile.TemporaryDirectory(prefix="run-", dir=work) as folder:
            sequence = _sequence(node, Path(folder), asked.sequence, progress)
        idle = []
        for many in (0, asked.idle):
            with tempfile.TemporaryDirectory(prefix="run-", dir=work) as folder:
                idle.append(_idle(node, Path(folder), many, progress))
        peak = round(large.peak_bytes / MEGABYTE, 1)
        found.append(
            Memory(
                node.key, node.title, AT_ONCE, cell.bytes // AT_ONCE, round(large.seconds, 2), peak, large.void,
                tuple(sequence), tuple(idle),
            )
        )  # fmt: skip
    return found


def _large(megabytes: int, folder: Path) -> tuple[Cell, list[Path]]:
    """Make square images of about this size; the files are sparse, so only received copies take room on the disk."""
    folder.mkdir()
    series = Series("CT", isqrt(megabytes * _MIB // _BYTES_PER_PIXEL))
    files = [folder / f"{number}.dcm" for number in range(1, AT_ONCE + 1)]
    for number, file in enumerate(files, start=1):
        series.write_sparse(file, number)
    size = sum(file.stat().st_size for file in files)
    return Cell("large", "large CT", AT_ONCE, size, AT_ONCE), files


def _sequence(node: Node, folder: Path, most: int, progress: Progress) -> list[tuple[int, float]]:
    """Store one instance on each of many associations in sequence; return samples of the resident memory."""
    series, found = Series("MR", 64), []
    every = max(1, most // _STEPS)
    task = progress.add_task(f"associations in sequence: {node.title}", total=most)
    with running(node, folder) as started:
        for number in range(most + 1):
            if number:
                with Association(started.port, MRImageStorage) as association:
                    status = association.store(series.image(number))
                if status:
                    raise BenchError(f"{node.title} answered {status:04X}")
                progress.advance(task)
            if number % every == 0:
                found.append((number, round(resident_bytes(started.pid) / MEGABYTE, 1)))
    progress.remove_task(task)
    return found


def _idle(node: Node, folder: Path, many: int, progress: Progress) -> Idle:
    """Open many associations, leave them idle, and measure the node."""
    task = progress.add_task(f"{many} idle associations: {node.title}", total=None)
    with running(node, folder) as started, ExitStack() as associations:
        for _ in range(many):
            associations.enter_context(Association(started.port, MRImageStorage))
        time.sleep(1)  # what negotiating leaves to be done is not idling
        before = processor_seconds(started.pid)
        time.sleep(_WATCHED_SECONDS)
        spent = processor_seconds(started.pid) - before
        resident = resident_bytes(started.pid)
    progress.remove_task(task)
    return Idle(many, round(100 * spent / _WATCHED_SECONDS, 2), round(resident / MEGABYTE, 1))
