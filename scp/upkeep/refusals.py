"""Reads a case back into the values from which the receipt of the refused object was written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scp.audit.finding import Finding, Other, Problem, Severity
from scp.dicom.request import Association, Request
from scp.ids import from_text
from scp.outcomes import Outcome
from scp.quarantine.case_file import read_case


@dataclass(frozen=True, slots=True)
class Refusal:
    """The decision about a refused object, as its case has it, but without the values of either object."""

    request: Request
    outcome: Outcome
    status: int | None
    comment: str
    digest: bytes
    size: int
    findings: tuple[Finding, ...]


def refusal_in(folder: Path, path: str, number: int) -> Refusal | None:
    """Read the case beside the object at ``path``; None if there is no such file. Raises BadCase."""
    case = read_case(folder, path, number)
    if case is None:
        return None
    receipt, association = case["receipt"], case["association"]
    request = Request(
        association=Association(**{name: association[name] for name in Association.__slots__}),
        message_id=receipt["message_id"],
        sop_class_uid=receipt["affected_sop_class_uid"],
        sop_instance_uid=receipt["affected_sop_instance_uid"],
        abstract_syntax=receipt["abstract_syntax"],
        transfer_syntax=receipt["transfer_syntax"],
        related_general_classes=tuple(case["related_general_classes"]),
    )
    return Refusal(
        request=request,
        outcome=Outcome(receipt["outcome"]),
        status=None if receipt["status"] is None else int(receipt["status"], 16),
        comment=receipt["comment"],
        digest=bytes.fromhex(receipt["blake3"]),
        size=receipt["size"],
        findings=tuple(_finding(one) for one in case["findings"]),
    )


def _finding(one: Mapping[str, Any]) -> Finding:
    other = one["other"]
    return Finding(
        one["code"],
        Severity[one["severity"].upper()],
        int(one["status"], 16),
        Problem(
            message=one["message"],
            tags=tuple(int(tag[1:5] + tag[6:10], 16) for tag in one["tags"]),
            other=other
            and Other(
                from_text(other["receipt"]),
                *(other[name] for name in ("sop_instance_uid", "path", "calling_ae_title", "address", "received")),
            ),
        ),
    )
