"""What a test leaves behind, what the system says when it fails, and what work something takes on any machine."""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def descriptors() -> set[str]:
    """The descriptors that this process has open."""
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def system_error(number: int) -> OSError:
    """The error that a system call raises with this number."""
    return OSError(number, os.strerror(number))


def calls_of(act: Callable[[], T]) -> tuple[int, T]:
    """Return how many function calls something takes, built-in functions included, and what it returns.

    Meanwhile no garbage is collected: that comes when earlier tests have left enough of it, and has calls of its own.
    """
    calls = 0

    def note(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    was_enabled = gc.isenabled()
    gc.disable()
    sys.setprofile(note)
    try:
        result = act()
    finally:
        sys.setprofile(None)
        if was_enabled:
            gc.enable()
    return calls, result
