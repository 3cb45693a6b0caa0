"""Bytes that need not be in memory: a large file is looked at without taking as much memory as it has bytes.

======================== ============= ================================================================================
What                     is            because
======================== ============= ================================================================================
headers and short values mapped        they are anywhere, and many. A look at one brings its neighbours along, 64 KiB
                                       and more, which are memory of the process until it lets go of them
long values              read, piece   nothing of them stays; and what the disk cannot give back is an exception, not
                         by piece      the end of the process
======================== ============= ================================================================================

To let go of pages loses nothing: what was read of the file stays with the kernel. Bytes that are in memory anyway, of a
small object for one, stay as they are, and nothing of this costs anything there.
"""

from __future__ import annotations

from mmap import MADV_DONTNEED, mmap
from operator import eq
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scp.dicom.element import Buffer

PIECE: Final = 1 << 17
"""Bytes of a piece, and bytes after which is let go of what was looked at; a whole number of words of any width."""
_LOOKS: Final = 16


class FileMap(mmap):
    """A file as memory for reading, all of it. Other memory would lose what is let go of."""

    looks = 0
    """Values that were looked at since it was let go of."""
    read_at: Callable[[int, int], bytes]
    """Reads so many bytes from an offset on without looking at the memory; raises what its maker says."""


class Scratch(Protocol):
    """Where bytes are put that are too many for memory."""

    def write(self, piece: bytes | bytearray) -> None:
        """Add bytes."""

    def memory(self) -> memoryview:
        """Return all that was written; it is gone when nobody has this any more. Not if nothing was written."""


def file_of(data: Buffer) -> FileMap | None:
    """Return the file that bytes are a part of, if it is a large one."""
    whole = data.obj if isinstance(data, memoryview) else data
    return whole if isinstance(whole, FileMap) else None


def let_go(data: Buffer) -> None:
    """Let go of all pages of the file that bytes are a part of; other memory stays as it is."""
    whole = file_of(data)
    if whole is not None:
        whole.looks = 0
        whole.madvise(MADV_DONTNEED)


def short(data: Buffer, offset: int, length: int) -> bytes:
    """Return a short value. Of a large file, only the pages of the last few stay."""
    value = bytes(data[offset : offset + length])
    whole = file_of(data)
    if whole is not None:
        whole.looks += 1
        if whole.looks >= _LOOKS:
            let_go(whole)
    return value


def read(data: Buffer, offset: int, length: int) -> bytes:
    """Return a long value, as far as there is one: of a large file, without its pages."""
    whole = file_of(data)
    if whole is None:
        return bytes(data[offset : offset + length])
    return whole.read_at(_beginning(data, whole) + offset, max(min(length, len(data) - offset), 0))


def pieces(data: Buffer, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Yield so many bytes, as far as there are any, in pieces of :data:`PIECE`; without a length, all that follow."""
    end = len(data) if length is None else min(offset + length, len(data))
    for start in range(offset, end, PIECE):
        yield read(data, start, min(PIECE, end - start))


def same(first: Buffer, second: Buffer) -> bool:
    """Tell whether bytes are equal."""
    return len(first) == len(second) and all(map(eq, pieces(first), pieces(second)))


def digest(data: Buffer) -> bytes:
    """Return the BLAKE3 of bytes."""
    hashed = blake3()
    for piece in pieces(data):
        hashed.update(piece)
    return hashed.digest()


def _beginning(part: Buffer, whole: FileMap) -> int:
    """Return where in a file a part of it begins, which a view does not tell."""
    return _address(part) - _address(whole)


def _address(data: Buffer) -> int:
    address: int = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    return address
