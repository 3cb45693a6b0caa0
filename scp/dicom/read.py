"""From the bytes of a Data Set to its facts: inflate, walk, decode."""

from scp.dicom.defect import Defect
from scp.dicom.facts import Facts, facts_of
from scp.dicom.syntax import EXPLICIT_LITTLE, encoding_of, inflate
from scp.dicom.walk import Limits, Scan, walk


def scan_of(data: memoryview | bytes, transfer_syntax: str, limits: Limits) -> tuple[memoryview | bytes, Scan]:
    """Walk a Data Set; a deflated one is inflated first, within the limit. Returns the bytes that were walked."""
    encoding = encoding_of(transfer_syntax) or EXPLICIT_LITTLE
    if encoding.deflated:
        inflated = inflate(data, limits.inflated_bytes)
        if isinstance(inflated, Defect):
            return b"", Scan({}, inflated, 0)
        data = inflated
    return data, walk(data, encoding, limits)


def read_facts(data: memoryview | bytes, transfer_syntax: str, limits: Limits) -> Facts:
    """Return what rules need of a Data Set. Never raises, whatever the bytes: a defect is one of the facts."""
    walked, scan = scan_of(data, transfer_syntax, limits)
    return facts_of(walked, scan, encoding_of(transfer_syntax) or EXPLICIT_LITTLE)
