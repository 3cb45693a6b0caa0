"""Files as read-only memory: large objects cost no memory of ours."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scp.store.files import fault


@contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    """Give the bytes of a file; an empty file is empty memory. FileNotFoundError passes, other errors are faults."""
    try:
        with path.open("rb") as file:
            empty = os.fstat(file.fileno()).st_size == 0
            whole = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise fault("a file cannot be read", error) from error
    view = memoryview(whole)
    try:
        yield view
    finally:
        view.release()
        if isinstance(whole, mmap.mmap):
            whole.close()
