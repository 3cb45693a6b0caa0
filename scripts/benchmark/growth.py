"""Whether a node slows down as its ledger grows, and as one series does."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import apsw
from rich.progress import Progress

from benchmark.figures import Cell, Figures, Run, figures
from benchmark.multiply import multiply
from benchmark.nodes import Node, kept
from benchmark.options import Options
from benchmark.running import BenchError
from benchmark.sample import is_unjudged, make_sample
from benchmark.series import Series
from benchmark.throughput import in_turn, run
from scp.layout import LEDGER

GROWN: Final = "large ledger"
_TITLES: Final = {False: "MR 64×64", True: "MR 64×64, random UIDs"}
_SENT: Final = 1500
_PARTS: Final = 10
_THOUSAND: Final = 1000


@dataclass(frozen=True, slots=True)
class LongSeries:
    """Instances per second among the first and the last ``end`` of a long series, and their ratio: medians of runs."""

    instances: int
    end: int
    first: float | None
    last: float | None
    ratio: float | None
    void: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Growth:
    """What growth costs one node. ``bytes_per_instance`` is the ledger file over the instances in it.

    ``beside`` are the figures with an empty ledger and with the large one, the latter with their ratio to the former.
    """

    node: str
    title: str
    instances: int
    ledger_bytes: int
    bytes_per_instance: int
    beside: tuple[Figures, ...]
    series: LongSeries


def measure(nodes: Sequence[Node], asked: Options, work: Path, progress: Progress) -> list[Growth]:
    """Measure each of this node's variants against one large ledger."""
    grown = work / "grown"
    ledger = grown / "data" / LEDGER
    sample = make_sample(work / "sample")
    # Other files, such as the key of fingerprints, belong to the ledger; the objects do not.
    shutil.copytree(sample.parent, ledger.parent, ignore=shutil.ignore_patterns(f"{LEDGER}*", "*.dcm", "*.json"))
    task = progress.add_task("making the large ledger", total=asked.growth_instances)
    instances = multiply(sample, ledger, asked.growth_instances, partial(progress.advance, task))
    progress.remove_task(task)
    if is_unjudged(ledger):
        raise BenchError("the copied series are not as their audits found them: see benchmark.multiply")
    size = ledger.stat().st_size
    beyond = _newest(ledger)
    found = []
    for node in nodes:
        large = replace(node, key=GROWN, stored=partial(kept, beyond=beyond))
        beside = tuple(
            one for many in asked.associations for one in _beside(node, large, grown, many, asked, work, progress)
        )
        series = _long_series(node, asked, work, progress)
        found.append(Growth(node.key, node.title, instances, size, size // instances, beside, series))
    return found


def _beside(
    node: Node, large: Node, grown: Path, many: int, asked: Options, work: Path, progress: Progress
) -> tuple[Figures, ...]:
    """Send fresh series to a node with an empty ledger and to one with the large ledger, in turn."""
    count = asked.instances or _SENT
    task = progress.add_task("", total=2 * asked.runs)
    runs: list[Run] = []
    for number in range(asked.runs):
        with tempfile.TemporaryDirectory(prefix="series-", dir=work) as made:
            files = Series("MR", 64, random_uids=asked.random_uids).write(Path(made), range(1, count + 1))
            cell = Cell("growth", _TITLES[asked.random_uids], count, sum(file.stat().st_size for file in files), many)
            for one in in_turn((node, large), number):
                progress.update(task, description=f"{node.title}, {many} association(s), {one.key}")
                with tempfile.TemporaryDirectory(prefix="run-", dir=work) as fresh:
                    folder, already = (grown, large.stored(grown)) if one is large else (Path(fresh), 0)
                    runs.append(run(one, folder, cell, files, already))
                progress.advance(task)
    progress.remove_task(task)
    titles = {node.key: f"{node.title}, empty ledger", GROWN: f"{node.title}, large ledger"}
    return figures(runs, [cell], titles, [node.key])


def _long_series(node: Node, asked: Options, work: Path, progress: Progress) -> LongSeries:
    """Send one long series on one association; the receipts say when each instance arrived."""
    count = asked.growth_series
    end = min(_THOUSAND, max(1, count // _PARTS))
    task = progress.add_task(f"{node.title}: a series of {count}", total=asked.runs)
    firsts, lasts, void = [], [], []
    with tempfile.TemporaryDirectory(prefix="series-", dir=work) as made:
        files = Series("MR", 64).write(Path(made), range(1, count + 1))
        cell = Cell("series", "MR 64×64", count, sum(file.stat().st_size for file in files), 1)
        for _ in range(asked.runs):
            with tempfile.TemporaryDirectory(prefix="run-", dir=work) as folder:
                done = run(node, Path(folder), cell, files)
                if done.void:
                    void.append(done.void)
                else:
                    times = _arrivals(Path(folder) / "data" / LEDGER)
                    firsts.append(_rate(times[: end + 1]))
                    lasts.append(_rate(times[-end - 1 :]))
            progress.advance(task)
    progress.remove_task(task)
    if void:
        return LongSeries(count, end, None, None, None, tuple(void))
    kept_up = median(last / first for first, last in zip(firsts, lasts, strict=True))
    return LongSeries(count, end, round(median(firsts)), round(median(lasts)), round(kept_up, 3), ())


def _rate(times: Sequence[int]) -> float:
    """Return how many instances came per second, given when each came, in microseconds."""
    return (len(times) - 1) * 1_000_000 / (times[-1] - times[0])


def _arrivals(ledger: Path) -> list[int]:
    return _asked(ledger, "SELECT received FROM receipt ORDER BY id")


def _newest(ledger: Path) -> int:
    return _asked(ledger, "SELECT max(id) FROM instance")[0]


def _asked(ledger: Path, question: str) -> list[int]:
    db = apsw.Connection(str(ledger))
    try:
        return [int(row[0]) for row in db.execute(question)]
    finally:
        db.close()
