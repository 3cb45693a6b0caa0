"""What a node does not need any more, the system has back."""

import ctypes
import subprocess
import sys

import pytest

from scp import heap

_BURST = """
import sys
from threading import Thread
from scp.heap import tune_heap

def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def burst() -> None:
    values = [b"x" * (1 << 20) for _ in range(16)]
    kept.append(b"x" * 4096)  # above them in the heap, and staying

kept: list[bytes] = []
sys.argv[1] == "given back" and tune_heap()
b"x" * (16 << 20)  # as much as it takes to check a password
before = resident()
threads = [Thread(target=burst) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print((resident() - before) >> 20)
"""

glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt")


def _left_by_a_burst(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", _BURST, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@glibc
def test_a_burst_of_large_values_leaves_nothing_behind() -> None:
    assert _left_by_a_burst("given back") <= 4


@glibc
def test_without_that_it_would() -> None:
    """Else the settings are for nothing, and can go."""
    assert _left_by_a_burst("left alone") >= 16


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _name: object())
    assert not heap.tune_heap()
