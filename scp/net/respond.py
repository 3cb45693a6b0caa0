"""From a verdict to the C-STORE-RSP (PS3.7 §9.3.1.2)."""

from typing import Any, Final, cast

from pydicom.tag import BaseTag
from pynetdicom.dimse_primitives import C_STORE

from scp.audit.finding import Verdict
from scp.dicom.request import Request
from scp.dicom.status import Status

_MOST_OFFENDING: Final = 16
"""Offending Elements in one response: enough to see the place, and small enough for every peer's reader."""


def response(request: Request, verdict: Verdict) -> C_STORE:
    """Return the response: status, both Affected UIDs, and the related fields that PS3.4 Table B.2-1 allows."""
    answer: Any = C_STORE()  # its related fields are declared as None
    answer.MessageIDBeingRespondedTo = request.message_id
    answer.AffectedSOPClassUID = request.sop_class_uid or None
    answer.AffectedSOPInstanceUID = request.sop_instance_uid or None
    answer.Status = int(verdict.status)
    if verdict.status != Status.SUCCESS:
        answer.ErrorComment = verdict.comment
        offending = [BaseTag(tag) for tag in verdict.offending[:_MOST_OFFENDING]]
        if offending and verdict.status >> 8 != Status.OUT_OF_RESOURCES >> 8:
            answer.OffendingElement = offending
    return cast("C_STORE", answer)
