"""Who is signed in: in memory only, so a restart signs everybody out.

A browser holds a random token in its cookie. Only the token's digest is kept here, so that what is kept cannot be used
to take over a session. (The tokens themselves still pass through memory with each request.)
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_TOKEN_BYTES: Final = 32
_MOST: Final = 1_000
"""Most sessions at one time; beyond that, the one unused for longest ends."""


@dataclass(slots=True)
class Session:
    """One sign-in. Times are of a monotonic clock; ``csrf`` must come with every request that acts."""

    name: str
    began: float
    seen: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES), repr=False)


class Sessions:
    """Sessions that end when idle for too long, when too old, or by signing out."""

    def __init__(self, idle_seconds: float, most_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle_seconds = idle_seconds
        self._most_seconds = most_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[bytes, Session] = {}

    def open(self, name: str) -> str:
        """Begin a session, and return the token for the cookie."""
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self._clock()
        with self._lock:
            self._forget_the_old(now)
            if len(self._sessions) >= _MOST:
                del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].seen)]
            self._sessions[_digest(token)] = Session(name, now, now)
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of a cookie's token, and note that it is in use."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_digest(token))
            if session is None or self._is_over(session, now):
                return None
            session.seen = now
            return session

    def peek(self, token: str) -> Session | None:
        """Return the session of a token without prolonging it: a page that requests by itself does not show a user."""
        with self._lock:
            session = self._sessions.get(_digest(token))
            return None if session is None or self._is_over(session, self._clock()) else session

    def close(self, token: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(_digest(token), None)

    def _is_over(self, session: Session, now: float) -> bool:
        return now - session.seen > self._idle_seconds or now - session.began > self._most_seconds

    def _forget_the_old(self, now: float) -> None:
        self._sessions = {key: one for key, one in self._sessions.items() if not self._is_over(one, now)}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
