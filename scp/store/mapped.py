"""Files as read-only memory, without the danger of mapping them: SIGBUS.

If a page of a mapped file cannot be read, because the disk fails or the file has become shorter, the kernel kills the
process, and with it every association. A plain read gets an error instead, which is *try again* for one sender. So:

=================================== ==================================================================================
A file                              is
=================================== ==================================================================================
of up to 8 MiB                      read; what becomes of it afterwards does not matter
larger, or of any size while        mapped, after all of it was read once just to see whether that is possible: by then
32 MiB of others are being looked   the kernel has met any bad sector, and it keeps what it has read. Long values are
at                                  read once more, in the plain way, when somebody wants them
fresh: written by us a moment ago,  mapped; if it has more than 1 MiB, long values are read in the plain way
so that it is still in memory
=================================== ==================================================================================

A large file takes no memory of the process: see :mod:`scp.dicom.pages`.

Two dangers remain: a file that somebody cuts off while its headers are being looked at, which no program of ours does;
and one whose headers the kernel drops for want of memory and cannot read a second time.
"""

import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Final

from scp.dicom.pages import FileMap
from scp.dicom.part10 import NotDicom, read_file
from scp.errors import DamageFault, StoreFault
from scp.store.files import fault

SMALL: Final = 8 << 20
"""Up to this many bytes a file is read as a whole: nearly every instance but long films and whole slides."""
LARGE: Final = 1 << 20
"""Of a fresh file with more bytes, only what is being looked at is in memory."""
_TOGETHER: Final = 32 << 20
"""Bytes of all files together that are read as a whole at one time."""
_PIECE: Final = 1 << 20
_OWN: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE


class _Room:
    """Memory that all threads share. Nobody waits for it: without it, there is a slower way."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, size: int) -> Iterator[bool]:
        """Take so many bytes until the block ends; False, and none are taken, if not so many are left."""
        with self._lock:
            fits = size <= self._left
            taken = size if fits else 0
            self._left -= taken
        try:
            yield fits
        finally:
            with self._lock:
                self._left += taken


_room: Final = _Room(_TOGETHER)


@contextmanager
def mapped(path: Path, *, fresh: bool = False) -> Iterator[memoryview]:
    """Yield the bytes of a file; an empty file is empty memory. ``fresh``: we wrote it a moment ago.

    Raises FileNotFoundError, and StoreFault for any other error.
    """
    with ExitStack() as stack:
        try:
            view = _view(stack.enter_context(path.open("rb")), stack, fresh=fresh)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise fault("a file cannot be read", error) from error
        yield view


@contextmanager
def data_set_in(path: Path) -> Iterator[tuple[memoryview, str]]:
    """Yield the Data Set of a DICOM file and its Transfer Syntax.

    Raises FileNotFoundError, and StoreFault for any other error.
    """
    with mapped(path) as whole:
        found = read_file(whole)
        if isinstance(found, NotDicom):
            raise StoreFault("a stored object is not a DICOM file any more")
        with whole[found.offset :] as data:
            yield data, found.transfer_syntax


def file_map(file: IO[bytes], size: int) -> FileMap:
    """Map a file of so many bytes. Raises OSError, and DamageFault if it is shorter; reading later, StoreFault."""
    try:
        whole = FileMap(file.fileno(), size, access=mmap.ACCESS_READ)
    except ValueError as error:
        raise _shortened() from error
    with suppress(OSError):  # looking at one byte must not bring in two megabytes; not every kernel knows huge pages
        whole.madvise(mmap.MADV_NOHUGEPAGE)
    whole.read_at = partial(_read_piece, file)
    return whole


def _view(file: IO[bytes], stack: ExitStack, *, fresh: bool) -> memoryview:
    descriptor = file.fileno()
    size = os.fstat(descriptor).st_size
    if not size:
        return stack.enter_context(memoryview(b""))
    if not fresh and size <= SMALL and stack.enter_context(_room.taken(size)):
        # Not from the heap: the system gets this back at once, whatever else was allocated meanwhile.
        own = stack.enter_context(mmap.mmap(-1, size, flags=_OWN))
        memory = stack.enter_context(memoryview(own))
        _read(descriptor, memory)
        return stack.enter_context(memory.toreadonly())
    if not fresh:
        _prove(descriptor, size)
    is_light = fresh and size <= LARGE
    whole = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) if is_light else file_map(file, size)
    return stack.enter_context(memoryview(stack.enter_context(whole)))


def _read(descriptor: int, memory: memoryview) -> None:
    """Fill memory with a file from its beginning."""
    done = 0
    while done < len(memory):
        with memory[done:] as rest:
            done += _read_at(descriptor, rest, done)


def _read_piece(file: IO[bytes], offset: int, size: int) -> bytes:
    """Read so many bytes from an offset on."""
    try:
        piece = os.pread(file.fileno(), size, offset)
        while len(piece) < size:
            rest = os.pread(file.fileno(), size - len(piece), offset + len(piece))
            if not rest:
                raise _shortened()
            piece += rest
    except OSError as error:
        raise fault("a file cannot be read", error) from error
    return piece


def _prove(descriptor: int, size: int) -> None:
    """Read so many bytes of a file once, and discard them, so that mapping it is safe."""
    piece = memoryview(bytearray(_PIECE))
    done = 0
    while done < size:
        done += _read_at(descriptor, piece, done)


def _read_at(descriptor: int, memory: memoryview, offset: int) -> int:
    count = os.preadv(descriptor, [memory], offset)
    if not count:
        raise _shortened()
    return count


def _shortened() -> DamageFault:
    return DamageFault("a file has become shorter while it was being read")
