"""The command line of the benchmark."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmark.nodes import NODES, USUAL

_ABOUT: Final = """Measures this node beside DCMTK's storescp, Orthanc and pynetdicom's storescp. Each is started in
turn and driven by the same DCMTK storescu processes; nodes alternate within every round, so that a machine that slows
down slows them all. Figures are medians. Every run has a fresh data folder, and is void unless the node stored all."""
WORKLOADS: Final = ("mr", "ct", "single")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for; :func:`parse` explains each option."""

    nodes: tuple[str, ...] | None
    workloads: tuple[str, ...]
    associations: tuple[int, ...]
    runs: int
    instances: int | None
    folder: Path | None
    memory: bool
    megabytes: int
    sequence: int
    idle: int
    growth: bool
    growth_instances: int
    growth_series: int
    random_uids: bool
    show: Path | None
    json: bool
    markdown: bool


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line. Ends the program if it is wrong."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=_ABOUT)
    parser.add_argument(
        "--nodes", nargs="+", choices=tuple(NODES), metavar="NODE",
        help=f"of {', '.join(NODES)}; usually {', '.join(USUAL)}; with --memory {USUAL[0]}, with --growth only ours",
    )  # fmt: skip
    parser.add_argument(
        "--workloads", nargs="+", choices=WORKLOADS, default=WORKLOADS, metavar="WORKLOAD",
        help="mr: 1,500 of 64 x 64; ct: 400 of 512 x 512; single: 100 associations of one MR each, in sequence",
    )  # fmt: skip
    parser.add_argument("--associations", type=count, nargs="+", default=(1, 2, 4), metavar="N", help="at one time")
    parser.add_argument("--runs", type=count, default=5, help="rounds; in each every node runs once (default 5)")
    parser.add_argument("--instances", type=count, metavar="N", help="so many in each workload, to try it out")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where data folders are made: the disk measured")
    memory = parser.add_argument_group("memory")
    memory.add_argument("--memory", action="store_true", help="measure memory instead of throughput")
    memory.add_argument("--megabytes", type=count, default=512, help="of each of the 8 large objects (default 512)")
    memory.add_argument("--sequence", type=count, default=10_000, metavar="N", help="associations (default 10000)")
    memory.add_argument("--idle", type=count, default=200, metavar="N", help="idle associations (default 200)")
    growth = parser.add_argument_group("growth")
    growth.add_argument("--growth", action="store_true", help="measure with a large ledger instead")
    growth.add_argument("--growth-instances", type=count, default=5_000_000, metavar="N", help="(default 5000000)")
    growth.add_argument("--growth-series", type=count, default=20_000, metavar="N", help="in one series (20000)")
    growth.add_argument("--random-uids", action="store_true", help="send UIDs that do not count, as toolkits make them")
    output = parser.add_argument_group("output")
    output.add_argument("--show", type=Path, metavar="FILE", help="measure nothing: show what --json wrote")
    form = output.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="figures for machines")
    form.add_argument("--markdown", action="store_true", help="tables for the README")
    asked: dict[str, Any] = vars(parser.parse_args(arguments))
    frozen: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in asked.items()}
    return Options(**frozen)


def count(text: str) -> int:
    """Read a number of things. Raises ArgumentTypeError unless it is one or more."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text}")
    return int(text)
