"""A place for bytes that do not fit into memory and are not kept: a file without a name."""

import weakref
from pathlib import Path
from tempfile import TemporaryFile

from scp.store.files import fault
from scp.store.mapped import file_map


class Scratch:
    """A temporary file in a folder, by default that of the system. Nobody else sees it, and no crash leaves it."""

    def __init__(self, folder: Path | None = None) -> None:
        """Make the file. Raises StoreFault, as :meth:`write` does too."""
        try:
            self._file = TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115 - closed when its memory is
        except OSError as error:
            raise fault("the spool cannot be written", error) from error
        self._size = 0
        self._close = weakref.finalize(self, self._file.close)

    def write(self, piece: bytes | bytearray) -> None:
        """Add bytes."""
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise fault("the spool cannot be written", error) from error
        self._size += len(piece)

    def memory(self) -> memoryview:
        """Return all that was written, mapped. The file is gone once nobody holds this any more."""
        whole = file_map(self._file, self._size)
        self._close.detach()
        weakref.finalize(whole, self._file.close)
        return memoryview(whole)
