"""The heap of the C library, told to give back what is not needed any more.

glibc learns from what is freed: once a large block was, blocks up to that size come from the heaps of the threads,
and a heap returns nothing above its oldest small block. So a burst of large values, or one password that was checked,
would leave a node of many threads with hundreds of MB for good. The same can be had from outside, by
``MALLOC_MMAP_THRESHOLD_``, ``MALLOC_TRIM_THRESHOLD_`` and ``MALLOC_ARENA_MAX``, but only before a process begins.
"""

import ctypes
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt(3)
_SETTINGS: Final = {
    _MMAP_THRESHOLD: 256 * 1024,  # larger blocks go back to the system when they are freed
    _TRIM_THRESHOLD: 1024 * 1024,
    _ARENA_MAX: 2,  # threads that wait for each other's interpreter need no heap each
}


def give_back() -> bool:
    """Set this process so; call it before there are threads. False where the C library has no such settings."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(setting, value) for setting, value in _SETTINGS.items())
