"""Reads a stored object from the disk, with plain reads: a disk error under a memory map would kill the process."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blake3 import blake3

from scp.dicom.part10 import NotDicom, read_file, read_note
from scp.store.files import open_file

HEAD: Final = 64 * 1024
"""Bytes to read from the beginning of a file: more than our File Meta Information ever takes."""
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Read:
    """A stored object, as its file has it.

    ``offset`` is where the Data Set begins, in bytes; ``size`` in bytes and ``digest`` (BLAKE3) are of the Data Set;
    ``meta`` holds the UIDs of the File Meta Information by element number; ``note`` is from :mod:`scp.provenance`.
    """

    offset: int
    size: int
    digest: bytes
    transfer_syntax: str
    meta: dict[int, str]
    note: bytes


def read_object(path: Path, spend: Callable[[int], None] = lambda _: None, *, forget: bool = True) -> Read | None:
    """Read a whole object from the disk, not from the page cache if that can be avoided; None if it is not DICOM.

    ``spend`` is called with the number of bytes about to be read. With ``forget``, they are dropped from the page cache
    afterwards: a node's memory is for what it receives. Raises OSError; FileNotFoundError if there is no such file.
    """
    descriptor = open_file(path)
    if descriptor is None:
        return None
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        spend(HEAD)
        head = os.read(descriptor, HEAD)
        found = read_file(head)
        if isinstance(found, NotDicom):
            return None
        digest, size = blake3(head[found.offset :]), len(head) - found.offset
        while piece := os.read(descriptor, _PIECE):
            spend(len(piece))
            digest.update(piece)
            size += len(piece)
        if forget:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    return Read(found.offset, size, digest.digest(), found.transfer_syntax, dict(found.meta), read_note(head))


def note_in(path: Path) -> bytes:
    """Return what :mod:`scp.provenance` wrote into an object; empty if there is none, or it is not a regular file."""
    descriptor = open_file(path)
    if descriptor is None:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return read_note(file.read(HEAD))
