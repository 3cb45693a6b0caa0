"""Makes figures of runs: medians, and ratios between nodes. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one node. ``void`` says why its figures are not valid; empty if they are."""

    node: str
    cell: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    void: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is sent to every node in turn: how many instances and bytes, over how many associations, or one for each."""

    key: str
    title: str
    instances: int
    bytes: int
    associations: int
    one_by_one: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a node in a cell: medians of the runs, but for memory the largest. None if a run was void.

    ``ratios`` are the node's instances per second over those of others in the same round, the median of all rounds.
    """

    node: str
    title: str
    cell: str
    associations: int
    one_by_one: bool
    instances: int
    bytes: int
    seconds: tuple[float, ...]
    instances_per_second: float | None
    megabytes_per_second: float | None
    seconds_per_association: float | None
    cpu_ms_per_instance: float | None
    peak_megabytes: float | None
    ratios: Mapping[str, float | None]
    void: tuple[str, ...]


def figures(
    runs: Iterable[Run], cells: Sequence[Cell], titles: Mapping[str, str], peers: Iterable[str]
) -> tuple[Figures, ...]:
    """Return the figures of each node in each cell, in the order of both; each node ran once in every round."""
    by: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by.setdefault((run.cell, run.node), []).append(run)
    compared = [peer for peer in peers if peer in titles]
    return tuple(
        _figures(cell, title, by[cell.key, node], {peer: by.get((cell.key, peer), []) for peer in compared})
        for cell in cells
        for node, title in titles.items()
        if (cell.key, node) in by
    )


def _figures(cell: Cell, title: str, runs: Sequence[Run], peers: Mapping[str, Sequence[Run]]) -> Figures:
    void = tuple(run.void for run in runs if run.void)
    seconds = median(run.seconds for run in runs)
    whole = None if void else 1.0
    return Figures(
        node=runs[0].node,
        title=title,
        cell=cell.title,
        associations=cell.instances if cell.one_by_one else cell.associations,
        one_by_one=cell.one_by_one,
        instances=cell.instances,
        bytes=cell.bytes,
        seconds=tuple(round(run.seconds, 3) for run in runs),
        instances_per_second=whole and round(cell.instances / seconds, 1),
        megabytes_per_second=whole and round(cell.bytes / seconds / MEGABYTE, 2),
        seconds_per_association=(whole and round(seconds / cell.instances, 4)) if cell.one_by_one else None,
        cpu_ms_per_instance=whole and round(median(run.cpu_seconds for run in runs) * 1000 / cell.instances, 3),
        peak_megabytes=whole and round(max(run.peak_bytes for run in runs) / MEGABYTE, 1),
        ratios={peer: ratio(runs, others) for peer, others in peers.items()},
        void=void,
    )


def ratio(runs: Sequence[Run], others: Sequence[Run]) -> float | None:
    """Return how many times as fast ``runs`` are as ``others``, round by round; None if any of them is void."""
    if not runs or not others or any(run.void for run in (*runs, *others)):
        return None
    return round(median(theirs.seconds / ours.seconds for ours, theirs in zip(runs, others, strict=True)), 2)
