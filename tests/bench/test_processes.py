"""CPU and memory of processes and their children."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmark.processes import peak_bytes, processor_seconds, resident_bytes, tree, watched_peak

CHILD = "import sys; held = bytearray(40_000_000); print('ready', flush=True); sys.stdin.read()"
PARENT = f"""
import subprocess, sys
for _ in range(10_000_000): pass
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=sys.stdin)
child.wait()
sys.stdin.read()
"""


@pytest.fixture
def parent() -> Iterator[int]:
    """A process that has used CPU and has a child with 40 MB."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        assert process.stdin
        process.stdin.close()


def test_children_count_as_their_parents(parent: int) -> None:
    assert tree(parent)[0] == parent
    assert len(tree(parent)) == 2
    assert peak_bytes(parent) >= resident_bytes(parent) > 40_000_000
    assert processor_seconds(parent) > 0


def test_a_peak_is_known_although_the_process_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process, watched_peak(process.pid, often=True) as peak:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        seen = next(size for size in iter(lambda: peak.bytes, -1) if size > 40_000_000)
        process.stdin.close()
        process.wait()
    assert peak.bytes >= seen


def test_a_process_that_is_not_there_has_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert (processor_seconds(process.pid), peak_bytes(process.pid)) == (0.0, 0)
