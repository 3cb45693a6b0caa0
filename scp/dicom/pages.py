"""Reading large files without as much memory as they have bytes.

======================== ============= ================================================================================
What                     is            because
======================== ============= ================================================================================
headers and short values mapped        they are many, and anywhere. A look at one brings in 64 KiB and more around it,
                                       which are memory of the process until they are dropped
long values              read, piece   nothing of them stays in memory; and if the disk cannot give them back, that is
                         by piece      an exception, not the end of the process
======================== ============= ================================================================================

Dropping pages of a mapped file loses nothing: the kernel keeps what was read of the file. Bytes that are in memory
anyway, such as those of a small object, are left alone.
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
"""Bytes of a piece, a whole number of words of any width. After walking over so many, their pages are dropped."""
_LOOKS: Final = 16
"""How many short values of a file are read before its pages are dropped."""


class FileMap(mmap):
    """A whole file, mapped for reading only. Its pages may be dropped at any time, because the file still has them."""

    looks = 0
    """How many short values were read since its pages were last dropped."""
    read_at: Callable[[int, int], bytes]
    """Reads so many bytes from an offset by a plain read; what it raises depends on who made the map."""


class Scratch(Protocol):
    """A place for bytes that do not fit into memory."""

    def write(self, piece: bytes | bytearray) -> None:
        """Add bytes."""

    def memory(self) -> memoryview:
        """Return all that was written, which must not be empty; it is freed once nobody holds it any more."""


def file_of(data: Buffer) -> FileMap | None:
    """Return the mapped file that bytes are a part of; None for other memory."""
    whole = data.obj if isinstance(data, memoryview) else data
    return whole if isinstance(whole, FileMap) else None


def let_go(data: Buffer) -> None:
    """Drop all pages of the mapped file that bytes are a part of; does nothing to other memory."""
    whole = file_of(data)
    if whole is not None:
        whole.looks = 0
        whole.madvise(MADV_DONTNEED)


def read_short(data: Buffer, offset: int, length: int) -> bytes:
    """Return a short value. Of a mapped file, only the pages of the last few short values stay in memory."""
    value = bytes(data[offset : offset + length])
    whole = file_of(data)
    if whole is not None:
        whole.looks += 1
        if whole.looks >= _LOOKS:
            let_go(whole)
    return value


def read_long(data: Buffer, offset: int, length: int) -> bytes:
    """Return a long value, or as much as there is of it. A file is read without bringing its pages into memory."""
    whole = file_of(data)
    if whole is None:
        return bytes(data[offset : offset + length])
    return whole.read_at(_beginning(data, whole) + offset, max(min(length, len(data) - offset), 0))


def pieces(data: Buffer, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Yield so many bytes, or as many as there are, in pieces of :data:`PIECE`; without a length, all that follow."""
    end = len(data) if length is None else min(offset + length, len(data))
    for start in range(offset, end, PIECE):
        yield read_long(data, start, min(PIECE, end - start))


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
    """Return the offset of a part of a mapped file in that file, which a memoryview does not know."""
    return _address(part) - _address(whole)


def _address(data: Buffer) -> int:
    address: int = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    return address
