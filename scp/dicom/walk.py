"""The walk: one bounded, iterative pass over the encoding of a Data Set.

It finds where every data element is and proves that the Data Set is well formed: nothing reaches past the end
of what it is in, each Item and delimiter is in its place, nesting and counts stay within limits. It decodes no
values and never raises, whatever the bytes. Reading ends at the first `Defect`; what was read before is kept.

These are tolerated, because they circulate and can mean only one thing:

- delimiters of any length: it should be 0, but some write FFFFFFFF;
- a delimiter at the end of an Item or Sequence of defined length;
- elements of odd length, out of order, or there twice: the `Scan` notes them;
- Items below `UN` in explicit VR, although PS3.5 §6.2.2 has them in implicit VR;
- reserved bytes of a header that are not 0, and the VR fields that `scp.dicom.irregular` describes.

These are not: a delimiter or an Item anywhere else, the top level included; bytes after the last element.

A private Sequence of defined length, in implicit VR or as `UN`, cannot be told from any other value: it is
opaque. A standard one, written as `UN` by a system that did not know it, is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scp.dicom.defect import Defect, DefectKind
from scp.dicom.dictionary import STANDARD_VRS
from scp.dicom.element import (
    BULK_VRS,
    ITEM,
    ITEM_DELIMITER,
    LITTLE_ENDIAN_ITEM,
    NO_ELEMENT,
    SEQUENCE_DELIMITER,
    UNDEFINED,
    Header,
    Span,
    names_vr,
)
from scp.dicom.fragments import fragments, past_end, skip_fragments
from scp.dicom.layout import ExplicitVR, ImplicitVR
from scp.dicom.nesting import DataSet, Sequence
from scp.dicom.pages import PIECE, file_of, let_go
from scp.dicom.scan import Limits, Scan
from scp.dicom.syntax import EXPLICIT_LITTLE
from scp.dicom.tags import PIXEL_DATA

if TYPE_CHECKING:
    from scp.dicom.element import Buffer
    from scp.dicom.layout import Layout
    from scp.dicom.syntax import Encoding

__all__ = ["Defect", "DefectKind", "Limits", "Scan", "Span", "fragments", "walk", "walk_sequence"]

_LAYOUTS: Final[dict[tuple[bool, bool], Layout]] = {
    (True, True): ExplicitVR(little=True),
    (True, False): ExplicitVR(little=False),
    (False, True): ImplicitVR(little=True),
    (False, False): ImplicitVR(little=False),
}
_AT_ONCE: Final = 16
"""How many plain elements of a large file are read in one go: the pages of all their headers are in memory together."""
_DEFAULT: Final = Limits()


def walk(data: Buffer, syntax: Encoding, limits: Limits = _DEFAULT, start: int = 0) -> Scan:
    """Walk over a Data Set.

    Args:
        data: the Data Set, from `start` to the end; inflated, if its Transfer Syntax is deflated. Nothing is
            copied. A memoryview has to be one of bytes.
        syntax: how it is encoded.
        limits: what to stop at.
        start: where the Data Set begins; offsets in the result count from the beginning of `data`.
    """
    return _Walk(data, syntax, limits, start).run()


def walk_sequence(data: Buffer, tag: int, start: int, end: int, limits: Limits = _DEFAULT) -> Scan:
    """Walk over a value of VR `UN` as if it were a Sequence (PS3.5 §6.2.2), which becomes the only element.

    Args:
        data: what the value is in. Offsets in the result count from its beginning.
        tag: of the element.
        start: of the value.
        end: of the value.
        limits: what to stop at.
    """
    walker = _Walk(data, EXPLICIT_LITTLE, limits, start)
    walker.enter(tag, start, end)
    return walker.run()


class _Walk:
    """The state of one walk.

    `current` is the Data Set being read; between two Items, the one around their Sequence. `sequence` and
    `parent` lead from there to all Sequences and Data Sets around it, so that nesting needs no recursion.
    """

    # fmt: off
    __slots__ = ("current", "data", "defect", "done", "left", "limits", "odd",
                 "position", "repeated", "seen", "syntax", "together", "top", "unsorted")
    # fmt: on

    def __init__(self, data: Buffer, syntax: Encoding, limits: Limits, start: int) -> None:
        self.data = data
        self.syntax = syntax
        self.limits = limits
        self.left = limits.max_elements
        self.position = self.seen = start
        self.together = limits.max_elements if file_of(data) is None else _AT_ONCE
        self.top = self.current = DataSet(_LAYOUTS[syntax.explicit, syntax.little], len(data))
        self.done = False
        self.defect: Defect | None = None
        self.unsorted: int | None = None
        self.repeated: int | None = None
        self.odd: int | None = None

    def run(self) -> Scan:
        if not self.syntax.explicit and names_vr(self.data, self.position):
            self._stop(DefectKind.BAD_VR)
        while not self.done:
            self._read_run()
            self._read_next()
            if self.position - self.seen > PIECE:
                let_go(self.data)
                self.seen = self.position
        end = self.defect.offset if self.defect else self.position
        return Scan(self.top.elements, self.defect, end, self.unsorted, self.repeated, self.odd)

    def enter(self, tag: int, start: int, end: int) -> None:
        """Begin with a Sequence of VR `UN`, with nothing after it."""
        self.top.end = end
        self._enter(tag, Header("UN", start, end - start, implicit=False), end)

    def _read_run(self) -> None:
        """Read plain elements of the current Data Set, as many as follow."""
        current = self.current
        elements = current.elements
        before = len(elements)
        self.position, current.last, odd = current.layout.read_run(
            self.data, self.position, current.end, current.last, min(self.left, self.together), elements
        )
        self.left -= len(elements) - before
        if odd & 1 and self.odd is None:
            self.odd = next(tag for tag, span in elements.items() if span.length & 1 and span.items is None)

    def _read_next(self) -> None:
        """Read what is not plain: an element, a delimiter, or the end of the current Data Set."""
        current, position = self.current, self.position
        if position == current.end:
            self._leave(current)
            return
        if not any(self.data[position : min(position + 8, current.end)]):
            self._stop(DefectKind.TRAILING)
            return
        if position + 8 > current.end:
            self._stop(self._past_end(position + 8))
            return
        group, element, _ = current.layout.unpack(self.data, position)
        tag = group << 16 | element
        if tag >= NO_ELEMENT:
            self._read_delimiter(current, tag)
        elif self.left == 0:
            self._stop(DefectKind.TOO_MANY_ELEMENTS, tag)
        else:
            nested = current.sequence is not None
            header = current.layout.read_header(self.data, position, current.end, nested=nested)
            if header is None:
                self._stop(DefectKind.BAD_VR, tag)
            else:
                self._read_element(tag, header)

    def _read_element(self, tag: int, header: Header) -> None:
        current = self.current
        self.left -= 1
        if header.length == UNDEFINED:
            if header.vr in BULK_VRS or (header.vr == "UN" and tag == PIXEL_DATA):
                self._read_fragments(tag, header)
            elif header.vr in ("SQ", "UN"):
                self._enter(tag, header, current.end)
            else:
                self._stop(DefectKind.UNDEFINED_LENGTH, tag)
            return
        following = header.offset + header.length
        if following > current.end:
            self._stop(self._past_end(following), tag)
        elif header.vr == "SQ" or (header.vr == "UN" and self._is_sequence(tag, header)):
            self._enter(tag, header, following)
        else:
            self._store(current, tag, Span(header.vr, header.offset, header.length))
            self.position = following

    def _is_sequence(self, tag: int, header: Header) -> bool:
        """Tell whether a value of VR `UN` and defined length is that of a standard Sequence."""
        first = bytes(self.data[header.offset : header.offset + min(header.length, 4)])
        return first == LITTLE_ENDIAN_ITEM and STANDARD_VRS.get(tag) == "SQ"

    def _enter(self, tag: int, header: Header, end: int) -> None:
        """Begin to read a Sequence, which has to end at `end` at the latest."""
        current = self.current
        sequence = Sequence(current, tag, header, end, _LAYOUTS[not header.implicit, current.layout.little])
        if header.vr == "UN":
            sequence.layout = _LAYOUTS[False, True]
        if sequence.depth > self.limits.max_depth:
            self._stop(DefectKind.TOO_DEEP, tag)
            return
        self.position = header.offset
        self._read_item(sequence)

    def _read_item(self, sequence: Sequence) -> None:
        """Begin to read the next Item of a Sequence, or end the Sequence."""
        position = self.position
        if position == sequence.end:
            if sequence.delimited:
                self._stop(DefectKind.MISSING_DELIMITER, sequence=sequence)
            else:
                self._close(sequence)
            return
        if position + 8 > sequence.end:
            self._stop(self._past_end(position + 8), sequence=sequence)
            return
        group, element, length = sequence.layout.unpack(self.data, position)
        tag = group << 16 | element
        value = position + 8
        end = sequence.end if length == UNDEFINED else value + length
        if tag == SEQUENCE_DELIMITER and (sequence.delimited or value == sequence.end):
            self._close(sequence)
            self.position = value
        elif tag != ITEM:
            self._stop(DefectKind.BAD_ITEM, sequence=sequence)
        elif end > sequence.end:
            self._stop(self._past_end(end), sequence=sequence)
        elif self.left == 0:
            self._stop(DefectKind.TOO_MANY_ELEMENTS, sequence=sequence)
        else:
            self.left -= 1
            self.position = value
            layout = sequence.layout
            if self.syntax.explicit and not layout.explicit and names_vr(self.data, value):
                layout = _LAYOUTS[True, layout.little]
            self.current = DataSet(layout, end, sequence, delimited=length == UNDEFINED)
            sequence.items.append(self.current.elements)

    def _read_delimiter(self, current: DataSet, tag: int) -> None:
        """Read what is no element where one belongs: an Item Delimitation Item, or else a defect."""
        sequence = current.sequence
        following = self.position + 8
        if tag == ITEM_DELIMITER and sequence and (current.delimited or following == current.end):
            self.position = following
            self.current = sequence.parent
            self._read_item(sequence)
        else:
            self._stop(DefectKind.BAD_DELIMITER, tag)

    def _leave(self, current: DataSet) -> None:
        """End the Data Set or Item whose last byte has been read."""
        sequence = current.sequence
        if sequence is None:
            self.done = True
        elif current.delimited:
            self._stop(DefectKind.MISSING_DELIMITER, sequence=sequence)
        else:
            self.current = sequence.parent
            self._read_item(sequence)

    def _close(self, sequence: Sequence) -> None:
        """Keep what was read of a Sequence."""
        header = sequence.header
        span = Span(header.vr, header.offset, self.position - header.offset, tuple(sequence.items))
        self._store(sequence.parent, sequence.tag, span)

    def _read_fragments(self, tag: int, header: Header) -> None:
        """Read a value that consists of fragments, up to its delimiter (PS3.5 §A.4)."""
        if tag == PIXEL_DATA and not self.syntax.encapsulated:
            self._stop(DefectKind.UNDEFINED_LENGTH, tag)
            return
        current = self.current
        position, count, fault = skip_fragments(
            self.data, header.offset, current.end, self.limits.max_fragments, little=current.layout.little
        )
        self._store(current, tag, Span(header.vr, header.offset, position - header.offset, None, count))
        self.position = position
        if fault:
            self._stop(fault, tag)
        else:
            self.position += 8

    def _store(self, data_set: DataSet, tag: int, span: Span) -> None:
        elements = data_set.elements
        if data_set.sequence is None:
            if tag <= data_set.last and elements and self.unsorted is None:
                self.unsorted = tag
            if tag in elements and self.repeated is None:
                self.repeated = tag
        if span.length & 1 and span.items is None and self.odd is None:
            self.odd = tag
        data_set.last = max(data_set.last, tag)
        elements[tag] = span

    def _past_end(self, needed: int) -> DefectKind:
        return past_end(self.data, needed)

    def _stop(self, kind: DefectKind, tag: int | None = None, *, sequence: Sequence | None = None) -> None:
        """End the walk with a defect at the current position, and keep what was read of the Sequences around.

        Args:
            kind: of the defect.
            tag: of the element of the current Data Set that is at fault, if it is known.
            sequence: the Sequence, if one of its Items or delimiters is at fault rather than an element.
        """
        where = sequence.parent if sequence else self.current
        self.defect = Defect(kind, self.position, sequence.tag if sequence else tag, where.path())
        self.done = True
        begun = sequence or self.current.sequence
        while begun:
            self._close(begun)
            begun = begun.parent.sequence
