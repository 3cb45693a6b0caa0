"""What SOP Instance UIDs are found by.

UIDs are long and, of many toolkits, random: an index of them is as large as all else that is asked for each instance,
and of a large ledger hardly any page of it is at hand. An index of short numbers is a quarter of it. Two UIDs may have
one number, so a UID is always asked for as well.

Scanners count: the UIDs of a series are the same but for their last characters. These make the last bits of a number,
so that the instances of a series are neighbours in the index, and the page of one is at hand for the next.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

_TAIL: Final = 6
"""Characters at the end of a UID that follow each other as counters do: digits and full stops, to the base of 11."""
_TAIL_BITS: Final = 21
_BITS: Final = 48
"""As many as six bytes have, like the numbers of receipts: of five million random UIDs, two may share one."""
_HEAD_BYTES: Final = 4


@lru_cache(maxsize=1024)
def key_of(uid: str) -> int:
    """Return the number of a UID, from -2⁴⁷ to 2⁴⁷ - 1; of any text, as it need not be one that is valid."""
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
