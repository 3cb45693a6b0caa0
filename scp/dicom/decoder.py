"""Decodes the elements of a walked Data Set into its facts.

The instances of a series have nearly all values in common. So a :class:`Decoder` remembers the encoded values of the
previous Data Set, and does not decode the same bytes in the same encoding again.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import compress
from operator import itemgetter, ne
from typing import Any, Final
from weakref import ref

from scp.dicom import tags as t
from scp.dicom.charset import decode_text
from scp.dicom.element import Elements
from scp.dicom.facts import Facts
from scp.dicom.frames import NO_PLANES, frame_planes
from scp.dicom.pages import read_short
from scp.dicom.readers import ABSENT, BOUNDS, MOST, UIDS, UNNAMED_UID, WANTED, How
from scp.dicom.scan import Scan
from scp.dicom.shape import Place, Shapes
from scp.dicom.sop_classes import kind_of
from scp.dicom.syntax import Encoding
from scp.dicom.uid import padding_is_standard, strip_uid

Change = frozenset[str] | None
"""The names of the facts that differ from those of the previous Data Set; None if any may differ."""

Values = tuple[tuple[int, ...], tuple[bytes, ...]]
"""Tags, and the encoded value of each, in the order of the Data Set."""

_Data = memoryview | bytes
_Reader = tuple[str, How, Callable[..., Any]]
"""The name of a fact, and how its value is read: see :data:`~scp.dicom.readers.WANTED`."""
_Raw = Iterable[tuple[int, _Reader, bytes]]
_HEAD: Final = 1 << 16
"""The first so many bytes are copied once, as slices of bytes are much cheaper than those of a memoryview."""
_REMEMBERED: Final = 64
"""Decoded values of up to so many bytes are remembered for all associations: names of equipment, not descriptions."""
_FIRST_TAG: Final = 0x00030000
"""Elements of groups 0000 and 0002 do not belong to a Data Set."""
_BEGIN: Final = itemgetter(1)
_MOST_VALUES: Final = 1000
"""After so many values, UIDs of unknown tags are left out: what is read is kept as long as the association lasts."""
_ITS_OWN: Final = {t.SOP_INSTANCE_UID}
"""The UIDs that differ in every instance."""
_ANEW, _UID = How.ANEW, How.UID
_VECTORS: Final = frozenset(t.NM_FRAME_VECTORS)
_NAMES: Final[Mapping[int, str]] = {tag: name for name, tag in UIDS.items()}


class Decoder:
    """Decodes one Data Set after another. For one thread at a time.

    ``change`` are the facts in which the last Data Set differed from the one before it.
    """

    def __init__(self) -> None:
        self.change: Change = None
        self.shapes: dict[str, Shapes] = {}
        """By transfer syntax."""
        self._encoding: Encoding | None = None
        self._charset = b""
        self._scan: Callable[[], Scan | None] = lambda: None
        """The scan of the previous Data Set, as long as a shape holds it: many elements take much memory."""
        self._values: Values = (), ()
        self._readers: tuple[_Reader, ...] = ()
        self._found: dict[str, Any] = {}

    def facts_of(self, data: _Data, scan: Scan, encoding: Encoding, values: Values | None = None) -> Facts:
        """Decode what rules need from a walked Data Set.

        Args:
            data: the bytes that were walked (inflated, if the transfer syntax is deflated).
            scan: what the walk found in them; incomplete if the Data Set is defective.
            encoding: of the Transfer Syntax.
            values: what :func:`values_of` returns for the places of :func:`places_of`, if the caller knows it already.
        """
        elements = scan.elements
        values = values or values_of(data, elements, places_of(elements))
        charset = _charset(data, elements)
        (tags, raw), (tags_before, raw_before) = values, self._values
        is_new = encoding is not self._encoding or charset != self._charset or tags != tags_before
        readers = tuple(WANTED.get(tag, UNNAMED_UID) for tag in tags) if is_new else self._readers
        changed: _Raw = zip(tags, readers, raw, strict=True)
        if is_new:
            found = dict(ABSENT)
            found["uids"], found["other_uids"], found["badly_padded_uids"] = {}, {}, ()
            found.update(dict.fromkeys(UIDS, ""))
        else:
            # A slice changes some five of fifty values. Finding them takes no loop in Python.
            changed, found = compress(changed, map(ne, raw, raw_before)), self._found.copy()
        names = _decode(changed, values, found, charset, encoding.little)
        # The same scan as before means the same structure, apart from what lies deeper than these values.
        is_walked = scan is not self._scan()
        if is_new or is_walked or t.NUMBER_OF_FRAMES in elements:
            names |= _structure(data, scan, encoding, found)
        elif "sop_class_uid" in names:
            names |= _set_kind(found)
        self._encoding, self._charset = encoding, charset
        if is_walked:
            self._scan = ref(scan)
        self._values, self._readers, self._found = values, readers, found
        self.change = None if is_new else frozenset(names)
        facts = object.__new__(Facts)
        # What the constructor does, without a call for each of ninety fields. Nobody writes to ``found`` from now on.
        object.__setattr__(facts, "__dict__", found)
        return facts


def places_of(elements: Elements) -> tuple[Place, ...]:
    """Return where the values are that become facts, in the order of the Data Set.

    Absent and empty ones, and Sequences, are left out.
    """
    wanted = WANTED
    places = [
        (tag, offset, offset + length)
        for tag, (vr, offset, length, items, _) in elements.items()
        if (tag in wanted or (vr == "UI" and tag >= _FIRST_TAG)) and length > 0 and items is None
    ]
    places.sort(key=_BEGIN)  # if an element is there twice, the dict has the rank of the first, the place of the last
    if len(places) > _MOST_VALUES:
        places = [one for number, one in enumerate(places) if number < _MOST_VALUES or one[0] in wanted]
    return tuple(places)


def values_of(data: _Data, elements: Elements, places: tuple[Place, ...]) -> Values:
    """Return the encoded values at these places."""
    pixels = elements.get(t.PIXEL_DATA)
    head = bytes(data[: min(_HEAD, pixels.offset if pixels else _HEAD)])
    size = len(head)
    return tuple(tag for tag, _, _ in places), tuple(
        head[start:end] if end <= size else read_short(data, start, min(end - start, BOUNDS.get(tag, MOST)))
        for tag, start, end in places
    )


def _decode(changed: _Raw, values: Values, found: dict[str, Any], charset: bytes, little: bool) -> set[str]:
    """Decode what changed into ``found``, and return the names of the facts concerned. ``values`` are all values."""
    names: set[str] = set()
    uids: dict[int, bytes] = {}
    for tag, (name, how, read), value in changed:
        if how is _UID:
            uids[tag] = value
            continue
        names.add(name)
        if how is _ANEW:
            found[name] = read(value)
            continue
        is_short = len(value) <= _REMEMBERED
        if how is How.PLAIN:
            found[name] = _plain(read, value) if is_short else read(value)
        elif how is How.TEXT:
            found[name] = _text(value, charset) if is_short else decode_text(value[:MOST], charset)
        else:
            found[name] = _binary(read, value, little) if is_short else read(value, little)
    if uids:
        names |= _decode_uids(uids, values, found)
    return names


def _decode_uids(changed: Mapping[int, bytes], values: Values, found: dict[str, Any]) -> set[str]:
    """Decode the UIDs that changed into ``found``, and return the names of the facts concerned."""
    names = {"uids"}
    uids = found["uids"] = found["uids"].copy()
    is_bad = bool(found["badly_padded_uids"])
    for tag, value in changed.items():
        cut = value[:MOST]
        uid = uids[tag] = strip_uid(cut)
        is_bad = is_bad or not padding_is_standard(cut)
        name = _NAMES.get(tag)
        if name:
            names.add(name)
            found[name] = uid
    if changed.keys() != _ITS_OWN:
        names.add("other_uids")
        found["other_uids"] = {tag: uid for tag, uid in uids.items() if tag not in _ITS_OWN}
    if is_bad:
        names.add("badly_padded_uids")
        found["badly_padded_uids"] = tuple(
            tag for tag, value in zip(*values, strict=True) if tag in uids and not padding_is_standard(value[:MOST])
        )
    return names


def _structure(data: _Data, scan: Scan, encoding: Encoding, found: dict[str, Any]) -> set[str]:
    """Set the facts that follow from the elements, not from their values; return the names of those that changed."""
    elements = scan.elements
    pixel_data = next((tag for tag in t.PIXELS if tag in elements), None)
    told: dict[str, Any] = {
        "defect": scan.defect,
        "unordered": scan.unsorted if scan.unsorted is not None else scan.repeated,
        "foreign": _foreign(scan),
        "pixel_data_tag": pixel_data,
        "pixel_data_length": None if pixel_data is None else elements[pixel_data].length,
        "encapsulated": encoding.encapsulated,
        "shared_macros": frozenset[int](),
        "frame_macros": None,
        "frame_vector_lengths": {},
        "frame_planes": NO_PLANES,
    }
    if t.NUMBER_OF_FRAMES in elements:
        told["frame_planes"] = frame_planes(data, elements, found, encoding.little)
    if shared := elements.get(t.SHARED_FUNCTIONAL_GROUPS_SEQUENCE):
        told["shared_macros"] = frozenset(tag for item in shared.items or () for tag in item)
    if per_frame := elements.get(t.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE):
        told["frame_macros"] = tuple(map(frozenset, per_frame.items or ()))
    if not _VECTORS.isdisjoint(elements):
        told["frame_vector_lengths"] = {tag: elements[tag].length // 2 for tag in t.NM_FRAME_VECTORS if tag in elements}
    names = {name for name, value in told.items() if name not in found or found[name] != value}
    found.update(told)
    return names | _set_kind(found)


def _set_kind(found: dict[str, Any]) -> set[str]:
    kind = kind_of(found["sop_class_uid"])
    if found.get("kind") is kind:
        return set()
    found["kind"] = kind
    return {"kind"}


def _foreign(scan: Scan) -> tuple[int, ...]:
    """Return the elements that do not belong in a Data Set (PS3.10 §7); if tags are in order, these come first."""
    foreign = []
    for tag in scan.elements:
        if tag >> 16 in (0x0000, 0x0002):
            foreign.append(tag)
        elif scan.unsorted is None:
            break
    return tuple(foreign)


def _charset(data: _Data, elements: Elements) -> bytes:
    span = elements.get(t.SPECIFIC_CHARACTER_SET)
    return b"" if span is None else bytes(data[span.offset : span.offset + min(max(span.length, 0), MOST)])


@lru_cache(maxsize=1024)
def _plain(read: Callable[[bytes], Any], value: bytes) -> Any:
    return read(value)


@lru_cache(maxsize=1024)
def _binary(read: Callable[[bytes, bool], Any], value: bytes, little: bool) -> Any:
    return read(value, little)


_text = lru_cache(maxsize=1024)(decode_text)
