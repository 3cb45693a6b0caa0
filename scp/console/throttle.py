"""Guessing passwords is slow: after some failures, each further one makes the guesser wait longer.

Failures are counted by address and by user name. The name's count is more patient, so that somebody else's failures
do not soon keep a user out, and it ends attacks from many addresses all the same.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 300.0
"""Seconds to wait at most."""
_FORGOTTEN: Final = 3_600.0
"""Seconds after which failures no longer count."""
_MOST: Final = 4_096
"""Keys remembered of each sort; the one unused for longest is forgotten."""


@dataclass(slots=True)
class _Failures:
    count: int
    at: float


class Throttle:
    """Counts failures by a key; the first ``free`` of them cost nothing, then each doubles the wait."""

    def __init__(self, free: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, key: str) -> float:
        """Return for how many seconds a key must not try again; 0.0 if it may now."""
        now = self._clock()
        with self._lock:
            failures = self._failures.get(key)
            if failures is None or failures.count < self._free:
                return 0.0
            wait = min(2.0 ** min(failures.count - self._free, 16), _LONGEST)
            return max(0.0, failures.at + wait - now)

    def failed(self, key: str) -> None:
        """Count a failure."""
        now = self._clock()
        with self._lock:
            failures = self._failures.pop(key, None)
            count = failures.count if failures and now - failures.at < _FORGOTTEN else 0
            self._failures[key] = _Failures(count + 1, now)
            if len(self._failures) > _MOST:
                self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._failures.pop(key, None)
