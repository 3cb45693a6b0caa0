"""A limit on bytes per second, for work beside a node that has to keep up with its senders."""

import time
from collections.abc import Callable


class Pace:
    """Slows its caller down to a rate; None means no limit."""

    def __init__(
        self,
        bytes_per_second: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()

    def spend(self, number: int) -> None:
        """Wait until this ``number`` of bytes is within the rate. Idle time does not allow a burst later."""
        if self._rate is None:
            return
        now = self._clock()
        self._free_at = max(self._free_at, now) + number / self._rate
        if self._free_at > now:
            self._sleep(self._free_at - now)
