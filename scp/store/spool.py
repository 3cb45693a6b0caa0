"""What is being received: a file in the spool that nobody has been told about."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scp.errors import ObjectTooLarge, StoreFault
from scp.store.files import fault
from scp.store.mapped import mapped


class Incoming:
    """One object on its way in: header first, then the Data Set in pieces, then :meth:`finish`.

    ``size`` is the number of bytes of the Data Set so far; ``digest`` their SHA-256 once it is finished.
    """

    def __init__(self, path: Path, header: bytes, limit: int) -> None:
        self.path = path
        self.size = 0
        self.digest = b""
        self._header_size = len(header)
        self._limit = limit
        self._hash = hashlib.sha256()
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
        except OSError as error:
            raise fault("the spool cannot be written", error) from error
        try:
            self._write(header)
        except StoreFault:
            self.discard()
            raise

    def write(self, piece: bytes | memoryview) -> None:
        """Add bytes of the Data Set. Raises ObjectTooLarge beyond the limit, StoreFault if they cannot be written."""
        self.size += len(piece)
        if self.size > self._limit:
            raise ObjectTooLarge(f"the object is larger than {self._limit} bytes")
        self._hash.update(piece)
        self._write(piece)

    def _write(self, piece: bytes | memoryview) -> None:
        view = memoryview(piece)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise fault("the spool cannot be written", error) from error

    def finish(self, *, sync: bool) -> None:
        """Make what was received durable. A failed sync is never repeated."""
        self.digest = self._hash.digest()
        if sync:
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                raise fault("the spool cannot be synced", error) from error

    @contextmanager
    def data(self) -> Iterator[memoryview]:
        """Give the Data Set as read-only memory."""
        with mapped(self.path) as whole:
            view = whole[self._header_size :]
            try:
                yield view
            finally:
                view.release()

    def close(self) -> None:
        """Let go of the file, which stays where it is."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Remove what was received; it was never acknowledged."""
        self.close()
        with suppress(OSError):
            self.path.unlink()
