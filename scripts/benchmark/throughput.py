"""Nodes take turns at receiving the same series."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.progress import Progress

from benchmark.figures import Cell, Run
from benchmark.nodes import Node
from benchmark.options import Options
from benchmark.processes import settled_processor_seconds, watched_peak
from benchmark.running import Running, running
from benchmark.senders import Sent, send_at_once, send_singly
from benchmark.series import Series


@dataclass(frozen=True, slots=True)
class Workload:
    """A series to make, and whether each of its instances gets an association of its own."""

    title: str
    modality: str
    matrix: int
    instances: int
    one_by_one: bool = False


WORKLOADS: Final = {
    "mr": Workload("MR 64×64", "MR", 64, 1500),
    "ct": Workload("CT 512×512", "CT", 512, 400),
    "single": Workload("MR 64×64", "MR", 64, 100, one_by_one=True),
}


def make_files(asked: Options, work: Path) -> dict[str, list[Path]]:
    """Make the series of every workload."""
    return {
        key: Series(one.modality, one.matrix).write(work / key, range(1, (asked.instances or one.instances) + 1))
        for key, one in ((key, WORKLOADS[key]) for key in asked.workloads)
    }


def plan(asked: Options, files: dict[str, list[Path]]) -> list[tuple[Cell, list[Path]]]:
    """Return what is sent to every node in each round."""
    cells = []
    for key in asked.workloads:
        load = WORKLOADS[key]
        size = sum(path.stat().st_size for path in files[key])
        for many in (1,) if load.one_by_one else asked.associations:
            cell = Cell(f"{key}-{many}", load.title, len(files[key]), size, many, load.one_by_one)
            cells.append((cell, files[key]))
    return cells


def measure(
    nodes: Sequence[Node], cells: Sequence[tuple[Cell, list[Path]]], rounds: int, work: Path, progress: Progress
) -> list[Run]:
    """Run every node in every cell, round by round."""
    task = progress.add_task("", total=rounds * len(cells) * len(nodes))
    runs = []
    for number in range(rounds):
        for cell, files in cells:
            for node in in_turn(nodes, number):
                progress.update(task, description=f"{cell.key}, round {number + 1}: {node.title}")
                with tempfile.TemporaryDirectory(prefix="run-", dir=work) as folder:
                    runs.append(run(node, Path(folder), cell, files))
                progress.advance(task)
    return runs


def in_turn(nodes: Sequence[Node], number: int) -> Iterator[Node]:
    """Return the nodes of a round, counted from 0, in turn: each begins with another, every other goes backwards.

    So nobody always follows the same one, whose files the disk and the caches are still busy with.
    """
    step = -1 if number % 2 else 1
    yield from (nodes[(number + step * place) % len(nodes)] for place in range(len(nodes)))


def run(node: Node, folder: Path, cell: Cell, files: Sequence[Path], already: int = 0) -> Run:
    """Run a node once, in a folder that has this many instances ``already``."""
    os.sync()  # what the node before has left for the disk to do is not this one's burden
    with running(node, folder) as started:
        before = settled_processor_seconds(started.pid)
        with watched_peak(started.pid, often=node.forks) as peak:
            sent = _send(started, cell, files)
        spent = settled_processor_seconds(started.pid) - before
        died = not started.is_alive
    stored = node.stored(folder) - already
    void = "the node ended" if died else sent.problem
    if not void and stored != cell.instances:
        void = f"{stored} of {cell.instances} instances stored" if stored >= 0 else "index and files disagree"
    return Run(node.key, cell.key, sent.seconds, spent, peak.bytes, void)


def _send(started: Running, cell: Cell, files: Sequence[Path]) -> Sent:
    if cell.one_by_one:
        return send_singly(started.port, files)
    shares = [files[number :: cell.associations] for number in range(cell.associations)]
    return send_at_once(started.port, [share for share in shares if share])
