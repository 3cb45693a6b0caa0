"""One copy of an instance for :mod:`scp.dicom.compare`: its Data Set and Items, and the attributes in them."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

from scp.dicom import canonical
from scp.dicom import tags as t
from scp.dicom.defect import DefectKind
from scp.dicom.element import LITTLE_ENDIAN_ITEM, Elements, Span
from scp.dicom.pages import pieces, read_short
from scp.dicom.read import scan_of
from scp.dicom.syntax import encoding_of
from scp.dicom.values import text
from scp.dicom.walk import Limits, fragments, walk_sequence

IGNORED: Final = frozenset(
    {
        0x00080001,  # Length to End
        0x00080005,  # Specific Character Set: the characters are compared
        0x00080015,  # Instance Coercion DateTime
        0x00080054,  # Retrieve AE Title
        0x00080056,  # Instance Availability
        0x0018A001,  # Contributing Equipment Sequence: a router that corrects the patient adds itself (PS3.3 C.12.1)
        0x00880130,  # Storage Media File-set ID
        0x00880140,  # Storage Media File-set UID
        0x04000500,  # Encrypted Attributes Sequence
        0x04000561,  # Original Attributes Sequence
        0x7FE00001,  # Extended Offset Table
        0x7FE00002,  # Extended Offset Table Lengths
        0x7FE00003,  # Encapsulated Pixel Data Value Total Length
        0xFFFAFFFA,  # Digital Signatures Sequence
        0xFFFCFFFC,  # Data Set Trailing Padding
    }
)
"""Attributes that may change whenever an instance is sent, routed, stored, signed or encoded again."""

_GROUPS_OUTSIDE: Final = frozenset({0x0000, 0x0002})
_ANY_SEQUENCE: Final = 0x00081140
"""Stands in for the tag of the element, which makes no difference to a walk over its value."""
_LONGEST_CREATOR: Final = 64
LONG: Final = 1 << 20
"""A value of more bytes is not read as a whole."""


class Key(NamedTuple):
    """What identifies an attribute in both copies; keys sort like tags.

    A private element is identified by its creator, wherever that reserved its block (PS3.5 §7.8.1); ``block`` counts
    the blocks of one creator.
    """

    group: int
    creator: str
    block: int
    element: int


class Level(NamedTuple):
    """The Data Set of one copy, or an Item in it; ``charset`` is the Specific Character Set that holds there."""

    data: memoryview | bytes
    elements: Elements
    little: bool
    charset: bytes
    transfer_syntax: str

    def raw(self, span: Span) -> bytes:
        """Return the value of an element, up to :data:`LONG` bytes; that of one in fragments is joined."""
        if span.fragments is None:
            return read_short(self.data, span.offset, min(span.length, LONG))
        value = bytearray()
        for piece in self.pieces(span):
            value += piece
            if len(value) >= LONG:
                break
        return bytes(value[:LONG])

    def pieces(self, span: Span) -> Iterator[bytes]:
        """Yield the value of an element in pieces; that of one in fragments without the Basic Offset Table."""
        if span.fragments is None:
            yield from pieces(self.data, span.offset, span.length)
            return
        for offset, length in islice(fragments(self.data, span, little=self.little), 1, None):
            yield from pieces(self.data, offset, length)

    def with_own_charset(self) -> "Level":
        """Return this with the Specific Character Set that it names, if it names one (PS3.3 C.12.1.1.2)."""
        own = self.elements.get(t.SPECIFIC_CHARACTER_SET)
        return self._replace(charset=self.raw(own)) if own else self

    def by_key(self) -> Mapping[Key, int]:
        """Return the tags of all attributes that are compared, by their keys."""
        blocks = _blocks(self)
        return {
            _key(tag, blocks): tag
            for tag in self.elements
            if tag not in IGNORED and tag >> 16 not in _GROUPS_OUTSIDE and not _is_bookkeeping(tag)
        }


class Attribute(NamedTuple):
    """An element of a Data Set."""

    level: Level
    span: Span

    @property
    def is_long(self) -> bool:
        """Whether :meth:`value` returns only the beginning of the value."""
        return self.span.length > LONG

    def value(self, vr: str) -> canonical.Value:
        """Return the value, or the beginning of a long one, read as ``vr``; UN is little endian (PS3.5 §6.2.2)."""
        return canonical.Value(self.level.raw(self.span), vr, self._little, self.level.charset)

    def may_be(self, other: "Attribute") -> bool:
        """Whether two values may be equal, going by their lengths."""
        are_whole = self.span.fragments is None and other.span.fragments is None
        return not are_whole or abs(self.span.length - other.span.length) <= 1  # one of them may be padded

    def digest(self, vr: str) -> str:
        """Return the digest of the whole value, read as ``vr``."""
        ordered = canonical.ordered(self.level.pieces(self.span), vr, little=self._little)
        return canonical.digest(ordered)

    @property
    def _little(self) -> bool:
        return self.level.little or self.span.vr == "UN"

    def as_sequence(self, *, guess: bool) -> "Attribute | None":
        """Return the element as a Sequence, or None if it is none. With ``guess``, try to read UN as one."""
        if self.span.items is not None:
            return self
        if not guess or self.span.vr != "UN":
            return None
        _, offset, length, _, _ = self.span
        if not length:
            return Attribute(self.level, self.span._replace(items=()))
        data = self.level.data
        if read_short(data, offset, min(length, len(LITTLE_ENDIAN_ITEM))) != LITTLE_ENDIAN_ITEM:
            return None
        scan = walk_sequence(data, _ANY_SEQUENCE, offset, offset + length)
        return None if scan.defect else Attribute(self.level, scan.elements[_ANY_SEQUENCE])

    def items(self) -> list[Level]:
        """Return the Items of a Sequence; below UN they are little endian (PS3.5 §6.2.2)."""
        inner = self.level._replace(little=self.level.little or self.span.vr == "UN")
        return [inner._replace(elements=item).with_own_charset() for item in self.span.items or ()]


def top_level(data: memoryview | bytes, transfer_syntax: str, limits: Limits) -> Level | None:
    """Return the top level of a Data Set; None if it cannot be walked to its end. Trailing padding does not matter."""
    encoding = encoding_of(transfer_syntax)
    if encoding is None:
        return None
    walked, scan = scan_of(data, transfer_syntax, limits)
    if scan.defect and scan.defect.kind is not DefectKind.TRAILING:
        return None
    return Level(walked, scan.elements, encoding.little, b"", transfer_syntax).with_own_charset()


def _is_private_creator(tag: int) -> bool:
    return bool(tag & 0x10000) and 0x10 <= tag & 0xFFFF <= 0xFF


def _is_bookkeeping(tag: int) -> bool:
    """Whether an element is a group length (PS3.5 §7.2), or a private creator, which is part of every key."""
    return tag & 0xFFFF == 0 or _is_private_creator(tag)


def _blocks(level: Level) -> Mapping[int, tuple[str, int]]:
    """Return, by group and block number, which creator reserved the block, and how many it had reserved before."""
    blocks: dict[int, tuple[str, int]] = {}
    before: dict[tuple[int, str], int] = {}
    for tag in sorted(tag for tag in level.elements if _is_private_creator(tag)):
        creator = text(level.raw(level.elements[tag]))[:_LONGEST_CREATOR]
        count = before.get((tag >> 16, creator), 0)
        before[tag >> 16, creator] = count + 1
        blocks[tag >> 16 << 8 | tag & 0xFF] = creator, count
    return blocks


def _key(tag: int, blocks: Mapping[int, tuple[str, int]]) -> Key:
    creator, count = blocks.get(tag >> 8, ("", 0)) if tag & 0x10000 else ("", 0)
    return Key(tag >> 16, creator, count, tag & 0xFF if creator else tag & 0xFFFF)
