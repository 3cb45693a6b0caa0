"""What a case says of a refusal, read back into the values from which its receipt was written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from scp.audit.finding import Finding, Other, Problem, Severity
from scp.dicom.request import Association, Request
from scp.ids import from_text
from scp.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Refusal:
    """A decision about a quarantined object, as its case has it; values of both sides stay in the case alone."""

    receipt: int
    request: Request
    outcome: Outcome
    status: int | None
    comment: str
    digest: bytes
    size: int
    findings: tuple[Finding, ...]


def read_case(path: Path) -> Refusal | None:
    """Read the case of an object; None if there is none that can be read."""
    try:
        return _refusal(orjson.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _refusal(case: Mapping[str, Any]) -> Refusal:
    receipt = case["receipt"]
    request = Request(
        association=Association(**case["association"]),
        message_id=int(receipt["message_id"]),
        sop_class_uid=receipt["affected_sop_class_uid"],
        sop_instance_uid=receipt["affected_sop_instance_uid"],
        abstract_syntax=receipt["abstract_syntax"],
        transfer_syntax=receipt["transfer_syntax"],
        related_general_classes=tuple(case.get("related_general_classes", ())),
    )
    return Refusal(
        receipt=from_text(receipt["id"]),
        request=request,
        outcome=Outcome(receipt["outcome"]),
        status=None if receipt["status"] is None else int(receipt["status"], 16),
        comment=receipt["comment"],
        digest=bytes.fromhex(receipt["blake3"]),
        size=int(receipt["size"]),
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
            other=other and Other(**{**other, "receipt": from_text(other["receipt"])}),
        ),
    )
