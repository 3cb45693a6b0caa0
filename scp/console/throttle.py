"""Makes guessing passwords slow: after some failures, each further one makes the guesser wait longer.

Failures are counted by address and by user name. For a name, more of them are free, so that somebody else's failures
do not soon keep the user out; counting by name still stops attacks from many addresses.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 300.0
"""The longest wait, in seconds."""
_FORGOTTEN: Final = 3_600.0
"""Seconds after which failures no longer count."""
_MOST: Final = 4_096
"""Most keys that are remembered; beyond that, the one whose last failure is oldest is forgotten."""


@dataclass(slots=True)
class _Failures:
    count: int
    at: float


class Throttle:
    """Counts failures by key: after the first ``free`` ones there is a wait, which each further one doubles."""

    def __init__(self, free: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, key: str) -> float:
        """Return the seconds until a key may try again; 0.0 if it may now."""
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
