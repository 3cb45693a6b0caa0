"""The output of the series audit: the verdict, the findings, and the stacks.

A *plane* is one slice: a single-frame image, or one frame of a multi-frame image. A *stack* is the planes of a series
that are parallel and of one SOP Class and Image Type: one volume, or several at the same place (times, echoes,
b-values). A *position* is where one plane or several lie along the normal of their stack. Everything is in mm and
degrees, in the order of the positions, and does not depend on the order in which instances arrived.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import multimode
from typing import Any

from scp.audit.finding import Severity, Value
from scp.audit.value import plain
from scp.dicom.tags import name_of


class SeriesVerdict(StrEnum):
    """The verdict on a whole series."""

    CONSISTENT = "consistent"
    ATTENTION = "attention"  # there are warnings
    CONTRADICTORY = "contradictory"  # instances contradict each other, stored or refused


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distances between neighbouring positions along the normal, in mm."""

    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap in a stack: between ``positions[after]`` and ``positions[after + 1]``, ``missing`` slices would fit.

    ``step`` is the distance of the slices beside it, in mm.
    """

    after: int
    missing: int
    step: float


@dataclass(frozen=True, slots=True)
class Stack:
    """Parallel planes of one sort. Tuples of one entry for each plane are marked P, for each position Q.

    Attributes:
        number: 1, 2, 3 … in the series.
        group: number of its direction; stacks of one group are parallel.
        sop_class_uid: of its instances.
        instances: how many instances the planes come from.
        orientation: direction cosines, those that most of the planes have.
        normal: row × column, of length 1.
        plane: ``axial``, ``coronal``, ``sagittal`` or ``oblique``.
        axis: what ``coordinates`` are: ``x``, ``y`` or ``z`` of Image Position (Patient), or ``d`` along the normal
            where the stack is oblique.
        is_slab: it is one of several parallel runs of slices that were planned beside each other.
        rows: of its planes; None if they differ.
        columns: of its planes; None if they differ.
        pixel_spacing: of its planes, in mm; empty if it differs.
        members: P, the receipt of the instance.
        uids: P, SOP Instance UID.
        numbers: P, Instance Number, None if there is none.
        frames: P, number of the frame, counted from 1; 0 for a single-frame image.
        offsets: P, where the plane lies along the normal, ascending.
        drift: P, how far the plane lies from the fitted line, along its rows and along its columns; planes of a
            whole stack that drift alike are on the line.
        position_of: P, index into ``positions``.
        positions: Q, where there are planes along the normal, ascending.
        coordinates: Q, the same along ``axis``.
        counts: Q, planes at the position.
        step: the usual distance of positions; None for fewer than two.
        spacing: of neighbouring positions; None for fewer than two.
        gaps: where slices are missing.
        rooms: spaces between two runs of slices, written like gaps, but nothing is missing there.
        off_line: indexes of planes that are farther from the line than the tolerance of SER-302.
        jitter: the largest angle between the direction of a plane and that of most, in degrees.
        turned: indexes of planes whose direction differs from that of most by more than rounding.
        tilt: degrees between the line of the positions and the normal; None if there is no line.
    """

    number: int
    group: int
    is_slab: bool
    sop_class_uid: str
    instances: int
    orientation: tuple[float, ...]
    normal: tuple[float, ...]
    plane: str
    axis: str
    rows: int | None
    columns: int | None
    pixel_spacing: tuple[float, ...]
    members: tuple[int, ...]
    uids: tuple[str, ...]
    numbers: tuple[int | None, ...]
    frames: tuple[int, ...]
    offsets: tuple[float, ...]
    drift: tuple[tuple[float, float], ...]
    position_of: tuple[int, ...]
    positions: tuple[float, ...]
    coordinates: tuple[float, ...]
    counts: tuple[int, ...]
    step: float | None
    spacing: Spacing | None
    gaps: tuple[Gap, ...]
    rooms: tuple[Gap, ...]
    off_line: tuple[int, ...]
    jitter: float
    turned: tuple[int, ...]
    tilt: float | None

    @property
    def usual_count(self) -> int:
        """How many planes most positions have; the largest such number if several are as frequent."""
        return max(multimode(self.counts))

    @property
    def uneven(self) -> tuple[int, ...]:
        """Indexes of the positions that have more or fewer planes than most."""
        usual = self.usual_count
        return tuple(index for index, count in enumerate(self.counts) if count != usual)


@dataclass(frozen=True, slots=True)
class SeriesFinding:
    """A problem that a rule found in a whole series.

    ``message`` contains UIDs, numbers and codes only. ``stack`` is the number of the stack that it is about, 0 if it is
    about the series. ``instances`` are the SOP Instance UIDs that it names, at most 100.
    """

    code: str
    severity: Severity
    message: str
    case: str = ""
    stack: int = 0
    tags: tuple[int, ...] = ()
    instances: tuple[str, ...] = ()
    expected: Value = None
    found: Value = None


@dataclass(frozen=True, slots=True)
class SeriesAudit:
    """The audit of one series.

    Attributes:
        series_instance_uid: of the series.
        study_instance_uid: of its study.
        modality: of the series.
        verdict: follows from findings and refusals.
        findings: in the order of the catalogue; severity OFF is left out.
        stacks: the largest first.
        instances: how many are stored in the series.
        images: how many of them are in stacks.
        refused: how many instances were refused and are not stored, by the code of the refusal.
        failures: rules that failed: code, type of the error and place, never its text.
    """

    series_instance_uid: str
    study_instance_uid: str
    modality: str
    verdict: SeriesVerdict
    findings: tuple[SeriesFinding, ...]
    stacks: tuple[Stack, ...]
    instances: int
    images: int
    refused: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[str, ...] = ()


def document(audit: SeriesAudit) -> dict[str, Any]:
    """Return the audit as JSON values, as ``check``, ``series audit`` and the ledger give it."""
    return {
        "type": "series",
        "series_instance_uid": audit.series_instance_uid,
        "study_instance_uid": audit.study_instance_uid,
        "modality": audit.modality,
        "verdict": audit.verdict.value,
        "instances": audit.instances,
        "images": audit.images,
        "refused": dict(audit.refused),
        "findings": [finding_document(finding) for finding in audit.findings],
        "stacks": [stack_document(stack) for stack in audit.stacks],
    }


def finding_document(finding: SeriesFinding) -> dict[str, Any]:
    """Return a finding as JSON values."""
    return {
        "code": finding.code,
        "case": finding.case or None,
        "severity": str(finding.severity),
        "message": finding.message,
        "stack": finding.stack or None,
        "tags": [name_of(tag) for tag in finding.tags],
        "instances": list(finding.instances),
        "expected": plain(finding.expected),
        "found": plain(finding.found),
    }


def stack_document(stack: Stack) -> dict[str, Any]:
    """Return a stack as JSON values, without its planes."""
    return {
        "stack": stack.number,
        "sop_class_uid": stack.sop_class_uid,
        "instances": stack.instances,
        "planes": len(stack.offsets),
        "positions": len(stack.positions),
        "plane": stack.plane,
        "orientation": [round(cosine, 6) for cosine in stack.orientation],
        "matrix": None if stack.rows is None else [stack.rows, stack.columns],
        "spacing": stack.spacing
        and {
            "minimum": round(stack.spacing.minimum, 4),
            "median": round(stack.spacing.median, 4),
            "maximum": round(stack.spacing.maximum, 4),
        },
        "tilt": None if stack.tilt is None else round(stack.tilt, 3),
        "gaps": [
            {
                "after": round(stack.coordinates[gap.after], 3),
                "before": round(stack.coordinates[gap.after + 1], 3),
                "axis": stack.axis,
                "missing": gap.missing,
            }
            for gap in stack.gaps
        ],
    }
