"""How many messages an hour, and how long to pause between attempts to deliver one."""

from collections import deque
from typing import Final

_HOUR: Final = 3600.0
_LONGEST: Final = 3600.0
"""The longest pause, in seconds."""


class Pace:
    """Limits the messages in any hour: the first half of them may pass at once, the others with gaps between them."""

    def __init__(self) -> None:
        self._passed: deque[float] = deque()

    def wait(self, now: float, per_hour: int) -> float:
        """Return the seconds until another message may pass; ``now`` is from the monotonic clock."""
        while self._passed and now - self._passed[0] >= _HOUR:
            self._passed.popleft()
        if len(self._passed) >= per_hour:
            return _HOUR - (now - self._passed[-per_hour])
        if len(self._passed) < per_hour / 2 or not self._passed:
            return 0.0
        return max(0.0, _HOUR / per_hour - (now - self._passed[-1]))

    def passed(self, now: float) -> None:
        """Count a message that passes now."""
        self._passed.append(now)


def pause(attempts: int, first: float) -> float:
    """Return the seconds to wait after this many failed attempts: ``first``, then doubled each time, up to an hour."""
    return float(min(first * 2 ** min(attempts - 1, 30), _LONGEST))
