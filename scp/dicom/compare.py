"""Compare two copies of one instance: what differs, apart from encoding and volatile attributes.

Both Data Sets are walked and then compared side by side in the order of tags, Items of Sequences included; private
groups in the order of their creators. :mod:`scp.dicom.level` says which elements of the two are one attribute and which
do not count, :mod:`scp.dicom.canonical` when two values are equal, :mod:`scp.dicom.pixels` when two images are.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Final, NamedTuple, TypeAlias

from scp.dicom import canonical
from scp.dicom import tags as t
from scp.dicom.coercible import COERCIBLE
from scp.dicom.dictionary import implied_vr
from scp.dicom.difference import Comparison, Difference, Pixels
from scp.dicom.level import Attribute, Level, top_level
from scp.dicom.pixel_source import Source
from scp.dicom.pixels import Likeness, compare_pixels
from scp.dicom.walk import Limits
from scp.printable import count

BULK: Final = frozenset(
    {
        0x00420011,  # Encapsulated Document
        0x54001010,  # Waveform Data
        0x56000020,  # Spectroscopy Data
        t.FLOAT_PIXEL_DATA,
        t.DOUBLE_FLOAT_PIXEL_DATA,
        t.PIXEL_DATA,
    }
)
"""Bulk data: attributes with the content of the instance. (Pixel Data in an Item are those of an icon.)"""

MOST_RECORDED: Final = 100
"""How many differences are recorded at most, of coercible attributes and of others."""

_DEEPEST_GUESS: Final = 32
"""Below this many Sequences, a value of VR UN is not tried as a Sequence: each try costs a walk of its own."""
_DECISIVE: Final = (Pixels.DIFFERENT, Pixels.UNREADABLE, Pixels.LOSSY)


class _Place(NamedTuple):
    """The current place in the two Data Sets: an attribute or, if ``path`` ends with a dot, the inside of an Item."""

    path: str = ""
    depth: int = 0
    coercible: bool = False

    def of(self, tag: int, creator: str) -> "_Place":
        name = f"({tag >> 16:04X},{tag & 0xFFFF:04X}" + (f' "{creator}")' if creator else ")")
        return self._replace(path=self.path + name, coercible=self.coercible or (self.depth == 0 and tag in COERCIBLE))

    def item(self, number: int) -> "_Place":
        return self._replace(path=f"{self.path}[{number}]")

    def within(self) -> "_Place":
        return self._replace(path=f"{self.path}.", depth=self.depth + 1)


_Steps: TypeAlias = "Iterator[Difference | Pixels | _Steps]"
"""What a comparison finds; in place of recursion, it yields an iterator over what it finds one level down."""


def compare(
    first: memoryview | bytes,
    first_syntax: str,
    second: memoryview | bytes,
    second_syntax: str,
    limits: Limits | None = None,
) -> Comparison:
    """Compare a stored Data Set with another one of the same SOP Instance UID. Never raises, whatever the bytes.

    Both are as they were received, without File Meta Information; still deflated if that is their Transfer Syntax.
    ``limits`` bound the walk over each. If either cannot be walked to its end, the answer has no differences, and its
    pixels are UNREADABLE.
    """
    limits = limits or Limits()
    one, two = top_level(first, first_syntax, limits), top_level(second, second_syntax, limits)
    if one is None or two is None:
        return Comparison((), Pixels.UNREADABLE, first_syntax, second_syntax)
    recorded: list[Difference] = []
    room = {True: MOST_RECORDED, False: MOST_RECORDED}
    omitted = 0
    verdicts = set()
    for found in _flat(_compare_levels(one, two, _Place())):
        if isinstance(found, Pixels):
            verdicts.add(found)
        elif room[found.coercible]:
            room[found.coercible] -= 1
            recorded.append(found)
        else:
            omitted += 1
    pixels = next((verdict for verdict in _DECISIVE if verdict in verdicts), Pixels.EQUAL)
    return Comparison(tuple(recorded), pixels, first_syntax, second_syntax, omitted)


def _flat(steps: _Steps) -> Iterator[Difference | Pixels]:
    """Yield what nested iterators find, in their order and without recursion."""
    pending = [steps]
    while pending:
        step = next(pending[-1], None)
        if step is None:
            pending.pop()
        elif isinstance(step, Difference | Pixels):
            yield step
        else:
            pending.append(step)


def _compare_levels(first: Level, second: Level, place: _Place) -> _Steps:
    """Compare two Data Sets, or two Items."""
    ours, theirs = first.by_key(), second.by_key()
    likeness = _likeness(first, second)
    for key in sorted(ours.keys() | theirs.keys()):
        tag = ours.get(key) or theirs[key]
        here = place.of(tag, key.creator)
        one = Attribute(first, first.elements[ours[key]]) if key in ours else None
        two = Attribute(second, second.elements[theirs[key]]) if key in theirs else None
        if likeness and tag == t.PIXEL_DATA:
            yield from _pixel_data(here, likeness.pixels, one, two)
        elif not likeness or tag not in likeness.reworded:
            yield from _compare_attributes(here, tag, one, two)


def _likeness(first: Level, second: Level) -> Likeness | None:
    """Compare the Pixel Data; None unless both have any."""
    sources = []
    for level in (first, second):
        span = level.elements.get(t.PIXEL_DATA)
        if span is None or span.items is not None:
            return None
        sources.append(Source(level.data, level.elements, level.little, level.transfer_syntax))
    return compare_pixels(*sources)


def _pixel_data(here: _Place, pixels: Pixels, one: Attribute | None, two: Attribute | None) -> _Steps:
    """Report Pixel Data: those of the instance if they certainly differ, those of an icon unless they are equal."""
    if here.depth == 0:
        yield pixels
    if pixels is Pixels.DIFFERENT or (here.depth and pixels is not Pixels.EQUAL):
        yield _difference(here, t.PIXEL_DATA, one, two)


def _compare_attributes(here: _Place, tag: int, one: Attribute | None, two: Attribute | None) -> _Steps:
    """Compare one attribute, which at least one of the two copies has."""
    if one and two:
        if one.span.items is None and two.span.items is None and _are_equal(tag, one, two):
            return
        sequence, other = (attribute.as_sequence(guess=here.depth < _DEEPEST_GUESS) for attribute in (one, two))
        if sequence and other:
            yield _compare_items(here, tag, sequence, other)
            return
    yield _difference(here, tag, one, two)
    if tag in BULK and (here.depth == 0 or tag != t.PIXEL_DATA):
        yield Pixels.DIFFERENT


def _are_equal(tag: int, one: Attribute, two: Attribute) -> bool:
    """Whether two values, neither of which is a Sequence, are the same."""
    vrs = _vr(tag, one, two), _vr(tag, two, one)
    if one.is_long or two.is_long:
        same_text = one.level.charset == two.level.charset or not canonical.is_encoded_text(*vrs)
        return same_text and one.may_be(two) and one.digest(vrs[0]) == two.digest(vrs[1])
    values = one.value(vrs[0]), two.value(vrs[1])
    return values[0] == values[1] or canonical.equal(*values)


def _compare_items(here: _Place, tag: int, one: Attribute, two: Attribute) -> _Steps:
    """Compare two Sequences, Item by Item."""
    for number, (first, second) in enumerate(zip_longest(one.items(), two.items()), 1):
        place = here.item(number)
        if first and second:
            yield _compare_levels(first, second, place.within())
        else:
            yield Difference(place.path, tag, first and "1 item", second and "1 item", place.coercible)


def _vr(tag: int, of: Attribute, beside: Attribute) -> str:
    """Return the VR of an element: its own, that in the other copy, or that of PS3.6; the first that is not UN."""
    return next((attribute.span.vr for attribute in (of, beside) if attribute.span.vr != "UN"), implied_vr(tag))


def _difference(here: _Place, tag: int, one: Attribute | None, two: Attribute | None) -> Difference:
    return Difference(here.path, tag, _shown(tag, one, two), _shown(tag, two, one), here.coercible)


def _shown(tag: int, attribute: Attribute | None, beside: Attribute | None) -> str | None:
    if attribute is None:
        return None
    if attribute.span.items is not None:
        return count(len(attribute.span.items), "item")
    if tag in BULK:
        return canonical.digest(attribute.level.pieces(attribute.span))
    vr = _vr(tag, attribute, beside or attribute)
    if attribute.is_long and not canonical.is_legible(vr):
        return attribute.digest(vr)
    return canonical.shown(attribute.value(vr))
