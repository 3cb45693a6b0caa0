"""Whether enough space is free: below the reserve nothing is stored, so that the ledger never runs out of space."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scp.errors import SpaceFault, Trouble, in_words
from scp.store.gate import Look

_RELIEF: Final = 256 << 20
"""The trouble is over once a sixteenth of the reserve, or this many bytes, are free on top of it: so that it does not
come and go all the time."""
_FILES: Final = 1024
"""How many files there must be room for, if the file system has a limit. An object takes up to four: itself, its case
and two folders."""


def space(folder: Path, reserve: int, statvfs: Callable[[Path], os.statvfs_result] = os.statvfs) -> Look:
    """Return the look at the free bytes of a folder's file system, of which ``reserve`` are to stay free."""
    is_low = False

    def see() -> SpaceFault | None:
        nonlocal is_low
        try:
            found = statvfs(folder)
        except OSError as error:
            return SpaceFault(f"the free space is not known ({in_words(error)})")
        free = found.f_bavail * found.f_frsize
        few = found.f_files > 0 and found.f_favail < _FILES
        is_low = few or free < reserve + (min(reserve // 16, _RELIEF) if is_low else 0)
        if not is_low:
            return None
        if few:
            return SpaceFault(f"the file system has room for {found.f_favail} more files")
        return SpaceFault(f"{free >> 20} MiB are free, of which {reserve >> 20} MiB stay (storage.reserve_bytes)")

    return Look(Trouble.SPACE, see)
