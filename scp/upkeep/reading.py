"""Reading a stored object from the disk: by plain reads, because an error of the disk kills who has it mapped."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blake3 import blake3

from scp.dicom.part10 import NotDicom, read_file, read_note
from scp.store.files import open_file

HEAD: Final = 64 * 1024
"""Bytes of a file's beginning: more than any File Meta Information of ours has."""
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Read:
    """A stored object as it lies there.

    ``offset`` is where its Data Set begins, ``size`` and ``digest`` (BLAKE3) are of the Data Set, ``meta`` are the
    UIDs of its File Meta Information by element number, ``note`` is what :mod:`scp.provenance` wrote.
    """

    offset: int
    size: int
    digest: bytes
    transfer_syntax: str
    meta: dict[int, str]
    note: bytes


def read_object(path: Path, spend: Callable[[int], None] = lambda _: None, *, forget: bool = True) -> Read | None:
    """Read a whole object, past what the kernel has in memory where it lets us; None if it is not a DICOM file.

    ``spend`` is told how many bytes are about to be read. ``forget``: the kernel need not keep them; a node's memory
    is for what it receives. Raises OSError, FileNotFoundError too.
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
    """Return what :mod:`scp.provenance` wrote into an object; empty if that is not there, or it is no file."""
    descriptor = open_file(path)
    if descriptor is None:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return read_note(file.read(HEAD))
