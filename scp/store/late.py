"""Syncs that come late: of objects for which the ledger vouches meanwhile.

The bytes of a light object are in the ledger with the decision (:mod:`scp.ledger.sealed`), so that its file need not be
on the disk when the sender is answered. Before long one sync of the whole file system brings all such files to the
disk at once, which costs a fraction of a sync for each; only then may the ledger let go of their bytes.
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
"""Up to this size, the ledger takes bytes in less time than a file of their own is synced in."""
_MOST_BYTES: Final = 64 << 20
"""Of objects that wait for their sync. Beyond that, the disk does not keep up, and objects are synced one by one."""
_HONEST: Final = (5, 8)
"""Since this version of Linux, the sync of a file system tells of writes that failed before (since it was opened)."""

_REMOTE: Final[Mapping[int, str]] = {
    0x6969: "nfs", 0x517B: "smb", 0xFE534D42: "smb2", 0xFF534D42: "cifs", 0x65735546: "fuse", 0x01021997: "9p",
    0x00C36400: "ceph", 0x5346414F: "afs", 0x6B414653: "kafs", 0x0BD00BD0: "lustre", 0x47504653: "gpfs",
    0x786F4256: "vboxsf", 0xF15F: "ecryptfs", 0x794C7630: "overlay", 0x61756673: "aufs",
}  # fmt: skip
"""File systems of which somebody else has the disk, or one below, by their number: who syncs the whole may not be heard
there. An overlay syncs the file system below, and says that all is well whatever became of its files."""
_STATFS_BYTES: Final = 256

_libc: Final = ctypes.CDLL(None, use_errno=True)


class LateSyncs:
    """The objects of one data folder whose files wait for their sync. Any thread may call any method."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreFault if the folder cannot be opened."""
        self._lock = threading.Lock()
        self._waiting: list[int] = []
        self._bytes = 0
        self._vouched: set[int] = set()
        try:  # of the spool, as every object has its first name there: a folder may be a link to another file system
            self._descriptor = os.open(folder / SPOOL, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise fault("the data folder cannot be opened", error) from error
        self._is_sound = can_sync_file_systems() and not is_remote(self._descriptor)

    def takes(self, size: int) -> bool:
        """Whether an object of so many bytes may be synced late."""
        return size <= LIGHT_BYTES and self._bytes < _MOST_BYTES and self._is_sound

    def add(self, receipt: int, size: int = 0) -> None:
        """Note that the file of a receipt is complete and has its place."""
        with self._lock:
            if receipt not in self._vouched:
                self._waiting.append(receipt)
                self._bytes += size

    def vouch_on(self, receipt: int) -> None:
        """Note that the file of a receipt may not be whole: the ledger has to keep its bytes."""
        with self._lock:
            self._vouched.add(receipt)

    def settle(self, forget: Callable[[Sequence[int]], None]) -> None:
        """Sync all that wait, and have their bytes forgotten.

        Raises SyncFault if the disk lost any; then the ledger keeps its copies, which the next start writes anew, and
        no object is synced late any more. What ``forget`` raises comes through, and it is asked again the next time.
        """
        with self._lock:
            taken, size = tuple(self._waiting), self._bytes
        if not taken or not self._is_sound:  # a sync that failed may have lost what is only noted now
            return
        try:
            self._sync()
        except OSError as error:
            self._is_sound = False
            raise sync_fault("the file system cannot be synced", error) from error
        self._settled(taken, size, forget)

    def settled(self, forget: Callable[[Sequence[int]], None]) -> None:
        """Have the bytes forgotten of all that wait, as their files were synced one by one."""
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
        """Let go of the folder."""
        os.close(self._descriptor)


def can_sync_file_systems() -> bool:
    """Whether this system syncs one file system as a whole, and is honest about what failed."""
    system, release = os.uname().sysname, os.uname().release
    return system == "Linux" and hasattr(_libc, "syncfs") and _version(release) >= _HONEST


def is_remote(descriptor: int) -> bool:
    """Whether a folder is in a file system that is not this machine's own, or of which nothing can be learnt."""
    about = (ctypes.c_char * _STATFS_BYTES)()
    if _libc.fstatfs(descriptor, about):
        return True
    kind = ctypes.c_ulong.from_buffer(about).value  # the first of what there is
    return kind & 0xFFFFFFFF in _REMOTE


def _version(release: str) -> tuple[int, ...]:
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0].partition("-")[0]
    return tuple(int(one) if one.isdigit() else 0 for one in (major, minor))
