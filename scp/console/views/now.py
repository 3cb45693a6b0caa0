"""The page *Now*: associations in progress, rates, health."""

import shutil
import time
from dataclasses import dataclass

from scp.console.desk import Desk
from scp.console.rates import Rates
from scp.layout import timestamp
from scp.observe.meter import Meter
from scp.outcomes import Outcome
from scp.version import __version__


@dataclass(frozen=True, slots=True)
class LiveAssociation:
    """An association in progress, and what became of its instances so far. ``bytes`` are of Data Sets."""

    id: str
    calling_ae_title: str
    called_ae_title: str
    address: str
    implementation_version_name: str
    opened: str
    seconds: float
    received: int
    accepted: int
    warned: int
    refused: int
    retried: int
    aborted: int
    bytes: int
    codes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the node can store, and if not, why. ``disk_total`` and ``disk_free`` are bytes, 0 if unknown."""

    is_well: bool
    troubles: dict[str, str]
    disk_free: int
    disk_total: int


@dataclass(frozen=True, slots=True)
class Now:
    """What is going on. ``received`` and ``refused`` count since the start, ``quarantined`` what is held now."""

    ae_title: str
    version: str
    profile: str
    time: str
    started: str
    health: Health
    associations: tuple[LiveAssociation, ...]
    rates: Rates
    quarantined: int
    received: int
    refused: int


def now(desk: Desk) -> Now:
    """Return what is going on."""
    settings = desk.node.settings()
    totals = desk.node.meters.totals()
    outcomes = {
        outcome: sum(number for (_, one), number in totals.outcomes.items() if one == outcome) for outcome in Outcome
    }
    return Now(
        ae_title=settings.node.ae_title,
        version=__version__,
        profile=settings.audit.profile,
        time=timestamp(time.time_ns() // 1000),
        started=timestamp(int(desk.started * 1_000_000)),
        health=health(desk),
        associations=tuple(_live(meter) for meter in desk.node.meters.live()),
        rates=desk.lately.rates(),
        quarantined=quarantined(desk),
        received=sum(outcomes.values()),
        refused=outcomes[Outcome.REFUSE],
    )


def health(desk: Desk) -> Health:
    """Return whether the node can store, and how full the disk is."""
    troubles = {trouble.value: reason for trouble, reason in desk.node.troubles().items()}
    try:
        disk = shutil.disk_usage(desk.node.store.folder)
    except OSError:
        return Health(not troubles, troubles, 0, 0)
    return Health(not troubles, troubles, disk.free, disk.total)


def quarantined(desk: Desk) -> int:
    """Return how many objects are in quarantine, counted in an index that has only these."""
    with desk.readers.reading() as db:
        number: int = db.execute("SELECT count(*) FROM receipt INDEXED BY receipt_held WHERE kept = 'quarantine'").get
    return number


def _live(meter: Meter) -> LiveAssociation:
    """Copy what has come over an association so far; its thread goes on counting."""
    one, outcomes = meter.association, meter.outcomes.copy()
    codes: dict[str, int] = {}
    for (code, _), number in meter.findings.copy().items():
        codes[code] = codes.get(code, 0) + number
    return LiveAssociation(
        id=one.id,
        calling_ae_title=one.calling_ae_title,
        called_ae_title=one.called_ae_title,
        address=one.address,
        implementation_version_name=one.implementation_version_name,
        opened=timestamp(int(meter.opened * 1_000_000)),
        seconds=round(max(time.time() - meter.opened, 0.0), 1),
        received=sum(outcomes.values()),
        accepted=outcomes.get(Outcome.ACCEPT, 0),
        warned=outcomes.get(Outcome.WARN, 0),
        refused=outcomes.get(Outcome.REFUSE, 0),
        retried=outcomes.get(Outcome.RETRY, 0),
        aborted=outcomes.get(Outcome.ABORTED, 0),
        bytes=meter.bytes,
        codes=codes,
    )
