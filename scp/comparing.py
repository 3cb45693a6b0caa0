"""Comparing two copies in a node of many threads: what takes much memory, one at a time.

A decoded frame is in memory, and an element of two copies takes some 900 bytes while they are compared.
"""

import threading
from contextlib import nullcontext
from typing import Final

from scp.dicom.compare import compare
from scp.dicom.difference import Comparison
from scp.dicom.read import may_be_many
from scp.dicom.syntax import encoding_of
from scp.dicom.walk import Limits

_one_at_a_time: Final = threading.Lock()


def compare_in_turn(
    first: memoryview, first_syntax: str, second: memoryview, second_syntax: str, limits: Limits
) -> Comparison:
    """Do as :func:`~scp.dicom.compare.compare`. What may take much memory waits for others that do, maybe for long.

    Raises NodeFault if either copy cannot be read.
    """
    takes_much = _takes_much(first, first_syntax) or _takes_much(second, second_syntax)
    with _one_at_a_time if takes_much else nullcontext():
        return compare(first, first_syntax, second, second_syntax, limits)


def _takes_much(data: memoryview, transfer_syntax: str) -> bool:
    """Whether frames may be decoded, or there may be many elements."""
    encoding = encoding_of(transfer_syntax)
    return may_be_many(len(data), transfer_syntax) or (encoding is not None and encoding.encapsulated)
