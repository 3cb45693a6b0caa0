"""Values from raw bytes (PS3.5 §6.2): the numbers that rules compute with.

Each decoder takes the value of one data element, padding included, and returns all its values as a tuple: an
empty one for an empty value. What does not decode is returned as `Malformed`: a bad value is a fact, never an
exception. All decoders are bounded by `max_values`: beyond it, the bytes are not looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf
from struct import calcsize, unpack
from typing import Any, Final

MAX_VALUES: Final = 4096
"""How many values a decoder returns at most, by default."""

_DS_BYTES: Final = 64
"""How long one decimal string may be. PS3.5 Table 6.2-1 allows 16 bytes, but many systems write longer ones."""
_WHOLE: Final = 1e16
"""From here on Python writes whole floats with an exponent, as not all of their digits are significant."""
_IS_BYTES: Final = 12
_IS_RANGE: Final = range(-(2**31), 2**31)

_DS: Final = rb" *[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)? *"
_IS: Final = rb" *[+-]?[0-9]+ *"
_ONE_DS: Final = re.compile(_DS)
_ONE_IS: Final = re.compile(_IS)
_MANY_DS: Final = re.compile(rb"%b(?:\\%b)*" % (_DS, _DS))
_MANY_IS: Final = re.compile(rb"%b(?:\\%b)*" % (_IS, _IS))


@dataclass(frozen=True, slots=True)
class Malformed:
    """A value that does not decode.

    Attributes:
        reason: what is wrong with it, fit to be shown: it never holds any part of the value.
    """

    reason: str


_TOO_MANY: Final = Malformed("too many values")


def decimal_strings(raw: bytes, max_values: int = MAX_VALUES) -> tuple[float, ...] | Malformed:
    """Decode Decimal Strings (DS); all values are finite.

    Up to 64 bytes for one value instead of 16, and NULs after the last value, are tolerated.
    """
    if len(raw) > max_values * (_DS_BYTES + 1) or raw.count(b"\\") >= max_values:
        return _TOO_MANY
    raw = raw.rstrip(b"\0")
    parts = raw.split(b"\\")
    if not _MANY_DS.fullmatch(raw):
        return _first_fault(parts, _ONE_DS, "a decimal string") if raw.strip(b" ") else ()
    if len(raw) > _DS_BYTES and max(map(len, parts)) > _DS_BYTES:
        return Malformed(f"a value of more than {_DS_BYTES} bytes")
    values = tuple(map(float, parts))
    if inf in values or -inf in values:
        return Malformed("a value too large for a number")
    return values


def integer_strings(raw: bytes, max_values: int = MAX_VALUES) -> tuple[int, ...] | Malformed:
    """Decode Integer Strings (IS), each of at most 12 bytes, and between -2^31 and 2^31 - 1.

    NULs after the last value, with which older equipment fills its buffers, are tolerated.
    """
    if len(raw) > max_values * (_IS_BYTES + 1) or raw.count(b"\\") >= max_values:
        return _TOO_MANY
    raw = raw.rstrip(b"\0")
    parts = raw.split(b"\\")
    if not _MANY_IS.fullmatch(raw):
        return _first_fault(parts, _ONE_IS, "an integer string") if raw.strip(b" ") else ()
    if len(raw) > _IS_BYTES and max(map(len, parts)) > _IS_BYTES:
        return Malformed(f"a value of more than {_IS_BYTES} bytes")
    values = tuple(map(int, parts))
    if min(values) not in _IS_RANGE or max(values) not in _IS_RANGE:
        return Malformed("a value that does not fit into 32 bits")
    return values


def unsigned_shorts(raw: bytes, *, little: bool, max_values: int = MAX_VALUES) -> tuple[int, ...] | Malformed:
    """Decode unsigned 16-bit integers (US)."""
    return _binary(raw, "H", little=little, max_values=max_values)


def unsigned_longs(raw: bytes, *, little: bool, max_values: int = MAX_VALUES) -> tuple[int, ...] | Malformed:
    """Decode unsigned 32-bit integers (UL)."""
    return _binary(raw, "I", little=little, max_values=max_values)


def floats(raw: bytes, *, little: bool, max_values: int = MAX_VALUES) -> tuple[float, ...] | Malformed:
    """Decode 32-bit floating point numbers (FL); they may be infinite or NaN."""
    return _binary(raw, "f", little=little, max_values=max_values)


def doubles(raw: bytes, *, little: bool, max_values: int = MAX_VALUES) -> tuple[float, ...] | Malformed:
    """Decode 64-bit floating point numbers (FD); they may be infinite or NaN."""
    return _binary(raw, "d", little=little, max_values=max_values)


def tags(raw: bytes, *, little: bool, max_values: int = MAX_VALUES) -> tuple[int, ...] | Malformed:
    """Decode tags (AT), as 0xGGGGEEEE."""
    if len(raw) % 4:
        return Malformed("the length is not a multiple of 4")
    halves = unsigned_shorts(raw, little=little, max_values=2 * max_values)
    if isinstance(halves, Malformed):
        return halves
    return tuple(group << 16 | element for group, element in zip(halves[::2], halves[1::2], strict=True))


def text(raw: bytes) -> str:
    r"""Return a text of the default repertoire without padding: spaces around it, and NULs after it.

    Bytes that are not ASCII become escapes such as `\xe9`, so that texts that differ in them stay different.
    """
    return raw.rstrip(b"\0 ").lstrip(b" ").decode("ascii", "backslashreplace")


def shortest(number: float) -> float:
    """Return a number as what is written in the shortest way: 1 rather than 1.0, while 1e+300 stays as it is."""
    return int(number) if abs(number) < _WHOLE and number.is_integer() else number


def _first_fault(parts: list[bytes], one: re.Pattern[bytes], kind: str) -> Malformed:
    number, part = next((number, part) for number, part in enumerate(parts, 1) if not one.fullmatch(part))
    return Malformed(f"value {number} of {len(parts)} is {f'not {kind}' if part.strip(b' ') else 'empty'}")


def _binary(raw: bytes, code: str, *, little: bool, max_values: int) -> tuple[Any, ...] | Malformed:
    size = calcsize(f"={code}")
    count, rest = divmod(len(raw), size)
    if rest:
        return Malformed(f"the length is not a multiple of {size}")
    if count > max_values:
        return _TOO_MANY
    return unpack(f"{'<' if little else '>'}{count}{code}", raw)
