"""What the ledger knows about series: their verdicts, the findings that hold, and those that once did.

Every function takes the caller's connection and may raise apsw.Error. Times are microseconds UTC since 1970.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from scp.audit.finding import Severity
from scp.audit.series.result import SeriesFinding, SeriesVerdict, finding_document
from scp.layout import Place, timestamp
from scp.ledger.reading import fetch
from scp.ledger.series import COVERS, FINDING, finding_of, open_findings
from scp.outcomes import Outcome
from scp.printable import count

_STATUS: Final = f"""SELECT series.id, series.uid, study.uid, json_extract(series.tracked, '$.modality'), audit.verdict,
    audit.made, audit.instances, audit.images, audit.refused, audit.stacks, audit.covers IS {COVERS},
    (SELECT count(*) FROM instance WHERE instance.series = series.id)
    FROM series JOIN study ON study.id = series.study
    LEFT JOIN series_audit AS audit ON audit.id = (SELECT max(id) FROM series_audit WHERE series = series.id)"""
# Each object once, without the requests that sent the same bytes again.
_REFUSED: Final = f"""SELECT kept = '{Place.QUARANTINE}', (SELECT code FROM finding
        WHERE finding.receipt = receipt.id AND severity = {Severity.REFUSE:d} ORDER BY position LIMIT 1), count(*)
    FROM receipt WHERE series_instance_uid = ? AND kept <> 'archive' AND outcome = '{Outcome.REFUSE}'
    AND original = receipt.id GROUP BY 1, 2 ORDER BY 3 DESC, 2"""


@dataclass(frozen=True, slots=True)
class Unstored:
    """What was refused of a series of which nothing is stored, so that there is nothing to audit.

    ``codes`` counts the ``refused`` objects by the rule that refused them, if one did. ``held`` of them are in
    quarantine.
    """

    refused: int
    held: int
    codes: Mapping[str, int]

    def __str__(self) -> str:
        """As part of a sentence: ``3 objects of it were refused (ENT-202 2, DUP-004 1), 1 is in quarantine``."""
        were, are = ("was" if self.refused == 1 else "were"), ("is" if self.held == 1 else "are")
        codes = ", ".join(f"{code} {number}" for code, number in self.codes.items())
        by = f" ({codes})" if codes else ""
        return f"{count(self.refused, 'object')} of it {were} refused{by}, {self.held or 'none'} {are} in quarantine"


@dataclass(frozen=True, slots=True)
class SeriesStatus:
    """A series and what its newest audit said.

    If it was never audited, ``verdict`` is None and ``made`` is 0. ``is_open`` says that it has changed since.
    ``instances`` are those stored now, ``findings`` those that hold; ``stacks`` are as
    :func:`~scp.audit.series.result.stack_document` shows them.
    """

    series_instance_uid: str
    study_instance_uid: str
    modality: str
    verdict: SeriesVerdict | None
    made: int
    is_open: bool
    instances: int
    images: int
    refused: Mapping[str, int]
    findings: tuple[SeriesFinding, ...]
    stacks: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Past:
    """One audit of a series: what it opened, and what it closed."""

    audit: int
    made: int
    verdict: SeriesVerdict
    instances: int
    opened: tuple[SeriesFinding, ...]
    closed: tuple[SeriesFinding, ...]


def status(db: apsw.Connection, uid: str) -> SeriesStatus | None:
    """Return a series and what its newest audit said; None if it is not there."""
    row = db.execute(f"{_STATUS} WHERE series.uid = ?", (uid,)).fetchone()
    return _status(db, row) if row else None


def unstored(db: apsw.Connection, uid: str) -> Unstored | None:
    """Return what was refused of a series; None if it has stored instances, or nothing of it was refused."""
    is_stored = "SELECT 1 FROM series JOIN instance ON instance.series = series.id WHERE series.uid = ? LIMIT 1"
    if not uid or fetch(db, is_stored, (uid,)):
        return None
    refused = held = 0
    codes = Counter[str]()
    for is_held, code, number in fetch(db, _REFUSED, (uid,)):
        refused += number
        if is_held:
            held += number
        if code:
            codes[code] += number
    return Unstored(refused, held, codes) if refused else None


def newest(db: apsw.Connection, most: int, verdict: SeriesVerdict | None = None) -> Iterator[SeriesStatus]:
    """Yield series, newest first and ``most`` at most; only those with one verdict if that is given."""
    where = "series.uid <> ''" + (" AND audit.verdict = :verdict" if verdict else "")
    query = f"{_STATUS} WHERE {where} ORDER BY series.id DESC LIMIT :most"
    for row in fetch(db, query, {"verdict": verdict and verdict.value, "most": most}):
        yield _status(db, row)


def history(db: apsw.Connection, uid: str) -> list[Past]:
    """Return every audit of a series, newest first, with what it opened and closed."""
    audits = fetch(
        db,
        "SELECT series, series_audit.id, made, verdict, instances FROM series_audit JOIN series ON series.id = series"
        " WHERE series.uid = ? ORDER BY series_audit.id DESC",
        (uid,),
    )
    return [
        Past(
            number, made, SeriesVerdict(verdict), instances,
            _findings(db, series, "opened", number), _findings(db, series, "closed", number),
        )
        for series, number, made, verdict, instances in audits
    ]  # fmt: skip


def _findings(db: apsw.Connection, series: int, when: str, audit: int) -> tuple[SeriesFinding, ...]:
    """Return the findings that an audit opened, or those that it closed."""
    query = f"SELECT {FINDING} FROM series_finding WHERE series = ? AND {when} = ? ORDER BY id"
    return tuple(finding_of(row) for row in fetch(db, query, (series, audit)))


def status_document(status: SeriesStatus) -> dict[str, Any]:
    """Return a series as JSON shows it."""
    return {
        "type": "series",
        "series_instance_uid": status.series_instance_uid,
        "study_instance_uid": status.study_instance_uid,
        "modality": status.modality,
        "verdict": status.verdict.value if status.verdict else None,
        "audited": timestamp(status.made) if status.made else None,
        "open": status.is_open,
        "instances": status.instances,
        "images": status.images,
        "refused": dict(status.refused),
        "findings": [finding_document(finding) for finding in status.findings],
        "stacks": list(status.stacks),
    }


def past_document(past: Past) -> dict[str, Any]:
    """Return one audit of a series as JSON shows it."""
    return {
        "audited": timestamp(past.made),
        "verdict": past.verdict.value,
        "instances": past.instances,
        "opened": [finding_document(finding) for finding in past.opened],
        "closed": [finding_document(finding) for finding in past.closed],
    }


def _status(db: apsw.Connection, row: tuple[Any, ...]) -> SeriesStatus:
    number, uid, study, modality, verdict, made, _, images, refused, stacks, is_covered, instances = row
    return SeriesStatus(
        series_instance_uid=uid, study_instance_uid=study, modality=modality or "",
        verdict=SeriesVerdict(verdict) if verdict else None, made=made or 0, is_open=not is_covered,
        instances=instances, images=images or 0, refused=orjson.loads(refused) if refused else {},
        findings=tuple(finding for _, finding in open_findings(db, number)),
        stacks=orjson.loads(stacks) if stacks else (),
    )  # fmt: skip
