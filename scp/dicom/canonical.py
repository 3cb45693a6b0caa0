"""When two values of an attribute are equal, however they are encoded.

VR, byte order, character set and padding do not count. Values are compared by what both can be read as, in this order:

============================= ===================================================================================
Both are                      Equal if
============================= ===================================================================================
not text                      the bytes are equal, in little endian
numbers, DS and IS included   the numbers are: ``1.0`` is ``1``, and US 5 is UL 5; DS and IS in double precision
text                          the characters are equal, each decoded in its own character set, without padding
anything else                 the bytes are equal, in little endian
============================= ===================================================================================

Values of more than :data:`~scp.dicom.level.LONG` bytes are not taken apart: they are equal if their bytes are equal in
little endian and, for text, if their character sets are the same.
"""

from collections.abc import Iterable, Iterator
from struct import unpack
from typing import Final, NamedTuple

import numpy as np
from blake3 import blake3

from scp.dicom.charset import decode_text
from scp.dicom.values import Malformed, decimal_strings, shortest

LONGEST: Final = 256
"""How many characters of a value are shown. A binary value of more bytes is shown by its digest."""

_MOST_VALUES: Final = 65536
"""If an attribute has more values than this, they are compared as one text."""
_NUMBERS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_FLOATING: Final = frozenset({"FL", "FD"})
_STRINGS_OF_NUMBERS: Final = frozenset({"DS", "IS"})
_BASIC_TEXT: Final = frozenset({"AE", "AS", "CS", "DA", "DT", "TM", "UI", "UR"})
_ENCODED_TEXT: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
TEXT: Final = _STRINGS_OF_NUMBERS | _BASIC_TEXT | _ENCODED_TEXT
_ONE_VALUE: Final = frozenset({"LT", "ST", "UR", "UT"})
_WIDTHS: Final = {
    "AT": 2, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8,
    "US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "UV": 8, "SV": 8, "FD": 8,
}  # fmt: skip


class Value(NamedTuple):
    """One value as it is encoded: its bytes, VR and byte order, and the Specific Character Set that holds for it."""

    raw: bytes
    vr: str
    little: bool
    charset: bytes


def equal(first: Value, second: Value) -> bool:
    """Whether two values are equal, by the table of this module."""
    if first.vr not in TEXT and second.vr not in TEXT and _bytes(first) == _bytes(second):
        return True
    numbers = _numbers(first), _numbers(second)
    if numbers[0] is not None and numbers[1] is not None:
        return numbers[0] == numbers[1]
    if first.vr in TEXT and second.vr in TEXT:
        return _text(first) == _text(second)
    return _bytes(first) == _bytes(second)


def shown(value: Value) -> str:
    """Return a value as text for people: at most 256 characters."""
    if value.vr in TEXT:
        return _text(value)[:LONGEST]
    if value.vr == "AT":
        ordered = _bytes(value)[: 4 * LONGEST]
        return "\\".join(f"({_hex(ordered, at)},{_hex(ordered, at + 2)})" for at in range(0, len(ordered), 4))[:LONGEST]
    numbers = _numbers(value._replace(raw=value.raw[: 8 * LONGEST]))
    if numbers is not None:
        return "\\".join(_written(number, value.vr) for number in numbers)[:LONGEST]
    if len(value.raw) > LONGEST:
        return digest([_bytes(value)])
    return _bytes(value).hex()[:LONGEST]


def is_legible(vr: str) -> bool:
    """Whether a long value of this VR is shown by its beginning rather than by its digest."""
    return vr in TEXT or vr in _NUMBERS or vr == "AT"


def is_encoded_text(*vrs: str) -> bool:
    """Whether a character set applies to any of these VRs (PS3.5 §6.1.2.3)."""
    return not _ENCODED_TEXT.isdisjoint(vrs)


def ordered(pieces: Iterable[bytes], vr: str, *, little: bool) -> Iterator[bytes]:
    """Yield the pieces of a value in little endian, and a padding byte if its length is odd (PS3.5 §7.1.1).

    Each piece but the last has to be a whole number of words.
    """
    width, size = 1 if little else _WIDTHS.get(vr, 1), 0
    for piece in pieces:
        size += len(piece)
        yield piece if width == 1 else little_endian(piece, width)
    yield bytes(size % 2)


def digest(pieces: Iterable[bytes]) -> str:
    """Return the digest by which bulk data are shown, and their size. They come in pieces, as they may be gigabytes."""
    hashed, size = blake3(), 0
    for piece in pieces:
        hashed.update(piece)
        size += len(piece)
    return f"blake3:{hashed.hexdigest()} ({size} bytes)"


def little_endian(raw: bytes, width: int) -> bytes:
    """Return big endian words of ``width`` bytes in little endian; bytes that do not fill a word stay as they are."""
    whole = len(raw) - len(raw) % width
    return np.frombuffer(raw[:whole], f">u{width}").astype(f"<u{width}").tobytes() + raw[whole:]


def _bytes(value: Value) -> bytes:
    """Return the bytes in little endian, of even length (PS3.5 §7.1.1)."""
    raw = value.raw + b"\0" * (len(value.raw) % 2)
    width = _WIDTHS.get(value.vr, 1)
    return raw if value.little or width == 1 else little_endian(raw, width)


def _numbers(value: Value) -> tuple[float, ...] | None:
    """Return the numbers of a value; None if its VR has none, or they cannot be read."""
    if value.vr in _STRINGS_OF_NUMBERS:
        found = decimal_strings(value.raw, _MOST_VALUES)
        return None if isinstance(found, Malformed) else found
    code = _NUMBERS.get(value.vr)
    if code is None:
        return None
    count, rest = divmod(len(value.raw), _WIDTHS[value.vr])
    return None if rest else unpack(f"{'<' if value.little else '>'}{count}{code}", value.raw)


def _text(value: Value) -> str:
    r"""Return the characters of a value without padding; if it has several values, without that of each.

    Leading spaces count only where PS3.5 §6.2 says that they do. Empty components at the end of a Person Name may be
    left out (PS3.5 §6.2.1).
    """
    raw = value.raw.rstrip(b"\0 ")
    text = decode_text(raw, value.charset) if value.vr in _ENCODED_TEXT else raw.decode("latin-1")
    if value.vr in _ONE_VALUE or text.count("\\") > _MOST_VALUES:
        return " " * (len(raw) - len(raw.lstrip(b" "))) + text.strip(" ")
    if value.vr == "PN":
        return "\\".join(_name(name) for name in text.split("\\"))
    return "\\".join(part.strip(" \0") for part in text.split("\\"))


def _name(name: str) -> str:
    return "=".join(group.strip(" ").rstrip("^ ") for group in name.split("=")).rstrip("=")


def _written(number: float, vr: str) -> str:
    """Write a number with as few digits as distinguish it from others of its VR: FL has fewer than FD."""
    if vr not in _FLOATING:
        return str(number)
    return str(shortest(float(str(np.float32(number))) if vr == "FL" else number))


def _hex(ordered: bytes, position: int) -> str:
    return f"{int.from_bytes(ordered[position : position + 2], 'little'):04X}"
