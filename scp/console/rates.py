"""What was received in the last minutes: the meters are read every few seconds, and their changes are kept."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scp.observe.meter import Meters
from scp.outcomes import Outcome

STEP_SECONDS: Final = 5.0
_KEPT: Final = 60
_MINUTE: Final = 12
"""Steps that are kept, and steps in a minute."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was received in one step of :data:`STEP_SECONDS`; ``at`` is when it ended, in seconds since 1970."""

    at: float
    accepted: int
    warned: int
    refused: int
    other: int
    bytes: int

    @property
    def instances(self) -> int:
        """All instances of this step."""
        return self.accepted + self.warned + self.refused + self.other


@dataclass(frozen=True, slots=True)
class Rates:
    """What was received in the last minute, and the ``steps`` of the last five minutes, oldest first."""

    instances: int
    refused: int
    bytes: int
    steps: tuple[Step, ...]


class Lately:
    """Keeps how the meters changed. :meth:`look` must be called once in every step."""

    def __init__(self, meters: Meters, clock: Callable[[], float] = time.time) -> None:
        self._meters = meters
        self._clock = clock
        self._lock = threading.Lock()
        self._last, self._last_bytes = self._counted()
        self._steps: deque[Step] = deque(maxlen=_KEPT)

    def look(self) -> None:
        """Record what was received since the last call."""
        now, size = self._counted()
        with self._lock:
            came = {outcome: max(now[outcome] - self._last[outcome], 0) for outcome in Outcome}
            self._steps.append(
                Step(
                    at=self._clock(),
                    accepted=came[Outcome.ACCEPT],
                    warned=came[Outcome.WARN],
                    refused=came[Outcome.REFUSE],
                    other=came[Outcome.RETRY] + came[Outcome.ABORTED],
                    bytes=max(size - self._last_bytes, 0),
                )
            )
            self._last, self._last_bytes = now, size

    def rates(self) -> Rates:
        """Return what was received in the last minutes."""
        with self._lock:
            steps = tuple(self._steps)
        minute = steps[-_MINUTE:]
        return Rates(
            instances=sum(step.instances for step in minute),
            refused=sum(step.refused for step in minute),
            bytes=sum(step.bytes for step in minute),
            steps=steps,
        )

    def _counted(self) -> tuple[Counter[str], int]:
        totals = self._meters.totals()
        outcomes: Counter[str] = Counter()
        for (_, outcome), number in totals.outcomes.items():
            outcomes[outcome] += number
        return outcomes, sum(totals.bytes.values())
