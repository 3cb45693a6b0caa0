"""The Pixel Data of one copy, read in place: they may be gigabytes, too many to copy."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from blake3 import blake3

from scp.dicom import tags as t
from scp.dicom.canonical import little_endian
from scp.dicom.element import Elements, Span
from scp.dicom.pages import PIECE, pieces, read_long, read_short
from scp.dicom.values import Malformed, text, unsigned_shorts
from scp.dicom.walk import fragments

_MOST: Final = 1 << 16
"""How many bytes are read of an element beside the Pixel Data: as many as a 16-bit length allows."""

Place = tuple[int, int]
"""Offset and length of a fragment."""


class Source(NamedTuple):
    """The Pixel Data of one copy, with the attributes that describe them.

    ``word`` is how many bytes were swapped together in OW, if the copy is big endian and not compressed.
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
        return read_short(self.data, span.offset, min(span.length, _MOST)) if span else b""

    def number(self, tag: int) -> int:
        """Return a US value beside the Pixel Data; 0 if there is none that decodes."""
        found = unsigned_shorts(self.raw(tag), little=self.little)
        return 0 if isinstance(found, Malformed) or not found else found[0]

    def text(self, tag: int) -> str:
        """Return a CS value beside the Pixel Data."""
        return text(self.raw(tag))

    @property
    def size(self) -> int:
        """The number of bytes of uncompressed Pixel Data."""
        return min(self.span.length, len(self.data) - self.span.offset)

    def native(self, start: int, end: int) -> bytes:
        """Return a part of uncompressed Pixel Data in little endian."""
        offset, size = self.span.offset, self.size
        if self.little or self.span.vr in ("OB", "UN"):
            return read_long(self.data, offset + start, min(end, size) - start)
        begin, whole = start - start % self.word, min(end + -end % self.word, size)
        swapped = little_endian(read_long(self.data, offset + begin, whole - begin), self.word)
        return swapped[start - begin : end - begin]

    def same_samples(self, other: "Source") -> bool:
        """Tell whether the bytes of two uncompressed copies are equal in little endian."""
        return self.size == other.size and all(
            self.native(start, start + PIECE) == other.native(start, start + PIECE)
            for start in range(0, self.size, PIECE)
        )

    def fragments(self) -> Iterator[Place]:
        """Yield where the fragments of encapsulated Pixel Data are, the Basic Offset Table first."""
        return fragments(self.data, self.span, little=self.little)

    def joined(self, places: Iterable[Place]) -> bytes:
        """Return the bytes at some places, joined."""
        return b"".join(read_long(self.data, offset, length) for offset, length in places)

    def same_codestreams(self, other: "Source") -> bool:
        """Tell whether the fragments of two copies are the same bytes, however they are cut."""
        return self._codestreams() == other._codestreams()

    def _codestreams(self) -> bytes:
        """Return the digest of all fragments but the Basic Offset Table."""
        hashed = blake3()
        for offset, length in islice(self.fragments(), 1, None):
            for piece in pieces(self.data, offset, length):
                hashed.update(piece)
        return hashed.digest()
