"""What waits to be delivered, and how far was told: one small SQLite file beside the ledger.

Not in the ledger, whose one writer is for receiving. A letter and how far it gets are on the disk before anything is
delivered: what is delivered again after a power cut has the identifier that it had.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

OUTBOX: Final = "notify.sqlite3"
"""Its name in the data folder."""

_BUSY_MS: Final = 5_000
_TOO_LONG_US: Final = 2 * 3_600_000_000
"""No pause between attempts is so long (:mod:`scp.notify.pace`)."""
_opening: Final = threading.Lock()
"""Two channels begin at once, and SQLite does not wait where two would make one file."""
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    made INTEGER NOT NULL,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX message_due ON message (channel, due);
-- The receipt of the last refusal that was told of an association.
CREATE TABLE told (
    channel TEXT NOT NULL,
    association INTEGER NOT NULL,
    receipt INTEGER NOT NULL,
    PRIMARY KEY (channel, association)
) STRICT, WITHOUT ROWID;
CREATE TABLE mark (
    channel TEXT NOT NULL,
    name TEXT NOT NULL,
    value ANY NOT NULL,
    PRIMARY KEY (channel, name)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that waits. ``id`` is the same at each attempt; ``body`` is JSON; times are microseconds UTC."""

    id: int
    kind: str
    made: int
    body: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far was told once some letters are written: marks by name, and receipts by association.

    What is told of associations before ``since`` need not be remembered.
    """

    marks: Mapping[str, int | str]
    told: Mapping[int, int]
    since: int = 0


class Outbox:
    """The part of the file that belongs to one channel. For one thread; every method may raise apsw.Error."""

    def __init__(self, path: Path, channel: str) -> None:
        path.touch(mode=0o600)
        self._channel = channel
        self._db = apsw.Connection(str(path))
        self._db.set_busy_timeout(_BUSY_MS)
        with _opening:
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", "full")
            with self._db:
                if self._db.pragma("user_version") == 0:
                    self._db.execute(_SCHEMA)
                    self._db.pragma("user_version", _VERSION)

    def mark(self, name: str) -> int | str | None:
        """Return what was noted under a name."""
        value: int | str | None = self._db.execute(
            "SELECT value FROM mark WHERE channel = ? AND name = ?", (self._channel, name)
        ).get
        return value

    def told(self) -> dict[int, int]:
        """Return the receipt of the last refusal that was told of each association."""
        rows: Any = self._db.execute("SELECT association, receipt FROM told WHERE channel = ?", (self._channel,))
        return dict(rows)

    def put(self, letters: Iterable[Letter], progress: Progress) -> None:
        """Write letters, and how far they get, together."""
        channel = self._channel
        with self._db:
            for one in letters:
                row = (one.id, channel, one.kind, one.made, one.made, one.attempts, one.body)
                self._db.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            for name, value in progress.marks.items():
                self._db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)", (channel, name, value))
            for pair in progress.told.items():
                self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (channel, *pair))
            self._db.execute("DELETE FROM told WHERE channel = ? AND association < ?", (channel, progress.since))

    def waiting(self) -> int:
        """Return how many letters wait."""
        number: int = self._db.execute("SELECT count(*) FROM message WHERE channel = ?", (self._channel,)).get
        return number

    def due(self, now: int, most: int) -> list[Letter]:
        """Return letters whose time has come, the oldest first."""
        # A clock that was set back does not hold up what is due: nothing waits for longer than the longest pause.
        rows: Any = self._db.execute(
            "SELECT id, kind, made, body, attempts FROM message WHERE channel = ? AND (due <= ? OR due > ?)"
            " ORDER BY id LIMIT ?",
            (self._channel, now, now + _TOO_LONG_US, most),
        )
        return [Letter(*row) for row in rows]

    def next_due(self) -> int | None:
        """Return when the next letter is due."""
        value: int | None = self._db.execute("SELECT min(due) FROM message WHERE channel = ?", (self._channel,)).get
        return value

    def delivered(self, letter: Letter) -> None:
        """Let go of a letter."""
        self._db.execute("DELETE FROM message WHERE id = ?", (letter.id,))

    def failed(self, letter: Letter, due: int) -> None:
        """Note an attempt, and when to try again."""
        self._db.execute("UPDATE message SET attempts = attempts + 1, due = ? WHERE id = ?", (due, letter.id))

    def hurry(self) -> None:
        """Let every letter be due: what kept it from arriving may be over."""
        self._db.execute("UPDATE message SET due = made WHERE channel = ?", (self._channel,))

    def expire(self, before: int) -> list[Letter]:
        """Let go of the letters that were made before a time, and return them."""
        rows: Any = self._db.execute(
            "DELETE FROM message WHERE channel = ? AND made < ? RETURNING id, kind, made, body, attempts",
            (self._channel, before),
        ).fetchall()
        return [Letter(*row) for row in rows]

    def forget(self) -> None:
        """Let go of everything: a channel that is switched on later begins afresh."""
        with self._db:
            for table in ("message", "told", "mark"):
                self._db.execute(f"DELETE FROM {table} WHERE channel = ?", (self._channel,))  # noqa: S608 - our names

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def now_us() -> int:
    """Return the time in microseconds UTC since 1970."""
    return time.time_ns() // 1000
