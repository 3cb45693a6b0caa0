"""Objects in the order in which they came, however many: the list is a scratch table, not memory."""

import os
from collections.abc import Iterator

import apsw


class Found:
    """Takes paths in any order, whatever their names are made of, and gives them by the number of their receipt."""

    def __init__(self) -> None:
        self._db = apsw.Connection("")  # a file without a name, which goes with the connection
        self._db.execute("CREATE TABLE found (receipt INTEGER NOT NULL, path BLOB NOT NULL)")
        self._db.execute("BEGIN")
        self.number = 0

    def add(self, receipt: int, path: str) -> None:
        """Take a path."""
        self._db.execute("INSERT INTO found VALUES (?, ?)", (receipt, os.fsencode(path)))
        self.number += 1

    def __iter__(self) -> Iterator[str]:
        """Give every path, that of the oldest object first."""
        for (path,) in self._db.execute("SELECT path FROM found ORDER BY receipt, path"):
            yield os.fsdecode(path)

    def close(self) -> None:
        """Forget it all."""
        self._db.close()
