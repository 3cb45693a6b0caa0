"""Identifiers of receipts and associations: 63-bit integers that sort by time, written as 13 characters.

An identifier has 43 bits of milliseconds since 2020, and 20 bits that begin at random and count up. So ledger rows are
appended in order, two processes on one ledger practically never make the same identifier, and no identifier is repeated
when the clock is set back. If the clock is before 2020, as with an empty battery, counting begins at a random place in
the first minutes of 2020.
"""

import random
import threading
import time
from functools import lru_cache
from typing import Final

_EPOCH_MS: Final = 1_577_836_800_000
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_VALUES: Final = {char: value for value, digit in enumerate(_ALPHABET) for char in (digit, digit.lower())}
_LENGTH: Final = 13
_BITS: Final = 63

_random = random.Random()  # noqa: S311 - seeded by the system; it need not be secret, only differ between processes
_lock = threading.Lock()
_last = _random.getrandbits(40)


def new_id() -> int:
    """Return an identifier larger than every one that this process made before."""
    global _last
    candidate = (time.time_ns() // 1_000_000 - _EPOCH_MS) << 20 | _random.getrandbits(18)
    with _lock:
        _last = max(candidate, _last + 1)
        return _last


def id_at(microseconds: int) -> int:
    """Return the smallest identifier of a time, in microseconds UTC since 1970: those made before it are smaller."""
    return min(max(microseconds // 1000 - _EPOCH_MS, 0) << 20, (1 << _BITS) - 1)


def time_of(identifier: int) -> int:
    """Return when an identifier was made, in microseconds UTC since 1970, exact to the millisecond."""
    return ((identifier >> 20) + _EPOCH_MS) * 1000


@lru_cache(maxsize=4096)
def as_text(identifier: int) -> str:
    """Write an identifier as 13 characters that keep its order."""
    pairs, one = _PAIRS, identifier  # without a loop, as every instance needs this at least once
    return (
        f"{_ALPHABET[one >> 60 & 31]}{pairs[one >> 50 & 1023]}{pairs[one >> 40 & 1023]}{pairs[one >> 30 & 1023]}"
        f"{pairs[one >> 20 & 1023]}{pairs[one >> 10 & 1023]}{pairs[one & 1023]}"
    )


@lru_cache(maxsize=4096)
def from_text(text: str) -> int:
    """Read an identifier; case does not matter. Raises ValueError if the text is not one."""
    if len(text) != _LENGTH:
        raise ValueError(f"an identifier has {_LENGTH} characters")
    value = 0
    for char in text:
        if char not in _VALUES:
            raise ValueError("an identifier has digits and letters other than I, L, O and U")
        value = value << 5 | _VALUES[char]
    if value >> _BITS:
        raise ValueError(f"an identifier has {_BITS} bits")
    return value
