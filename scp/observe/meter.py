"""What is counted while the node runs, cheaply enough to do it for every instance.

Each association has a :class:`Meter` of its own, to which only its thread writes: this needs no lock, and no count is
lost when two threads count at once. Totals are the meters of associations in progress and the sums of finished ones.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from scp.audit.finding import DECISION_WORDS, Verdict
from scp.dicom.request import Association
from scp.outcomes import Ending, Outcome

BOUNDS_MS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000)
"""Upper bounds of the buckets of a histogram, in milliseconds; one more bucket has no upper bound."""

_BUCKETS: Final = len(BOUNDS_MS) + 1
_MOST_SENDERS: Final = 200
_MOST_REASONS: Final = 50
OTHER: Final = "other"
"""Stands for all senders, or all reasons, beyond those that are counted one by one."""

_AE_TITLE_LENGTH: Final = 16  # PS3.5 Table 6.2-1

Histogram = list[float]
"""How many steps fell into each bucket of :data:`BOUNDS_MS`, then the sum of their milliseconds."""


class Listener(Protocol):
    """Is told when an association has ended over which something was refused."""

    def closed(self) -> None:
        """Called once all receipts of the association are written, in its thread: must be quick."""


class Meter:
    """What has come over one association so far."""

    __slots__ = ("association", "bytes", "findings", "opened", "outcomes", "steps")

    def __init__(self, association: Association) -> None:
        self.association = association
        self.opened = time.time()
        self.bytes = 0
        self.outcomes: dict[str, int] = {}
        self.findings: dict[tuple[str, int], int] = {}
        """By rule code and severity."""
        self.steps: dict[str, Histogram] = {}

    def instance(self, verdict: Verdict, size: int, laps: Mapping[str, float]) -> None:
        """Count one answered instance of ``size`` bytes; ``laps`` are milliseconds by step."""
        self.bytes += size
        outcomes, steps = self.outcomes, self.steps
        name = DECISION_WORDS[verdict.decision]
        outcomes[name] = outcomes.get(name, 0) + 1
        for step, milliseconds in laps.items():
            try:
                histogram = steps[step]
            except KeyError:
                histogram = steps[step] = [0] * (_BUCKETS + 1)
            histogram[bisect_left(BOUNDS_MS, milliseconds)] += 1
            histogram[_BUCKETS] += milliseconds
        if verdict.findings:
            findings = self.findings
            for finding in verdict.findings:
                key = finding.code, int(finding.severity)
                findings[key] = findings.get(key, 0) + 1

    def aborted(self, size: int) -> None:
        """Count an instance that never was complete."""
        self.bytes += size
        self.outcomes[Outcome.ABORTED] = self.outcomes.get(Outcome.ABORTED, 0) + 1


@dataclass(slots=True)
class Totals:
    """What has come over all associations. Senders are AE titles, or :data:`OTHER`."""

    associations: int = 0
    """In progress."""
    opened: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    tls_failed: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By sender and outcome."""
    bytes: Counter[str] = field(default_factory=Counter)
    """By sender."""
    findings: Counter[tuple[str, int]] = field(default_factory=Counter)
    steps: dict[str, Histogram] = field(default_factory=dict)


class Meters:
    """The meters of a node."""

    def __init__(self, senders: int = _MOST_SENDERS) -> None:
        self._lock = threading.Lock()
        self._live: dict[Meter, None] = {}
        self._finished = Totals()
        self._senders: dict[str, None] = {}
        self._most_senders = senders
        self.listener: Listener | None = None

    def open(self, association: Association) -> Meter:
        """Begin to count for an association."""
        meter = Meter(association)
        with self._lock:
            self._live[meter] = None
            self._finished.opened += 1
        return meter

    def close(self, meter: Meter, ending: Ending) -> None:
        """Add the counts of a finished association to the totals."""
        with self._lock:
            self._live.pop(meter, None)
            self._finished.endings[ending.value] += 1
            self._add(self._finished, meter)
        if self.listener and Outcome.REFUSE in meter.outcomes:
            self.listener.closed()

    def rejected(self, reason: str) -> None:
        """Count a connection that did not become an association."""
        with self._lock:
            _bounded(self._finished.rejected, reason)

    def tls_failed(self, reason: str) -> None:
        """Count a handshake that failed."""
        with self._lock:
            _bounded(self._finished.tls_failed, reason)

    def live(self) -> list[Meter]:
        """Return the meters of the associations in progress, oldest first; they go on counting."""
        with self._lock:
            return list(self._live)

    def totals(self) -> Totals:
        """Add up everything. From one call to the next, only the number of associations in progress can go down."""
        with self._lock:
            done = self._finished
            totals = Totals(
                associations=len(self._live),
                opened=done.opened,
                endings=done.endings.copy(),
                rejected=done.rejected.copy(),
                tls_failed=done.tls_failed.copy(),
                outcomes=done.outcomes.copy(),
                bytes=done.bytes.copy(),
                findings=done.findings.copy(),
                steps={step: list(histogram) for step, histogram in done.steps.items()},
            )
            for meter in self._live:
                self._add(totals, meter)
            return totals

    def _add(self, totals: Totals, meter: Meter) -> None:
        """Add a meter to the totals. Its thread may be writing, so each container is copied in one atomic step."""
        sender = self._sender(meter.association.calling_ae_title)
        for outcome, number in meter.outcomes.copy().items():
            totals.outcomes[sender, outcome] += number
        totals.bytes[sender] += meter.bytes
        for key, number in meter.findings.copy().items():
            totals.findings[key] += number
        for step, histogram in meter.steps.copy().items():
            so_far = totals.steps.setdefault(step, [0] * len(histogram))
            for position, value in enumerate(histogram.copy()):
                so_far[position] += value

    def _sender(self, ae_title: str) -> str:
        """Return the name under which a sender is counted: its AE title, or OTHER if there are too many already."""
        if ae_title in self._senders:
            return ae_title
        is_well_formed = 0 < len(ae_title) <= _AE_TITLE_LENGTH and ae_title.isascii() and ae_title.isprintable()
        if not is_well_formed or len(self._senders) >= self._most_senders:
            return OTHER
        self._senders[ae_title] = None
        return ae_title


def _bounded(counter: Counter[str], key: str) -> None:
    counter[key if key in counter or len(counter) < _MOST_REASONS else OTHER] += 1
