"""The machine on which figures were measured, without which they mean nothing."""

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.nodes import Node


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, what ran on it, and when; ``filesystem`` is that of the data folders."""

    date: str
    processor: str
    cores: int
    memory_gigabytes: float
    kernel: str
    filesystem: str
    versions: Mapping[str, str]


def machine(nodes: Iterable[Node], folder: Path) -> Machine:
    """Return what can be found out about this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gigabytes=round(memory / 1e9, 1),
        kernel=f"{platform.system()} {platform.release()}",
        filesystem=_filesystem(folder),
        versions={node.title: node.version for node in nodes},
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _filesystem(folder: Path) -> str:
    """Return the type of the file system with the longest mount point above a folder."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [(len(point), kind) for point, kind in mounts if folder.resolve().is_relative_to(point)]
    return max(above, default=(0, "unknown"))[1]
