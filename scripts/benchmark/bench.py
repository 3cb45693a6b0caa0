"""What one call does: find the nodes, measure what was asked for, and show the figures."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmark import growth, memory, show, throughput
from benchmark.disk import spread
from benchmark.figures import Figures, figures
from benchmark.machine import machine
from benchmark.nodes import PEERS, USUAL, Node, auditscp, find
from benchmark.options import Options, parse
from benchmark.results import Results, dumps, loads
from benchmark.running import BenchError
from benchmark.senders import need_storescu

_OURS = "auditscp-"


def main() -> None:
    """Run the command."""
    asked = parse()
    try:
        results = loads(asked.show.read_bytes()) if asked.show else measure(asked)
    except (BenchError, OSError) as error:
        sys.exit(f"scripts/bench: {error}")
    except KeyboardInterrupt:
        sys.exit("scripts/bench: interrupted; there are no figures")
    if asked.json:
        sys.stdout.write(dumps(results).decode() + "\n")
    elif asked.markdown:
        sys.stdout.write(show.markdown(results))
    else:
        show.terminal(results, Console())


def measure(asked: Options) -> Results:
    """Measure what was asked for. Raises BenchError if that is not possible here."""
    need_storescu()
    nodes, skipped = find(asked.nodes or _usual(asked))
    console = Console(stderr=True)
    for key, reason in skipped.items():
        console.print(f"{key} is skipped: {reason}", markup=False)
    ours = [node for node in nodes if node.key.startswith(_OURS)]
    if not (ours if asked.growth else nodes):
        raise BenchError("there is nothing to measure")
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with (
        tempfile.TemporaryDirectory(prefix="auditscp-bench-", dir=asked.folder) as name,
        Progress(*columns, console=console) as progress,
    ):
        work = Path(name)
        spread(work)
        results = Results(machine(nodes, work), asked.runs, skipped)
        if not (asked.memory or asked.growth):
            return replace(results, throughput=_throughput(nodes, asked, work, progress))
        if asked.memory:
            results = replace(results, memory=tuple(memory.measure(_roomy(nodes), asked, work, progress)))
        if asked.growth:
            results = replace(results, growth=tuple(growth.measure(ours, asked, work, progress)))
        return results


def _usual(asked: Options) -> tuple[str, ...]:
    if asked.memory and not asked.growth:
        return USUAL[:1]
    return tuple(key for key in USUAL if key.startswith(_OURS)) if asked.growth else USUAL


def _throughput(nodes: list[Node], asked: Options, work: Path, progress: Progress) -> tuple[Figures, ...]:
    cells = throughput.plan(asked, throughput.make_files(asked, work))
    runs = throughput.measure(nodes, cells, asked.runs, work, progress)
    return figures(runs, [cell for cell, _ in cells], {node.key: node.title for node in nodes}, PEERS)


def _roomy(nodes: list[Node]) -> list[Node]:
    """Return the nodes; ours allow as many associations as will be opened."""
    return [
        auditscp(node.key.removeprefix(_OURS), memory.ROOM) if node.key.startswith(_OURS) else node for node in nodes
    ]
