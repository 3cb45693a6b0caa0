"""The Pixel Data of one copy, where they lie: of a film they are gigabytes, which are not copied to be compared."""

from hashlib import blake2b
from itertools import islice
from typing import Final, NamedTuple

from scp.dicom import tags as t
from scp.dicom.canonical import little_endian
from scp.dicom.element import Elements, Span
from scp.dicom.values import Malformed, text, unsigned_shorts
from scp.dicom.walk import fragments

_PIECE: Final = 1 << 20


class Source(NamedTuple):
    """The Pixel Data of one copy, between the attributes that describe them.

    ``word`` is how many bytes changed places together in OW, if the copy is big endian and was never compressed.
    """

    data: memoryview | bytes
    elements: Elements
    little: bool
    transfer_syntax: str
    word: int = 2

    @property
    def span(self) -> Span:
        """Where the Pixel Data are."""
        return self.elements[t.PIXEL_DATA]

    def raw(self, tag: int) -> bytes:
        """Return the value of an element beside the Pixel Data; empty if it is absent."""
        span = self.elements.get(tag)
        return bytes(self.data[span.offset : span.offset + span.length]) if span else b""

    def number(self, tag: int) -> int:
        """Return an US beside the Pixel Data; 0 if there is none that decodes."""
        found = unsigned_shorts(self.raw(tag), little=self.little)
        return 0 if isinstance(found, Malformed) or not found else found[0]

    def text(self, tag: int) -> str:
        """Return a code beside the Pixel Data."""
        return text(self.raw(tag))

    def native(self) -> memoryview:
        """Return uncompressed Pixel Data in little endian: only those in big endian are copied."""
        span = self.span
        raw = memoryview(self.data)[span.offset : span.offset + span.length]
        if self.little or span.vr in ("OB", "UN"):
            return raw
        return memoryview(little_endian(bytes(raw), self.word))

    def fragments(self) -> list[bytes]:
        """Return the fragments of encapsulated Pixel Data, the Basic Offset Table first."""
        places = fragments(self.data, self.span, little=self.little)
        return [bytes(self.data[offset : offset + length]) for offset, length in places]

    def same_codestreams(self, other: "Source") -> bool:
        """Tell whether the fragments of two copies are the same bytes, however they are cut."""
        return self._codestreams() == other._codestreams()

    def _codestreams(self) -> bytes:
        """Return the digest of all fragments but the Basic Offset Table."""
        hashed = blake2b()
        for offset, length in islice(fragments(self.data, self.span, little=self.little), 1, None):
            hashed.update(memoryview(self.data)[offset : offset + length])
        return hashed.digest()


def same_bytes(first: memoryview, second: memoryview) -> bool:
    """Tell whether bytes are equal. Piece by piece, because two views are compared number by number, which is slow."""
    return len(first) == len(second) and all(
        bytes(first[start : start + _PIECE]) == bytes(second[start : start + _PIECE])
        for start in range(0, len(first), _PIECE)
    )
