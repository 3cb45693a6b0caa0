"""The thread in which a serving node does its chores, each a fixed time after it was last done."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

import structlog

from scp.errors import NodeFault, place_of
from scp.observe.lines import fault_line


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do, for the first time ``after`` some seconds, then again ``every`` some seconds."""

    name: str
    do: Callable[[], object]
    every: float
    after: float = 0.0


class Keeper:
    """Does chores one after the other. If one fails, that is logged, and it is done again when it is next due."""

    def __init__(
        self, *chores: Chore, stopped: Event | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare the thread; :meth:`stop` sets ``stopped``, which a long chore should look at now and then."""
        self._chores = chores
        self._clock = clock
        self._stopped = stopped or Event()
        self._due = {chore: clock() + chore.after for chore in chores}
        self._thread = Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Start the thread, if there are any chores."""
        if self._chores:
            self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Begin no further chore, and wait for the one in progress, for at most ``seconds``."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def turn(self) -> float:
        """Do the chores that are due, and return the seconds until the next one is."""
        for chore in self._chores:
            if self._due[chore] <= self._clock() and not self._stopped.is_set():
                self._do(chore)
                self._due[chore] = self._clock() + chore.every
        return max(0.0, min(self._due.values()) - self._clock())

    def _run(self) -> None:
        while not self._stopped.wait(self.turn()):
            pass

    def _do(self, chore: Chore) -> None:
        try:
            chore.do()
        except NodeFault as fault:
            fault_line(None, fault)
        except Exception as error:  # noqa: BLE001 - the other chores must go on
            structlog.get_logger().error(
                "chore_failed", chore=chore.name, error=type(error).__name__, place=place_of(error)
            )
