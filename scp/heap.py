"""Sets up the heap of the C library so that freed memory goes back to the system.

glibc adapts to what is freed: after a large block, it takes all blocks up to that size from the heaps of the
threads, and a heap returns nothing below its topmost block in use. So a burst of large values, or the check of a single
password, would leave a node of many threads with hundreds of MB for good. The environment variables
``MALLOC_MMAP_THRESHOLD_``, ``MALLOC_TRIM_THRESHOLD_`` and ``MALLOC_ARENA_MAX`` do the same as this module, but have to
be set before a process starts.
"""

import ctypes
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt(3)
_SETTINGS: Final = {
    _MMAP_THRESHOLD: 256 * 1024,  # larger blocks go back to the system when they are freed
    _TRIM_THRESHOLD: 1024 * 1024,
    _ARENA_MAX: 2,  # threads that wait for one interpreter do not each need a heap
}


def tune_heap() -> bool:
    """Apply the settings to this process, before it has threads. False if the C library has no such settings."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(setting, value) for setting, value in _SETTINGS.items())
