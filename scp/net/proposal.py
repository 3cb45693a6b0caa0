"""Checks an A-ASSOCIATE-RQ before pynetdicom reads it (PS3.8 §9.3.2).

pynetdicom makes objects of whatever it is given, and takes five seconds for a proposal that was made to hurt. Here the
items are walked once and counted, and a proposal that exceeds the bounds goes no further. What the standard says to
ignore (items of unknown types, §9.3.1, and all bits of the protocol version but one) is not passed on to pynetdicom.
"""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
"""The only Application Context Name of DICOM (PS3.7 Annex A.2.1)."""

_FIXED: Final = struct.Struct(">H2x16s16s32x")
_ITEM: Final = struct.Struct(">BxH")
_APPLICATION_CONTEXT, _PRESENTATION_CONTEXT, _USER_INFORMATION = 0x10, 0x20, 0x50
_ABSTRACT_SYNTAX, _TRANSFER_SYNTAX = 0x30, 0x40
_USER_IDENTITY: Final = 0x58
_USER_ITEMS: Final = frozenset({0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, _USER_IDENTITY})

_MOST_TRANSFER_SYNTAXES: Final = 128 * 48
"""For 128 contexts, as many as there can be, each with about every Transfer Syntax that there is."""
_MOST_USER_ITEMS: Final = 512
"""Three for each of 128 contexts, and those that occur once."""


class Malformed(Exception):
    """It is not a valid A-ASSOCIATE-RQ, or it exceeds the bounds; the text says why."""


@dataclass(frozen=True, slots=True)
class Proposal:
    r"""What must be known of a proposal before pynetdicom reads it; ``body`` is the variable part to pass on to it.

    AE titles are without padding. Characters that are not allowed are escaped, as in ``CT\x1b``, so they can be shown.
    """

    supports_version_1: bool
    calling_ae_title: str
    called_ae_title: str
    application_context: str
    has_user_identity: bool
    body: bytes


def is_ae_title(text: str) -> bool:
    """Tell whether an escaped AE title is one (PS3.5 §6.2): not empty, no backslash, nothing that was escaped."""
    return bool(text) and "\\" not in text


def as_shown(raw: bytes) -> str:
    """Return padded text as it can be shown: control characters and what is not ASCII are escaped."""
    text = raw.strip(b" \0").decode("ascii", "backslashreplace")
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def read_proposal(body: bytes | memoryview) -> Proposal:
    """Check an A-ASSOCIATE-RQ; ``body`` is what follows its length field. Raises Malformed."""
    if len(body) < _FIXED.size:
        raise Malformed("an A-ASSOCIATE-RQ that is too short")
    version, called, calling = _FIXED.unpack_from(body)
    application_context, contexts, user_items, kept = "", _Contexts(), _NO_ITEMS, list[bytes]()
    for kind, value in _items(memoryview(body)[_FIXED.size :]):
        if kind == _APPLICATION_CONTEXT:
            if application_context:
                raise Malformed("a second Application Context item")
            application_context = as_shown(bytes(value)) or "none"
            kept.append(_item(kind, value))
        elif kind == _PRESENTATION_CONTEXT:
            kept.append(_item(kind, contexts.take(value)))
        elif kind == _USER_INFORMATION:
            if user_items is not _NO_ITEMS:
                raise Malformed("a second User Information item")
            user_items = _known(value, _USER_ITEMS, _MOST_USER_ITEMS)
            kept.append(_item(kind, b"".join(_item(*item) for item in user_items)))
    titles = as_shown(called), as_shown(calling)
    readable = (title if is_ae_title(title) else "?" for title in titles)  # admission rejects a title that is not one
    return Proposal(
        supports_version_1=bool(version & 1),
        calling_ae_title=titles[1],
        called_ae_title=titles[0],
        application_context=application_context,
        has_user_identity=any(kind == _USER_IDENTITY for kind, _ in user_items),
        body=_FIXED.pack(1, *(title.encode().ljust(16) for title in readable)) + b"".join(kept),
    )


_Items = list[tuple[int, memoryview]]
_NO_ITEMS: Final[_Items] = []


class _Contexts:
    """The Presentation Context items of one proposal, counted."""

    def __init__(self) -> None:
        self._numbers: set[int] = set()
        self._room = _MOST_TRANSFER_SYNTAXES

    def take(self, value: memoryview) -> bytes:
        """Return what to pass on of an item (PS3.8 §9.3.2.2). Raises Malformed."""
        if len(value) < 4 or value[0] % 2 == 0 or value[0] in self._numbers:
            raise Malformed("a Presentation Context without an odd number of its own")
        self._numbers.add(value[0])
        items = _known(value[4:], (_ABSTRACT_SYNTAX, _TRANSFER_SYNTAX), self._room + 1)
        syntaxes = sum(kind == _TRANSFER_SYNTAX for kind, _ in items)
        if len(items) != syntaxes + 1 or not syntaxes:
            raise Malformed("a Presentation Context without one Abstract Syntax and a Transfer Syntax")
        self._room -= syntaxes
        return bytes(value[:4]) + b"".join(_item(*item) for item in items)


def _known(data: memoryview, kinds: Collection[int], most: int) -> _Items:
    """Return the items of known types. Raises Malformed if there are more than ``most``, of whatever type."""
    kept: _Items = []
    for count, (kind, value) in enumerate(_items(data)):
        if count >= most:
            raise Malformed("more items than anybody needs")
        if kind in kinds:
            kept.append((kind, value))
    return kept


def _items(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the type and value of each item. Raises Malformed if one does not fit."""
    position, end = 0, len(data)
    while position < end:
        if position + _ITEM.size > end:
            raise Malformed("an item without its header")
        kind, length = _ITEM.unpack_from(data, position)
        begin = position + _ITEM.size
        position = begin + length
        if position > end:
            raise Malformed("an item that is longer than its place")
        yield kind, data[begin:position]


def _item(kind: int, value: bytes | memoryview) -> bytes:
    return _ITEM.pack(kind, len(value)) + value
