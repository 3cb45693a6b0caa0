"""The metrics of ``/metrics``, for Prometheus: the meters, and gauges that are looked up at each scrape.

All names begin with ``auditscp_``. Counters start anew with the process: those of verdicts and endings at zero, so that
``increase()`` sees the first of each; the others appear when there is something to count. The values of labels are
bounded: codes, verdicts and endings are from tables, and only the first 200 AE titles have a name of their own. No
metric has patient data.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from scp.audit.finding import Severity
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.errors import NodeFault
from scp.observe.meter import BOUNDS_MS, Histogram, Meters, Totals
from scp.outcomes import Ending, Outcome
from scp.version import __version__

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_PREFIX: Final = "auditscp_"
_BOUNDS: Final = (*(str(bound / 1000) for bound in BOUNDS_MS), "+Inf")

Labels = tuple[str, ...]
Reading = Mapping[Labels, float]
"""Values of one gauge, by the values of its labels."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is looked up at each scrape. If ``read`` raises OSError or NodeFault, it is left out of that scrape.

    ``is_counter``: it never goes down.
    """

    name: str
    help: str
    labels: Labels
    read: Callable[[], Reading]
    is_counter: bool = False


@dataclass(frozen=True, slots=True)
class _Counter:
    """A counter whose values are read from the meters."""

    name: str
    help: str
    labels: Labels
    read: Callable[[Totals], Iterable[tuple[Labels, float]]]


_COUNTERS: Final = (
    _Counter("associations_opened", "Associations accepted.", (), lambda it: [((), it.opened)]),
    _Counter(
        "associations_closed", "Associations that ended, by how they did.", ("ending",),
        lambda it: (((ending.value,), it.endings[ending.value]) for ending in Ending),
    ),
    _Counter(
        "associations_rejected", "Connections that were not let in, by reason.", ("reason",),
        lambda it: (((reason,), number) for reason, number in it.rejected.items()),
    ),
    _Counter(
        "tls_failures", "TLS handshakes that failed, by reason.", ("reason",),
        lambda it: (((reason,), number) for reason, number in it.tls_failed.items()),
    ),
    _Counter(
        "instances", "C-STORE requests, by sender and by what became of them.", ("calling_ae_title", "verdict"),
        lambda it: it.outcomes.items(),
    ),
    _Counter(
        "verdicts", "C-STORE requests, by what became of them.", ("verdict",),
        lambda it: (((one.value,), sum(n for (_, what), n in it.outcomes.items() if what == one)) for one in Outcome),
    ),
    _Counter(
        "received_bytes", "Data Set bytes received for C-STORE requests, by sender; those that could not be kept too.",
        ("calling_ae_title",),
        lambda it: (((sender,), number) for sender, number in it.bytes.items()),
    ),
    _Counter(
        "findings", "Findings of the rules, by code and severity.", ("code", "severity"),
        lambda it: (((code, str(Severity(severity))), number) for (code, severity), number in it.findings.items()),
    ),
)  # fmt: skip


class Metrics(Collector):
    """Everything that can be scraped; ``registry`` is what a web server exposes."""

    def __init__(self, meters: Meters, gauges: Iterable[Gauge] = ()) -> None:
        self.meters = meters
        self._gauges = tuple(gauges)
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """Return the whole exposition, of type :data:`CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, even without a sample, so that dashboards can be checked against the names."""
        yield InfoMetricFamily(
            _PREFIX + "build",
            "Which release this is.",
            {
                "version": __version__,
                "implementation_class_uid": IMPLEMENTATION_CLASS_UID,
                "implementation_version_name": IMPLEMENTATION_VERSION_NAME,
            },
        )
        totals = self.meters.totals()
        yield GaugeMetricFamily(_PREFIX + "associations", "Associations in progress.", totals.associations)
        for one in _COUNTERS:
            counter = CounterMetricFamily(_PREFIX + one.name, one.help, labels=one.labels)
            for labels, value in one.read(totals):
                counter.add_metric(labels, value)
            yield counter
        yield _steps(totals.steps)
        for gauge in self._gauges:
            yield _looked_up(gauge)


def _steps(steps: Mapping[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(
        _PREFIX + "step_seconds", "Seconds that an instance spent in each step of its way.", labels=("step",)
    )
    for step, histogram in steps.items():
        *numbers, milliseconds = histogram
        family.add_metric((step,), tuple(zip(_BOUNDS, accumulate(numbers), strict=True)), milliseconds / 1000)
    return family


def _looked_up(gauge: Gauge) -> Metric:
    make = CounterMetricFamily if gauge.is_counter else GaugeMetricFamily
    family = make(_PREFIX + gauge.name, gauge.help, labels=gauge.labels)
    try:
        reading = gauge.read()
    except (OSError, NodeFault):
        return family  # Prometheus can alert on an absent value, but not on a wrong one
    for labels, value in reading.items():
        family.add_metric(labels, value)
    return family


def file_sizes(*paths: Path) -> float:
    """Return the size of some files together, in bytes; files that do not exist count as empty."""
    return sum(path.stat().st_size for path in paths if path.exists())
