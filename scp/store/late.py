"""Late syncs: how the files of light objects become durable after the response.

The bytes of a light object are in the ledger with the decision (:mod:`scp.ledger.sealed`), so its file need not be on
the disk when the sender is answered: the ledger vouches for it, as the code calls this. Soon after, one sync of the
whole file system brings all such files to the disk at once, which costs far less than a sync for each. Only then may
the ledger forget their bytes.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from scp.layout import SPOOL
from scp.store.files import fault, sync_fault

LIGHT_BYTES: Final = 64 * 1024
"""Up to this size, writing bytes to the ledger takes less time than syncing a file of their own."""
_MOST_BYTES: Final = 64 << 20
"""How many bytes of objects may wait for their sync. If there are more, the disk is too slow: objects are synced one by
one."""
_HONEST: Final = (5, 8)
"""The first version of Linux whose syncfs(2) reports earlier writes that failed, since the descriptor was opened."""

_REMOTE: Final[Mapping[int, str]] = {
    0x6969: "nfs", 0x517B: "smb", 0xFE534D42: "smb2", 0xFF534D42: "cifs", 0x65735546: "fuse", 0x01021997: "9p",
    0x00C36400: "ceph", 0x5346414F: "afs", 0x6B414653: "kafs", 0x0BD00BD0: "lustre", 0x47504653: "gpfs",
    0x786F4256: "vboxsf", 0xF15F: "ecryptfs", 0x794C7630: "overlay", 0x61756673: "aufs",
}  # fmt: skip
"""File systems, by their magic number, whose disk is not ours to sync: it is another machine's, or that of a file
system below. An overlay syncs the one below, and says that all is well whatever became of the files."""
_STATFS_BYTES: Final = 256
"""More than a struct statfs has on any architecture."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


class LateSyncs:
    """The objects of one data folder whose files wait for their sync. Any thread may call any method."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreFault if the folder cannot be opened."""
        self._lock = threading.Lock()
        self._waiting: list[int] = []
        self._bytes = 0
        self._vouched: set[int] = set()
        try:  # the spool, where every object gets its first name: other folders may be links to other file systems
            self._descriptor = os.open(folder / SPOOL, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise fault("the data folder cannot be opened", error) from error
        self._is_sound = can_sync_file_systems() and not is_remote(self._descriptor)

    def takes(self, size: int) -> bool:
        """Whether a file of so many bytes may be synced late."""
        return size <= LIGHT_BYTES and self._bytes < _MOST_BYTES and self._is_sound

    def add(self, receipt: int, size: int = 0) -> None:
        """Note that the file of a receipt is complete and in its place, and waits for its sync."""
        with self._lock:
            if receipt not in self._vouched:
                self._waiting.append(receipt)
                self._bytes += size

    def vouch_on(self, receipt: int) -> None:
        """Note that the file of a receipt may be incomplete, so that the ledger has to keep its bytes."""
        with self._lock:
            self._vouched.add(receipt)

    def settle(self, forget: Callable[[Sequence[int]], None]) -> None:
        """Sync all files that wait, and have the ledger ``forget`` their bytes.

        Raises SyncFault if the disk lost any of them. Then the ledger keeps its copies, from which the next start
        writes the files again, and no object is synced late any more. Exceptions of ``forget`` are passed on; the next
        call tries again.
        """
        with self._lock:
            taken, size = tuple(self._waiting), self._bytes
        if not taken or not self._is_sound:  # the sync that failed may have lost files that were added only after it
            return
        try:
            self._sync()
        except OSError as error:
            self._is_sound = False
            raise sync_fault("the file system cannot be synced", error) from error
        self._settled(taken, size, forget)

    def settled(self, forget: Callable[[Sequence[int]], None]) -> None:
        """Have the ledger ``forget`` the bytes of all files that wait, because they were synced one by one."""
        with self._lock:
            taken, size = tuple(self._waiting), self._bytes
        if taken:
            self._settled(taken, size, forget)

    def _settled(self, taken: Sequence[int], size: int, forget: Callable[[Sequence[int]], None]) -> None:
        forget(taken)
        with self._lock:
            del self._waiting[: len(taken)]
            self._bytes -= size

    def _sync(self) -> None:
        if _libc.syncfs(self._descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def close(self) -> None:
        """Close the folder."""
        os.close(self._descriptor)


def can_sync_file_systems() -> bool:
    """Whether this system can sync one file system as a whole, and reports what failed."""
    system, release = os.uname().sysname, os.uname().release
    return system == "Linux" and hasattr(_libc, "syncfs") and _version(release) >= _HONEST


def is_remote(descriptor: int) -> bool:
    """Whether a folder is in a file system that is not this machine's own, or that tells nothing about itself."""
    about = (ctypes.c_char * _STATFS_BYTES)()
    if _libc.fstatfs(descriptor, about):
        return True
    kind = ctypes.c_ulong.from_buffer(about).value  # f_type, the first field
    return kind & 0xFFFFFFFF in _REMOTE


def _version(release: str) -> tuple[int, ...]:
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0].partition("-")[0]
    return tuple(int(one) if one.isdigit() else 0 for one in (major, minor))
