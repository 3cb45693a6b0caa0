"""The short numbers by which SOP Instance UIDs are looked up.

UIDs are long, and those of many toolkits random. An index of them would be as large as everything else that is read for
each instance, and in a large ledger hardly any page of it would be in the cache. An index of short numbers is a quarter
as large. Two UIDs may have the same number, so a look-up always compares the UID as well.

Scanners number their UIDs: those of a series differ only in their last characters. These make the last bits of the
number, so the instances of a series are neighbours in the index, and the page of one is in the cache for the next.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

_TAIL: Final = 6
"""How many characters at the end of a UID are read as a counter: digits and full stops, in base 11."""
_TAIL_BITS: Final = 21
_BITS: Final = 48
"""Six bytes, which SQLite stores as they are. Among five million random UIDs there may be two that share a number."""
_HEAD_BYTES: Final = 4


@lru_cache(maxsize=1024)
def key_of(uid: str) -> int:
    """Return the number of a UID, from -2⁴⁷ to 2⁴⁷ - 1. The text may be anything; it need not be a valid UID."""
    head = int.from_bytes(blake2b(uid[:-_TAIL].encode(), digest_size=_HEAD_BYTES).digest(), "big")
    try:
        tail = int(uid[-_TAIL:].replace(".", "a"), 11)
    except ValueError:
        tail = 0
    number = head << _TAIL_BITS | tail & (1 << _TAIL_BITS) - 1
    return (number & (1 << _BITS) - 1) - (1 << _BITS - 1)


def by_uid(uid: str) -> tuple[int, str]:
    """Return the values for `key = ? AND uid = ?`."""
    return key_of(uid), uid
