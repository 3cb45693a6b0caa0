"""The few file operations that make things durable. ``sync=False`` is for throw-away nodes and benchmarks."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from scp.errors import StoreFault, SyncFault, in_words
from scp.turn import aside


def sync_folder(folder: Path | str) -> None:
    """Make the names in a folder durable."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            aside(os.fsync, descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise sync_fault("a folder cannot be synced", error) from error


def make_folder(folder: Path, *, sync: bool) -> None:
    """Make a folder and those above it that are missing; with ``sync``, make each name durable in the folder above.

    A folder whose name cannot be synced is removed again: whoever finds it there takes it for durable.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        with suppress(FileExistsError):
            one.mkdir(mode=0o750)
        if sync:
            try:
                sync_folder(one.parent)
            except StoreFault:
                with suppress(OSError):
                    one.rmdir()
                raise


def write_file(path: Path, content: bytes, *, sync: bool) -> None:
    """Write a new file. Raises FileExistsError rather than replace one, and OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        if sync:
            aside(os.fsync, descriptor)
    finally:
        os.close(descriptor)


def open_file(path: Path) -> int | None:
    """Open a file for reading at a path where anything may be; None if it is not a file. Never waits for a pipe.

    Links are not followed. Raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def sync_fault(what: str, error: OSError) -> StoreFault:
    """Return the fault of a failed sync: a SyncFault, which is final, if the disk failed; space may come back."""
    found = fault(what, error)
    return SyncFault(*found.args) if error.errno == errno.EIO else found


def fault(what: str, error: OSError) -> StoreFault:
    """Return the fault of an error of the operating system, in its words and never with a path."""
    return StoreFault(f"{what} ({in_words(error)})")
