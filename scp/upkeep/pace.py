"""So many bytes a second, and no more: for work beside a node that has to keep up with its senders."""

import time
from collections.abc import Callable


class Pace:
    """Lets bytes through at a rate; None is as fast as it goes."""

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
        """Wait until these bytes are within the rate. Time that was not used is not saved up."""
        if self._rate is None:
            return
        now = self._clock()
        self._free_at = max(self._free_at, now) + number / self._rate
        if self._free_at > now:
            self._sleep(self._free_at - now)
