"""What a test leaves behind, and what the system says when it fails."""

import os
from pathlib import Path


def descriptors() -> set[str]:
    """The descriptors that this process has open."""
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def system_error(number: int) -> OSError:
    """The error that a system call raises with this number."""
    return OSError(number, os.strerror(number))
