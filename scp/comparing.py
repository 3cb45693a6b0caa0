"""Comparing two copies in a node of many threads: compressed copies one at a time, as decoded frames take memory."""

import threading
from typing import Final

from scp.dicom.compare import compare
from scp.dicom.difference import Comparison
from scp.dicom.syntax import encoding_of
from scp.dicom.walk import Limits

_decoding: Final = threading.Lock()


def compare_in_turn(
    first: memoryview, first_syntax: str, second: memoryview, second_syntax: str, limits: Limits
) -> Comparison:
    """Do as :func:`~scp.dicom.compare.compare`. If it may decode frames, it waits for others that do, maybe for long.

    Raises NodeFault if either copy cannot be read.
    """
    if not (_may_be_compressed(first_syntax) or _may_be_compressed(second_syntax)):
        return compare(first, first_syntax, second, second_syntax, limits)
    with _decoding:
        return compare(first, first_syntax, second, second_syntax, limits)


def _may_be_compressed(transfer_syntax: str) -> bool:
    encoding = encoding_of(transfer_syntax)
    return encoding is not None and encoding.encapsulated
