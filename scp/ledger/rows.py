"""The statements of an admission, and how values become columns and columns become values."""

from enum import IntEnum
from typing import Any, Final

import orjson

from scp.audit.finding import Finding, Other, Problem, Severity, Verdict, shown_uid
from scp.audit.snapshot import Held, Neighbour, Reference, StackReference
from scp.audit.tracked import PATIENT
from scp.dicom.facts import Decimals, Facts
from scp.dicom.geometry import Geometry, geometry_of, read_geometry
from scp.dicom.request import Association, Request
from scp.dicom.sop_classes import PLANES, kind_of
from scp.ids import as_text, from_text
from scp.layout import Place, Placement, archive_path, timestamp
from scp.ledger.port import Draft, Receipt
from scp.ledger.uid_key import key_of
from scp.outcomes import Outcome

Row = tuple[Any, ...]

# The other instance of a finding: its receipt, the UIDs that make its path, and its sender.
_OTHER: Final = """other.id, other.uid, other_study.uid, other_series.uid,
    other_association.calling_ae_title, other_association.address, other_receipt.received"""
_JOIN_OTHER: Final = """
    JOIN instance AS other ON other.id = {id}
    JOIN study AS other_study ON other_study.id = other.study
    JOIN series AS other_series ON other_series.id = other.series
    JOIN receipt AS other_receipt ON other_receipt.id = other.id
    JOIN association AS other_association ON other_association.id = other_receipt.association"""


class Confirmation(IntEnum):
    """Whether the sender of a stored instance knows that it is stored (see :mod:`scp.delivery`)."""

    NONE = 0  # no response said so, or none that it can have read
    CONFIRMED = 1
    TOLD = 2  # the response said so; a later receipt of the same association shows that it was read


def _join(column: str) -> str:
    return _JOIN_OTHER.format(id=column)


SELECT_HELD: Final = f"""SELECT {_OTHER}, other.digest, other.transfer_syntax, other.sop_class_uid, other.patient,
    other.confirmed = {Confirmation.CONFIRMED:d} OR other.confirmed = {Confirmation.TOLD:d} AND EXISTS (
        SELECT 1 FROM receipt AS later INDEXED BY receipt_association
        WHERE later.association = other_receipt.association AND later.id > other.id)
    FROM instance AS held {_join("held.id")} WHERE held.id = ?"""
SELECT_STUDY: Final = f"""SELECT {_OTHER}, study.tracked, '', study.id FROM study {_join("study.reference")}
    WHERE study.uid = ?"""
SELECT_SERIES: Final = f"""SELECT {_OTHER}, series.tracked, parent.uid, series.id FROM series
    JOIN study AS parent ON parent.id = series.study {_join("series.reference")} WHERE series.uid = ?"""
SELECT_STACK: Final = f"""SELECT {_OTHER}, stack."rows", stack."columns", stack.pixel_spacing, stack.orientation
    FROM stack {_join("stack.reference")} WHERE stack.series = ? AND stack.key = ?"""
SELECT_NEIGHBOUR: Final = f"""SELECT {_OTHER}, other.slot, other.place, other.sop_class_uid,
    other.concatenation_uid, other.in_concatenation_number, other.geometry
    FROM instance AS near {_join("near.id")} WHERE near.id = ?"""
# A join opens every table even where it finds nothing, which is nearly always. So the number alone is looked up first.
FIND_HELD: Final = "SELECT id FROM instance WHERE key = ? AND uid = ?"
# Without ORDER BY, which would cost more than all the rest, for a list that is nearly always empty.
FIND_NAMESAKES: Final = "SELECT id FROM instance WHERE series = ? AND number = ? AND uid <> ? LIMIT 1000"
FIND_NEIGHBOURS: Final = "SELECT id FROM instance WHERE series = ? AND number = ? AND slot = ? AND uid <> ? LIMIT 100"
SELECT_RECEIPT: Final = """SELECT receipt.id, received, message_id, affected_sop_class_uid, affected_sop_instance_uid,
    abstract_syntax, transfer_syntax, study_instance_uid, series_instance_uid, outcome, status, comment, digest, size,
    kept, path, original, association.id, address, port, calling_ae_title, called_ae_title, implementation_class_uid,
    implementation_version_name FROM receipt JOIN association ON association.id = receipt.association"""
# The other instance of a finding is found by its receipt, as it may have left the archive since.
SELECT_FINDINGS: Final = """SELECT code, severity, finding.status, message, tags, expected, found, other.id,
    coalesce(instance.uid, other.affected_sop_instance_uid), other.path, calling_ae_title, address, other.received
    FROM finding LEFT JOIN receipt AS other ON other.id = finding.other LEFT JOIN instance ON instance.id = other.id
    LEFT JOIN association ON association.id = other.association WHERE finding.receipt = ? ORDER BY position"""

INSERT_ASSOCIATION: Final = """INSERT OR IGNORE INTO association (id, address, port, calling_ae_title, called_ae_title,
    implementation_class_uid, implementation_version_name) VALUES (?, ?, ?, ?, ?, ?, ?)"""
INSERT_RECEIPT: Final = f"INSERT INTO receipt VALUES ({', '.join('?' * 21)})"
INSERT_FINDING: Final = f"INSERT INTO finding VALUES ({', '.join('?' * 10)})"
INSERT_INSTANCE: Final = f"INSERT INTO instance VALUES ({', '.join('?' * 16)})"
SET_CONFIRMED: Final = "UPDATE instance SET confirmed = ? WHERE id = ?"
INSERT_STACK: Final = "INSERT OR REPLACE INTO stack VALUES (?, ?, ?, ?, ?, ?, ?)"
# There is a row of a study or series already if all its instances were taken away, or if none could contradict another.
INSERT_STUDY: Final = """INSERT INTO study (uid, reference, tracked) VALUES (?, ?, ?)
    ON CONFLICT (uid) DO UPDATE SET (reference, tracked) = (excluded.reference, excluded.tracked) RETURNING id"""
INSERT_SERIES: Final = """INSERT INTO series (uid, study, reference, tracked) VALUES (?, ?, ?, ?)
    ON CONFLICT (uid) DO UPDATE SET (study, reference, tracked) = (excluded.study, excluded.reference, excluded.tracked)
    RETURNING id"""
INSERT_VARIANT: Final = "INSERT OR IGNORE INTO variant VALUES (?, ?)"


def dumps(value: Any) -> str:
    """Write a value as compact JSON."""
    return orjson.dumps(value).decode()


def dumps_optional(value: Any) -> str | None:
    """Write a value as compact JSON; None stays None, as NULL."""
    return None if value is None else dumps(value)


def loads_value(text: str | None) -> Any:
    """Read what :func:`dumps_optional` wrote, a list as a tuple."""
    value = None if text is None else orjson.loads(text)
    return tuple(value) if isinstance(value, list) else value


def uid(text: str) -> str:
    """Return a UID as the ledger keeps it: empty if the text is not a UID. The case has what the peer said."""
    return shown_uid(text) or ""


def association_row(number: int, association: Association) -> Row:
    """Return what INSERT_ASSOCIATION takes."""
    return (
        number, association.address, association.port, association.calling_ae_title, association.called_ae_title,
        uid(association.implementation_class_uid), association.implementation_version_name,
    )  # fmt: skip


def receipt_row(
    receipt: int,
    received: int,
    request: Request,
    outcome: Outcome,
    status: int | None,
    size: int,
    placement: Placement,
    draft: Draft | None = None,
    verdict: Verdict | None = None,
    scanner: int | None = None,
) -> Row:
    """Return what INSERT_RECEIPT takes; ``draft`` and ``verdict`` are given if the data were judged."""
    return (
        receipt, from_text(request.association.id), received,
        request.message_id, uid(request.sop_class_uid), uid(request.sop_instance_uid), uid(request.abstract_syntax),
        request.transfer_syntax,
        uid(draft.subject.facts.study_instance_uid) if draft else "",
        uid(draft.subject.facts.series_instance_uid) if draft else "",
        outcome.value, status,
        verdict.comment if verdict else "",
        dumps(dict(verdict.tightened)) if verdict and verdict.tightened else None,
        draft.digest if draft else None,
        size, placement.place.value, placement.path, placement.original, scanner,
        draft.subject.tracked.study.get(PATIENT, "") if draft and outcome is Outcome.REFUSE else "",
    )  # fmt: skip


def instance_row(draft: Draft, study: int, series: int, confirmation: Confirmation) -> Row:
    """Return what INSERT_INSTANCE takes."""
    facts, tracked = draft.subject.facts, draft.subject.tracked
    return (
        draft.receipt, facts.sop_instance_uid, key_of(facts.sop_instance_uid), study, series, uid(facts.sop_class_uid),
        draft.subject.request.transfer_syntax, _integer(facts.instance_number), tracked.slot, tracked.place,
        uid(facts.concatenation_uid), _integer(facts.in_concatenation_number), tracked.study.get(PATIENT, ""),
        draft.digest, confirmation, geometry_of(facts, tracked.stack, tracked.variant, tracked.moment),
    )  # fmt: skip


def stack_row(series: int, key: str, reference: int, facts: Facts) -> Row:
    """Return what INSERT_STACK takes."""
    return (
        series, key, reference, _integer(facts.rows), _integer(facts.columns),
        dumps(numbers_of(facts.pixel_spacing)), dumps(numbers_of(facts.image_orientation)),
    )  # fmt: skip


def finding_row(receipt: int, position: int, finding: Finding) -> Row:
    """Return what INSERT_FINDING takes."""
    problem = finding.problem
    return (
        receipt, position, finding.code, int(finding.severity), finding.status, problem.message, dumps(problem.tags),
        dumps_optional(problem.expected), dumps_optional(problem.found),
        problem.other.receipt if problem.other else None,
    )  # fmt: skip


def numbers_of(values: Decimals) -> tuple[float, ...]:
    """Return numbers; an empty tuple if all are zero, which is the size of no pixel and the direction of no plane."""
    return values if isinstance(values, tuple) and any(values) else ()


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _other(row: Row) -> Other:
    receipt, uid, study, series, calling, address, received = row[:7]
    return Other(receipt, uid, archive_path(study, series, uid), calling, address, timestamp(received))


def held_of(row: Row) -> Held:
    """Read a row of SELECT_HELD."""
    digest, transfer_syntax, sop_class, patient, confirmed = row[7:]
    return Held(
        other=_other(row), digest=digest, transfer_syntax=transfer_syntax, sop_class_uid=sop_class,
        series_instance_uid=row[3], study_instance_uid=row[2], patient=patient, confirmed=bool(confirmed),
    )  # fmt: skip


def reference_of(row: Row) -> Reference:
    """Read a row of SELECT_STUDY or SELECT_SERIES."""
    return Reference(_other(row), orjson.loads(row[7]), row[8])


def stack_of(row: Row) -> StackReference:
    """Read a row of SELECT_STACK."""
    rows, columns, spacing, orientation = row[7:]
    return StackReference(_other(row), rows, columns, tuple(orjson.loads(spacing)), tuple(orjson.loads(orientation)))


def neighbour_of(row: Row) -> Neighbour:
    """Read a row of SELECT_NEIGHBOUR."""
    slot, place, sop_class, concatenation, number, kept = row[7:]
    # An object that is not a slice may have very many frames, and nobody asks for its place.
    geometry = read_geometry(kept) if kind_of(sop_class) in PLANES else Geometry()
    return Neighbour(
        other=_other(row), slot=slot, place=place, sop_class_uid=sop_class, concatenation_uid=concatenation,
        in_concatenation_number=number, moment=geometry.moment, position=tuple(geometry.position or ()),
        orientation=tuple(geometry.orientation or ()),
    )  # fmt: skip


def finding_of(row: Row) -> Finding:
    """Read a row of SELECT_FINDINGS."""
    code, severity, status, message, tags, expected, found, receipt, uid, path, calling, address, received = row
    problem = Problem(
        message=message, tags=tuple(orjson.loads(tags)), expected=loads_value(expected), found=loads_value(found),
        other=None if receipt is None else Other(receipt, uid, path, calling, address, timestamp(received)),
    )  # fmt: skip
    return Finding(code, Severity(severity), status, problem)


def receipt_of(row: Row) -> Receipt:
    """Read a row of SELECT_RECEIPT."""
    association = Association(as_text(row[17]), *row[18:])
    return Receipt(
        id=row[0], received=row[1],
        request=Request(
            association=association, message_id=row[2], sop_class_uid=row[3], sop_instance_uid=row[4],
            abstract_syntax=row[5], transfer_syntax=row[6],
        ),
        study_instance_uid=row[7], series_instance_uid=row[8], outcome=Outcome(row[9]), status=row[10],
        comment=row[11], digest=row[12] or b"", size=row[13],
        placement=Placement(Place(row[14]), row[15], row[16]),
    )  # fmt: skip
