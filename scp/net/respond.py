"""Makes the C-STORE-RSP of a verdict (PS3.7 §9.3.1.2)."""

from typing import Final

from scp.audit.finding import Verdict
from scp.dicom.request import Request
from scp.dicom.status import Status
from scp.net.command import store_response

_MOST_OFFENDING: Final = 16
"""Most Offending Elements in one response: enough to see the place, and few enough for every peer to read."""


def response(request: Request, verdict: Verdict) -> bytes:
    """Return the command set of the response: status, Affected UIDs, and the related fields of PS3.4 Table B.2-1."""
    status = verdict.status
    if status == Status.SUCCESS:
        return store_response(request.message_id, request.sop_class_uid, request.sop_instance_uid, status)
    is_ours = status >> 8 == Status.OUT_OF_RESOURCES >> 8
    return store_response(
        request.message_id,
        request.sop_class_uid,
        request.sop_instance_uid,
        status,
        verdict.comment,
        () if is_ours else verdict.offending[:_MOST_OFFENDING],
    )
