"""All results of one call of the benchmark, as ``--json`` writes them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from benchmark.figures import Figures
from benchmark.growth import Growth
from benchmark.machine import Machine
from benchmark.memory import Memory
from benchmark.running import BenchError


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured, on what machine, and why some nodes were not measured."""

    machine: Machine
    runs: int
    skipped: Mapping[str, str]
    throughput: tuple[Figures, ...] = ()
    memory: tuple[Memory, ...] = ()
    growth: tuple[Growth, ...] = ()


_FORM = TypeAdapter(Results)


def dumps(results: Results) -> bytes:
    """Write results as JSON."""
    return _FORM.dump_json(results, indent=2)


def loads(text: bytes) -> Results:
    """Read what :func:`dumps` wrote. Raises BenchError if it is something else."""
    try:
        return _FORM.validate_json(text)
    except ValidationError as error:
        raise BenchError("this is not what --json wrote, or another release wrote it") from error
