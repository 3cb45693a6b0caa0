"""Figures for people: tables on a terminal, and the same in Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmark.figures import Figures
from benchmark.growth import Growth
from benchmark.machine import Machine
from benchmark.memory import Memory
from benchmark.nodes import PEERS
from benchmark.results import Results

_WIDTH = 160


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table, whatever its format; ``notes`` stand below it."""

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def terminal(results: Results, console: Console) -> None:
    """Print tables for people."""
    if not console.is_terminal:
        console.width = _WIDTH
    for sheet in sheets(results):
        table = Table(title=sheet.title, title_justify="left")
        for number, name in enumerate(sheet.heading):
            table.add_column(name, justify="left" if number == 0 else "right", no_wrap=True)
        for row in sheet.rows:
            table.add_row(*row)
        console.print(table)
        for note in sheet.notes:
            console.print(note, markup=False)
    console.print(_where(results.machine), markup=False)
    for line in _skipped(results):
        console.print(line, markup=False)


def markdown(results: Results) -> str:
    """Return tables for the README."""
    parts = []
    for sheet in sheets(results):
        align = ("---", *("---:" for _ in sheet.heading[1:]))
        lines = (sheet.heading, align, *sheet.rows)
        parts.append(f"**{sheet.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
        parts.extend(sheet.notes)
    return "\n\n".join((*parts, _where(results.machine), *_skipped(results))) + "\n"


def sheets(results: Results) -> Iterable[Sheet]:
    """Return the tables for which there are figures."""
    if results.throughput:
        yield _throughput(results.throughput, results.runs)
    if results.memory:
        yield _memory(results.memory)
    if results.growth:
        yield _beside(results.growth, results.runs)
        yield _series(results.growth, results.runs)


def _throughput(figures: Sequence[Figures], runs: int) -> Sheet:
    compared = [peer for peer in PEERS if any(peer in one.ratios for one in figures)]
    heading = (
        "node", "workload", "instances/s", "MB/s", "s per association", "CPU ms per instance", "peak MB",
        *(f"× {PEERS[peer]}" for peer in compared),
    )  # fmt: skip
    rows = tuple(
        (
            one.title,
            f"{one.cell}, {'one each' if one.one_by_one else one.associations}",
            number(one.instances_per_second, 0),
            number(one.megabytes_per_second, 1),
            number(one.seconds_per_association, 4) if one.one_by_one else "",
            number(one.cpu_ms_per_instance, 2),
            number(one.peak_megabytes, 0),
            *(number(one.ratios.get(peer), 2) for peer in compared),
        )
        for one in figures
    )
    notes = tuple(
        f"Void: {one.title}, {one.cell}, {one.associations} associations: {'; '.join(one.void)}."
        for one in figures
        if one.void
    )
    about = (
        f"Medians of {runs} alternating runs, from the start of the storescu processes to their end; ratios are medians"
        " of the rounds' ratios. CPU and memory are the node's with its children; peak MB is the largest of all runs."
    )
    return Sheet("Instances per second, by workload and associations", heading, rows, (*notes, about))


def _memory(found: Sequence[Memory]) -> Sheet:
    rows = []
    for one in found:
        large = f"peak with {one.large_objects} objects of {one.large_bytes / 2**20:.0f} MiB at once"
        rows.append(
            (one.title, large, f"void: {one.large_void}" if one.large_void else f"{one.large_peak_megabytes} MB")
        )
        rows += [(one.title, f"after {many} associations in sequence", f"{size} MB") for many, size in one.sequence]
        rows += [
            (
                one.title,
                f"{idle.associations} idle associations",
                f"{idle.resident_megabytes} MB, CPU {idle.cpu_percent} %",
            )
            for idle in one.idle
        ]
    return Sheet("Memory", ("node", "what", "resident"), tuple(rows))


def _beside(found: Sequence[Growth], runs: int) -> Sheet:
    beside = [(node.node, one) for node in found for one in node.beside]
    rows = tuple(
        (
            one.title,
            str(one.associations),
            number(one.instances_per_second, 0),
            number(one.cpu_ms_per_instance, 2),
            "" if one.node == node else number(one.ratios[node], 2),
        )
        for node, one in beside
    )
    void = tuple(f"Void: {one.title}: {'; '.join(one.void)}." for _, one in beside if one.void)
    size = found[0]
    about = (
        f"{size.instances:,} instances in the large ledger, {size.bytes_per_instance} bytes for each;"
        f" {size.beside[0].cell}; medians of {runs} alternating runs."
    )
    heading = ("node", "associations", "instances/s", "CPU ms per instance", "× empty ledger")
    return Sheet("A large ledger", heading, rows, (*void, about))


def _series(found: Sequence[Growth], runs: int) -> Sheet:
    rows = tuple(
        (one.title, f"{long.instances:,}", number(long.first, 0), number(long.last, 0), number(long.ratio, 2))
        for one in found
        for long in (one.series,)
    )
    void = tuple(f"Void: {one.title}: {why}." for one in found for why in one.series.void)
    end = found[0].series.end
    heading = ("node", "instances", f"instances/s, first {end:,}", f"instances/s, last {end:,}", "ratio")
    return Sheet("One long series", heading, rows, (*void, f"MR 64×64, one association; medians of {runs} runs."))


def number(value: float | None, digits: int) -> str:
    """Write a figure, or that it is void."""
    return "void" if value is None else f"{value:,.{digits}f}"


def _where(machine: Machine) -> str:
    versions = ", ".join(f"{title} ({version})" for title, version in machine.versions.items())
    return (
        f"{machine.date}; {machine.processor}, {machine.cores} cores, {machine.memory_gigabytes} GB; {machine.kernel},"
        f" {machine.filesystem}; {versions}."
    )


def _skipped(results: Results) -> list[str]:
    return [f"Not measured: {key}: {reason}." for key, reason in results.skipped.items()]
