"""Text in the character set of its Data Set (PS3.3 C.12.1.1.2, PS3.5 §6.1), to be compared and shown.

The tables are pydicom's; the decoding is not. pydicom would accept any codec of Python as a character set, some of
which take long or make text that cannot be stored, and its warnings repeat the text.
"""

import re
from functools import lru_cache
from typing import Final

from pydicom.charset import CODES_TO_ENCODINGS, STAND_ALONE_ENCODINGS, python_encoding

_DEFAULT: Final = "iso8859-1"
"""For unknown terms, and for bytes beyond the default repertoire: each byte becomes one character."""
_LONGEST: Final = 512
"""How many bytes of a Specific Character Set are read: all defined terms together fit into them."""
_DELIMITERS: Final = re.compile(rb"[\t\n\f\r\\]")
"""After these, the first character set is active again (PS3.5 §6.1.2.5.3)."""
_PARTS: Final = re.compile(rb"^[^\x1b]+|\x1b[^\x1b]*")
_TO_ASCII: Final = b"\x1b(B"
_LONG_ESCAPES: Final = (b"\x1b$(", b"\x1b$)")
_READ_ESCAPES: Final = frozenset({"iso2022_jp", "iso2022_jp_2"})
"""Codecs of Python that want the escape sequence before the text."""


def _spelled(term: str) -> str:
    """Return a defined term as it is looked up: misspellings such as ``ISO-IR 100`` and ``ISO_IR_100`` occur."""
    return re.sub(r"[-_ ]+", " ", term)


_CODECS: Final = {_spelled(term): codec for term, codec in python_encoding.items()}
_ALONE: Final = frozenset(_CODECS[_spelled(term)] for term in STAND_ALONE_ENCODINGS)


@lru_cache(maxsize=64)
def _codecs(charset: bytes) -> tuple[str, ...]:
    """Return the codecs that a Specific Character Set names, the one that is active without escapes first."""
    terms = charset.decode("ascii", "replace").split("\\")
    first, *others = [_CODECS.get(_spelled(term.strip(" \0")), _DEFAULT) for term in terms]
    if first in _ALONE:
        return (first,)
    return first, *(codec for codec in others if codec not in _ALONE)


def decode_text(raw: bytes, charset: bytes) -> str:
    """Decode a text value without its padding; what cannot be decoded is replaced, never raised."""
    raw = raw.strip(b" \0")
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    codecs = _codecs(charset[:_LONGEST])
    return "".join(_decoded(part, codecs) for part in _PARTS.findall(raw))


def _decoded(part: bytes, codecs: tuple[str, ...]) -> str:
    """Decode a part that may begin with an escape sequence; one that was not announced is left in the text."""
    size = 4 if part.startswith(_LONG_ESCAPES) else 3
    codec = CODES_TO_ENCODINGS.get(part[:size], "")
    if codec not in codecs and part[:size] != _TO_ASCII:
        return part.decode(codecs[0], "replace")
    if codec in _READ_ESCAPES:
        return part.decode(codec, "replace")
    delimiter = _DELIMITERS.search(part, size)
    end = delimiter.start() if delimiter else len(part)
    return part[size:end].decode(codec, "replace") + part[end:].decode(codecs[0], "replace")
