"""Syncs of folders, shared by all threads that wait for the same folder.

A thread that has put a name into a folder needs a sync that begins afterwards, because one that is running may have
missed the name. So the first thread starts a round; threads that come meanwhile wait for it to end, and one of them
starts the next round for all of them. A round that fails, fails for all who waited for it, and is not repeated.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from scp.errors import NodeFault

Folder = TypeVar("Folder", bound=Hashable)
"""How a folder is named: in one way by all who would share a sync of it."""


class _Folder:
    """The rounds of one folder: how many have begun and ended, which one failed last and why, and who waits."""

    __slots__ = ("begun", "ended", "failed", "fault", "users")

    def __init__(self) -> None:
        self.begun = self.ended = self.failed = self.users = 0
        self.fault = NodeFault("a folder was not synced")


class Rounds(Generic[Folder]):
    """Runs syncs of folders in rounds. Any thread may call :meth:`sync`."""

    def __init__(self, sync: Callable[[Folder], None]) -> None:
        """``sync`` syncs one folder, and raises NodeFault if that fails."""
        self._sync = sync
        self._changed = threading.Condition()
        self._folders: dict[Folder, _Folder] = {}

    def sync(self, path: Folder) -> None:
        """Return once a sync of a folder has ended that began after this was called. Raises NodeFault."""
        with self._changed:
            folder = self._folders.setdefault(path, _Folder())
            folder.users += 1
            wanted = folder.begun + 1
            while folder.begun > folder.ended and folder.ended < wanted:
                self._changed.wait()
            leads = folder.ended < wanted
            if leads:
                folder.begun += 1
        try:
            if leads:
                self._lead(path, folder)
            if folder.failed >= wanted:
                raise type(folder.fault)(*folder.fault.args)
        finally:
            with self._changed:
                folder.users -= 1
                if not folder.users:
                    del self._folders[path]

    def _lead(self, path: Folder, folder: _Folder) -> None:
        is_synced, fault = False, folder.fault
        try:
            self._sync(path)
            is_synced = True
        except NodeFault as found:
            fault = found
        finally:
            with self._changed:
                folder.ended = folder.begun
                if not is_synced:
                    folder.failed, folder.fault = folder.begun, fault
                self._changed.notify_all()
