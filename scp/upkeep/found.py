"""A list of objects in the order in which they were received, in a temporary file: there may be millions."""

import os
from collections.abc import Iterator

import apsw


class Found:
    """Takes paths in any order and yields them by receipt number; paths may hold bytes that are not UTF-8."""

    def __init__(self) -> None:
        self._db = apsw.Connection("")  # a temporary file, which is removed with the connection
        self._db.execute("CREATE TABLE found (receipt INTEGER NOT NULL, path BLOB NOT NULL)")
        self._db.execute("BEGIN")
        self.number = 0

    def add(self, receipt: int, path: str) -> None:
        """Add a path."""
        self._db.execute("INSERT INTO found VALUES (?, ?)", (receipt, os.fsencode(path)))
        self.number += 1

    def __iter__(self) -> Iterator[str]:
        """Yield every path, oldest object first."""
        for (path,) in self._db.execute("SELECT path FROM found ORDER BY receipt, path"):
            yield os.fsdecode(path)

    def close(self) -> None:
        """Remove the temporary file."""
        self._db.close()
