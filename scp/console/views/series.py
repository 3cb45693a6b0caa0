"""The pages of *Series*: the list, the verdict on each whole series, and its stored instances."""

import re
from dataclasses import dataclass
from typing import Any, Final

from scp.audit.series.result import SeriesVerdict, finding_document
from scp.console.desk import Desk
from scp.ids import as_text
from scp.layout import timestamp
from scp.ledger.browse import (
    InstanceRow,
    SeriesFilter,
    SeriesRow,
    instances_page,
    one_instance,
    one_series,
    series_page,
)
from scp.ledger.queries import patient_fingerprint
from scp.ledger.series_status import Unstored, status, unstored
from scp.plot.picture import picture
from scp.plot.svg import svg
from scp.series import Auditor, opener

PAGE: Final = 50
SLICES: Final = 100
MOST_DRAWN: Final = 20_000
_UID: Final = re.compile(r"[0-9]+(\.[0-9]*)*")


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """A series in a list. ``verdict`` is None before the first audit. The next page begins after ``cursor``."""

    cursor: str
    series_instance_uid: str
    study_instance_uid: str
    received: str
    calling_ae_title: str
    address: str
    modality: str
    manufacturer: str
    model: str
    station: str
    serial: str
    number: str
    body_part: str
    instances: int
    refused: int
    verdict: str | None


@dataclass(frozen=True, slots=True)
class Slice:
    """A stored instance. ``status`` is the one that was answered.

    ``codes`` are the rules that warn; ``overruled`` are those that refuse it, but a person had it stored by force.
    """

    receipt: str
    sop_instance_uid: str
    instance_number: int | None
    sop_class_uid: str
    transfer_syntax: str
    received: str
    calling_ae_title: str
    bytes: int
    outcome: str
    status: str | None
    codes: tuple[str, ...]
    overruled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeriesList:
    """A page of series; with its ``before`` the next page can be asked for, None if this is the last."""

    series: tuple[SeriesEntry, ...]
    before: str | None


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """One series, and what its newest audit found. ``is_open``: it has changed since then, or was never audited.

    Findings and stacks have the form of :mod:`scp.audit.series.result`.
    """

    series: SeriesEntry
    is_open: bool
    audited: str | None
    images: int
    findings: tuple[dict[str, Any], ...]
    stacks: tuple[dict[str, Any], ...]


def listed(
    desk: Desk, text: str, calling_ae_title: str, verdict: SeriesVerdict | None, before: int | None
) -> SeriesList:
    """Return a page of series, newest first; ``text`` is a UID or its beginning, a Patient ID or Accession Number."""
    wanted = SeriesFilter(
        uid=text if _UID.fullmatch(text) else "",
        # Patient IDs and Accession Numbers have the same sort of fingerprint.
        fingerprint=patient_fingerprint(desk.readers.path, text) if text else "",
        calling_ae_title=calling_ae_title,
        verdict=verdict,
        before=before,
        limit=PAGE + 1,
    )
    with desk.readers.reading() as db:
        found = series_page(db, wanted)
    more = len(found) > PAGE
    entries = tuple(entry(row) for row in found[:PAGE])
    return SeriesList(entries, entries[-1].cursor if more else None)


def one(desk: Desk, uid: str) -> SeriesEntry | None:
    """Return one series."""
    with desk.readers.reading() as db:
        row = one_series(db, uid)
    return entry(row) if row else None


def shown(desk: Desk, uid: str) -> SeriesPage | None:
    """Return one series with what its audit found."""
    with desk.readers.reading() as db:
        row, said = one_series(db, uid), status(db, uid)
    if row is None or said is None:
        return None
    return SeriesPage(
        series=entry(row),
        is_open=said.is_open,
        audited=timestamp(said.made) if said.made else None,
        images=said.images,
        findings=tuple(finding_document(finding) for finding in said.findings),
        stacks=tuple(dict(stack) for stack in said.stacks),
    )


def refused(desk: Desk, uid: str) -> Unstored | None:
    """Return what was refused of a series of which nothing is stored; None if nothing was refused either."""
    with desk.readers.reading() as db:
        return unstored(db, uid)


def plot(desk: Desk, uid: str) -> str | None:
    """Draw where the slices of a series lie now, as SVG; None if there is nothing to draw, or too much."""
    found = one(desk, uid)
    if found is None or found.instances > MOST_DRAWN:
        return None
    with desk.readers.reading() as db:
        audited = Auditor(desk.node.policy(), desk.node.limits, opener(desk.node.store.folder)).audit(db, uid)
    if audited is None:
        return None
    # The picture is of what is stored now, but the verdict that counts is the one in the ledger.
    return svg(picture(audited.audit, is_recorded=found.verdict == audited.audit.verdict.value))


def instance(desk: Desk, uid: str) -> tuple[int, str, str] | None:
    """Return receipt, path and Series Instance UID of a stored instance."""
    with desk.readers.reading() as db:
        return one_instance(db, uid)


def slices(desk: Desk, uid: str, first: int) -> tuple[Slice, ...]:
    """Return a page of stored instances by Instance Number, beginning with the ``first`` one, counted from 0."""
    with desk.readers.reading() as db:
        return tuple(_slice(row) for row in instances_page(db, uid, SLICES, first))


def entry(row: SeriesRow) -> SeriesEntry:
    """Return a series as lists and pages show it."""
    shared = row.shared
    return SeriesEntry(
        cursor=str(row.number),
        series_instance_uid=row.uid,
        study_instance_uid=row.study_uid,
        received=timestamp(row.received),
        calling_ae_title=row.calling_ae_title,
        address=row.address,
        modality=shared.get("modality", ""),
        manufacturer=shared.get("manufacturer", ""),
        model=shared.get("manufacturer_model_name", ""),
        station=shared.get("station_name", ""),
        serial=shared.get("device_serial_number", ""),
        number=shared.get("series_number", "").removesuffix(".0"),
        body_part=shared.get("body_part_examined", ""),
        instances=row.instances,
        refused=row.refused,
        verdict=row.verdict and row.verdict.value,
    )


def _slice(row: InstanceRow) -> Slice:
    return Slice(
        receipt=as_text(row.receipt), sop_instance_uid=row.uid, instance_number=row.number,
        sop_class_uid=row.sop_class_uid, transfer_syntax=row.transfer_syntax, received=timestamp(row.received),
        calling_ae_title=row.calling_ae_title, bytes=row.size, outcome=row.outcome.value,
        status=None if row.status is None else f"{row.status:04X}", codes=row.codes,
        overruled=row.overruled,
    )  # fmt: skip
