"""Letters that wait to be delivered, and up to where news was told: one small SQLite file beside the ledger.

It is not a part of the ledger, whose only writer is busy receiving. A letter is on the disk, together with up to where
it reaches, before it is delivered: so after a power cut it is delivered again under the same identifier.
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
"""Longer than any pause between attempts (:mod:`scp.notify.pace`), in microseconds."""
_opening: Final = threading.Lock()
"""Both channels open the file at the same time, and SQLite does not wait for the other while it creates the file."""
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
-- For each association, the receipt of its last refusal that was told.
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
    """Up to where news is told once some letters are written.

    ``marks`` are by name (see :mod:`scp.notify.digest`); ``told`` is the receipt of the last refusal that was told, by
    association. Entries of associations before ``since`` are forgotten.
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
        """Return the mark of this name, or None."""
        value: int | str | None = self._db.execute(
            "SELECT value FROM mark WHERE channel = ? AND name = ?", (self._channel, name)
        ).get
        return value

    def told(self) -> dict[int, int]:
        """Return the receipt of the last refusal that was told, by association."""
        rows: Any = self._db.execute("SELECT association, receipt FROM told WHERE channel = ?", (self._channel,))
        return dict(rows)

    def put(self, letters: Iterable[Letter], progress: Progress) -> None:
        """Write letters, and up to where they reach, in one transaction."""
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
        """Return at most ``most`` letters that are due at ``now`` (microseconds UTC), oldest first."""
        # A clock that was set back does not hold up what is due: nothing waits for longer than the longest pause.
        rows: Any = self._db.execute(
            "SELECT id, kind, made, body, attempts FROM message WHERE channel = ? AND (due <= ? OR due > ?)"
            " ORDER BY id LIMIT ?",
            (self._channel, now, now + _TOO_LONG_US, most),
        )
        return [Letter(*row) for row in rows]

    def next_due(self) -> int | None:
        """Return when the next letter is due, in microseconds UTC, or None if there is none."""
        value: int | None = self._db.execute("SELECT min(due) FROM message WHERE channel = ?", (self._channel,)).get
        return value

    def delivered(self, letter: Letter) -> None:
        """Remove a letter that was delivered."""
        self._db.execute("DELETE FROM message WHERE id = ?", (letter.id,))

    def failed(self, letter: Letter, due: int) -> None:
        """Count a failed attempt, and note when the letter is due again, in microseconds UTC."""
        self._db.execute("UPDATE message SET attempts = attempts + 1, due = ? WHERE id = ?", (due, letter.id))

    def hurry(self) -> None:
        """Make every letter due now: what kept them from arriving may be over."""
        self._db.execute("UPDATE message SET due = made WHERE channel = ?", (self._channel,))

    def expire(self, before: int) -> list[Letter]:
        """Remove the letters that were made before a time (microseconds UTC), and return them."""
        rows: Any = self._db.execute(
            "DELETE FROM message WHERE channel = ? AND made < ? RETURNING id, kind, made, body, attempts",
            (self._channel, before),
        ).fetchall()
        return [Letter(*row) for row in rows]

    def forget(self) -> None:
        """Remove all that this channel has: when it is switched on again, it begins afresh."""
        with self._db:
            for table in ("message", "told", "mark"):
                self._db.execute(f"DELETE FROM {table} WHERE channel = ?", (self._channel,))  # noqa: S608 - our names

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def now_us() -> int:
    """Return the time in microseconds UTC since 1970."""
    return time.time_ns() // 1000
