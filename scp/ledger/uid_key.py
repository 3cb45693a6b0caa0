"""What SOP Instance UIDs are found by.

UIDs are long and, of many toolkits, random: an index of them is as large as all else that is asked for each instance,
and of a large ledger hardly any page of it is at hand. An index of short numbers is a quarter of it. Two UIDs may have
one number, so a UID is always asked for as well.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

_BYTES: Final = 6
"""As many as identifiers have: of five million instances, two may share a number."""


@lru_cache(maxsize=1024)
def key_of(uid: str) -> int:
    """Return the number of a UID."""
    return int.from_bytes(blake2b(uid.encode(), digest_size=_BYTES).digest(), "big", signed=True)


def by_uid(uid: str) -> tuple[int, str]:
    """Return the values for `key = ? AND uid = ?`."""
    return key_of(uid), uid
