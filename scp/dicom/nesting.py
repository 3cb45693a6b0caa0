"""The state of a walk: Data Sets and Sequences, each linked to what contains it, so that no recursion is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scp.dicom.element import UNDEFINED

if TYPE_CHECKING:
    from scp.dicom.element import Elements, Header
    from scp.dicom.layout import Layout


class DataSet:
    """A Data Set that is being read: the one that is walked, or an Item.

    Attributes:
        elements: what was read of it.
        last: the greatest tag in it.
        layout: of its elements.
        end: where it ends or, if it is delimited, where it has to end at the latest.
        delimited: it is an Item of undefined length.
        sequence: the Sequence whose Item it is; None at the top level.
    """

    __slots__ = ("delimited", "elements", "end", "last", "layout", "sequence")

    def __init__(self, layout: Layout, end: int, sequence: Sequence | None = None, *, delimited: bool = False) -> None:
        self.elements: Elements = {}
        self.last = 0
        self.layout = layout
        self.end = end
        self.sequence = sequence
        self.delimited = delimited

    def path(self) -> tuple[tuple[int, int], ...]:
        """Return, for each Sequence around this Data Set, its tag and the number of the Item; outermost first."""
        steps = []
        sequence = self.sequence
        while sequence:
            steps.append((sequence.tag, len(sequence.items) - 1))
            sequence = sequence.parent.sequence
        return tuple(reversed(steps))


class Sequence:
    """A Sequence that is being read.

    Attributes:
        parent: the Data Set that it is in.
        tag: its tag.
        header: what its header says.
        end: where it ends or, if it is delimited, where it has to end at the latest.
        delimited: it has undefined length.
        layout: of its Items and delimiters, and of the elements in its Items.
        depth: how many Sequences are around its Items.
        items: what was read of them.
    """

    __slots__ = ("delimited", "depth", "end", "header", "items", "layout", "parent", "tag")

    def __init__(self, parent: DataSet, tag: int, header: Header, end: int, layout: Layout) -> None:
        self.parent = parent
        self.tag = tag
        self.header = header
        self.end = end
        self.delimited = header.length == UNDEFINED
        self.layout = layout
        self.depth: int = parent.sequence.depth + 1 if parent.sequence else 1
        self.items: list[Elements] = []
