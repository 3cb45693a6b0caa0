"""Objects that are being received: files in the spool that no sender has been answered about."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from blake3 import blake3

from scp.dicom.shape import LONGEST
from scp.errors import ObjectTooLarge
from scp.store.files import fault, sync_fault
from scp.store.mapped import mapped
from scp.turn import aside

_LONG: Final = 16 * 1024
"""Digesting and writing this many bytes takes long enough to let other associations work meanwhile."""


class Incoming:
    """One object that is being received: the Data Set in pieces, behind a header; then :meth:`finish`.

    ``size`` is the number of bytes of the Data Set so far, ``digest`` their BLAKE3 once it is finished. ``head`` is the
    beginning of its first piece: as much as it takes to recognise the Data Set (:mod:`scp.dicom.shape`).
    """

    def __init__(self, path: str, header: bytes, limit: int, check: Callable[[], None] = lambda: None) -> None:
        """Begin a file, of at most ``limit`` bytes of Data Set; ``check`` is called before each piece but the first.

        Raises StoreFault.
        """
        self.name = path
        """Where the file is, as text."""
        self.size = 0
        self.digest = b""
        self.head = b""
        self._header = header
        self._limit = limit
        self._check = check
        self._hash = blake3()
        self._pieces = 0
        self._whole: bytes | memoryview = b""
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
        except OSError as error:
            raise fault("the spool cannot be written", error) from error

    @property
    def path(self) -> Path:
        """Where the file is."""
        return Path(self.name)

    def write(self, piece: bytes | memoryview) -> None:
        """Add bytes of the Data Set. If there is only one piece, its memory must not change: :meth:`data` returns it.

        Raises ObjectTooLarge beyond the limit, StoreFault if they cannot be written, and what ``check`` raises: an
        object that was begun while there was space may itself take the last of it.
        """
        self.size += len(piece)
        if self.size > self._limit:
            raise ObjectTooLarge(f"the object is larger than {self._limit} bytes")
        self._pieces += 1
        first = self._pieces == 1
        if first:
            self.head = bytes(piece[:LONGEST])
        else:
            self._check()
        self._whole = piece if first else b""
        pieces = [self._header, piece] if first else [piece]
        if len(piece) < _LONG:
            self._take(piece, pieces)
        else:
            aside(self._take, piece, pieces)

    def _take(self, piece: bytes | memoryview, pieces: list[bytes | memoryview]) -> None:
        self._hash.update(piece)
        self._write(pieces)

    def _write(self, pieces: list[bytes | memoryview]) -> None:
        rest = sum(map(len, pieces))
        try:
            rest -= os.writev(self._descriptor, pieces)
            if rest:  # the disk took a part of it; writing the rest tells why it took no more
                whole = b"".join(pieces)
                while rest:
                    rest -= os.write(self._descriptor, whole[-rest:])
        except OSError as error:
            raise fault("the spool cannot be written", error) from error

    def finish(self) -> None:
        """Note that the Data Set is complete."""
        if not self._pieces:
            self._write([self._header])
        self.digest = self._hash.digest()

    def sync(self) -> None:
        """Make what was received durable. A failed sync is never repeated."""
        try:
            aside(os.fsync, self._descriptor)
        except OSError as error:
            raise sync_fault("the spool cannot be synced", error) from error

    @property
    def length(self) -> int:
        """How many bytes the file has."""
        return len(self._header) + self.size

    def content(self) -> bytes | None:
        """Return the whole file if the Data Set came in one piece, else None."""
        return b"".join((self._header, self._whole)) if self._pieces == 1 else None

    @contextmanager
    def data(self) -> Iterator[memoryview]:
        """Yield the Data Set as read-only memory: the piece itself if there was only one, else mapped from the file."""
        if self._pieces == 1:
            with memoryview(self._whole).toreadonly() as view:
                yield view
            return
        with mapped(self.path, fresh=True) as whole, whole[len(self._header) :] as view:
            yield view

    def close(self) -> None:
        """Close the file, which stays where it is."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Remove what was received, for which no sender was told that it is stored."""
        self.close()
        with suppress(OSError):
            self.path.unlink()
