"""The values that ``/metrics`` looks up at each scrape: disk, ledger, quarantine, series, health, notifications."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from scp.errors import Trouble
from scp.layout import LEDGER
from scp.ledger.census import LatestCensus
from scp.notify.notifier import Notifier
from scp.observe.metrics import Gauge, file_sizes
from scp.watch import Watch

Troubles = Callable[[], Mapping[Trouble, str]]


def gauges(folder: Path, troubles: Troubles, notifier: Notifier, watch: Watch) -> tuple[Gauge, ...]:
    """Return the gauges of a node with this data folder."""
    census = LatestCensus(folder / LEDGER)
    ledger = tuple(folder / f"{LEDGER}{part}" for part in ("", "-wal", "-shm"))
    return (
        Gauge(
            "healthy", "1 if nothing keeps the node from storing, else 0.", (),
            lambda: {(): float(not troubles())},
        ),
        Gauge(
            "trouble", "1 for each sort of trouble that the node has now, else 0.", ("trouble",),
            lambda: {(one.value,): float(one in troubles()) for one in Trouble},
        ),
        Gauge(
            "disk_free_bytes", "Bytes that are free for the data folder.", (),
            lambda: {(): shutil.disk_usage(folder).free},
        ),
        Gauge(
            "disk_size_bytes", "Bytes of the file system of the data folder.", (),
            lambda: {(): shutil.disk_usage(folder).total},
        ),
        Gauge("ledger_bytes", "Bytes of the ledger's files.", (), lambda: {(): file_sizes(*ledger)}),
        Gauge(
            "quarantine_objects", "Objects in quarantine.", (),
            lambda: {(): census.read().quarantine_objects},
        ),
        Gauge(
            "quarantine_bytes", "Data Set bytes of the objects in quarantine.", (),
            lambda: {(): census.read().quarantine_bytes},
        ),
        Gauge(
            "series", "Series, by the verdict of their newest audit; none if there was none yet.", ("verdict",),
            lambda: {(verdict,): number for verdict, number in census.read().series.items()},
        ),
        Gauge("series_open", "Series that wait to become quiet, to be audited.", (), lambda: {(): watch.open}),
        Gauge(
            "notifications_waiting", "Notifications that wait to be delivered, by channel.", ("channel",),
            notifier.waiting,
        ),
        Gauge(
            "notifications", "Deliveries of notifications, by channel and outcome.", ("channel", "outcome"),
            notifier.outcomes, is_counter=True,
        ),
    )  # fmt: skip
