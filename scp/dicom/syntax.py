"""Transfer Syntaxes: how the bytes of a Data Set are to be read (PS3.5 §10 and Annex A)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from struct import Struct
from typing import TYPE_CHECKING

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPIPHTJ2KReferenced,
    JPIPHTJ2KReferencedDeflate,
    SMPTEST211020UncompressedInterlacedActiveVideo,
    SMPTEST211020UncompressedProgressiveActiveVideo,
    SMPTEST211030PCMDigitalAudio,
    UID_dictionary,
)

from scp.dicom.defect import Defect, DefectKind
from scp.dicom.pages import PIECE, pieces, read_long
from scp.dicom.uid import is_standards_own, is_uid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scp.dicom.element import Buffer
    from scp.dicom.pages import Scratch

MAX_INFLATED_BYTES = 256 * 1024 * 1024
"""Default limit of `inflate`: far above any deflated object seen, far below what harms a node."""
_IN_MEMORY = 1 << 20
"""Up to this many inflated bytes stay in memory: more than an image of 512 x 512 pixels has."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a Transfer Syntax says about the encoding of a Data Set.

    Attributes:
        explicit: each data element names its VR.
        little: multi-byte values are little endian.
        encapsulated: Pixel Data of undefined length, in fragments (PS3.5 §A.4), is allowed.
        deflated: the Data Set is one deflated stream (PS3.5 §A.5): `inflate` it, then walk it.
    """

    explicit: bool
    little: bool
    encapsulated: bool
    deflated: bool = False


EXPLICIT_LITTLE = Encoding(explicit=True, little=True, encapsulated=False)
EXPLICIT_BIG = Encoding(explicit=True, little=False, encapsulated=False)
IMPLICIT_LITTLE = Encoding(explicit=False, little=True, encapsulated=False)
DEFLATED = replace(EXPLICIT_LITTLE, deflated=True)
ENCAPSULATED = replace(EXPLICIT_LITTLE, encapsulated=True)

_GZIP_TRAILER = Struct("<II")  # CRC-32 and size of what was compressed (RFC 1952)

_TRANSFER_SYNTAXES = "1.2.840.10008.1.2."

_REFERENCED = {
    # The pixels are at a URL, so none are encapsulated.
    "1.2.840.10008.1.2.4.94": EXPLICIT_LITTLE,
    "1.2.840.10008.1.2.4.95": DEFLATED,
    JPIPHTJ2KReferenced: EXPLICIT_LITTLE,
    JPIPHTJ2KReferencedDeflate: DEFLATED,
    # The pixels, or the sound, are in another stream.
    SMPTEST211020UncompressedProgressiveActiveVideo: EXPLICIT_LITTLE,
    SMPTEST211020UncompressedInterlacedActiveVideo: EXPLICIT_LITTLE,
    SMPTEST211030PCMDigitalAudio: EXPLICIT_LITTLE,
}
# Everything that is not Explicit VR Little Endian with encapsulated Pixel Data.
_SPECIAL: dict[str, Encoding | None] = {
    ImplicitVRLittleEndian: IMPLICIT_LITTLE,
    ExplicitVRLittleEndian: EXPLICIT_LITTLE,
    DeflatedExplicitVRLittleEndian: DEFLATED,
    ExplicitVRBigEndian: EXPLICIT_BIG,
    **_REFERENCED,
    # Papyrus 3, and a GE private one that differs from it only in the byte order of the Pixel Data.
    "1.2.840.10008.1.20": IMPLICIT_LITTLE,
    "1.2.840.113619.5.2": IMPLICIT_LITTLE,
    # RFC 2557 and XML: no Data Set is encoded with these.
    "1.2.840.10008.1.2.6.1": None,
    "1.2.840.10008.1.2.6.2": None,
}
_STANDARD = {uid: ENCAPSULATED for uid, entry in UID_dictionary.items() if entry[1] == "Transfer Syntax"}
_ENCODINGS: dict[str, Encoding | None] = {**_STANDARD, **_SPECIAL}

KNOWN_TRANSFER_SYNTAXES = frozenset(uid for uid in _STANDARD if _ENCODINGS[uid])
"""Those that the standard has or had, and that a Data Set can be encoded with (PS3.6 Table A-1)."""

COMPLETE_TRANSFER_SYNTAXES = KNOWN_TRANSFER_SYNTAXES.difference(_REFERENCED)
"""Those of them whose Data Sets hold all of an instance.

With the others, the JPIP Referenced ones and those of SMPTE ST 2110, the Data Set only says where the pixels are: what
is stored of it is incomplete (PS3.4 §B.1.2, Note 2), and worth nothing once they are gone from there.
"""


def encoding_of(uid: str) -> Encoding | None:
    """Return how to read a Data Set that came in this Transfer Syntax, or None if the UID cannot be one.

    A Transfer Syntax that is private, or newer than the dictionary, is read as Explicit VR Little Endian with
    encapsulated Pixel Data: PS3.5 §A.4 fixes that for compressed ones, and private ones follow it.
    """
    try:
        return _ENCODINGS[uid]
    except KeyError:
        if not is_uid(uid) or (is_standards_own(uid) and not uid.startswith(_TRANSFER_SYNTAXES)):
            return None
        return ENCAPSULATED


def inflate(
    data: Buffer, limit: int = MAX_INFLATED_BYTES, scratch: Callable[[], Scratch] | None = None
) -> memoryview | Defect:
    """Return the Data Set of a deflated Transfer Syntax (PS3.5 §A.5), or why there is none.

    At most one byte beyond the limit is inflated. One NUL may follow the stream, to pad it to even length; or
    the trailer of a gzip file, if it fits the stream, because some systems leave it there. The offset of a
    `Defect` counts from the start of `data`. What is too large for memory goes to `scratch`, if there is one;
    what that raises passes.
    """
    stream, size = _Stream(data), 0
    inflated, place = bytearray(), None
    try:
        for part in stream.inflated(limit + 1):
            size += len(part)
            if place is None and scratch and size > _IN_MEMORY:
                place = scratch()
                place.write(inflated)
                inflated = bytearray()
            if place:
                place.write(part)
            else:
                inflated += part  # grows in place: a list of parts and the whole would take twice the memory
    except zlib.error:
        return Defect(DefectKind.NOT_INFLATABLE, 0)
    if size > limit:
        return Defect(DefectKind.INFLATES_TOO_LARGE, 0)
    if not stream.is_complete:
        return Defect(DefectKind.TRUNCATED, len(data))
    whole = place.memory() if place else memoryview(inflated).toreadonly()
    rest = read_long(data, stream.end, _GZIP_TRAILER.size + 1)
    return whole if _may_follow(rest, whole) else Defect(DefectKind.TRAILING, stream.end)


def _may_follow(rest: bytes, inflated: memoryview) -> bool:
    """Tell whether these bytes may follow a stream that inflated to `inflated`."""
    if len(rest) != _GZIP_TRAILER.size:
        return rest in (b"", b"\0")
    crc = 0
    for piece in pieces(inflated):
        crc = zlib.crc32(piece, crc)
    return rest == _GZIP_TRAILER.pack(crc, len(inflated) & 0xFFFFFFFF)


class _Stream:
    """A deflated stream with bytes after it."""

    def __init__(self, data: Buffer) -> None:
        self._data = data
        self._stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        self._taken = 0

    @property
    def is_complete(self) -> bool:
        """Whether the stream has come to its end."""
        return self._stream.eof

    @property
    def end(self) -> int:
        """Where the stream ends, if it is complete."""
        return self._taken - len(self._stream.unused_data)

    def inflated(self, most: int) -> Iterator[bytes]:
        """Yield what the stream inflates to in pieces, `most` bytes of it. Raises zlib.error."""
        stream = self._stream
        for piece in pieces(self._data):
            self._taken += len(piece)
            more = True
            while more:
                room = min(most, PIECE)
                part = stream.decompress(piece, room)
                yield part
                most -= len(part)
                if not most:
                    return
                piece = stream.unconsumed_tail
                more = len(part) == room  # the decompressor may hold more
            if stream.eof:
                return
